//! Buffers between pages that must not be touched: nothing is read or written past the weights,
//! the activations or the output, at either end and at any alignment. A touch kills the process.

#![cfg(unix)]

mod naive;

use kernels::{FormatInfo, IsaInfo, Numerics, Params, Plan, Pool, Problem, formats, isa};
use naive::Rng;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

/// Whole pages with an untouchable page on either side.
struct Fenced {
    /// The first page that may be touched.
    start: NonNull<u8>,
    len: usize,
    page: usize,
}

impl Fenced {
    fn new(bytes: usize) -> Self {
        // SAFETY: the call reads no memory of ours.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = usize::try_from(page).unwrap();
        let len = bytes.next_multiple_of(page).max(page);
        let (protection, flags) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping wherever there is room; it replaces none.
        let base = unsafe { libc::mmap(ptr::null_mut(), len + 2 * page, protection, flags, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        let start = base.cast::<u8>().wrapping_add(page);
        // SAFETY: these pages lie within the mapping made above, which nothing refers to yet.
        let done = unsafe { libc::mprotect(start.cast(), len, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        Self { start: NonNull::new(start).unwrap(), len, page }
    }

    /// `count` elements that end `slack` bytes before the fence.
    fn at_the_end<T: Plain>(&mut self, count: usize, slack: usize) -> &mut [T] {
        let at = self.len.checked_sub(count * size_of::<T>() + slack).expect("room for them");
        self.at(at, count)
    }

    /// `count` elements that begin right after the fence.
    fn at_the_start<T: Plain>(&mut self, count: usize) -> &mut [T] {
        self.at(0, count)
    }

    fn at<T: Plain>(&mut self, at: usize, count: usize) -> &mut [T] {
        assert!(at + count * size_of::<T>() <= self.len);
        let first = self.start.as_ptr().wrapping_add(at).cast::<T>();
        assert!(first.is_aligned());
        // SAFETY: the elements lie within pages that this owns and that may be read and written,
        // as asserted; any bytes are a `Plain`; the slice borrows `self` mutably.
        unsafe { std::slice::from_raw_parts_mut(first, count) }
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        let base = self.start.as_ptr().wrapping_sub(self.page);
        // SAFETY: the mapping that `new` made, whole; slices of it borrow `self` and are gone.
        let done = unsafe { libc::munmap(base.cast(), self.len + 2 * self.page) };
        assert_eq!(done, 0);
    }
}

/// Types of which any bytes are a value.
trait Plain {}
impl Plain for u8 {}
impl Plain for f32 {}

/// A copy of `values` that ends `slack` bytes before a fence.
struct Copied<T> {
    fenced: Fenced,
    count: usize,
    slack: usize,
    of: std::marker::PhantomData<T>,
}

impl<T: Plain + Copy> Copied<T> {
    fn new(values: &[T], slack: usize) -> Self {
        let mut fenced = Fenced::new(size_of_val(values) + slack);
        fenced.at_the_end(values.len(), slack).copy_from_slice(values);
        Self { fenced, count: values.len(), slack, of: std::marker::PhantomData }
    }

    fn get(&mut self) -> &mut [T] {
        self.fenced.at_the_end(self.count, self.slack)
    }
}

/// A product and what it gives where nothing is fenced.
struct Case {
    problem: Problem,
    batch: usize,
    weights: Vec<u8>,
    x: Vec<f32>,
}

impl Case {
    fn new(
        format: &'static FormatInfo,
        class: Numerics,
        (rows, depth, batch): (usize, usize, usize),
        rng: &mut Rng,
    ) -> Self {
        let weights = naive::adversarial_blocks(format.name, rng, rows * depth / format.block_len);
        let x = (0..batch * depth).map(|_| rng.normal()).collect();
        Self { problem: Problem { format, rows, depth, class }, batch, weights, x }
    }

    /// With the longest prefetches: they may point anywhere and must not fault.
    fn plans(&self, isa: &'static IsaInfo) -> [Plan; 2] {
        [1, u16::MAX].map(|switch_at| {
            let params = Params { rows: 2, switch_at, prefetch: u16::MAX, ..Params::default() };
            Plan::with_params(self.problem, isa, params).unwrap()
        })
    }

    fn multiply(&self, plan: &Plan, pool: &Pool, weights: &[u8], x: &[f32], out: &mut [f32]) {
        out.fill(f32::NAN);
        plan.multiply(pool, weights, x, self.batch, out).unwrap();
    }

    fn unfenced(&self, plan: &Plan, pool: &Pool) -> Vec<f32> {
        let mut out = vec![0.0; self.batch * self.problem.rows];
        self.multiply(plan, pool, &self.weights, &self.x, &mut out);
        out
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn each_format(mut test: impl FnMut(&'static FormatInfo, Numerics, &mut Rng)) {
    for (n, format) in formats::all().into_iter().enumerate() {
        for class in Numerics::ALL {
            test(format, class, &mut Rng::new(0x3E3 + n as u64));
        }
    }
}

#[test]
fn no_kernel_leaves_its_buffers() {
    let pool = Pool::new(1).unwrap();
    each_format(|format, class, rng| {
        // A block alone, a span cut short, whole spans and a rest; tails of rows and columns.
        let short = |blocks| match format.block_len {
            1 => (19, 13 * blocks),
            len => (19, blocks * len),
        };
        // Whole tiles, too, which tile registers read where they lie.
        let sizes =
            [1, 3, 9].map(short).into_iter().chain((format.block_len == 1).then_some((64, 96)));
        for (rows, depth) in sizes {
            let case = Case::new(format, class, (rows, depth, 3), rng);
            let mut weights = Copied::new(&case.weights, 0);
            let mut x = Copied::new(&case.x, 0);
            let mut out = Copied::new(&vec![0.0; case.batch * case.problem.rows], 0);
            for isa in isa::supported() {
                for plan in case.plans(isa) {
                    let want = case.unfenced(&plan, &pool);
                    case.multiply(&plan, &pool, weights.get(), x.get(), out.get());
                    let what = plan.kernel(case.batch).name;
                    assert_eq!(bits(out.get()), bits(&want), "{what}, depth {depth}, {rng:?}");
                }
            }
        }
    });
}

#[test]
fn no_kernel_reads_what_lies_before_its_weights() {
    let pool = Pool::new(1).unwrap();
    each_format(|format, class, rng| {
        let depth = if format.block_len == 1 { 40 } else { 3 * format.block_len };
        let case = Case::new(format, class, (5, depth, 2), rng);
        let mut fenced = Fenced::new(case.weights.len());
        let weights = fenced.at_the_start(case.weights.len());
        weights.copy_from_slice(&case.weights);
        for isa in isa::supported() {
            for plan in case.plans(isa) {
                let want = case.unfenced(&plan, &pool);
                let mut out = vec![0.0; want.len()];
                case.multiply(&plan, &pool, weights, &case.x, &mut out);
                assert_eq!(bits(&out), bits(&want), "{}, {rng:?}", plan.kernel(2).name);
            }
        }
    });
}

/// Blocks of 17, 18, 34, 36, 144 and 210 bytes. The end touches the fence wherever a number of
/// rows gives the start that misalignment, and always does for MXFP4, whose 17 bytes reach all.
#[test]
fn weights_may_start_at_any_address() {
    let pool = Pool::new(1).unwrap();
    let mut touching = 0;
    for (n, name) in ["MXFP4", "Q4_0", "Q8_0", "NVFP4", "Q4_K", "Q6_K"].into_iter().enumerate() {
        let format = formats::by_name(name).unwrap();
        let mut rng = Rng::new(0xA1 + n as u64);
        for misalignment in 0..64 {
            let start = |rows: &usize| (rows * format.block_bytes).wrapping_neg() % 64;
            let fits = (1..=64).find(|rows| start(rows) == misalignment);
            let rows = fits.unwrap_or(3);
            let slack = (start(&rows) + 64 - misalignment) % 64;
            touching += usize::from(slack == 0);
            let case = Case::new(format, Numerics::Q8, (rows, format.block_len, 2), &mut rng);
            let mut weights = Copied::new(&case.weights, slack);
            assert_eq!(weights.get().as_ptr().addr() % 64, misalignment);
            for isa in isa::supported() {
                for plan in case.plans(isa) {
                    let want = case.unfenced(&plan, &pool);
                    let mut out = vec![0.0; want.len()];
                    case.multiply(&plan, &pool, weights.get(), &case.x, &mut out);
                    let what = plan.kernel(case.batch).name;
                    assert_eq!(bits(&out), bits(&want), "{what} from {misalignment}, {rng:?}");
                }
            }
        }
    }
    assert!(touching >= 64 + 32 + 32 + 16 + 4 + 32, "only {touching} starts touch the fence");
}

#[test]
fn decoders_and_encoders_stay_within_their_blocks() {
    each_format(|format, _, rng| {
        for blocks in [1, 5] {
            let stored = naive::adversarial_blocks(format.name, rng, blocks);
            let mut bytes = Copied::new(&stored, 0);
            let mut weights = Copied::new(&vec![0.0; blocks * format.block_len], 0);
            format.dequantize(bytes.get(), weights.get()).unwrap();
            let want = naive::decode(format.name, &stored);
            assert_eq!(weights.get(), want, "{}", format.name);
            format.quantize(weights.get(), bytes.get()).unwrap();
        }
    });
}

/// Whether a byte may be read, by asking the system to copy it.
fn is_readable(at: *const u8) -> bool {
    let (_reader, writer) = std::io::pipe().unwrap();
    // SAFETY: the system checks the address itself and refuses one that may not be read.
    let written = unsafe { libc::write(writer.as_raw_fd(), at.cast(), 1) };
    written == 1
}

#[test]
fn the_fences_stand_right_at_the_ends() {
    let mut copied = Copied::new(&[1u8; 100], 0);
    let first = copied.get().as_ptr();
    assert!(is_readable(first) && is_readable(first.wrapping_add(99)));
    assert!(!is_readable(first.wrapping_add(100)));

    let mut fenced = Fenced::new(100);
    let first = fenced.at_the_start::<u8>(100).as_ptr();
    assert!(is_readable(first));
    assert!(!is_readable(first.wrapping_sub(1)));
}
