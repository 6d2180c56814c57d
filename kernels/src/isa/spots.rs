//! Places of elements in a span, and where loads find them, known when kernels are compiled.

use super::array;

/// Where up to 16 elements of one or two bytes lie in a span, and the byte permutes that collect
/// them.
pub struct Spots {
    /// First byte of each, the last one repeated to 16.
    pub at: [usize; 16],
    /// Starts of up to three 64-byte windows that hold them all; a shorter span is one.
    pub windows: [usize; 3],
    /// Place of each byte in the first two windows joined.
    pub index: [u8; 32],
    /// Place of each byte in the third window.
    pub third: [u8; 32],
    /// The bytes that come from the third window.
    pub from_third: u64,
    /// Whether the windows reach all of them.
    pub fits: bool,
    /// How many there are. What stands for those behind may be anything.
    pub count: usize,
    /// The first eight different places, the last one repeated.
    pub kinds: [usize; 8],
    /// How many different places there are.
    pub different: usize,
    /// Which of `kinds` each is.
    pub kind: [i32; 16],
}

impl Spots {
    /// `N` elements of `BYTES` bytes, from the first byte of each, in ascending order, in a span
    /// of `span` bytes.
    #[must_use]
    pub const fn new<const N: usize, const BYTES: usize>(places: [usize; N], span: usize) -> Self {
        const WINDOW: usize = 64;
        let mut at = [places[N - 1]; 16];
        let mut spots = Self {
            at,
            windows: [0; 3],
            index: [0; 32],
            third: [0; 32],
            from_third: 0,
            fits: true,
            count: N,
            kinds: [places[0]; 8],
            different: 1,
            kind: [0; 16],
        };
        let limit = span.saturating_sub(WINDOW);
        let (mut n, mut window, mut open) = (0, 0, false);
        while n < 16 {
            if n < N {
                at[n] = places[n];
            }
            // A new window starts at the first element that the last one does not hold.
            if open && at[n] + BYTES > spots.windows[window] + WINDOW {
                window += 1;
                open = false;
            }
            if window == 3 {
                spots.fits = false;
                break;
            }
            if !open {
                spots.windows[window] = if at[n] < limit { at[n] } else { limit };
                open = true;
            }
            let mut byte = 0;
            while byte < BYTES {
                let place = (at[n] + byte).wrapping_sub(spots.windows[window]) as u8;
                let lane = BYTES * n + byte;
                if window < 2 {
                    spots.index[lane] = 64 * window as u8 + place;
                } else {
                    spots.third[lane] = place;
                    spots.from_third |= 1 << lane;
                }
                byte += 1;
            }
            n += 1;
        }
        while n < N {
            at[n] = places[n];
            n += 1;
        }
        spots.at = at;
        let mut n = 1;
        while n < 16 {
            if at[n] != at[n - 1] {
                if spots.different < 8 {
                    spots.kinds[spots.different] = at[n];
                }
                spots.different += 1;
            }
            spots.kind[n] = spots.different as i32 - 1;
            n += 1;
        }
        let mut n = spots.different;
        while n < 8 {
            spots.kinds[n] = at[15];
            n += 1;
        }
        spots
    }

    /// Four of the different ones from `first` on, as pairs of bytes side by side.
    #[inline(always)]
    pub(crate) fn four_halves(&self, from: &[u8], first: usize) -> u64 {
        let half = |n: usize| {
            let at = self.kinds[first + n];
            u64::from(u16::from_le_bytes(*from[at..at + 2].first_chunk().expect("two bytes")))
        };
        half(0) | half(1) << 16 | half(2) << 32 | half(3) << 48
    }

    /// All sixteen, as pairs of bytes.
    #[inline(always)]
    pub(crate) fn halves(&self, from: &[u8]) -> [u16; 16] {
        array(
            #[inline(always)]
            |n| {
                u16::from_le_bytes(
                    *from[self.at[n]..self.at[n] + 2].first_chunk().expect("two bytes"),
                )
            },
        )
    }

    /// All sixteen, as bytes.
    #[inline(always)]
    pub(crate) fn bytes(&self, from: &[u8]) -> [u8; 16] {
        array(
            #[inline(always)]
            |n| from[self.at[n]],
        )
    }
}
