//! Small floats, by their specifications.

use kernels::float::*;

#[test]
fn small_floats_decode_as_their_specifications_say() {
    assert_eq!(e8m0(127), 1.0);
    assert_eq!(e8m0(0), 2.0_f32.powi(-127));
    assert!(e8m0(255).is_nan());
    assert_eq!(ue4m3(0x38), 1.0);
    assert_eq!(ue4m3(0x01), 2.0_f32.powi(-9));
    assert_eq!(ue4m3(0x7E), 448.0);
    assert_eq!(ue4m3(0x7F), 0.0);
}

#[test]
fn every_small_float_encodes_to_itself() {
    for byte in 0..=0xFE {
        assert_eq!(to_e8m0(e8m0(byte)), byte);
    }
    for byte in 0..=0x7E {
        assert_eq!(to_ue4m3(ue4m3(byte)), byte);
    }
    assert_eq!(to_ue4m3(-1.0), 0);
    assert_eq!(f16(to_f16(1e9)), 65504.0);
    assert_eq!(f16(to_f16(f32::NAN)), 0.0);
}

#[test]
fn a_float_rounds_to_the_bfloat16_that_the_half_crate_finds() {
    // All signs and exponents, and every way in which the lower half can lie.
    for upper in 0..=0xFFFF_u32 {
        for lower in [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF] {
            let value = f32::from_bits(upper << 16 | lower);
            let want = half::bf16::from_f32(value).to_f32();
            assert_eq!(rounded_to_bf16(value).to_bits(), want.to_bits(), "{value:e}");
        }
    }
}
