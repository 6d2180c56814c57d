//! Which tuned choice a problem gets.

use kernels::{Numerics, Params, Problem, Profile, ProfileEntry as Entry, Source, formats};

fn entry(rows: usize, depth: usize) -> Entry {
    let format = formats::by_name("Q4_K").unwrap();
    Entry {
        format: format.name.into(),
        code_hash: format.code_hash,
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
