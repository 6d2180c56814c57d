//! What a plan promises whatever the batch, the threads and the knobs; and what it says to buffers
//! and shapes that do not fit.

mod blocks;
mod naive;

use kernels::{
    Activations, Batching, FormatInfo, MatmulError, Numerics, Params, Plan, Pool, Problem, Product,
    Profile, ProfileEntry, Selection, ShapeError, formats, isa,
};
use naive::Rng;

const CLASSES: [Numerics; 4] = Numerics::ALL;

/// Weights `(rows, depth)` of a format and activations `(batch, depth)`.
struct Case {
    problem: Problem,
    weights: Vec<u8>,
    x: Vec<f32>,
    seed: String,
}

impl Case {
    fn new(
        format: &'static FormatInfo,
        class: Numerics,
        (rows, depth, batch): (usize, usize, usize),
        seed: u64,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let count = rows * depth / format.block_len;
        let weights = naive::adversarial_blocks(format.name, &mut rng, count);
        // Where large batches round weights, small ones do not.
        let weights = match (format.name, class) {
            ("F16", Numerics::Bf16) => naive::shortened(weights),
            _ => weights,
        };
        let x = (0..batch * depth).map(|_| rng.normal()).collect();
        let problem = Problem { format, rows, depth, class };
        Self { problem, weights, x, seed: format!("{} {class}, {rng:?}", format.name) }
    }

    fn plan(&self, params: Params) -> Plan {
        Plan::with_params(self.problem, isa::best(), params).unwrap()
    }

    /// The products of the activations from row `first` on, `batch` of them.
    fn multiply(&self, plan: &Plan, pool: &Pool, first: usize, batch: usize) -> Vec<f32> {
        let depth = self.problem.depth;
        let x = &self.x[first * depth..(first + batch) * depth];
        let mut out = vec![f32::NAN; batch * self.problem.rows];
        plan.multiply(pool, &self.weights, x, batch, &mut out).unwrap();
        out
    }
}

fn each_format(mut test: impl FnMut(&'static FormatInfo, Numerics, u64)) {
    for (n, format) in formats::all().into_iter().enumerate() {
        for class in CLASSES {
            test(format, class, 0xBA + n as u64);
        }
    }
}

/// A depth that ends within a span.
fn depth_of(format: &FormatInfo) -> usize {
    if format.block_len == 1 { 3 * 64 + 13 } else { (5 * format.block_len).min(768) }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

// Batches.

/// A row of activations is quantized by itself, so all that a batch can change is the order in
/// which products are added. A chain of n additions of terms that were themselves rounded four
/// times at most is off from the exact sum by `(n + 4) eps / 2` of the sum of magnitudes, so two
/// orders differ by twice that. The longest chain adds each weight (class `f32`), or each unit of
/// 16 twice, codes and bias (class `q8`). Codes and biases apart are together at most three times
/// the largest weight of the block: a bias is a weight itself, of the lowest code, and a code's
/// term is the difference of two.
#[test]
fn every_row_of_a_batch_equals_the_row_alone() {
    let pool = Pool::new(2).unwrap();
    each_format(|format, class, seed| {
        let depth = depth_of(format);
        let case = Case::new(format, class, (21, depth, 33), seed);
        let chain = match class {
            Numerics::Q8 | Numerics::Q8x256 => depth / 8,
            Numerics::F32 | Numerics::Bf16 => depth,
        };
        let relative = 3.0 * (chain + 4) as f64 * f64::from(f32::EPSILON);
        // What rounding to bfloat16 takes of a weight that is not dense, at most.
        let shortest = if format.block_len == 1 { 0.0 } else { 1.0 / 512.0 };
        let mut x = case.x.clone();
        let group = if class == Numerics::Q8x256 { 256 } else { 32 };
        for group in x.chunks_mut(depth).flat_map(|row| row.chunks_mut(group)) {
            // A quant is off by half a unit, of which 127 are the group's largest.
            let most = group.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            group.iter_mut().for_each(|x| *x = x.abs() + most / 254.0);
        }
        let terms = blocks::terms(format, &case.weights, &x, depth);
        for switch_at in [1, 5, u16::MAX] {
            let plan = case.plan(Params { switch_at, ..Params::default() });
            let alone: Vec<f32> = (0..33).flat_map(|m| case.multiply(&plan, &pool, m, 1)).collect();
            for batch in 1..=33 {
                let together = case.multiply(&plan, &pool, 0, batch);
                let rounds = plan.kernel(batch).class == Numerics::Bf16;
                let relative = if rounds { relative + shortest } else { relative };
                for (n, together) in together.iter().enumerate() {
                    let (error, bound) = ((together - alone[n]).abs(), relative * terms[n]);
                    assert!(
                        f64::from(error) <= bound,
                        "{}, batch {batch}, gemm from {switch_at}, [{n}]: \
                         {together} is not {}, bound {bound:e}",
                        case.seed,
                        alone[n],
                    );
                }
            }
        }
    });
}

// Threads.

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let pools: Vec<Pool> = (1..=4).map(|threads| Pool::new(threads).unwrap()).collect();
    assert!(pools.iter().map(Pool::threads).eq(1..=4));
    each_format(|format, class, seed| {
        // More jobs than threads, the last of them short.
        let case = Case::new(format, class, (77, depth_of(format), 9), seed);
        for switch_at in [1, u16::MAX] {
            let params = Params { grain: 16, panels: 1, switch_at, ..Params::default() };
            let plan = case.plan(params);
            let want = bits(&case.multiply(&plan, &pools[0], 0, 9));
            for pool in &pools {
                let got = case.multiply(&plan, pool, 0, 9);
                assert_eq!(bits(&got), want, "{}: {pool:?}", case.seed);
            }
            for threads in 0..=5 {
                let plan = case.plan(Params { threads, ..params });
                let got = case.multiply(&plan, &pools[3], 0, 9);
                assert_eq!(bits(&got), want, "{}: {threads} of four threads", case.seed);
            }
        }
    });
}

/// Scratch memory and activations are kept from call to call; nothing of one call may be seen in
/// the next, whatever its shape, format and class.
#[test]
fn repeated_calls_give_the_same_bits() {
    let pool = Pool::new(2).unwrap();
    let mut cases = vec![];
    each_format(|format, class, seed| {
        let sizes =
            [(40, depth_of(format), 12), (3, format.block_len, 2), (17, depth_of(format), 5)];
        for (n, size) in sizes.into_iter().enumerate() {
            cases.push((Case::new(format, class, size, seed + n as u64), size.2));
        }
    });
    let fresh = |(case, batch): &(Case, usize)| {
        let pool = Pool::new(1).unwrap();
        bits(&case.multiply(&case.plan(Params::default()), &pool, 0, *batch))
    };
    let want: Vec<Vec<u32>> = cases.iter().map(fresh).collect();
    for round in 0..2 {
        for ((case, batch), want) in cases.iter().zip(&want) {
            let got = bits(&case.multiply(&case.plan(Params::default()), &pool, 0, *batch));
            assert_eq!(&got, want, "{}, round {round}", case.seed);
        }
    }
}

#[test]
fn plans_may_share_prepared_activations() {
    let pool = Pool::new(2).unwrap();
    for class in CLASSES {
        let of = |name| Case::new(formats::by_name(name).unwrap(), class, (21, 512, 7), 0x54);
        let (first, second) = (of("Q4_0"), of("Q6_K"));
        let mut activations = Activations::default();
        let prepared = first.plan(Params::default());
        prepared.prepare(&pool, &first.x, 7, &mut activations).unwrap();
        assert_eq!(activations.shape(), (7, 512));
        for case in [&first, &second] {
            let plan = case.plan(Params::default());
            let mut out = vec![f32::NAN; 7 * 21];
            plan.multiply_prepared(&pool, &case.weights, &activations, &mut out).unwrap();
            let mut want = vec![f32::NAN; 7 * 21];
            plan.multiply(&pool, &case.weights, &first.x, 7, &mut want).unwrap();
            assert_eq!(bits(&out), bits(&want), "{}", case.seed);
        }
    }
}

// Knobs.

#[test]
fn knobs_that_no_kernel_has_are_harmless() {
    let pool = Pool::new(2).unwrap();
    for name in ["Q4_K", "Q8_0", "F16"] {
        let format = formats::by_name(name).unwrap();
        for class in CLASSES {
            let case = Case::new(format, class, (37, depth_of(format), 6), 0x4B);
            let want = case.multiply(&case.plan(Params::default()), &pool, 0, 6);
            let power: f64 = want.iter().map(|w| f64::from(*w).powi(2)).sum();
            for byte in [0, 1, 3, u8::MAX] {
                for word in [0, 1, 3, u16::MAX] {
                    let params = Params {
                        rows: byte,
                        columns: byte,
                        switch_at: word,
                        tiles_at: word,
                        grain: word,
                        panels: word,
                        prefetch: word,
                        lines: byte,
                        level: byte,
                        threads: word,
                    };
                    let plan = case.plan(params);
                    let got = case.multiply(&plan, &pool, 0, 6);
                    let squares = got.iter().zip(&want).map(|(a, b)| f64::from(a - b).powi(2));
                    // The same sums in another order, or, on tile registers, of other quants.
                    let rounds = |plan: &Plan| plan.kernel(6).class == Numerics::Bf16;
                    let same = rounds(&plan) == rounds(&case.plan(Params::default()));
                    let rounding = if same { 1e-10 } else { 1e-2 };
                    assert!(squares.sum::<f64>() <= rounding * power, "{} {params:?}", case.seed);
                }
            }
        }
    }
}

// What does not fit.

fn message(result: Result<(), MatmulError>) -> String {
    result.expect_err("buffers that do not fit").to_string()
}

#[test]
fn buffers_of_the_wrong_length_are_errors_that_name_them() {
    let pool = Pool::new(1).unwrap();
    each_format(|format, class, seed| {
        let (rows, depth, batch) = (3, 2 * format.block_len, 2);
        let case = Case::new(format, class, (rows, depth, batch), seed);
        let plan = case.plan(Params::default());
        let out = || vec![7.0; batch * rows];
        let need = case.weights.len();

        for have in [0, 1, need - 1, need + 1, 2 * need] {
            let (weights, mut out) = (vec![0; have], out());
            let said = message(plan.multiply(&pool, &weights, &case.x, batch, &mut out));
            let want = format!("the weight has {have} bytes, but its shape needs {need}");
            assert_eq!(said, want, "{}", case.seed);
            assert!(out.iter().all(|out| *out == 7.0), "{}: output was written", case.seed);
        }
        for have in [0, 1, batch * depth - 1, batch * depth + 1] {
            let (x, mut out) = (vec![0.0; have], out());
            let said = message(plan.multiply(&pool, &case.weights, &x, batch, &mut out));
            let need = batch * depth;
            let want = format!("the input has {have} numbers, but its shape needs {need}");
            assert_eq!(said, want, "{}", case.seed);
            assert!(out.iter().all(|out| *out == 7.0), "{}: output was written", case.seed);
        }
        for have in [0, 1, batch * rows - 1, batch * rows + 1] {
            let mut out = vec![7.0; have];
            let said = message(plan.multiply(&pool, &case.weights, &case.x, batch, &mut out));
            let need = batch * rows;
            let want = format!("the output has {have} numbers, but its shape needs {need}");
            assert_eq!(said, want, "{}", case.seed);
            assert!(out.iter().all(|out| *out == 7.0), "{}: output was written", case.seed);
        }
        // A batch that no buffer can have.
        let said = message(plan.multiply(&pool, &case.weights, &case.x, usize::MAX, &mut out()));
        assert!(said.starts_with("the input has "), "{}: {said}", case.seed);

        // The next call is none the worse for it.
        let (mut got, mut want) = (out(), out());
        plan.multiply(&pool, &case.weights, &case.x, batch, &mut got).unwrap();
        plan.multiply(&Pool::new(1).unwrap(), &case.weights, &case.x, batch, &mut want).unwrap();
        assert_eq!(bits(&got), bits(&want), "{}", case.seed);
    });
}

#[test]
fn prepared_activations_of_another_depth_are_an_error() {
    let pool = Pool::new(1).unwrap();
    for class in CLASSES {
        let format = formats::by_name("Q4_0").unwrap();
        let (short, long) = (
            Case::new(format, class, (3, 32, 2), 0xDE),
            Case::new(format, class, (3, 64, 2), 0xDE),
        );
        let mut activations = Activations::default();
        let plan = short.plan(Params::default());
        plan.prepare(&pool, &short.x, 2, &mut activations).unwrap();
        let plan = long.plan(Params::default());
        let result = plan.multiply_prepared(&pool, &long.weights, &activations, &mut [0.0; 6]);
        let said = message(result);
        assert_eq!(said, "the input's row has 32 numbers, but its shape needs 64");
    }
}

#[test]
fn matrices_that_are_not_whole_blocks_have_no_plan() {
    each_format(|format, class, _| {
        let block = format.block_len;
        for depth in [1, block / 2, block + 1, 3 * block - 1] {
            if depth.is_multiple_of(block) {
                continue;
            }
            let problem = Problem { format, rows: 4, depth, class };
            let error = Plan::new(problem, &Selection::default()).unwrap_err();
            let want = format!("{depth} columns are not a multiple of {}'s {block}", format.name);
            assert_eq!(error.to_string(), want);
            let given = Plan::with_params(problem, isa::best(), Params::default());
            assert_eq!(given.unwrap_err(), error);
        }
    });
}

#[test]
fn matrices_larger_than_memory_have_no_plan() {
    each_format(|format, class, _| {
        let depth = 4 * format.block_len;
        let problem = Problem { format, rows: usize::MAX / 2, depth, class };
        let error = Plan::new(problem, &Selection::default()).unwrap_err();
        let overflow =
            ShapeError::Overflow { format: format.name, rows: problem.rows, columns: depth };
        assert_eq!(error, overflow.into());
        let said = error.to_string();
        assert!(said.contains(format.name) && said.contains(&problem.rows.to_string()), "{said}");
    });
}

// What is empty.

#[test]
fn an_empty_batch_and_no_rows_are_no_work() {
    let pool = Pool::new(2).unwrap();
    each_format(|format, class, seed| {
        for (rows, batch) in [(5, 0), (0, 3), (0, 0)] {
            let case = Case::new(format, class, (rows, format.block_len, batch), seed);
            for switch_at in [0, 1, u16::MAX] {
                let plan = case.plan(Params { switch_at, ..Params::default() });
                assert_eq!(case.multiply(&plan, &pool, 0, batch), vec![0.0; 0], "{}", case.seed);
                assert!(!plan.explain().is_empty());
            }
        }
    });
}

/// A sum of nothing is zero.
#[test]
fn products_of_no_columns_are_zeros() {
    let pool = Pool::new(2).unwrap();
    each_format(|format, class, seed| {
        let case = Case::new(format, class, (5, 0, 3), seed);
        for switch_at in [0, 1, u16::MAX] {
            let plan = case.plan(Params { switch_at, ..Params::default() });
            assert_eq!(case.multiply(&plan, &pool, 0, 3), vec![0.0; 15], "{}", case.seed);
        }
    });
}

#[test]
fn products_together_are_the_products_one_by_one() {
    let pool = Pool::new(2).unwrap();
    for batch in [1, 3, 40] {
        // Of one depth, of several formats and row counts, in all classes; of rows rounded to bfloat16
        // one takes these, the other floats.
        let usual = Params::default().switch_at;
        let (cases, plans): (Vec<Case>, Vec<Plan>) = [
            ("Q4_K", Numerics::Q8, 70, usual),
            ("Q8_0", Numerics::Q8, 1, usual),
            ("F16", Numerics::Q8, 33, usual),
            ("Q6_K", Numerics::F32, 129, usual),
            ("Q5_1", Numerics::Q8x256, 37, usual),
            ("BF16", Numerics::Bf16, 64, 1),
            ("Q8_0", Numerics::Bf16, 35, u16::MAX),
        ]
        .into_iter()
        .map(|(name, class, rows, switch_at)| {
            let format = formats::by_name(name).unwrap();
            let case = Case::new(format, class, (rows, 512, batch), 7);
            let plan = case.plan(Params { switch_at, ..Params::default() });
            (case, plan)
        })
        .unzip();
        let [.., rounded, floats] = &plans[..] else { unreachable!("there are seven") };
        if isa::best().multiplies_bf16() {
            assert_eq!(rounded.kernel(batch).class, Numerics::Bf16);
        }
        assert_eq!(floats.kernel(batch).class, Numerics::F32);
        let x = &cases[0].x;
        let one_by_one: Vec<Vec<f32>> = cases
            .iter()
            .zip(&plans)
            .map(|(case, plan)| {
                let mut out = vec![f32::NAN; batch * case.problem.rows];
                plan.multiply(&pool, &case.weights, x, batch, &mut out).unwrap();
                out
            })
            .collect();
        let mut outs: Vec<Vec<f32>> =
            one_by_one.iter().map(|out| vec![f32::NAN; out.len()]).collect();
        let mut products: Vec<Product<'_>> = cases
            .iter()
            .zip(&plans)
            .zip(&mut outs)
            .map(|((case, plan), out)| Product { plan, weights: &case.weights, out })
            .collect();
        kernels::multiply_together(&pool, x, batch, &mut products).unwrap();
        let bits = |out: &Vec<f32>| out.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for ((case, want), got) in cases.iter().zip(&one_by_one).zip(&outs) {
            assert_eq!(bits(want), bits(got), "batch {batch}, {}", case.seed);
        }
    }
}

#[test]
fn activations_of_another_class_are_refused() {
    let pool = Pool::new(1).unwrap();
    let case = Case::new(formats::by_name("Q8_0").unwrap(), Numerics::Q8, (4, 64, 1), 3);
    let plan = case.plan(Params::default());
    let floats = Plan::with_params(
        Problem { class: Numerics::F32, ..case.problem },
        isa::best(),
        Params::default(),
    );
    let mut x = Activations::default();
    floats.unwrap().prepare(&pool, &case.x, 1, &mut x).unwrap();
    let error = plan.multiply_prepared(&pool, &case.weights, &x, &mut [0.0; 4]).unwrap_err();
    assert_eq!(error.to_string(), "activations of class f32, but the plan computes in q8");
}

/// Rows of a batch, bit by bit what each is alone, whatever the batch, threads and knobs.
#[test]
fn an_invariant_plan_gives_a_row_the_same_bits_in_every_batch() {
    let pools = [Pool::new(1).unwrap(), Pool::new(2).unwrap()];
    each_format(|format, class, seed| {
        let depth = 3 * format.block_len.max(64);
        let case = Case::new(format, class, (37, depth, 33), seed);
        let alone: Vec<Vec<f32>> = {
            let selection = Selection { batching: Batching::Invariant, ..Selection::default() };
            let plan = Plan::new(case.problem, &selection).unwrap();
            (0..33).map(|row| case.multiply(&plan, &pools[0], row, 1)).collect()
        };
        let profile = |rows: u8, grain: u16| {
            let Problem { format, rows: n, depth, class } = case.problem;
            let entry = ProfileEntry {
                format: format.name.into(),
                code_hash: format.kernel_hash(),
                class,
                isa: isa::best().name.into(),
                threads: 2,
                rows: n,
                depth,
                params: Params { rows, grain, ..Params::default() },
            };
            Profile { name: "test".into(), entries: vec![entry] }
        };
        for (rows, grain) in [(1, 64), (2, 5), (4, 8)] {
            let profile = profile(rows, grain);
            let selection = Selection {
                profile: Some(&profile),
                threads: 2,
                batching: Batching::Invariant,
                ..Selection::default()
            };
            let plan = Plan::new(case.problem, &selection).unwrap();
            for (batch, pool) in [(1, 1), (2, 0), (3, 1), (4, 0), (7, 1), (33, 1)] {
                let all = case.multiply(&plan, &pools[pool], 0, batch);
                for (row, got) in all.chunks(37).enumerate() {
                    let bits = |row: &[f32]| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(got), bits(&alone[row]), "batch {batch}, {}", case.seed);
                }
            }
        }
    });
}

/// Small batches unpack a slice of K at a time, or read some rows again and again; what is added to
/// what, and in which order, stays the same.
#[test]
fn slices_and_chunks_give_the_bits_of_the_whole() {
    let pool = Pool::new(2).unwrap();
    each_format(|format, class, seed| {
        // Slices end within rows, and so do the last one and a span; rows are more than a chunk.
        let depth = 1900 / format.block_len * format.block_len;
        let case = Case::new(format, class, (211, depth, 20), seed);
        for isa in isa::ISAS.iter().filter(|isa| isa.is_supported() && isa.name != "scalar") {
            let plan = |switch_at| {
                let params = Params { switch_at, ..Params::default() };
                Plan::with_params(case.problem, isa, params).unwrap()
            };
            for (switch_at, whole) in [(1, 20), (u16::MAX, 1)] {
                let plan = plan(switch_at);
                let want: Vec<f32> = (0..20 / whole)
                    .flat_map(|m| case.multiply(&plan, &pool, m * whole, whole))
                    .collect();
                for batch in [1, 6, 13] {
                    let got = case.multiply(&plan, &pool, 0, batch);
                    let want = &want[..got.len()];
                    assert_eq!(bits(&got), bits(want), "{isa:?}, batch {batch}, {}", case.seed);
                }
            }
        }
    });
}
