//! AMX: eight registers of 16 rows of 64 bytes, and products of them.
//!
//! Stable Rust has no intrinsics for them, and no compiler keeps anything in them: instructions are
//! written out, and values stay where they were put. Registers 0 to 3 have sums, 4 and 5 weights, 6
//! and 7 activations.

use crate::isa::Amx;
use crate::isa::tiles::{PAIRS, Square, Tiles, holds};
use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;
use std::sync::OnceLock;

impl Amx {
    /// Whether the CPU has tile registers and products of bfloat16, and the operating system lets
    /// this process have them.
    pub(crate) fn granted() -> bool {
        static GRANTED: OnceLock<bool> = OnceLock::new();
        *GRANTED.get_or_init(|| has_tiles() && ask_for_tiles())
    }

    /// The tile registers of this thread, all sums zero, until they are dropped: a thread has them
    /// once at a time.
    #[must_use]
    #[inline(always)]
    pub fn tiles(self) -> Registers {
        /// All eight registers of 16 rows of 64 bytes: palette 1, bytes of a row, rows.
        static SHAPES: Shapes = {
            let mut shapes = [0; 64];
            shapes[0] = 1;
            let mut register = 0;
            while register < 8 {
                shapes[16 + 2 * register] = 64;
                shapes[48 + register] = 16;
                register += 1;
            }
            Shapes(shapes)
        };
        let mut others = Shapes([0; 64]);
        // SAFETY: 64 bytes are written, then 64 of a valid configuration read; there is a token only
        // where the process may use tile registers.
        unsafe {
            asm!(
                "sttilecfg [{others}]",
                "ldtilecfg [{shapes}]",
                others = in(reg) others.0.as_mut_ptr(),
                shapes = in(reg) SHAPES.0.as_ptr(),
                options(nostack, preserves_flags),
            );
        }
        Registers { others, of_this_thread: PhantomData }
    }
}

/// Whether CPUID knows of tile registers and of products of bfloat16 (leaf 7, EDX, bits 24 and 22).
fn has_tiles() -> bool {
    const BITS: u32 = 1 << 24 | 1 << 22;
    let most = __cpuid_count(0, 0).eax;
    most >= 7 && __cpuid_count(7, 0).edx & BITS == BITS
}

/// Linux keeps the eight kilobytes of a thread's tile registers only for processes that ask, and
/// refuses where they could not be kept: an old kernel, or a signal stack that is too small.
#[cfg(target_os = "linux")]
fn ask_for_tiles() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: the call takes two numbers, and no memory of this process.
    let refused =
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) };
    refused == 0
}

/// Other systems are not asked: there was none to try it on.
#[cfg(not(target_os = "linux"))]
fn ask_for_tiles() -> bool {
    false
}

/// What `ldtilecfg` takes.
#[derive(Debug)]
#[repr(align(64))]
struct Shapes([u8; 64]);

/// The tile registers of a thread. When dropped they get the shapes that they had before: other
/// libraries in the process may set theirs once. Where there were none they are given back, because a
/// thread with registers in use has more to save when it is interrupted.
#[derive(Debug)]
pub struct Registers {
    others: Shapes,
    of_this_thread: PhantomData<*const ()>,
}

impl Drop for Registers {
    #[inline(always)]
    fn drop(&mut self) {
        let palette = self.others.0[0];
        if palette == 0 {
            // SAFETY: there was a token, so the process may use tile registers.
            unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) }
        } else {
            // SAFETY: the configuration is one that the CPU had.
            unsafe {
                asm!(
                    "ldtilecfg [{others}]",
                    others = in(reg) self.others.0.as_ptr(),
                    options(nostack, preserves_flags, readonly),
                );
            }
        }
    }
}

impl Tiles for Registers {
    #[inline(always)]
    fn zero(&mut self) {
        // SAFETY: `self` has configured the registers; no memory is touched.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                options(nomem, nostack, preserves_flags),
            );
        }
    }

    #[inline(always)]
    fn resume(&mut self, from: &Square) {
        // SAFETY: `self` has configured the registers: each load reads 64 bytes of 16 rows, 128 bytes
        // apart, and the four of them the 32 rows of `from`.
        unsafe {
            asm!(
                "tileloadd tmm0, [{from} + {row}*1]",
                "tileloadd tmm1, [{from} + {row}*1 + 64]",
                "tileloadd tmm2, [{from} + {row}*1 + 2048]",
                "tileloadd tmm3, [{from} + {row}*1 + 2112]",
                from = in(reg) from.0.as_ptr(),
                row = in(reg) 128_usize,
                options(readonly, nostack, preserves_flags),
            );
        }
    }

    #[inline(always)]
    fn add_products(&mut self, rows: [&[u8]; 2], stride: usize, pairs: &[u8; PAIRS]) {
        assert!(holds(rows[0], stride) && holds(rows[1], stride), "rows outside of the slices");
        // SAFETY: `self` has configured the registers: each load reads 16 times 64 bytes, those of
        // weights `stride` bytes apart, within the slices as asserted, those of activations every
        // other 64 bytes of `pairs`.
        unsafe {
            asm!(
                "tileloadd tmm6, [{pairs} + {line}*2]",
                "tileloadd tmm4, [{first} + {stride}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{pairs} + {line}*2 + 64]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{second} + {stride}*1]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                first = in(reg) rows[0].as_ptr(),
                second = in(reg) rows[1].as_ptr(),
                stride = in(reg) stride,
                pairs = in(reg) pairs.as_ptr(),
                line = in(reg) 64_usize,
                options(readonly, nostack, preserves_flags),
            );
        }
    }

    #[inline(always)]
    fn sums(&self, to: &mut Square) {
        // SAFETY: `self` has configured the registers: each store writes 64 bytes of 16 rows, 128
        // bytes apart, and the four of them the 32 rows of `to`.
        unsafe {
            asm!(
                "tilestored [{to} + {row}*1], tmm0",
                "tilestored [{to} + {row}*1 + 64], tmm1",
                "tilestored [{to} + {row}*1 + 2048], tmm2",
                "tilestored [{to} + {row}*1 + 2112], tmm3",
                to = in(reg) to.0.as_mut_ptr(),
                row = in(reg) 128_usize,
                options(nostack, preserves_flags),
            );
        }
    }
}
