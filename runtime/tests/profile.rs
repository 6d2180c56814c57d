//! The profile's file: what is written is read, and whatever is wrong with one is a warning that
//! names it and its remedy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kernels::params::{Params, Tunable};
use kernels::{Numerics, Problem, ProfileEntry, formats};
use runtime::profile::{
    self, Entry, Loaded, Measured, Meta, ParseError, ProfileFile, SaveError, Status, check_place,
    load, save,
};

fn choice(format: &str, rows: usize) -> ProfileEntry {
    let format = formats::by_name(format).expect("a format of this crate");
    ProfileEntry {
        format: format.name.to_owned(),
        code_hash: format.kernel_hash(),
        class: Numerics::Q8,
        isa: "scalar".to_owned(),
        threads: 2,
        rows,
        depth: 4096,
        params: Params { grain: 128, ..Params::default() },
    }
}

fn file(entries: &[ProfileEntry]) -> ProfileFile {
    let meta = Meta {
        tool: "tuning 0.1.0".to_owned(),
        created: profile::now(),
        seed: 42,
        budget_s: 120.0,
        command: "tuning --budget 120 \"quoted\"".to_owned(),
    };
    let mut file = ProfileFile::new(meta);
    file.peaks.threads = 2;
    file.peaks.read_gbps = 41.25;
    file.peaks.dot_gmacs.insert("avx512vnni".to_owned(), 875.5);
    file.entries = entries.iter().map(Entry::new).collect();
    file
}

/// A folder, and the path of a profile in it that does not exist yet.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper").join("class.toml");
    (folder, path)
}

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// `text` with another body, and the digest that belongs to it.
fn resealed(text: &str, change: impl Fn(&str) -> String) -> String {
    let (body, _) = text.rsplit_once("integrity").unwrap();
    let body = change(body);
    assert_ne!(body, text.rsplit_once("integrity").unwrap().0, "the change changes something");
    let digest = blake3::hash(body.as_bytes()).to_hex();
    format!("{body}integrity = \"blake3:{digest}\"\n")
}

/// The one warning about a profile that cannot be used at all.
fn refusal(path: &Path) -> String {
    let before = fs::read(path).ok();
    let Loaded { profile, warnings } = load(path);
    assert_eq!(profile, None, "{warnings:?}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let warning = warnings.into_iter().next().unwrap();
    assert!(warning.contains(&path.display().to_string()), "{warning}");
    assert!(warning.contains("cargo run -p tuning"), "{warning}");
    assert!(!warning.contains('\n'), "{warning}");
    assert_eq!(fs::read(path).ok(), before, "reading changes nothing");
    warning
}

#[test]
fn what_is_saved_is_loaded() {
    let (_folder, path) = place();
    let mut wanted = file(&[choice("Q4_K", 4096), choice("Q8_0", 1024)]);
    wanted.entries[0].measured.push(Measured {
        batch: 1,
        default_ns: 412_300.5,
        tuned_ns: 385_000.0,
        samples: 24,
        gbps: 24.5,
        gmacs: 43.6,
        bound: "read".to_owned(),
        percent_of_bound: 91.0,
        speedup: 1.07,
    });
    wanted.entries[1].status = Status::Default;
    assert_eq!(save(&path, &wanted).unwrap(), profile::Saved::default());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(ProfileFile::parse(&text).unwrap(), wanted);

    let Loaded { profile, warnings } = load(&path);
    assert_eq!(warnings, Vec::<String>::new());
    let profile = profile.unwrap();
    assert_eq!(profile.name, "profile class.toml");
    assert_eq!(profile.entries, [choice("Q4_K", 4096), choice("Q8_0", 1024)]);
}

#[test]
fn the_file_is_toml_that_other_programs_read() {
    let text = file(&[choice("Q4_K", 4096)]).to_toml();
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["schema"].as_integer(), Some(1));
    let entry = &table["entry"][0];
    assert_eq!(entry["format"].as_str(), Some("Q4_K"));
    assert!(entry["code_hash"].as_str().unwrap().starts_with("0x"));
    for knob in Params::KNOBS {
        assert!(entry["params"][knob.name].is_integer(), "{}", knob.name);
    }
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("integrity = \"blake3:"), "{last}");
    assert!(table["seal"]["integrity"].as_str().unwrap().starts_with("blake3:"));
}

#[test]
fn no_file_is_no_warning() {
    let (_folder, path) = place();
    assert_eq!(load(&path), Loaded::default());
}

#[test]
fn a_profile_without_entries_is_no_profile() {
    let (_folder, path) = written(&file(&[]).to_toml());
    assert_eq!(load(&path), Loaded::default());
}

#[test]
fn a_file_cut_anywhere_is_one_warning() {
    let text = file(&[choice("Q4_K", 4096)]).to_toml();
    let (_folder, path) = written(&text);
    for end in 0..text.len() - 1 {
        fs::write(&path, &text[..end]).unwrap();
        refusal(&path);
    }
    // Only the last line's end is missing: nothing is lost.
    fs::write(&path, text.trim_end()).unwrap();
    assert!(load(&path).profile.is_some());
}

#[test]
fn a_file_with_any_byte_changed_is_one_warning_or_none_that_matters() {
    let text = file(&[choice("Q4_K", 4096)]).to_toml();
    let (_folder, path) = written(&text);
    for at in (0..text.len() - 1).step_by(7) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 0x15;
        fs::write(&path, &bytes).unwrap();
        refusal(&path);
    }
}

#[test]
fn a_corrupt_file_is_named_with_line_and_column() {
    let (_folder, path) = written("schema = 1\n[meta]\ntool = = 3\n");
    let warning = refusal(&path);
    assert!(warning.contains("line 3, column 8"), "{warning}");

    let (_folder, path) = written("schema = 1\n\x00");
    refusal(&path);
    fs::write(&path, b"schema = 1\n# \xFF\xFE\n").unwrap();
    assert!(refusal(&path).contains("line 2: byte 13 is not UTF-8"));
    fs::write(&path, "").unwrap();
    assert!(refusal(&path).contains("integrity"));
}

#[test]
fn wrong_types_under_a_right_digest_are_named_with_line_and_column() {
    let text = file(&[choice("Q4_K", 4096)]).to_toml();
    let changed = resealed(&text, |body| body.replace("rows = 4096", "rows = \"many\""));
    let (_folder, path) = written(&changed);
    let warning = refusal(&path);
    assert!(warning.contains("line ") && warning.contains("column "), "{warning}");
    let changed = resealed(&text, |body| body.replace("\"0x", "\"zz"));
    fs::write(&path, changed).unwrap();
    assert!(refusal(&path).contains("is no hash"));
    let changed = resealed(&text, |body| body.replace("format = \"Q4_K\"", ""));
    fs::write(&path, changed).unwrap();
    assert!(refusal(&path).contains("missing field `format`"));
}

#[test]
fn an_edited_file_does_not_have_its_digest() {
    let text = file(&[choice("Q4_K", 4096)]).to_toml().replace("seed = 42", "seed = 43");
    assert_eq!(ProfileFile::parse(&text), Err(ParseError::Digest));
    let (_folder, path) = written(&text);
    assert!(refusal(&path).contains("digest"));
}

#[test]
fn a_newer_schema_is_refused_naming_both_versions() {
    // Nothing but the schema and the tool is understood, as with a real one from the future.
    let (_folder, path) = written("schema = 7\nfingerprint = 3\n[meta]\ntool = \"tuning 9.0.0\"\n");
    let warning = refusal(&path);
    for part in ["schema 7", "schemas up to 1", "tuning 9.0.0"] {
        assert!(warning.contains(part), "{warning}");
    }
}

#[test]
fn a_foreign_profile_is_refused_naming_both_machines() {
    let mut foreign = file(&[choice("Q4_K", 4096)]);
    foreign.fingerprint.class = "x86_64-acme-1-2-avx9".to_owned();
    let (_folder, path) = written(&foreign.to_toml());
    let warning = refusal(&path);
    assert!(warning.contains("x86_64-acme-1-2-avx9"), "{warning}");
    assert!(warning.contains(&profile::machine().class), "{warning}");
}

#[test]
fn a_folder_in_place_of_the_file_is_one_warning() {
    let (_folder, path) = place();
    fs::create_dir_all(&path).unwrap();
    assert!(refusal(&path).contains("not a file"));
}

#[test]
fn entries_that_cannot_be_used_are_dropped_and_counted_by_reason() {
    let good = Entry::new(&choice("Q4_K", 4096));
    let with = |change: fn(&mut Entry)| {
        let mut entry = good.clone();
        change(&mut entry);
        entry
    };
    let knob = |name: &str, value| {
        let mut entry = good.clone();
        entry.params.insert(name.to_owned(), value);
        entry
    };
    let mut file = file(&[]);
    file.entries = vec![
        good.clone(),
        with(|e| e.code_hash ^= 1),
        with(|e| e.code_hash ^= 2),
        with(|e| e.format = "Q9_X".to_owned()),
        with(|e| e.isa = "avx9".to_owned()),
        with(|e| e.class = "q3".to_owned()),
        knob("warp", 32),
        knob("grain", 65),
        knob("grain", -1),
        knob("grain", i64::MAX),
    ];
    let (_folder, path) = written(&file.to_toml());
    let Loaded { profile, warnings } = load(&path);
    assert_eq!(profile.unwrap().entries, [choice("Q4_K", 4096)]);
    let about = |what: &str| {
        let found: Vec<_> = warnings.iter().filter(|w| w.contains(what)).collect();
        assert_eq!(found.len(), 1, "{what}: {warnings:#?}");
        assert!(found[0].contains(&path.display().to_string()));
    };
    about("2 of 10 entries are measured on other code");
    about("1 of 10 entries are for format \"Q9_X\"");
    about("1 of 10 entries are for instruction set \"avx9\"");
    about("1 of 10 entries are for numerics class \"q3\"");
    about("1 of 10 entries are with knob \"warp\"");
    about("1 of 10 entries are with grain = 65");
    about("1 of 10 entries are with grain = -1");
    about(&format!("1 of 10 entries are with grain = {}", i64::MAX));
    assert_eq!(warnings.len(), 8, "{warnings:#?}");
}

#[test]
fn a_knob_that_is_not_named_has_the_default_of_the_matrix() {
    let mut entry = Entry::new(&choice("Q4_K", 4096));
    entry.params = BTreeMap::from([("grain".to_owned(), 16)]);
    entry.depth = 14336;
    let resolved = entry.resolve(&formats::all()).unwrap();
    let untuned = untuned("Q4_K", (4096, 14336), &entry.isa);
    assert_ne!(untuned, Params::default());
    assert_eq!(resolved.params, Params { grain: 16, ..untuned });
    // Files can hold anything.
    entry.depth = usize::MAX;
    assert!(entry.resolve(&formats::all()).is_ok());
}

fn untuned(format: &str, (rows, depth): (usize, usize), isa: &str) -> Params {
    let format = formats::by_name(format).unwrap();
    let problem = Problem { format, rows, depth, class: Numerics::Q8 };
    Params::untuned(&problem, kernels::isa::by_name(isa).unwrap())
}

#[test]
fn saving_keeps_what_was_not_tuned_again() {
    let (_folder, path) = place();
    save(&path, &file(&[choice("Q4_K", 4096), choice("Q4_K", 1024)])).unwrap();
    let mut again = choice("Q4_K", 1024);
    again.params.grain = 256;
    let saved = save(&path, &file(&[again.clone(), choice("Q8_0", 512)])).unwrap();
    assert_eq!((saved.kept, saved.dropped, saved.moved), (1, 0, None));
    let entries = load(&path).profile.unwrap().entries;
    assert_eq!(entries, [again, choice("Q8_0", 512), choice("Q4_K", 4096)]);
}

#[test]
fn saving_drops_stale_entries_but_not_those_of_formats_from_elsewhere() {
    let (_folder, path) = place();
    let mut stale = Entry::new(&choice("Q4_K", 4096));
    stale.code_hash ^= 1;
    let mut elsewhere = Entry::new(&choice("Q4_K", 4096));
    elsewhere.format = "MINE3".to_owned();
    let mut old = file(&[]);
    old.entries = vec![stale, elsewhere.clone()];
    save(&path, &old).unwrap();
    let saved = save(&path, &file(&[choice("Q8_0", 512)])).unwrap();
    assert_eq!((saved.kept, saved.dropped), (1, 1));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(ProfileFile::parse(&text).unwrap().entries[1], elsewhere);
}

#[test]
fn saving_over_a_file_that_is_no_profile_keeps_it_under_another_name() {
    let mut foreign = file(&[choice("Q4_K", 64)]);
    foreign.fingerprint.class = "elsewhere".to_owned();
    for (kind, old) in [
        ("bad", "not = = a profile".to_owned()),
        ("bad", file(&[choice("Q4_K", 64)]).to_toml().replace("seed = 42", "seed = 1")),
        ("foreign", foreign.to_toml()),
        ("newer", "schema = 2\n".to_owned()),
    ] {
        let (_folder, path) = written(&old);
        let new = file(&[choice("Q4_K", 4096)]);
        for _ in 0..2 {
            // Twice within a second: the second one needs another name.
            fs::write(&path, &old).unwrap();
            let saved = save(&path, &new).unwrap();
            let moved = saved.moved.unwrap();
            let name = moved.file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with(&format!("class.toml.{kind}-20")), "{name}");
            assert_eq!(fs::read_to_string(&moved).unwrap(), old);
            assert_eq!(load(&path).profile.unwrap().entries.len(), 1);
        }
        let files = fs::read_dir(path.parent().unwrap()).unwrap();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        let kept = names.iter().filter(|name| name.to_string_lossy().contains(kind));
        assert_eq!(kept.count(), 2, "{names:?}");
    }
}

#[test]
fn saving_where_it_cannot_be_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, "in the way").unwrap();
    let path = blocked.join("profile.toml");
    let error: SaveError = save(&path, &file(&[])).unwrap_err();
    assert!(error.to_string().contains("profile.toml"), "{error}");
    let before: SaveError = check_place(&path).unwrap_err();
    assert_eq!(before.to_string(), error.to_string(), "known before anything is measured");
}

#[test]
fn a_place_that_can_be_written_is_left_as_it_is() {
    let (_folder, path) = written("not = = a profile");
    check_place(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "not = = a profile");
    let new = path.with_file_name("new").join("profile.toml");
    check_place(&new).unwrap();
    assert!(!new.exists());
    save(&new, &file(&[choice("Q4_K", 64)])).unwrap();
}

#[test]
fn a_folder_in_the_way_is_neither_moved_nor_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folder");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("thesis.txt"), "years of work").unwrap();
    for error in [check_place(&path).unwrap_err(), save(&path, &file(&[])).unwrap_err()] {
        assert!(error.to_string().contains("not a file"), "{error}");
    }
    assert_eq!(fs::read_to_string(path.join("thesis.txt")).unwrap(), "years of work");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn tuners_that_save_at_once_lose_nothing() {
    let (_folder, path) = place();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let path = &path;
            scope.spawn(move || save(path, &file(&[choice("Q4_K", 256 << n)])).unwrap());
        }
    });
    assert_eq!(load(&path).profile.unwrap().entries.len(), 8);
}

#[test]
fn the_readme_of_the_format_is_true() {
    // The example in the module's essay, with this machine's class and a real digest.
    let hash = formats::by_name("Q4_K").unwrap().kernel_hash();
    let class = profile::machine().class;
    let body = format!(
        "schema = 1\n[fingerprint]\nclass = \"{class}\"\n[[entry]]\nformat = \"Q4_K\"\n\
         code_hash = \"{hash:#018x}\"\nclass = \"q8\"\nisa = \"scalar\"\nthreads = 2\nrows = 4096\n\
         depth = 4096\nparams = {{ rows = 2, prefetch = 4096 }}\n[seal]\n"
    );
    let digest = blake3::hash(body.as_bytes()).to_hex();
    let (_folder, path) = written(&format!("{body}integrity = \"blake3:{digest}\"\n"));
    let Loaded { profile, warnings } = load(&path);
    assert_eq!(warnings, Vec::<String>::new());
    let params = profile.unwrap().entries[0].params;
    let untuned = untuned("Q4_K", (4096, 4096), "scalar");
    assert_eq!(params, Params { rows: 2, prefetch: 4096, ..untuned });
}
