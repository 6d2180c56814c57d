//! Declarations that no known file format makes, but the language allows.

/// Three bits in two planes, a scale for every third of an odd block, spare bits.
pub(super) const Q3_96: &str = "
    /// 3-bit codes in groups of 32, each with a 4-bit scale.
    pub struct Q3_96 { d: f16, sub: [u8; 2], lo: [u8; 24], hi: [u8; 12] }
    let nibbles: [u4; 4] = sub.planes(1);
    let sc: [u4; 3]  = nibbles[0..3];
    let _spare: [u4; 1] = nibbles[3..4];
    let q:  [u3; 96] = lo.planes(8) | hi.planes(1) << 2;
    w[i] = d * sc[i / 32] * (q[i] - 4);
";

/// Codes and scales that straddle bytes and words, a table of scales, two minima.
pub(super) const STREAMED: &str = "
    /// Five bits in file order.
    struct Streamed {
        /// Scale of the block.
        d: f32,
        m: [bf16; 2],
        packed: [u32; 10],
        s: [u8; 1],
        _pad: [u8; 3],
    }
    /// Powers of two.
    const STEPS: [i8; 4] = [1, 2, 4, 8];
    let q: [u5; 64] = packed.stream();
    let sc: [u2; 4] = s.stream();
    w[i] = d * STEPS[sc[i / 16]] * q[i] - 0.5 * m[i / 32];
";

/// Two's complement, groups too short for the vector loops.
pub(super) const SHORT: &str = "
    pub(crate) struct Short { e: [e8m0; 2], qs: [u8; 4] }
    let q: [i4; 8] = qs.planes(1);
    w[i] = 3 - (q[i] + 0.5) * e[i / 4] * 2;
";

/// Parts of unequal length: the second half of the codes has constant low bits.
pub(super) const LIFTED: &str = "
    struct Lifted { d: ue4m3, a: [u8; 16], b: [u8; 8] }
    let q: [u4; 64] = [a.planes(4), b.planes(2) << 2];
    w[i] = d * q[i];
";

pub(super) const ALL: [&str; 4] = [Q3_96, STREAMED, SHORT, LIFTED];
