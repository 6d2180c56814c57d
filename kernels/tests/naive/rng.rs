//! A seeded generator that is the same on every machine and in every year, so that a printed seed is a repro.

/// splitmix64 (Steele, Lea, Flood 2014). `{:?}` shows the seed it began with.
#[derive(Clone)]
pub struct Rng {
    seed: u64,
    state: u64,
}

impl std::fmt::Debug for Rng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rng::new({:#x})", self.seed)
    }
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng { seed, state: seed }
    }

    pub fn u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn byte(&mut self) -> u8 {
        self.u64().to_le_bytes()[7]
    }

    /// A number in `lo..hi`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn range(&mut self, lo: usize, hi: usize) -> usize {
        assert!(lo < hi, "{lo}..{hi} is empty");
        // The high half of the product is uniform to within 2^-64 of the span.
        lo + ((u128::from(self.u64()) * (hi - lo) as u128) >> 64) as usize
    }

    /// A standard normal deviate, as the sum of twelve uniform ones (Irwin-Hall).
    ///
    /// It ends at +-6 and needs no logarithm, whose last bit differs between platforms.
    pub fn normal(&mut self) -> f32 {
        let sum: u64 = (0..12).map(|_| self.u64() >> 32).sum();
        (sum as f64 / (1u64 << 32) as f64 - 6.0) as f32
    }
}
