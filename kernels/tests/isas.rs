//! Every operation of every instruction set against its meaning in plain Rust, and the choice of
//! an instruction set by name.

mod naive;

use kernels::format::{counts_signed, together};
use kernels::gemm;
use kernels::isa::tiles::{PAIRS, ROWS};
use kernels::isa::{self, Fields, Isa, Kept, Lanes, PlainTiles, Rows, Scalar, Shift, Spots};
use kernels::isa::{Square, Tiles};
use kernels::{Numerics, Plan, Problem, Selection, formats};
use naive::Rng;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;

/// Operands, the same for an instruction set and for plain Rust.
#[derive(Clone, Debug)]
struct Input {
    rng: Rng,
    case: usize,
}

impl Input {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| match self.case % 3 {
            0 => [0x00, 0xFF, 0x80, 0x7F, 0x01][self.rng.range(0, 5)],
            _ => self.rng.byte(),
        })
    }

    /// Bytes and a place in them that leaves `len` behind it; sometimes nothing more.
    fn window(&mut self, len: usize) -> (Vec<u8>, usize) {
        let (before, after) = (self.rng.range(0, 70), self.rng.range(0, 3));
        (self.bytes::<512>()[..before + len + after].to_vec(), before)
    }

    /// Indices below `end`.
    fn index<const N: usize>(&mut self, end: usize) -> [u8; N] {
        std::array::from_fn(|_| self.rng.range(0, end) as u8)
    }

    fn quants<const N: usize>(&mut self) -> [i8; N] {
        std::array::from_fn(|_| match self.case % 3 {
            0 => [-127, 0, 127][self.rng.range(0, 3)],
            _ => (self.rng.range(0, 255) as i16 - 127) as i8,
        })
    }

    fn float(&mut self) -> f32 {
        const EXTREMES: [f32; 12] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            f32::from_bits(0x807F_FFFF),
            f32::MAX,
            f32::MIN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
        ];
        match self.case % 3 {
            0 => EXTREMES[self.rng.range(0, EXTREMES.len())],
            1 => f32::from_bits(self.rng.u64() as u32),
            _ => self.rng.normal(),
        }
    }

    fn floats<const N: usize>(&mut self) -> [f32; N] {
        std::array::from_fn(|_| self.float())
    }

    fn register<I: Isa>(&mut self, isa: I) -> I::Bytes {
        isa.load(&self.bytes::<64>(), 0)
    }

    fn numbers<I: Isa>(&mut self, isa: I) -> I::F32 {
        isa.load_f32(&self.floats::<16>(), 0)
    }

    fn groups<I: Isa>(&mut self, isa: I) -> I::Groups {
        isa.g_load(&self.floats::<16>(), 0)
    }

    fn small<I: Isa>(&mut self, isa: I) -> I::Small {
        isa.s_load(&self.bytes::<16>(), 0)
    }

    fn bits(&mut self) -> u32 {
        self.rng.range(0, 17) as u32
    }

    fn shift(&mut self) -> Shift {
        let counts: [i8; 64] = std::array::from_fn(|_| self.rng.range(0, 15) as i8 - 7);
        Shift::new(&counts)
    }

    /// A bound on codes, and codes within it.
    fn codes<const N: usize>(&mut self) -> (u32, [u8; N]) {
        let most = CODE_MAXIMA[self.rng.range(0, CODE_MAXIMA.len())];
        let codes = std::array::from_fn(|_| match self.case % 3 {
            0 => most as u8,
            _ => self.rng.range(0, most as usize + 1) as u8,
        });
        (most, codes)
    }

    /// Elements of `BYTES` bytes in ascending order in a span; in some cases near each other, in
    /// some so far apart that no three windows hold them.
    fn spots<const N: usize, const BYTES: usize>(&mut self) -> (Vec<u8>, Spots) {
        let span = [20, 64, 100, 150, 210, 288, 400][self.rng.range(0, 7)];
        let mut places: [usize; N] = std::array::from_fn(|_| self.rng.range(0, span - BYTES + 1));
        places.sort_unstable();
        (self.bytes::<400>()[..span].to_vec(), Spots::new::<N, BYTES>(places, span))
    }
}

/// One bound of each class of code, and the bounds of the formats at its edges.
const CODE_MAXIMA: [u32; 8] = [3, 15, 31, 63, 127, 128, 240, 255];

/// What operations gave.
#[derive(Debug, Default)]
struct Seen {
    /// To the bit.
    bits: Vec<u8>,
    /// To the bit, but a NaN is a NaN.
    exact: Vec<f32>,
    /// To the last place: plain Rust rounds these twice.
    fused: Vec<f32>,
}

impl Seen {
    fn bytes<I: Isa>(&mut self, isa: I, v: I::Bytes) {
        let mut to = [0; 64];
        isa.store(v, &mut to, 0);
        self.bits.extend(&to[..I::LANES]);
    }

    fn lanes<I: Isa>(isa: I, v: I::F32) -> Vec<f32> {
        let mut to = [0.0; 16];
        isa.store_f32(v, &mut to, 0);
        to[..I::LANES / 4].to_vec()
    }

    /// Floats that were only moved.
    fn moved<I: Isa>(&mut self, isa: I, v: I::F32) {
        self.bits.extend(Self::lanes(isa, v).iter().flat_map(|lane| lane.to_bits().to_le_bytes()));
    }

    fn floats<I: Isa>(&mut self, isa: I, v: I::F32) {
        self.exact.extend(Self::lanes(isa, v));
    }

    fn sums<I: Isa>(&mut self, isa: I, v: I::I32) {
        self.floats(isa, isa.to_f32(v));
    }

    fn group_lanes<I: Isa>(isa: I, v: I::Groups) -> [f32; 16] {
        let mut to = [0.0; 16];
        isa.g_store(v, &mut to, 0);
        to
    }

    fn moved_groups<I: Isa>(&mut self, isa: I, v: I::Groups) {
        let lanes = Self::group_lanes(isa, v);
        self.bits.extend(lanes.iter().flat_map(|lane| lane.to_bits().to_le_bytes()));
    }

    fn groups<I: Isa>(&mut self, isa: I, v: I::Groups) {
        self.exact.extend(Self::group_lanes(isa, v));
    }

    fn small<I: Isa>(&mut self, isa: I, v: I::Small) {
        self.groups(isa, isa.g_u8(v));
    }

    fn assert_equal(&self, want: &Self, what: &str) {
        assert_eq!(self.bits, want.bits, "{what}");
        let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert_eq!(self.exact.len(), want.exact.len(), "{what}");
        for (n, (a, b)) in self.exact.iter().zip(&want.exact).enumerate() {
            assert!(same(*a, *b), "{what}, lane {n}: {a:e} is not {b:e}");
        }
        assert_eq!(self.fused.len(), want.fused.len(), "{what}");
        for (n, (a, b)) in self.fused.iter().zip(&want.fused).enumerate() {
            // Bits of floats of one sign are in the order of the floats.
            let apart = a.to_bits().abs_diff(b.to_bits());
            assert!(same(*a, *b) || apart <= 1, "{what}, lane {n}: {a:e} is not {b:e}");
        }
    }
}

type Operation<I> = (&'static str, fn(I, &mut Input, &mut Seen));

/// Each operation once, by its name in the trait: what it is given and what is seen of it.
macro_rules! operations {
    ($($name:ident($isa:ident, $input:ident, $seen:ident) $body:block)*) => {
        fn operations<I: Isa>() -> Vec<Operation<I>> {
            vec![$((stringify!($name), |$isa: I, $input: &mut Input, $seen: &mut Seen| $body)),*]
        }
    };
}

operations! {
    load(isa, input, seen) {
        let (from, at) = input.window(I::LANES);
        seen.bytes(isa, isa.load(&from, at));
    }
    load_prefix(isa, input, seen) {
        let len = 1 + input.case % (I::LANES - 1);
        let from = input.bytes::<64>();
        seen.bytes(isa, isa.load_prefix(&from[..len]));
    }
    load_halves(isa, input, seen) {
        let (from, at) = input.window(I::LANES);
        let low = input.rng.range(0, at + I::LANES / 2);
        seen.bytes(isa, isa.load_halves(&from, low, at));
        seen.bytes(isa, isa.load_halves(&from, at, low));
    }
    load_i8(isa, input, seen) {
        let at = input.rng.range(0, 65);
        seen.bytes(isa, isa.load_i8(&input.quants::<128>(), at));
    }
    quad(isa, input, seen) {
        let at = input.rng.range(0, 29);
        seen.bytes(isa, isa.quad(&input.quants::<32>(), at));
    }
    store(isa, input, seen) {
        let (mut to, at) = input.window(I::LANES);
        let v = input.register(isa);
        isa.store(v, &mut to, at);
        seen.bits.extend(to);
    }
    splat_u8(isa, input, seen) {
        seen.bytes(isa, isa.splat_u8(input.rng.byte()));
    }
    permute(isa, input, seen) {
        let v = input.register(isa);
        seen.bytes(isa, isa.permute(v, &input.index::<64>(256)));
    }
    permute2(isa, input, seen) {
        let (a, b) = (input.register(isa), input.register(isa));
        seen.bytes(isa, isa.permute2(a, b, &input.index::<64>(256)));
    }
    shuffle(isa, input, seen) {
        let v = input.register(isa);
        seen.bytes(isa, isa.shuffle(v, &input.index::<64>(16)));
        // Those with the high bit give zero, whatever else they say.
        let index = input.index::<64>(16).map(|at| if at % 3 == 0 { at | 0x80 } else { at });
        seen.bytes(isa, isa.shuffle(v, &index));
    }
    lookup(isa, input, seen) {
        let v = input.register(isa);
        seen.bytes(isa, isa.lookup(v, &input.bytes()));
    }
    and(isa, input, seen) {
        let (a, b) = (input.register(isa), input.register(isa));
        seen.bytes(isa, isa.and(a, b));
    }
    or(isa, input, seen) {
        let (a, b) = (input.register(isa), input.register(isa));
        seen.bytes(isa, isa.or(a, b));
    }
    xor(isa, input, seen) {
        let (a, b) = (input.register(isa), input.register(isa));
        seen.bytes(isa, isa.xor(a, b));
    }
    shr(isa, input, seen) {
        let v = input.register(isa);
        seen.bytes(isa, isa.shr(v, input.bits()));
    }
    shl(isa, input, seen) {
        let v = input.register(isa);
        seen.bytes(isa, isa.shl(v, input.bits()));
    }
    shift_dwords(isa, input, seen) {
        let counts: [u8; 16] = input.index(8);
        let counts: [i8; 64] = std::array::from_fn(|n| counts[n / 4] as i8);
        let v = input.register(isa);
        seen.bytes(isa, isa.shift_dwords(v, &Shift::new(&counts)));
    }
    shift_bytes(isa, input, seen) {
        let v = input.register(isa);
        seen.bytes(isa, isa.shift_bytes(v, &input.shift()));
    }
    fields(isa, input, seen) {
        let (counts, v) = (input.shift().counts, input.register(isa));
        let fields = std::array::from_fn(|n| (counts[n], input.rng.byte()));
        seen.bytes(isa, isa.fields(v, &Fields::new(fields)));
    }
    test_bits(isa, input, seen) {
        let v = input.register(isa);
        let bits = input.index::<64>(8).map(|bit| 1 << bit);
        seen.bytes(isa, isa.test_bits(v, &bits, input.rng.byte()));
        seen.bytes(isa, isa.test_bits(v, &input.bytes::<64>(), 0xFF));
    }
    splat_i32(isa, input, seen) {
        seen.sums(isa, isa.splat_i32(input.rng.u64() as i32));
        seen.sums(isa, isa.splat_i32([i32::MIN, i32::MAX, 0, -1][input.case % 4]));
    }
    dot(isa, input, seen) {
        // Below 2^24, so that a float shows every bit.
        let start = input.rng.range(0, 1 << 23) as i32 - (1 << 22);
        let (most, codes) = input.codes::<64>();
        let (codes, quants) = (isa.load(&codes, 0), isa.load_i8(&input.quants::<64>(), 0));
        seen.sums(isa, isa.dot(isa.splat_i32(start), codes, quants, most));
    }
    dot_signed(isa, input, seen) {
        let start = input.rng.range(0, 1 << 23) as i32 - (1 << 22);
        let codes = isa.load(&input.bytes::<64>(), 0);
        let quants = isa.load_i8(&input.quants::<64>(), 0);
        seen.sums(isa, isa.dot_signed(isa.splat_i32(start), codes, quants));
    }
    pairs(isa, input, seen) {
        let (codes, quants) = (input.bytes::<64>(), input.quants::<64>());
        seen.bytes(isa, isa.pairs(isa.load(&codes, 0), isa.load_i8(&quants, 0)));
    }
    add_pairs(isa, input, seen) {
        let (a, b) = (input.register(isa), input.register(isa));
        seen.bytes(isa, isa.add_pairs(a, b));
    }
    sum_pairs(isa, input, seen) {
        let start = input.rng.range(0, 1 << 23) as i32 - (1 << 22);
        let pairs = input.register(isa);
        seen.sums(isa, isa.sum_pairs(isa.splat_i32(start), pairs));
    }
    pairs_in_turn(isa, input, seen) {
        let pairs = input.register(isa);
        seen.bytes(isa, isa.pairs_in_turn(pairs));
    }
    g_keep(isa, input, seen) {
        let v = input.groups(isa);
        let mut kept = Kept::ROOM;
        isa.g_keep(v, &mut kept);
        for first in [0, 8] {
            seen.moved(isa, isa.spread(&kept, (first, 1), 8));
        }
    }
    sub_i32(isa, input, seen) {
        let [a, b] = [(); 2].map(|()| input.rng.range(0, 1 << 23) as i32 - (1 << 22));
        seen.sums(isa, isa.sub_i32(isa.splat_i32(a), isa.splat_i32(b)));
    }
    to_f32(isa, input, seen) {
        // Rounded half to even where a float has too few bits.
        for odd in [0, 1, 2, 3] {
            let near = (1 << 25) + input.rng.range(0, 1 << 25) as i32 / 4 * 4 + odd;
            seen.sums(isa, isa.splat_i32(near));
            seen.sums(isa, isa.splat_i32(-near));
        }
    }
    in_turn(isa, input, seen) {
        seen.sums(isa, isa.in_turn(isa.splat_i32(input.rng.range(0, 1 << 23) as i32)));
    }
    as_f32(isa, input, seen) {
        for bits in [0, 1, -1, i32::MIN, input.rng.range(0, 1 << 31) as i32] {
            seen.moved(isa, isa.as_f32(isa.splat_i32(bits)));
        }
    }
    splat(isa, input, seen) {
        seen.moved(isa, isa.splat(input.float()));
    }
    load_f32(isa, input, seen) {
        let at = input.rng.range(0, 17);
        seen.moved(isa, isa.load_f32(&input.floats::<32>(), at));
    }
    store_f32(isa, input, seen) {
        let (mut to, at) = ([7.0; 32], input.rng.range(0, 17));
        let v = input.numbers(isa);
        isa.store_f32(v, &mut to, at);
        seen.bits.extend(to.iter().flat_map(|lane| lane.to_bits().to_le_bytes()));
    }
    add(isa, input, seen) {
        let (a, b) = (input.numbers(isa), input.numbers(isa));
        seen.floats(isa, isa.add(a, b));
    }
    mul(isa, input, seen) {
        let (a, b) = (input.numbers(isa), input.numbers(isa));
        seen.floats(isa, isa.mul(a, b));
    }
    fma(isa, input, seen) {
        let (a, b, c) = (input.numbers(isa), input.numbers(isa), input.numbers(isa));
        seen.fused.extend(Seen::lanes(isa, isa.fma(a, b, c)));
    }
    sum(isa, input, seen) {
        let v = input.numbers(isa);
        seen.exact.push(isa.sum(v));
    }
    of_bf16(isa, input, seen) {
        let (from, at) = input.window(I::LANES);
        isa.of_bf16(isa.f32s(&from, at)).into_iter().for_each(|half| seen.moved(isa, half));
    }
    widen(isa, input, seen) {
        let v = input.register(isa);
        (0..4).for_each(|part| seen.floats(isa, isa.widen(v, part)));
    }
    f32s(isa, input, seen) {
        let (from, at) = input.window(I::LANES);
        seen.moved(isa, isa.f32s(&from, at));
    }
    f16s(isa, input, seen) {
        let (from, at) = input.window(I::LANES / 2);
        seen.floats(isa, isa.f16s(&from, at));
    }
    bf16s(isa, input, seen) {
        let (from, at) = input.window(I::LANES / 2);
        seen.floats(isa, isa.bf16s(&from, at));
    }
    dwords(isa, input, seen) {
        let (count, reach) = (I::LANES / 4, input.rng.range(16, 40));
        let (stride, at) = (input.rng.range(0, 50), input.rng.range(0, reach - 15));
        let from = &input.bytes::<1024>()[..reach + (count - 1) * stride];
        let rows = Rows::new(from, stride, (count, reach)).expect("room for all rows");
        isa.dwords(&rows, at).into_iter().for_each(|dwords| seen.bytes(isa, dwords));
    }
    columns(isa, input, seen) {
        let (at, stride) = (input.rng.range(0, 9), input.rng.range(I::LANES / 4, 20));
        let columns = isa.columns(&input.floats::<320>(), at, stride);
        columns[..I::LANES / 4].iter().for_each(|column| seen.moved(isa, *column));
    }
    g_splat(isa, input, seen) {
        seen.moved_groups(isa, isa.g_splat(input.float()));
    }
    g_load(isa, input, seen) {
        let at = input.rng.range(0, 17);
        seen.moved_groups(isa, isa.g_load(&input.floats::<32>(), at));
    }
    g_store(isa, input, seen) {
        let (mut to, at) = ([7.0; 32], input.rng.range(0, 17));
        let v = input.groups(isa);
        isa.g_store(v, &mut to, at);
        seen.bits.extend(to.iter().flat_map(|lane| lane.to_bits().to_le_bytes()));
    }
    g_add(isa, input, seen) {
        let (a, b) = (input.groups(isa), input.groups(isa));
        seen.groups(isa, isa.g_add(a, b));
    }
    g_sub(isa, input, seen) {
        let (a, b) = (input.groups(isa), input.groups(isa));
        seen.groups(isa, isa.g_sub(a, b));
    }
    g_mul(isa, input, seen) {
        let (a, b) = (input.groups(isa), input.groups(isa));
        seen.groups(isa, isa.g_mul(a, b));
    }
    g_fma(isa, input, seen) {
        let (a, b, c) = (input.groups(isa), input.groups(isa), input.groups(isa));
        seen.fused.extend(Seen::group_lanes(isa, isa.g_fma(a, b, c)));
    }
    g_mul_few(isa, input, seen) {
        let (a, b) = (input.groups(isa), input.groups(isa));
        seen.exact.extend(&Seen::group_lanes(isa, isa.g_mul_few(a, b))[..8]);
    }
    g_fma_few(isa, input, seen) {
        let (a, b, c) = (input.groups(isa), input.groups(isa), input.groups(isa));
        seen.fused.extend(&Seen::group_lanes(isa, isa.g_fma_few(a, b, c))[..8]);
    }
    g_first(isa, input, seen) {
        let (v, count) = (input.groups(isa), input.rng.range(1, 17));
        seen.groups(isa, isa.g_first(v, count));
    }
    g_fold(isa, input, seen) {
        let v = input.groups(isa);
        seen.floats(isa, isa.g_fold(v));
    }
    g_u8(isa, input, seen) {
        let v = every_byte(isa, input);
        seen.groups(isa, isa.g_u8(v));
    }
    g_e8m0(isa, input, seen) {
        let v = every_byte(isa, input);
        seen.groups(isa, isa.g_e8m0(v));
    }
    g_ue4m3(isa, input, seen) {
        let v = every_byte(isa, input);
        seen.groups(isa, isa.g_ue4m3(v));
    }
    g_f16s(isa, input, seen) {
        let halves: [u8; 32] = input.bytes();
        let halves = std::array::from_fn(|n| u16::from_le_bytes([halves[2 * n], halves[2 * n + 1]]));
        seen.groups(isa, isa.g_f16s(&halves));
    }
    g_f16(isa, input, seen) {
        let (from, spots) = input.spots::<16, 2>();
        seen.groups(isa, isa.g_f16(&from, &spots));
        let (from, spots) = input.spots::<5, 2>();
        seen.exact.extend(&Seen::group_lanes(isa, isa.g_f16(&from, &spots))[..5]);
        let (from, spots) = input.spots::<3, 2>();
        seen.exact.extend(&Seen::group_lanes(isa, isa.g_f16(&from, &spots))[..3]);
        let (from, spots) = input.spots::<8, 2>();
        seen.exact.extend(&Seen::group_lanes(isa, isa.g_f16(&from, &spots))[..8]);
    }
    g_f16_splat(isa, input, seen) {
        let (from, at) = input.window(2);
        seen.groups(isa, isa.g_f16_splat(&from, at));
    }
    spread(isa, input, seen) {
        let mut kept = Kept::ROOM;
        isa.g_keep(input.groups(isa), &mut kept);
        for per in [1, 2, 4, 8, 16] {
            let takes = (I::LANES / 4).div_ceil(per);
            // All lanes within one half where a register is half the groups.
            let halves = if I::LANES == 32 { vec![0, 8] } else { vec![0] };
            let room = I::LANES / 4 - takes;
            for half in halves {
                let first = half + input.rng.range(0, room + 1);
                seen.moved(isa, isa.spread(&kept, (first, 1), per));
            }
            for step in (2..4).filter(|step| step * (takes - 1) < 16) {
                let first = input.rng.range(0, 16 - step * (takes - 1));
                seen.moved(isa, isa.spread(&kept, (first, step), per));
            }
        }
    }
    s_load(isa, input, seen) {
        let (from, at) = input.window(16);
        seen.small(isa, isa.s_load(&from, at));
    }
    s_bytes(isa, input, seen) {
        let (from, spots) = input.spots::<16, 1>();
        seen.small(isa, isa.s_bytes(&from, &spots));
        let (from, spots) = input.spots::<5, 1>();
        seen.small(isa, isa.s_bytes(&from, &spots));
    }
    s_splat_u8(isa, input, seen) {
        seen.small(isa, isa.s_splat_u8(input.rng.byte()));
    }
    s_shuffle(isa, input, seen) {
        let v = input.small(isa);
        let index = input.index::<16>(16).map(|at| if at % 5 == 0 { at | 0x80 } else { at });
        seen.small(isa, isa.s_shuffle(v, &index));
    }
    s_lookup(isa, input, seen) {
        let v = isa.s_load(&input.index::<16>(16), 0);
        seen.small(isa, isa.s_lookup(v, &input.bytes()));
    }
    s_and(isa, input, seen) {
        let (a, b) = (input.small(isa), input.small(isa));
        seen.small(isa, isa.s_and(a, b));
    }
    s_or(isa, input, seen) {
        let (a, b) = (input.small(isa), input.small(isa));
        seen.small(isa, isa.s_or(a, b));
    }
    s_xor(isa, input, seen) {
        let (a, b) = (input.small(isa), input.small(isa));
        seen.small(isa, isa.s_xor(a, b));
    }
    s_shr(isa, input, seen) {
        let v = input.small(isa);
        seen.small(isa, isa.s_shr(v, input.bits()));
    }
    s_shl(isa, input, seen) {
        let v = input.small(isa);
        seen.small(isa, isa.s_shl(v, input.bits()));
    }
    s_shift_bytes(isa, input, seen) {
        let v = input.small(isa);
        seen.small(isa, isa.s_shift_bytes(v, &input.shift()));
    }
    dot_bf16(isa, input, seen) {
        // Whole numbers: sums are exact in any order. Without the instruction there is no kernel.
        let whole = |n: u64| ((n % 64) as f32 - 32.0).to_bits() >> 16;
        let mut pairs = || std::array::from_fn::<u8, 64, _>(|_| input.rng.byte());
        let bf16 = |bytes: [u8; 64]| -> Vec<u8> {
            bytes[..32].iter().flat_map(|byte| (whole((*byte).into()) as u16).to_le_bytes()).collect()
        };
        let (a, b) = (bf16(pairs()), bf16(pairs()));
        let sum = isa.splat(7.0);
        let known = isa::ISAS.iter().find(|info| info.lanes == I::LANES && I::LANES == 64);
        if known.is_none_or(|info| info.multiplies_bf16()) {
            seen.floats(isa, isa.dot_bf16(sum, isa.load(&a, 0), isa.load(&b, 0)));
        }
    }
    to_bf16(isa, input, seen) {
        // Halves between two, and all kinds of numbers but subnormals and what is not finite.
        let mut number = || {
            let bits = input.rng.u64() as u32;
            let bits = if bits.is_multiple_of(3) { bits & 0xFFFF_0000 | 0x8000 } else { bits };
            let value = f32::from_bits(bits);
            if value.is_normal() && value.abs() < 1e38 { value } else { 1.0 }
        };
        let (a, b) = (std::array::from_fn::<f32, 16, _>(|_| number()), std::array::from_fn::<f32, 16, _>(|_| number()));
        let known = isa::ISAS.iter().find(|info| info.lanes == I::LANES && I::LANES == 64);
        if known.is_none_or(|info| info.multiplies_bf16()) {
            seen.floats(isa, isa.to_bf16(isa.load_f32(&a, 0), isa.load_f32(&b, 0)));
        }
    }
    largest(isa, input, seen) {
        let largest = isa.largest(&input.floats());
        seen.bits.extend(largest.to_bits().to_le_bytes());
    }
    round(isa, input, seen) {
        // Halves, and numbers near the ends.
        let inverse = [1.0, 0.5, 1e-3, 1e30][input.rng.range(0, 4)];
        let x = std::array::from_fn(|_| match input.rng.range(0, 3) {
            0 => (input.rng.range(0, 254) as f32 - 126.5) / inverse,
            1 => [-127.0, 127.0, -0.0, 0.0][input.rng.range(0, 4)] / inverse,
            _ => (input.rng.range(0, 25_401) as f32 - 12_700.0) / 100.0 / inverse,
        });
        let mut to = [0; 32];
        isa.round(&x, inverse, &mut to);
        seen.bits.extend(to.map(i8::cast_unsigned));
    }
    sum_of(isa, input, seen) {
        let sum = isa.sum_of(&input.quants());
        seen.bits.extend(sum.to_le_bytes());
    }
    prefetch(isa, input, seen) {
        // Any address will do, and nothing is seen of it.
        isa.prefetch(std::ptr::null());
        isa.prefetch(std::ptr::without_provenance(input.rng.u64() as usize));
        isa.prefetch(seen.bits.as_ptr());
    }
    prefetch_near(isa, input, seen) {
        // Any address will do, and nothing is seen of it.
        isa.prefetch_near(std::ptr::null());
        isa.prefetch_near(std::ptr::without_provenance(input.rng.u64() as usize));
        isa.prefetch_near(seen.bits.as_ptr());
    }
}

/// Sixteen bytes in a row, all 256 of them over sixteen cases.
fn every_byte<I: Isa>(isa: I, input: &Input) -> I::Small {
    let bytes: [u8; 16] = std::array::from_fn(|n| (16 * (input.case % 16) + n) as u8);
    isa.s_load(&bytes, 0)
}

/// Every operation on random and extreme operands, against the same on arrays of the same width.
fn equals_plain_rust<I: Isa, R: Isa>(isa: I, plain: R) {
    assert_eq!(I::LANES, R::LANES);
    for (n, ((name, run), (_, meaning))) in
        operations::<I>().into_iter().zip(operations::<R>()).enumerate()
    {
        for case in 0..300 {
            let seed = 10_000 * n as u64 + case as u64;
            let input = Input { rng: Rng::new(seed), case };
            let (mut got, mut want) = (Seen::default(), Seen::default());
            run(isa, &mut input.clone(), &mut got);
            meaning(plain, &mut input.clone(), &mut want);
            got.assert_equal(&want, &format!("{name}, case {case}, {:?}", input.rng));
        }
    }
}

/// Saturation: sums of products are exact with all codes and all quants at their largest, against
/// sums written out in integers.
fn dots_are_exact<I: Isa>(isa: I) {
    let mut rng = Rng::new(0xD07);
    let mut operands = |most: u32, pattern: usize| {
        let code = |rng: &mut Rng| rng.range(0, most as usize + 1) as u8;
        let codes: [u8; 512] =
            std::array::from_fn(|_| if pattern < 4 { most as u8 } else { code(&mut rng) });
        let quants: [i8; 64] = std::array::from_fn(|n| match pattern {
            0 => 127,
            1 => -127,
            2 => [127, -127][n % 2],
            // Pairs that do not cancel, beside pairs that cancel those.
            3 => [127, 127, -127, -127][n % 4],
            _ => (rng.range(0, 255) as i16 - 127) as i8,
        });
        (codes, quants)
    };
    let lanes = |sum: I::I32| {
        let mut to = [0.0; 16];
        isa.store_f32(isa.to_f32(sum), &mut to, 0);
        to[..I::LANES / 4].to_vec()
    };
    for most in CODE_MAXIMA {
        for pattern in 0..20 {
            for start in [0, 1_234_567, -7_654_321] {
                let (codes, quants) = operands(most, pattern);
                let registers: [I::Bytes; 8] =
                    std::array::from_fn(|n| isa.load(&codes, n * I::LANES));
                let what = format!("codes up to {most}, pattern {pattern}, start {start}");
                let product =
                    |code: usize, quant: usize| i32::from(codes[code]) * i32::from(quants[quant]);

                let dot =
                    isa.dot(isa.splat_i32(start), registers[0], isa.load_i8(&quants, 0), most);
                for (lane, got) in lanes(dot).into_iter().enumerate() {
                    let sum = (4 * lane..4 * lane + 4).map(|n| product(n, n)).sum::<i32>();
                    assert_eq!(got, (start + sum) as f32, "dot, lane {lane}, {what}");
                }
                let dot =
                    isa.dot_signed(isa.splat_i32(start), registers[0], isa.load_i8(&quants, 0));
                for (lane, got) in lanes(dot).into_iter().enumerate() {
                    let signed = |n: usize| (i32::from(codes[n]) - 128) * i32::from(quants[n]);
                    let sum = (4 * lane..4 * lane + 4).map(signed).sum::<i32>();
                    assert_eq!(got, (start + sum) as f32, "dot_signed, lane {lane}, {what}");
                }
                // As many sums of 16 bits as the loops add up before they widen them.
                let fit = together(most).min(registers.len());
                let x = isa.load_i8(&quants, 0);
                let pairs = registers[..fit]
                    .iter()
                    .map(|codes| isa.pairs(*codes, x))
                    .reduce(|a, b| isa.add_pairs(a, b));
                let Some(pairs) = pairs else { continue };
                let sums = lanes(isa.sum_pairs(isa.splat_i32(start), pairs));
                for (lane, got) in sums.into_iter().enumerate() {
                    let sum: i32 = (0..4 * fit)
                        .map(|n| (n / 4 * I::LANES + 4 * lane + n % 4, 4 * lane + n % 4))
                        .map(|(code, quant)| product(code, quant))
                        .sum();
                    assert_eq!(got, (start + sum) as f32, "pairs, lane {lane}, {what}");
                }
            }
        }
    }
}

/// The tests of each instruction set: its name in the table, token, and arrays of its width.
macro_rules! instruction_sets {
    ($($name:ident: $token:ty, $lanes:literal x $sums:literal;)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        $(mod $name {
            use super::*;

            fn token() -> Option<$token> {
                let token = <$token>::detect();
                if token.is_none() {
                    eprintln!("SKIPPED: this CPU has no {}", stringify!($name));
                }
                token
            }

            #[test]
            fn every_operation_equals_plain_rust() {
                if let Some(isa) = token() {
                    equals_plain_rust(isa, Lanes::<$lanes, $sums>);
                }
            }

            #[test]
            fn dot_products_do_not_saturate() {
                if let Some(isa) = token() {
                    dots_are_exact(isa);
                }
            }
        })*
    };
}

#[cfg(target_arch = "x86_64")]
instruction_sets! {
    scalar: Scalar, 32 x 8;
    avx2: isa::Avx2, 32 x 8;
    avxvnni: isa::AvxVnni, 32 x 8;
    avx512vnni256: isa::Avx512Vnni256, 32 x 8;
    avx512vnni: isa::Avx512Vnni, 64 x 16;
}

#[cfg(not(target_arch = "x86_64"))]
instruction_sets! {
    scalar: Scalar, 32 x 8;
}

#[test]
fn wide_plain_rust_does_not_saturate_either() {
    dots_are_exact(Lanes::<64, 16>);
}

/// Instruction sets with tile registers, whose other operations are those of another one.
const TESTED_TILES: &[&str] = if cfg!(target_arch = "x86_64") { &["amx"] } else { &[] };

#[test]
fn every_instruction_set_is_tested() {
    let table: Vec<&str> = isa::ISAS.iter().map(|isa| isa.name).collect();
    assert_eq!(table, [TESTED, TESTED_TILES].concat());
}

/// What tiles make of some steps: first bfloat16 weights of 32 rows, then pairs of activations.
fn tile_sums<T: Tiles>(mut tiles: T, steps: &[([[u8; ROWS]; 2], [u8; PAIRS])]) -> Vec<f32> {
    tiles.zero();
    let mut sums = Square([f32::NAN; 1024]);
    for (n, ([first, second], pairs)) in steps.iter().enumerate() {
        if n % 2 == 1 {
            // Put aside, and taken up again.
            tiles.sums(&mut sums);
            tiles.zero();
            tiles.resume(&sums);
        }
        tiles.add_products([first, second], 64, pairs);
    }
    tiles.sums(&mut sums);
    sums.0.to_vec()
}

#[cfg(target_arch = "x86_64")]
#[test]
fn tile_registers_equal_plain_rust() {
    let Some(amx) = isa::Amx::detect() else {
        eprintln!("SKIPPED: this CPU has no amx");
        return;
    };
    let mut rng = Rng::new(0xA3);
    // Whole numbers: sums are exact in any order.
    let mut number = |kind: usize| match kind {
        0 => ((rng.range(0, 255) as f32 - 127.0).to_bits() >> 16) as u16,
        // Subnormal, and so zero.
        1 => rng.range(0, 0x80) as u16 | 0x8000,
        _ => [0x7F80, 0x7FC0, 0xFF80, 0x3F80][rng.range(0, 4)],
    };
    for case in 0..60 {
        let steps: Vec<_> = (0..case % 5)
            .map(|_| {
                // One in many is infinite or not a number.
                let mut bytes = |len: usize| -> Vec<u8> {
                    let kind =
                        |n: usize| if case % 3 == 2 && n % 301 == 7 { 2 } else { case % 3 % 2 };
                    (0..len / 2).flat_map(|n| number(kind(n)).to_le_bytes()).collect()
                };
                let rows = [(); 2].map(|()| bytes(ROWS).try_into().unwrap());
                (rows, bytes(PAIRS).try_into().unwrap())
            })
            .collect();
        let got = tile_sums(amx.tiles(), &steps);
        let want = tile_sums(PlainTiles::default(), &steps);
        for (at, (got, want)) in got.iter().zip(&want).enumerate() {
            let same = got == want || got.is_nan() && want.is_nan();
            assert!(same, "case {case}, sum {at}: {got}, not {want}");
        }
    }
}

/// Another library's shapes, which it may set once, outlive ours.
#[cfg(target_arch = "x86_64")]
#[test]
fn tile_registers_keep_the_shapes_of_others() {
    let Some(amx) = isa::Amx::detect() else {
        eprintln!("SKIPPED: this CPU has no amx");
        return;
    };
    let nothing: [([[u8; ROWS]; 2], [u8; PAIRS]); 0] = [];
    // As another library's: registers that are set while ours come and go.
    let mut others = amx.tiles();
    tile_sums(amx.tiles(), &nothing);
    // What would end the process without shapes.
    others.zero();
    let mut sums = Square([f32::NAN; 1024]);
    others.sums(&mut sums);
    assert!(sums.0.iter().all(|sum| *sum == 0.0));
}

#[test]
fn plain_tiles_add_products_of_rows_and_columns() {
    let bf16 = |value: f32| ((value.to_bits() >> 16) as u16).to_le_bytes();
    let (mut rows, mut pairs) = ([[0; ROWS]; 2], [0; PAIRS]);
    // Row 17 has 3 at k = 5, column 30 has 7 there, and column 2 has 11.
    rows[1][64 + 10..64 + 12].copy_from_slice(&bf16(3.0));
    for (column, value) in [(30, 7.0), (2, 11.0)] {
        let at = 2 * 128 + 4 * column + 2;
        pairs[at..at + 2].copy_from_slice(&bf16(value));
    }
    let sums = tile_sums(PlainTiles::default(), &[(rows, pairs), (rows, pairs)]);
    for (at, sum) in sums.into_iter().enumerate() {
        let want = match (at / 32, at % 32) {
            (17, 30) => 42.0,
            (17, 2) => 66.0,
            _ => 0.0,
        };
        assert_eq!(sum, want, "row {}, column {}", at / 32, at % 32);
    }
}

#[test]
fn every_operation_is_tested() {
    let source = include_str!("../src/isa.rs");
    let (_, rest) = source.split_once("pub trait Isa:").unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let name = |line: &str| {
        let rest = line.strip_prefix("    fn ")?;
        let end = rest.find(['(', '<'])?;
        Some(rest[..end].to_owned())
    };
    let declared: BTreeSet<String> = body.lines().filter_map(name).collect();
    let tested: BTreeSet<String> =
        operations::<Scalar>().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(tested, declared);
}

// Choice by name.

#[test]
fn instruction_sets_are_found_by_name() {
    for isa in isa::ISAS.iter().copied() {
        match isa::by_name(isa.name) {
            Ok(found) => assert!(found == isa && isa.is_supported()),
            Err(error) => {
                let message = error.to_string();
                assert!(!isa.is_supported());
                let start =
                    format!("instruction set \"{}\" is not supported by this CPU", isa.name);
                assert!(message.starts_with(&start), "{message}");
            }
        }
    }
    assert_eq!(isa::by_name("scalar"), Ok(isa::ISAS[0]));
    assert_eq!(isa::supported().first().copied(), Some(isa::best()));
}

#[test]
fn an_unknown_name_is_an_error_that_names_it_and_lists_what_there_is() {
    for name in ["avx9", "AVX2", " avx2", "avx2,fma", "scalar\0", "é"] {
        let message = isa::by_name(name).unwrap_err().to_string();
        let start = format!("instruction set \"{name}\" does not exist; this CPU has: ");
        assert!(message.starts_with(&start), "{message}");
        for isa in isa::supported() {
            assert!(message.contains(isa.name), "{message} does not list {}", isa.name);
        }
    }
}

/// What the environment makes of a plan, in a process of its own: variables are the process's.
fn chosen_under(value: impl AsRef<OsStr>) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "says_what_is_chosen", "--nocapture"])
        .env("TILEWRIGHT_ISA", value)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("chosen: "));
    line.unwrap_or_else(|| panic!("nothing chosen: {text}")).1.to_owned()
}

#[test]
#[ignore = "run by the tests of TILEWRIGHT_ISA in a process of its own"]
fn says_what_is_chosen() {
    let format = formats::by_name("Q4_K").unwrap();
    let problem = Problem { format, rows: 1, depth: 256, class: Numerics::Q8 };
    match (Plan::new(problem, &Selection::default()), isa::chosen()) {
        (Ok(plan), Ok(isa)) => {
            assert_eq!(plan.isa(), isa);
            println!("chosen: {}", isa.name);
        }
        (Err(error), Err(same)) => {
            assert!(error.to_string().ends_with(&same.to_string()));
            println!("chosen: {error}");
        }
        other => panic!("plan and choice differ: {other:?}"),
    }
}

#[test]
fn the_environment_forces_an_instruction_set() {
    for isa in isa::supported() {
        assert_eq!(chosen_under(isa.name), isa.name);
    }
}

#[test]
fn an_empty_variable_is_none() {
    assert_eq!(chosen_under(""), isa::best().name);
}

#[test]
fn a_variable_that_names_nothing_is_an_error_that_names_the_variable() {
    let message = chosen_under("avx9");
    let start = "TILEWRIGHT_ISA: instruction set \"avx9\" does not exist; this CPU has: ";
    assert!(message.starts_with(start), "{message}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_an_error_too() {
    use std::os::unix::ffi::OsStrExt;
    let message = chosen_under(OsStr::from_bytes(b"avx\xFF"));
    assert!(message.starts_with("TILEWRIGHT_ISA: instruction set \"avx\u{FFFD}\""), "{message}");
}

#[test]
fn rows_lie_within_their_bytes() {
    let bytes: Vec<u8> = (0..100).collect();
    let is_within = |stride, rows| Rows::new(&bytes, stride, rows).is_some();
    assert!(is_within(30, (4, 10)) && is_within(0, (16, 100)) && is_within(usize::MAX, (1, 100)));
    assert!(!is_within(31, (4, 10)) && !is_within(30, (4, 11)) && !is_within(0, (1, 101)));
    assert!(!is_within(usize::MAX, (2, 1)) && !is_within(1 << 63, (3, 1)));
    let rows = Rows::new(&bytes, 30, (4, 10)).unwrap();
    assert_eq!(rows.bytes(3, 8, 2), [98, 99]);
    for (r, at, len) in [(4, 0, 1), (0, 8, 3), (0, 11, 0), (0, usize::MAX, 1), (0, 1, usize::MAX)] {
        let outside = std::panic::catch_unwind(|| rows.bytes(r, at, len).len());
        assert!(outside.is_err(), "row {r}, bytes {at}, {len}");
    }
}

/// `gemm` knows a class of formats, panels know the format: they must agree on what codes count.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_format_and_its_class_count_codes_alike() {
    for most in 1..=255 {
        let class = gemm::code_class::<isa::Avx2>(most);
        assert!(class >= most);
        assert_eq!(
            counts_signed::<isa::Avx2>(class),
            counts_signed::<isa::Avx2>(most),
            "codes up to {most}, in class {class}"
        );
        // No more words are added than the largest code allows.
        assert!(together(class) <= together(most));
    }
}
