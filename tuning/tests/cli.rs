//! The program as users meet it. Nothing here depends on what kernels are fast.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use runtime::profile::{ProfileFile, machine};

fn tuning(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tuning"))
        .args(args)
        .env_remove("TILEWRIGHT_ISA")
        .env_remove("TILEWRIGHT_PROFILE")
        .output()
        .expect("the program starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A run of seconds on a matrix that takes microseconds.
fn quick_tune(path: &Path, more: &[&str]) -> Output {
    let path = path.to_str().unwrap();
    let mut args = vec!["tune", "--formats", "q4_0", "--shapes", "256x256", "--out", path];
    args.extend(["--budget", "3"]);
    args.extend(more);
    tuning(&args)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn help_and_list_name_everything() {
    let help = out(&tuning(&["--help"]));
    for word in ["tune", "list", "probe", "check", "show", "--budget", "Exit codes", "Ctrl-C"] {
        assert!(help.contains(word), "no {word} in\n{help}");
    }
    let list = out(&tuning(&["list"]));
    for format in kernels::formats::all() {
        assert!(list.contains(format.name), "no {} in\n{list}", format.name);
    }
    for knob in <kernels::Params as kernels::Tunable>::KNOBS {
        assert!(list.contains(knob.name) && list.contains(knob.manual), "{}", knob.name);
    }
    assert!(list.contains(kernels::isa::best().name));
}

#[test]
fn a_short_run_writes_a_profile_that_the_runtime_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/profile.toml");
    let output = quick_tune(&path, &["--threads", "1"]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    assert!(out(&output).contains("Q4_0 256 x 256"));
    // On a machine under great load three seconds may prove nothing.
    if out(&output).contains("no profile was written") {
        return;
    }
    assert!(out(&output).contains(path.to_str().unwrap()));
    let loaded = runtime::profile::load(&path);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let entries = loaded.profile.unwrap().entries;
    assert_eq!((entries[0].rows, entries[0].depth, entries[0].threads), (256, 256, 1));
    let show = tuning(&["show", path.to_str().unwrap()]);
    assert!(show.status.success() && out(&show).contains("Q4_0 256 x 256"), "{}", out(&show));
}

#[test]
fn a_damaged_profile_is_set_aside_and_shown_to_be_damaged() {
    const GARBAGE: &str = "schema = 1\nentries = [";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.toml");
    std::fs::write(&path, GARBAGE).unwrap();
    let show = tuning(&["show", path.to_str().unwrap()]);
    assert_eq!(show.status.code(), Some(7), "{}", out(&show));
    assert!(out(&show).contains("line 2"), "{}", out(&show));
    let output = quick_tune(&path, &[]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let kept = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text == GARBAGE);
    assert!(files(folder.path()).iter().any(kept), "what the user had is gone");
}

#[test]
fn a_place_that_cannot_be_written_ends_the_run_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    for place in [folder.path().to_owned(), file.join("profile.toml")] {
        let output = quick_tune(&place, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", out(&output));
        let error = err(&output);
        let lines: Vec<&str> = error.lines().collect();
        assert!(lines.len() == 1 && lines[0].contains("--out PATH"), "{error}");
        assert!(error.contains(place.to_str().unwrap()), "{error}");
    }
    assert_eq!(files(folder.path()), [file]);
}

#[test]
fn entries_of_other_matrices_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.toml");
    let mut file = ProfileFile::new(Default::default());
    let format = kernels::formats::by_name("Q8_0").unwrap();
    file.entries.push(runtime::profile::Entry::new(&kernels::ProfileEntry {
        format: format.name.to_owned(),
        code_hash: format.kernel_hash(),
        class: kernels::Numerics::Q8,
        isa: kernels::isa::best().name.to_owned(),
        threads: 1,
        rows: 77,
        depth: 64,
        params: kernels::Params::default(),
    }));
    runtime::profile::save(&path, &file).unwrap();
    let output = quick_tune(&path, &[]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let text = std::fs::read_to_string(&path).unwrap();
    let after = ProfileFile::parse(&text).unwrap();
    assert!(after.entries.contains(&file.entries[0]), "{text}");
    assert_eq!(after.fingerprint, machine());
}

#[test]
fn a_dry_run_measures_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.toml");
    let output = quick_tune(&path, &["--dry-run"]);
    assert!(output.status.success());
    assert!(
        out(&output).contains("1 matrices would be tuned") && out(&output).contains("256 x 256")
    );
    assert!(files(folder.path()).is_empty());
}

#[test]
fn what_cannot_be_tuned_is_named() {
    for (args, code, what) in [
        (&["--formats", "q4_x"][..], 2, "there is no format \"q4_x\""),
        (&["--isa", "sse9"], 2, "instruction set \"sse9\" does not exist"),
        (&["--budget", "0"], 2, "between 0.1 seconds"),
        (&["--shapes", "4096"], 1, "neither a shape such as 4096x14336"),
        (&["--model", "/no/such.gguf"], 1, "/no/such.gguf: cannot open"),
        (&["--formats", "q4_k", "--shapes", "8x100"], 1, "100 columns are not a multiple"),
        (&["tune", "--formats", "f32", "--shapes", "65536x65536"], 1, "--memory 512"),
    ] {
        let output = tuning(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(what), "{args:?}: {}", err(&output));
    }
}

#[test]
fn check_passes_for_a_format() {
    let output = tuning(&["check", "--formats", "q4_0"]);
    assert!(output.status.success(), "{}", out(&output));
    assert!(out(&output).contains("Q4_0"));
}

#[test]
fn an_instruction_set_that_there_is_not_ends_what_depends_on_it() {
    for args in [&["check", "--formats", "q4_0"][..], &["--budget", "1"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tuning"));
        let output = command.args(args).env("TILEWRIGHT_ISA", "sse9").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", out(&output));
        assert!(err(&output).starts_with("error: TILEWRIGHT_ISA: "), "{}", err(&output));
        assert_eq!(err(&output).matches("sse9").count(), 1, "{}", err(&output));
    }
}

/// Interrupted, a run says so in its exit code, and saves only what is proven.
#[test]
#[cfg(unix)]
fn ctrl_c_ends_a_run_and_leaves_a_sound_file_or_none() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.toml");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tuning"))
        .args(["--budget", "600", "--formats", "q4_0,q8_0", "--threads", "1", "--out"])
        .arg(&path)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let begun = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("decode")));
    assert!(begun.is_some(), "it never began");
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    if let Ok(text) = std::fs::read_to_string(&path) {
        ProfileFile::parse(&text).unwrap();
    }
}
