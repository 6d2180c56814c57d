//! Rows of activations as kernels see them.

use kernels::Activations;

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
