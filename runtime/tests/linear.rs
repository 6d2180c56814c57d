//! Linear layers against the textbook: weights dequantized, products summed in f64.

use std::path::{Path, PathBuf};

use kernels::{FormatInfo, Numerics, Params, Profile, ProfileEntry, Source, formats};
use runtime::context::{Options, ProfileSource};
use runtime::gguf::{Gguf, Mapped};
use runtime::tensor::Shape;
use runtime::{Context, Linear, Matrix, TensorView};

/// Without the profile of whoever runs the tests.
fn context(threads: usize) -> Context {
    let profile = ProfileSource::Off;
    Context::new(Options { threads, profile, ..Options::default() }).unwrap()
}

/// Numbers in -1..1, the same in every run.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        let bits = (state >> ((state >> 28) + 4) ^ state).wrapping_mul(277_803_737);
        (bits >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Stored weights `(rows, depth)` of a format, or none if it has no encoder.
fn encoded(format: &FormatInfo, rows: usize, depth: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; format.bytes(rows, depth).unwrap()];
    format.quantize(&numbers(rows * depth, 7), &mut bytes).ok()?;
    Some(bytes)
}

/// `x (m, K) * weight (N, K)^T + bias`, and for each number what rounding is relative to.
fn naive(weight: &TensorView<'_>, x: &[f32], bias: Option<&[f32]>) -> Vec<(f64, f64)> {
    let (rows, depth) = (weight.rows(), weight.depth());
    let mut w = vec![0.0; depth];
    let mut columns = vec![];
    for n in 0..rows {
        weight.format.dequantize(weight.row(n), &mut w).unwrap();
        let most = w.iter().fold(0.0f32, |most, w| most.max(w.abs()));
        for (m, x) in x.chunks_exact(depth).enumerate() {
            let sum: f64 = w.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
            // Scale times code and bias are summed apart; each may be several times the weight.
            let terms: f64 = x.iter().map(|x| f64::from(x.abs() * most * 4.0)).sum();
            columns.push((m, sum + bias.map_or(0.0, |bias| f64::from(bias[n])), terms));
        }
    }
    columns.sort_by_key(|column| column.0);
    columns.into_iter().map(|(_, sum, terms)| (sum, terms)).collect()
}

/// Class `f32` may differ by the rounding of a sum of K terms.
fn assert_close(got: &[f32], want: &[(f64, f64)], depth: usize, what: &str) {
    assert_eq!(got.len(), want.len());
    let steps = (depth as f64).sqrt() + 16.0;
    for (n, (got, (want, terms))) in got.iter().zip(want).enumerate() {
        let bound = steps * f64::from(f32::EPSILON) * (terms + want.abs());
        let error = (f64::from(*got) - want).abs();
        assert!(error <= bound, "{what} [{n}]: {got} instead of {want}, bound {bound:e}");
    }
}

/// Class `q8` adds the rounding of activations to 127 steps of a group's largest: for numbers
/// uniform in -1..1 an error of (1 / 127)^2 / 12 for a power of 1 / 3, which is 1.55e-5; three
/// times that for the few numbers that a small product has.
fn assert_near(got: &[f32], want: &[(f64, f64)], what: &str) {
    let power: f64 = want.iter().map(|(want, _)| want * want).sum();
    let error: f64 =
        got.iter().zip(want).map(|(got, (want, _))| (f64::from(*got) - want).powi(2)).sum();
    assert!(error <= 5e-5 * power, "{what}: relative error {}", error / power);
}

#[test]
fn every_format_multiplies_with_and_without_bias() {
    let context = context(2);
    for format in formats::all() {
        let (rows, depth) = (37, 3 * format.block_len.max(64));
        let Some(bytes) = encoded(format, rows, depth) else {
            eprintln!("SKIPPED {}: it has no encoder", format.name);
            continue;
        };
        let shape = Shape::new(&[depth, rows]).unwrap();
        let weight = TensorView::new("blk.0.ffn_up.weight", format, shape, &bytes).unwrap();
        for class in Numerics::ALL {
            for (batch, bias) in [(1, None), (3, Some(numbers(rows, 3))), (9, None)] {
                let x = numbers(batch * depth, 5);
                let want = naive(&weight, &x, bias.as_deref());
                let linear = Linear::new(&context, weight, bias, class).unwrap();
                let mut out = vec![f32::NAN; batch * rows];
                linear.forward(&context, &x, batch, &mut out).unwrap();
                let what = format!("{} {class} batch {batch}", format.name);
                match linear.plan().class() {
                    Numerics::F32 => assert_close(&out, &want, depth, &what),
                    Numerics::Q8 | Numerics::Q8x256 | Numerics::Bf16 => {
                        assert_near(&out, &want, &what)
                    }
                }
                let x = Matrix::new([batch, depth], x).unwrap();
                let applied = linear.apply(&context, &x).unwrap();
                assert_eq!(applied.shape(), [batch, rows]);
                assert_eq!(applied.data(), out, "{what}");
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let format = formats::by_name("Q4_K").unwrap();
    let (rows, depth, batch) = (300, 512, 7);
    let bytes = encoded(format, rows, depth).unwrap();
    let shape = Shape::new(&[depth, rows]).unwrap();
    let weight = TensorView::new("w", format, shape, &bytes).unwrap();
    let x = numbers(batch * depth, 5);
    let results = [1, 2, 5].map(|threads| {
        let context = context(threads);
        let mut out = vec![0.0; batch * rows];
        let linear = Linear::new(&context, weight, None, Numerics::Q8).unwrap();
        linear.forward(&context, &x, batch, &mut out).unwrap();
        out
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[test]
fn a_vector_is_the_weight_of_one_output() {
    let context = context(1);
    let format = formats::by_name("F32").unwrap();
    let bytes: Vec<u8> = [1.0f32, 2.0, 3.0].iter().flat_map(|w| w.to_le_bytes()).collect();
    let weight = TensorView::new("gate", format, Shape::new(&[3]).unwrap(), &bytes).unwrap();
    let linear = Linear::new(&context, weight, Some(vec![0.5]), Numerics::F32).unwrap();
    let out = linear.apply(&context, &Matrix::new([1, 3], vec![1.0, 1.0, 2.0]).unwrap()).unwrap();
    assert_eq!(out.data(), [9.5]);
    let nothing = linear.apply(&context, &Matrix::zeros([0, 3])).unwrap();
    assert_eq!(nothing.shape(), [0, 1]);
}

#[test]
fn errors_name_the_tensor() {
    let context = context(1);
    let format = formats::by_name("Q8_0").unwrap();
    let bytes = vec![0; 2 * 34 * 3];
    let name = "blk.3.attn_k.weight";
    let weight =
        |dims: &[usize]| TensorView::new(name, format, Shape::new(dims).unwrap(), &bytes).unwrap();
    let make = |dims, bias| Linear::new(&context, weight(dims), bias, Numerics::Q8);
    let error = make(&[32, 3, 2], None).unwrap_err().to_string();
    assert_eq!(
        error,
        "tensor \"blk.3.attn_k.weight\": the weight of a Linear has 2 dimensions, not those of \
         [32, 3, 2]"
    );
    let error = make(&[32, 6], Some(vec![0.0; 5])).unwrap_err().to_string();
    assert_eq!(error, "tensor \"blk.3.attn_k.weight\": 5 numbers of bias for 6 rows of weights");

    let linear = make(&[32, 6], None).unwrap();
    let forward = |x: usize, rows, out: usize| {
        let result = linear.forward(&context, &vec![0.0; x], rows, &mut vec![0.0; out]);
        result.unwrap_err().to_string()
    };
    let start = "tensor \"blk.3.attn_k.weight\": the ";
    assert_eq!(forward(31, 1, 6), format!("{start}input has 31 numbers, but its shape needs 32"));
    assert_eq!(forward(64, 2, 6), format!("{start}output has 6 numbers, but its shape needs 12"));
    assert!(forward(0, usize::MAX, 0).starts_with(start));
    let error = linear.apply(&context, &Matrix::zeros([2, 33])).unwrap_err().to_string();
    assert_eq!(
        error,
        "tensor \"blk.3.attn_k.weight\": rows of 33 numbers, but the weight takes 32"
    );

    // A view made by hand may claim what it likes.
    let broken = TensorView { shape: Shape::new(&[33, 6]).unwrap(), ..weight(&[32, 6]) };
    let error = Linear::new(&context, broken, None, Numerics::Q8).unwrap_err().to_string();
    assert_eq!(error, "tensor \"blk.3.attn_k.weight\": 33 columns are not a multiple of Q8_0's 32");
    let short = TensorView { bytes: &bytes[1..], ..weight(&[32, 6]) };
    let linear = Linear::new(&context, short, None, Numerics::Q8).unwrap();
    let error = linear.apply(&context, &Matrix::zeros([1, 32])).unwrap_err().to_string();
    assert!(error.contains("the weight has 203 bytes, but its shape needs 204"), "{error}");
}

#[test]
fn a_tuned_choice_is_taken_and_explained() {
    let format = formats::by_name("Q4_0").unwrap();
    let (rows, depth) = (64, 128);
    let entry = ProfileEntry {
        format: format.name.to_owned(),
        code_hash: format.kernel_hash(),
        class: Numerics::Q8,
        isa: "scalar".to_owned(),
        threads: 2,
        rows,
        depth,
        params: Params { grain: 16, ..Params::default() },
    };
    let bytes = encoded(format, rows, depth).unwrap();
    let shape = Shape::new(&[depth, rows]).unwrap();
    let weight = TensorView::new("w", format, shape, &bytes).unwrap();
    let plan = |threads| {
        let profile =
            Profile { name: "profile test.toml".to_owned(), entries: vec![entry.clone()] };
        let profile = ProfileSource::Given(profile);
        let isa = kernels::isa::by_name("scalar").ok();
        let context =
            Context::new(Options { threads, isa, profile, ..Options::default() }).unwrap();
        let linear = Linear::new(&context, weight, None, Numerics::Q8).unwrap();
        (linear.plan().clone(), context.warnings().to_vec())
    };
    let (tuned, warnings) = plan(2);
    assert!(matches!(tuned.source(), Source::Tuned { .. }));
    assert_eq!(tuned.params().grain, 16);
    assert!(tuned.explain().contains("profile test.toml"), "{}", tuned.explain());
    assert_eq!(warnings, Vec::<String>::new());

    let (default, warnings) = plan(1);
    assert_eq!(*default.source(), Source::Default);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("tuned with 2 threads"), "{warnings:?}");
}

/// The models of the shared test data, which may not be there.
fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/models");
    let Ok(files) = folder.read_dir() else {
        eprintln!("SKIPPED: there is no {}, so no real model is tested", folder.display());
        return vec![];
    };
    let files = files.map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "gguf")).collect()
}

#[test]
fn layers_of_real_models_multiply() {
    let context = context(2);
    for path in models() {
        let file = Mapped::open(&path).unwrap();
        let gguf = Gguf::parse(file.bytes()).unwrap();
        let mut layers = 0;
        for info in gguf.tensors().iter().filter(|info| info.shape.rank() == 2) {
            let weight = gguf.tensor(info.name).unwrap();
            let (rows, depth) = (weight.rows(), weight.depth());
            let x = numbers(2 * depth, 11);
            let want = naive(&weight, &x, None);
            let what = format!("{} {}", path.display(), info.name);
            for class in Numerics::ALL {
                let linear = Linear::new(&context, weight, None, class).unwrap();
                let mut out = vec![0.0; 2 * rows];
                linear.forward(&context, &x, 2, &mut out).unwrap();
                match linear.plan().class() {
                    Numerics::F32 => assert_close(&out, &want, depth, &what),
                    Numerics::Q8 | Numerics::Q8x256 | Numerics::Bf16 => {
                        assert_near(&out, &want, &what)
                    }
                }
            }
            layers += 1;
        }
        assert!(layers > 0, "{} has no matrices", path.display());
    }
}
