//! Every architecture against a forward pass written from its paper, in f64, on small models with
//! random weights: all tokens at once, one by one, and several sequences together.

#[path = "../damage/mod.rs"]
mod damage;
mod decoders;
mod encoders;
mod experts;
mod loading;
mod modes;
mod naive;
mod tiny;

use runtime::LoadOptions;
use runtime::cache::CacheType;
use runtime::session::{Input, Logits};
use tiny::Tiny;

/// Rounding to f32 in a network of two layers: some hundred roundings of 2^-24 each, squared.
const BOUND: f64 = 1e-10;

/// Compares a model with `naive(ids)`: the logits after each of the tokens.
#[track_caller]
fn check(tiny: &Tiny, length: usize, naive: impl Fn(&[u32]) -> naive::Rows) {
    let options = LoadOptions {
        activations: kernels::Numerics::F32,
        cache: CacheType::F32,
        ..tiny::options()
    };
    let model = tiny.load(&options).expect("a whole model").model;
    let sequences = [tiny::ids(length, 1), tiny::ids(length / 2 + 1, 2)];
    let want = [naive(&sequences[0]), naive(&sequences[1])];

    let mut session = model.session();
    let all = Input { sequence: 0, ids: &sequences[0], logits: Logits::All };
    let logits = session.run(&[all]).unwrap();
    for (n, want) in want[0].iter().enumerate() {
        assert_near(logits.row(n), want, &format!("{}: position {n} of a batch", tiny.name()));
    }

    // Prefill of one sequence together with single tokens of another.
    let mut session = model.session();
    let other = session.add_sequence();
    let mut parts = sequences[0].chunks(7);
    let mut position = 0;
    for (n, ids) in sequences[1].chunks(1).enumerate() {
        let mut inputs = vec![Input { sequence: other, ids, logits: Logits::Last }];
        if let Some(ids) = parts.next() {
            inputs.push(Input { sequence: 0, ids, logits: Logits::Last });
            position += ids.len();
        }
        let logits = session.run(&inputs).unwrap();
        let what = format!("{}: position {n} alone", tiny.name());
        assert_near(logits.row(0), &want[1][n], &what);
        if inputs.len() == 2 {
            let what = format!("{}: position {} in parts", tiny.name(), position - 1);
            assert_near(logits.row(1), &want[0][position - 1], &what);
        }
    }
}

#[track_caller]
fn assert_near(got: &[f32], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let power: f64 = want.iter().map(|x| x * x).sum();
    let error: f64 = got.iter().zip(want).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    assert!(error <= BOUND * power, "{what}: NMSE {:e}", error / power);
}
