//! Ways to run a model: caches, batches, numerics.

use std::sync::Arc;

use kernels::{Batching, Format, Numerics, formats};
use runtime::cache::CacheType;
use runtime::context::{Options, ProfileSource};
use runtime::session::{Input, Logits};
use runtime::{Context, LoadOptions, Model};

use super::decoders;
use super::tiny::{self, Tiny};

/// A llama whose heads have 32 numbers.
fn wide_heads() -> Tiny {
    let mut tiny = decoders::llama();
    tiny.key("attention.key_length", 32u32).key("attention.value_length", 32u32);
    for n in 0..2 {
        for (part, rows, depth) in
            [("q", 128, 32), ("k", 64, 32), ("v", 64, 32), ("output", 32, 128)]
        {
            tiny.matrix(&format!("blk.{n}.attn_{part}.weight"), rows, depth);
        }
    }
    tiny
}

fn all_logits(model: &Model, ids: &[u32]) -> Vec<f32> {
    let input = Input { sequence: 0, ids, logits: Logits::All };
    model.session().run(&[input]).unwrap().data().to_vec()
}

fn nmse(got: &[f32], want: &[f32]) -> f64 {
    let power: f64 = want.iter().map(|x| f64::from(*x).powi(2)).sum();
    let error: f64 = got.iter().zip(want).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    error / power
}

#[test]
fn caches_are_as_exact_as_their_types() {
    let tiny = wide_heads();
    let ids = tiny::ids(300, 1);
    let run = |cache| {
        let activations = Numerics::F32;
        let loaded = tiny.load(&LoadOptions { cache, activations, ..tiny::options() }).unwrap();
        assert_eq!(loaded.report.warnings, Vec::<String>::new());
        let mut session = loaded.model.session();
        session.forward(&ids).unwrap();
        (all_logits(&loaded.model, &ids), session.cache_bytes())
    };
    let (exact, floats) = run(CacheType::F32);
    let (half, halves) = run(CacheType::F16);
    let (eighth, bytes) = run(CacheType::Q8);
    // Relative errors: f16 rounds by 2^-12 at most. Int8 rounds to steps of 1/127 of the largest
    // of 32, some 2.1 deviations of normal numbers: an error of (2.1 / 127)^2 / 12. Both happen to
    // keys and to values in two layers.
    let half = nmse(&half, &exact);
    assert!(half <= 4.0 * 2f64.powi(-24), "{half:e}");
    let eighth = nmse(&eighth, &exact);
    assert!(eighth > half && eighth <= 4.0 * (2.1 / 127f64).powi(2) / 12.0, "{eighth:e}");
    // 34 bytes for 32 numbers, and a scale for each value.
    assert_eq!(2 * halves, floats);
    assert_eq!(bytes, halves * 34 / 64 + 2 * 2 * 2 * 256 * 4);
}

#[test]
fn heads_that_no_q8_cache_can_hold_get_another_and_a_warning() {
    let options = LoadOptions { cache: CacheType::Q8, ..tiny::options() };
    let report = decoders::llama().load(&options).unwrap().report;
    assert_eq!(report.warnings.len(), 1);
    assert!(report.warnings[0].contains("cached as f16"), "{}", report.warnings[0]);
}

#[test]
fn the_invariant_mode_gives_the_same_bits_whatever_the_batch_and_the_threads() {
    let ids = tiny::ids(300, 1);
    for (format, activations) in [
        (formats::F32::info(), Numerics::F32),
        (formats::Q4_0::info(), Numerics::F32),
        (formats::Q4_0::info(), Numerics::Q8),
        (formats::Q8_0::info(), Numerics::Bf16),
    ] {
        for cache in [CacheType::F32, CacheType::F16, CacheType::Q8] {
            let mut tiny = wide_heads();
            tiny.quantize(format);
            let load = |threads| {
                let profile = ProfileSource::Off;
                let batching = Batching::Invariant;
                let options = Options { threads, profile, batching, ..Options::default() };
                let context = Some(Arc::new(Context::new(options).unwrap()));
                let options = LoadOptions { context, activations, cache, ..tiny::options() };
                tiny.load(&options).unwrap().model
            };
            let model = load(1);
            let want = all_logits(&model, &ids);
            let what = format!("{} {activations} {cache:?}", format.name);
            assert!(want.iter().all(|x| x.is_finite()), "{what}");
            assert!(all_logits(&load(3), &ids) == want, "{what}: other threads");

            // In pieces, with another sequence in the batch.
            let mut session = model.session();
            let other = session.add_sequence();
            let mut got = vec![];
            let (mut rest, mut size) = (&ids[..], 1);
            while !rest.is_empty() {
                let (now, later) = rest.split_at(size.min(rest.len()));
                let inputs = [
                    Input { sequence: other, ids: &ids[..size % 3 + 1], logits: Logits::None },
                    Input { sequence: 0, ids: now, logits: Logits::All },
                ];
                got.extend_from_slice(session.run(&inputs).unwrap().data());
                (rest, size) = (later, 2 * size);
            }
            assert!(got == want, "{what}: in pieces");
        }
    }
}

#[test]
fn a_sequence_can_be_taken_back() {
    for cache in [CacheType::F32, CacheType::F16, CacheType::Q8] {
        let model = wide_heads().load(&LoadOptions { cache, ..tiny::options() }).unwrap().model;
        let ids = tiny::ids(290, 1);
        let mut session = model.session();
        session.forward(&ids[..270]).unwrap();
        let want = session.forward(&ids[270..]).unwrap().to_vec();
        for len in [270, 256, 3, 0] {
            session.truncate(0, len);
            assert_eq!(session.len(0), len);
            session.forward(&ids[len..270.max(len + 1)]).unwrap();
            let got = session.forward(&ids[270.max(len + 1)..]).unwrap().to_vec();
            assert!(nmse(&got, &want) < 1e-4, "{cache:?} back to {len}");
        }
    }
}

#[test]
fn what_a_session_cannot_take_is_an_error_and_changes_nothing() {
    let model = decoders::llama().load(&tiny::options()).unwrap().model;
    let mut session = model.session();
    session.forward(&[1, 2, 3]).unwrap();
    let mut error = |inputs: &[(usize, &[u32])]| {
        let input = |(sequence, ids): &(usize, _)| {
            let (sequence, ids) = (*sequence, *ids);
            Input { sequence, ids, logits: Logits::Last }
        };
        let inputs: Vec<_> = inputs.iter().map(input).collect();
        let error = session.run(&inputs).unwrap_err().to_string();
        assert_eq!(session.len(0), 3);
        error
    };
    assert_eq!(error(&[(0, &[4, 40])]), "token 40 does not exist; the model has 40");
    assert_eq!(error(&[(1, &[4])]), "sequence 1 does not exist; the session has 1");
    assert!(error(&[(0, &[4]), (0, &[5])]).starts_with("sequence 0 comes twice"));
    assert!(error(&[(0, &[])]).starts_with("no tokens"));
    assert!(error(&[]).starts_with("no tokens"));
    let long = error(&[(0, &[4; 998])]);
    assert!(
        long.starts_with("1001 tokens in sequence 0, but the model's context has 1000"),
        "{long}"
    );
}

#[test]
fn models_are_shared_by_threads_and_sessions_move_between_them() {
    fn shared<T: Send + Sync>() {}
    shared::<Model>();
    shared::<runtime::Loaded>();
    fn moved<T: Send>() {}
    moved::<runtime::Session>();

    let model = decoders::llama().load(&tiny::options()).unwrap().model;
    let ids = tiny::ids(40, 1);
    let want = all_logits(&model, &ids);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(nmse(&all_logits(&model, &ids), &want) < 1e-10));
        }
    });
}
