//! Which tuned choice a problem gets.

use kernels::{
    IsaInfo, Numerics, Params, Plan, Problem, Profile, ProfileEntry as Entry, Selection, Source,
    formats, isa,
};
use std::process::Command;

fn entry(rows: usize, depth: usize) -> Entry {
    let format = formats::by_name("Q4_K").unwrap();
    Entry {
        format: format.name.into(),
        code_hash: format.kernel_hash(),
        class: Numerics::Q8,
        isa: "scalar".into(),
        threads: 2,
        rows,
        depth,
        params: Params { grain: 16, ..Params::default() },
    }
}

fn problem(rows: usize, depth: usize) -> Problem {
    Problem { format: formats::by_name("Q4_K").unwrap(), rows, depth, class: Numerics::Q8 }
}

#[test]
fn the_same_shape_wins_then_the_nearest_within_a_factor_of_two() {
    let profile = Profile { name: "p".into(), entries: vec![entry(4096, 4096), entry(8192, 4096)] };
    let found = |rows, depth| profile.lookup(&problem(rows, depth), 2, None).map(|f| f.2);
    assert!(matches!(found(4096, 4096), Some(Source::Tuned { .. })));
    assert!(matches!(found(8192, 4096), Some(Source::Tuned { .. })));
    assert!(matches!(found(5120, 4096), Some(Source::Nearest { rows: 4096, .. })));
    assert_eq!(found(1024, 4096), None);
    assert_eq!(found(4096, 14336), None);
}

#[test]
fn entries_for_other_code_threads_or_instruction_sets_do_not_count() {
    let changed = [
        Entry { code_hash: 1, ..entry(4096, 4096) },
        Entry { threads: 1, ..entry(4096, 4096) },
        Entry { isa: "nonesuch".into(), ..entry(4096, 4096) },
        Entry { class: Numerics::F32, ..entry(4096, 4096) },
    ];
    for entry in changed {
        let profile = Profile { name: "p".into(), entries: vec![entry] };
        assert_eq!(profile.lookup(&problem(4096, 4096), 2, None), None);
    }
}

#[test]
#[ignore = "run by the test below in a process of its own: `TILEWRIGHT_ISA` is the process's"]
fn explanations() {
    let profile = Profile { name: "profile p".into(), entries: vec![entry(4096, 4096)] };
    let explain = |problem, profile| {
        let selection = Selection { profile, threads: 2, ..Selection::default() };
        Plan::new(problem, &selection).unwrap().explain()
    };
    let text = explain(problem(4096, 4096), Some(&profile));
    assert!(text.contains("q4_k_scalar_") && text.ends_with("tuned, profile p"), "{text}");
    let text = explain(problem(8192, 4096), Some(&profile));
    assert!(text.ends_with("tuned for 4096 x 4096, profile p"), "{text}");
    let text = explain(problem(4096, 4096), None);
    assert!(text.ends_with("defaults: no tuned entry for this shape"), "{text}");
    let dense = formats::by_name("F16").unwrap();
    let text = explain(Problem { format: dense, ..problem(64, 64) }, None);
    assert!(text.ends_with("F16 has no q8 kernels: computed in f32"), "{text}");
}

#[test]
fn a_plan_names_its_profile_and_what_was_given_up() {
    // An empty variable is none: it leaves the choice to the profile.
    for variable in [None, Some("")] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "explanations"]).env_remove("TILEWRIGHT_ISA");
        command.envs(variable.map(|value| ("TILEWRIGHT_ISA", value)));
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}

// Without a profile.

#[test]
fn rows_share_activations_that_do_not_fit_and_large_batches_come_sooner() {
    let of = |name, depth, class| {
        let problem = Problem { format: formats::by_name(name).unwrap(), rows: 4096, depth, class };
        let Params { rows, switch_at, .. } = Params::untuned(&problem, isa::ISAS[0]);
        (rows, switch_at)
    };
    assert_eq!(of("Q4_K", 4096, Numerics::Q8), (1, 4));
    assert_eq!(of("Q3_K", 14336, Numerics::Q8), (4, 4));
    assert_eq!(of("Q4_K", 8192, Numerics::Q8), (1, 3));
    assert_eq!(of("Q4_K", 14336, Numerics::Q8), (4, 2));
    assert_eq!(of("Q4_K", 4096, Numerics::F32), (1, 5));
    // Little to read, and much to decode: gemm would do more of that.
    assert_eq!(of("Q2_K", 14336, Numerics::Q8), (4, 5));
    // It has no integer kernels: its activations are floats whatever was asked for.
    assert_eq!(of("F16", 4096, Numerics::Q8), (1, 8));
    assert_eq!(of("F16", 14336, Numerics::F32), (4, 8));
    // Pairs of bfloat16 take half the place of floats.
    assert_eq!(of("BF16", 8192, Numerics::Bf16).0, 1);
    assert_eq!(of("BF16", 14336, Numerics::Bf16).0, 4);
    assert_eq!(of("F16", 8192, Numerics::Bf16).0, 4);
    assert_eq!(of("Q4_K", 0, Numerics::Q8).0, 1);
    // Of a file, which can hold anything.
    assert_eq!(of("F16", usize::MAX, Numerics::F32).0, 4);
    assert_eq!(of("Q4_K", usize::MAX, Numerics::Q8), (4, 2));
}

#[test]
fn servers_with_tile_registers_ask_for_every_line_of_several_rows() {
    let of = |isa: &'static IsaInfo, name| {
        let format = formats::by_name(name).unwrap();
        let problem = Problem { format, rows: 4096, depth: 4096, class: Numerics::Q8 };
        let Params { rows, lines, .. } = Params::untuned(&problem, isa);
        (rows, lines)
    };
    for isa in isa::ISAS {
        let several = if isa.has_tiles { (4, 64) } else { (1, 8) };
        assert_eq!(of(isa, "Q4_K"), several, "{isa:?}");
        assert_eq!(of(isa, "TQ2_0"), (1, 8), "{isa:?}");
    }
}

#[test]
fn servers_with_tile_registers_unpack_later_and_dense_weights_wait_for_tiles() {
    let of = |isa: &'static IsaInfo, name, depth, class| {
        let problem = Problem { format: formats::by_name(name).unwrap(), rows: 4096, depth, class };
        let Params { switch_at, tiles_at, .. } = Params::untuned(&problem, isa);
        (switch_at, tiles_at)
    };
    for isa in isa::ISAS {
        let (later, dense) = (isa.has_tiles && isa.multiplies_bf16(), isa.lanes == 64);
        let of_codes = if isa.has_tiles { 5 } else { 2 };
        assert_eq!(of(isa, "Q4_K", 14336, Numerics::Q8), (of_codes, 64), "{isa:?}");
        let of_floats = if dense { 17 } else { 8 };
        assert_eq!(of(isa, "F16", 4096, Numerics::F32), (of_floats, 12), "{isa:?}");
        let until_tiles = if later { 12 } else { of_floats };
        assert_eq!(of(isa, "F16", 4096, Numerics::Q8), (until_tiles, 12), "{isa:?}");
        // It has no kernels on tiles.
        assert_eq!(of(isa, "F32", 4096, Numerics::Q8), (of_floats, 12), "{isa:?}");
    }
}
