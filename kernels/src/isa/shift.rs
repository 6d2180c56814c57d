//! Shifts by byte, in every form that an instruction set wants, known when kernels are compiled.

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
