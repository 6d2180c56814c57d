//! Sampling: what may be drawn, how often, and that it is the same every time.

use runtime::sampler::{SampleError, Sampler, SamplerOptions};

/// Everything off.
fn plain() -> SamplerOptions {
    SamplerOptions { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, ..Default::default() }
}

/// How often each of `logits.len()` tokens is drawn, of 100,000 times.
fn frequencies(options: SamplerOptions, logits: &[f32]) -> Vec<f64> {
    const DRAWS: usize = 100_000;
    let mut sampler = Sampler::new(options).unwrap();
    let mut counts = vec![0; logits.len()];
    (0..DRAWS).for_each(|_| counts[sampler.sample(logits).unwrap() as usize] += 1);
    counts.iter().map(|count| f64::from(*count) / DRAWS as f64).collect()
}

/// Probabilities that are powers of two: 1/2, 1/4, 1/8, 1/8.
fn logits() -> Vec<f32> {
    [0.25f32, 0.5, 0.125, 0.125].iter().map(|p| p.ln() + 3.0).collect()
}

/// Within five standard deviations.
#[track_caller]
fn assert_frequencies(got: &[f64], want: &[f64]) {
    for (got, want) in got.iter().zip(want) {
        let bound = 5.0 * (want * (1.0 - want) / 1e5).sqrt();
        assert!((got - want).abs() <= bound, "{got} instead of {want}");
    }
}

#[test]
fn tokens_are_drawn_as_often_as_they_are_likely() {
    assert_frequencies(&frequencies(plain(), &logits()), &[0.25, 0.5, 0.125, 0.125]);
    let squared = [4.0 / 22.0, 16.0 / 22.0, 1.0 / 22.0, 1.0 / 22.0];
    let cold = SamplerOptions { temperature: 0.5, ..plain() };
    assert_frequencies(&frequencies(cold, &logits()), &squared);
}

#[test]
fn unlikely_tokens_are_left_out() {
    let two = [1.0 / 3.0, 2.0 / 3.0, 0.0, 0.0];
    for options in [
        SamplerOptions { top_k: 2, ..plain() },
        SamplerOptions { top_p: 0.7, ..plain() },
        SamplerOptions { min_p: 0.4, ..plain() },
    ] {
        assert_frequencies(&frequencies(options, &logits()), &two);
    }
    // Of equals the lower number is the better.
    let three = [2.0 / 7.0, 4.0 / 7.0, 1.0 / 7.0, 0.0];
    assert_frequencies(&frequencies(SamplerOptions { top_k: 3, ..plain() }, &logits()), &three);
    let only = [0.0, 1.0, 0.0, 0.0];
    for options in [
        SamplerOptions::greedy(),
        SamplerOptions { top_k: 1, ..plain() },
        SamplerOptions { top_p: 0.0, ..plain() },
        SamplerOptions { min_p: 1.0, ..plain() },
    ] {
        assert_eq!(frequencies(options, &logits()), only);
    }
}

#[test]
fn repeated_tokens_become_less_likely_until_they_are_forgotten() {
    let options = SamplerOptions {
        temperature: 0.0,
        repetition_penalty: 2.0,
        repetition_window: 2,
        ..plain()
    };
    let mut sampler = Sampler::new(options).unwrap();
    let drawn: Vec<u32> = (0..6).map(|_| sampler.sample(&[3.0, 2.0, 1.9, -1.0]).unwrap()).collect();
    assert_eq!(drawn, [0, 1, 2, 0, 1, 2]);
    sampler.remember(0);
    // A negative logit is multiplied.
    assert_eq!(sampler.sample(&[-1.0, -1.5, -9.0, -9.0]).unwrap(), 1);
}

#[test]
fn a_seed_gives_the_same_tokens_everywhere() {
    let options = SamplerOptions { seed: 7, ..plain() };
    let draw = |options| {
        let mut sampler = Sampler::new(options).unwrap();
        (0..12).map(|_| sampler.sample(&logits()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(draw(options), SEEDED);
    assert_ne!(draw(SamplerOptions { seed: 8, ..options }), SEEDED);
}

/// Written down once; ChaCha is specified to the bit.
const SEEDED: [u32; 12] = [1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 3];

#[test]
fn what_is_no_number_is_never_drawn() {
    let logits = [f32::NAN, f32::NEG_INFINITY, 1.0, f32::INFINITY];
    for options in [plain(), SamplerOptions::greedy()] {
        let mut sampler = Sampler::new(options).unwrap();
        assert_eq!(sampler.sample(&logits), Ok(2));
        let error = sampler.sample(&[f32::NAN; 3]).unwrap_err();
        assert_eq!(error, SampleError::Logits { count: 3 });
        assert!(sampler.sample(&[]).is_err());
    }
}

#[test]
fn options_out_of_range_are_named() {
    let error = |options| Sampler::new(options).unwrap_err().to_string();
    assert_eq!(
        error(SamplerOptions { temperature: -1.0, ..plain() }),
        "temperature is -1, but must be at least 0"
    );
    assert!(error(SamplerOptions { top_p: 1.5, ..plain() }).starts_with("top_p is 1.5"));
    assert!(error(SamplerOptions { min_p: f32::NAN, ..plain() }).starts_with("min_p is NaN"));
    let options = SamplerOptions { repetition_penalty: 0.0, ..plain() };
    assert!(error(options).starts_with("repetition_penalty is 0"));
}
