//! Shifts by byte and fields of bytes, in every form that an instruction set wants, known when
//! kernels are compiled.

/// A shift of its own for each byte of a register, in every form that an instruction set wants.
pub struct Shift {
    /// Right by this many bits; negative: left.
    pub counts: [i8; 64],
    /// Counts by dword, where they are alike and not negative.
    pub dwords: [u32; 16],
    /// Offsets for `vpmultishiftqb`: where in its qword each byte's eight bits start.
    pub offsets: [u8; 64],
    /// The bits of each byte that come from that byte itself.
    pub kept: [u8; 64],
    /// Multipliers that leave the shifted even byte in the upper half of a 16-bit product.
    pub even: [u16; 32],
    /// The same for odd bytes.
    pub odd: [u16; 32],
}

impl Shift {
    /// From the count of each lane.
    ///
    /// # Panics
    /// If there are more than 64, or one is not within -7..=7.
    #[must_use]
    pub const fn new(lanes: &[i8]) -> Self {
        let mut shift = Self {
            counts: [0; 64],
            dwords: [0; 16],
            offsets: [0; 64],
            kept: [0; 64],
            even: [0; 32],
            odd: [0; 32],
        };
        let mut n = 0;
        while n < lanes.len() {
            let count = lanes[n];
            assert!(-7 <= count && count <= 7);
            shift.counts[n] = count;
            if n % 4 == 0 {
                shift.dwords[n / 4] = count.unsigned_abs() as u32;
            }
            shift.offsets[n] = (8 * (n as i32 % 8) + count as i32 + 64) as u8 % 64;
            shift.kept[n] = if count >= 0 { 0xFF >> count } else { 0xFF << -count };
            // A byte times 2^(8 - count) has its upper part, shifted right, in bits 8..16; and
            // shifted left it lies in bits 8..16 as well, once what leaves at the top is cut.
            let factor = 1u16.wrapping_shl((8 - count as i32) as u32) * ((8 - count < 16) as u16);
            if n % 2 == 0 {
                shift.even[n / 2] = factor;
            } else {
                shift.odd[n / 2] = factor;
            }
            n += 1;
        }
        shift
    }
}

/// A field of the bytes of each qword of a register: some neighbouring bits, moved.
pub struct Fields {
    /// Right by this many bits (negative: left), and the bits to keep after that.
    pub of: [(i8, u8); 8],
    /// The same for each byte.
    pub shift: Shift,
    /// The bits to keep of each byte.
    pub masks: [u8; 64],
    /// For `vgf2p8affineqb`: byte 7 - n of a matrix has the bits whose parity is bit n.
    pub matrices: [u64; 8],
}

impl Fields {
    /// From the field of each qword.
    ///
    /// # Panics
    /// If a shift is not within -7..=7.
    #[must_use]
    pub const fn new(of: [(i8, u8); 8]) -> Self {
        let (mut counts, mut masks, mut matrices) = ([0; 64], [0; 64], [0; 8]);
        let mut n = 0;
        while n < 64 {
            let (count, mask) = of[n / 8];
            (counts[n], masks[n]) = (count, mask);
            // Bit number n % 8 of the field, of each byte.
            let (bit, from) = (n as i32 % 8, n as i32 % 8 + count as i32);
            if mask >> bit & 1 == 1 && 0 <= from && from < 8 {
                matrices[n / 8] |= 1 << (8 * (7 - bit) + from);
            }
            n += 1;
        }
        Self { of, shift: Shift::new(&counts), masks, matrices }
    }
}
