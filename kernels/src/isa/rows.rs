//! Rows of bytes whose place is checked once for all of them.

/// Rows, `stride` bytes apart, of which the first `reach` bytes can be read.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    from: &'a [u8],
    stride: usize,
    count: usize,
    reach: usize,
}

impl<'a> Rows<'a> {
    /// `count` rows, the first at the start of `from`; `None` if the last does not lie within.
    #[must_use]
    #[inline(always)]
    pub fn new(from: &'a [u8], stride: usize, (count, reach): (usize, usize)) -> Option<Self> {
        let room = from.len().checked_sub(reach)?;
        let steps = count.saturating_sub(1);
        (steps == 0 || stride <= room / steps).then_some(Self { from, stride, count, reach })
    }

    /// `len` bytes of row `r` from `at` on.
    #[must_use]
    #[inline(always)]
    pub fn bytes(&self, r: usize, at: usize, len: usize) -> &'a [u8] {
        assert!(
            r < self.count && at <= self.reach && len <= self.reach - at,
            "outside of the rows"
        );
        // SAFETY: `r * stride + reach` is at most the length of `from`, as `new` saw for the last
        // row, and `at + len` at most `reach`.
        let first = unsafe { self.from.as_ptr().add(r * self.stride + at) };
        // SAFETY: the same; `from` is borrowed for as long as what is returned.
        unsafe { std::slice::from_raw_parts(first, len) }
    }
}
