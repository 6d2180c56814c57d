//! Rows of activations as kernels see them.

use kernels::{Activations, Numerics};

#[test]
fn a_group_is_rounded_half_to_even_and_never_reaches_minus_128() {
    let mut x = [0.0; 40];
    x[..6].copy_from_slice(&[-127.0, 0.5, 1.5, 2.5, -0.5, 126.9]);
    x[35] = 3.0;
    let mut activations = Activations::default();
    activations.fill_q8(&x, 1, 40);
    let row = activations.q8(0);
    assert_eq!(row.quants[..6], [-127, 0, 2, 2, 0, 127]);
    assert_eq!(row.scales[0], 1.0);
    let scale = f32::from_bits((3.0f32 / 127.0).to_bits() & !3);
    assert_eq!((row.quants[35], row.scales[1]), (127, scale));
    assert_eq!(row.sums[..4], [4, 0, 127, 0]);
    assert!(row.quants[40..].iter().all(|q| *q == 0));
}

#[test]
fn what_is_not_finite_stays_visible() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = [1.0; 64];
        x[40] = bad;
        let mut activations = Activations::default();
        activations.fill_q8(&x, 1, 64);
        let row = activations.q8(0);
        assert!(row.scales[0].is_finite() && row.scales[1].is_nan());
    }
}

#[test]
fn a_shorter_row_leaves_nothing_of_a_longer_one() {
    let mut activations = Activations::default();
    activations.fill_q8(&[1.0; 4096], 1, 4096);
    activations.fill_q8(&[1.0; 64], 1, 64);
    assert!(activations.q8(0).quants[64..].iter().all(|q| *q == 0));
    assert!(activations.q8(0).scales[2..].iter().all(|s| *s == 0.0));
}

#[test]
fn in_class_q8_256_groups_share_the_scale_of_the_largest() {
    let mut x = [1.0; 256 + 40];
    x[200] = -12.7;
    x[256] = 2.54;
    let mut activations = Activations::default();
    activations.fill(Numerics::Q8x256, &x, 1, x.len());
    let row = activations.q8(0);
    let scale = |largest: f32| f32::from_bits((largest / 127.0).to_bits() & !3);
    assert_eq!(row.scales[..8], [scale(12.7); 8]);
    assert_eq!(row.scales[8..10], [scale(2.54); 2]);
    assert_eq!((row.quants[0], row.quants[200], row.quants[256]), (10, -127, 127));
    assert_eq!(row.quants[257..296], [50; 39]);
    assert_eq!((row.sums[0], row.sums[12], row.sums[18]), (160, 23, 400));
    assert_eq!(row.parts[1], 320.0 * scale(12.7));
    assert!(row.scales[10..].iter().all(|s| *s == 0.0));
}

#[test]
fn what_is_not_finite_spoils_its_group_of_256_alone() {
    let mut x = [1.0; 512];
    x[300] = f32::NAN;
    x[301] = f32::INFINITY;
    let mut activations = Activations::default();
    activations.fill(Numerics::Q8x256, &x, 1, 512);
    let row = activations.q8(0);
    assert!(row.scales[..8].iter().all(|s| s.is_finite()));
    assert!(row.scales[8..16].iter().all(|s| s.is_nan()));
}
