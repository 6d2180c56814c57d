//! The rules of the house that neither compiler nor clippy knows, checked on the source tree.
//!
//! Every crate of the workspace is read, so that a rule holds without anyone remembering it.

use proc_macro2::{TokenStream, TokenTree};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// From left to right: a crate may use those before it, never those behind it.
const CRATES: [&str; 5] = ["kernel-macros", "kernels", "runtime", "tuning", "benches"];

/// What stands at the top besides the crates; hidden files are for tools.
const TOP: [&str; 6] =
    ["Cargo.lock", "Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "rustfmt.toml"];

/// Lines of code in a file, comments, blank lines and tests aside.
const MOST_LINES: usize = 400;
/// Things to pass to a function. `self` and the token of an instruction set, which holds nothing,
/// do not count.
const MOST_ARGUMENTS: usize = 5;

/// The only sources with `unsafe`, and what for.
const UNSAFE: [(&str, &str); 15] = [
    ("benches/src/peers/ggml", "calls of a library in C"),
    ("kernel-macros/src/fence.rs", "the fence that it writes around operations"),
    ("kernel-macros/src/isa.rs", "entry points that it writes"),
    ("kernels/src/isa.rs", "types of entry points"),
    ("kernels/src/isa/rows.rs", "rows whose place is checked once"),
    ("kernels/src/isa/x86.rs", "intrinsics that read and write memory"),
    ("kernels/src/isa/x86/amx.rs", "instructions on tile registers, and leave to use them"),
    ("kernels/src/isa/x86/ymm.rs", "intrinsics that read and write memory"),
    ("kernels/src/isa/x86/zmm.rs", "intrinsics that read and write memory"),
    ("kernels/src/isa/x86/zmm/spots.rs", "intrinsics that read and write memory"),
    ("kernels/src/kernel.rs", "the call of a kernel"),
    ("kernels/src/matmul.rs", "outputs that threads share"),
    ("kernels/src/probe.rs", "the call of a probe"),
    ("kernels/src/threads", "closures and buffers that threads share"),
    ("runtime/src/gguf/map.rs", "the memory map of a file"),
];

/// Sources of `kernels` that may change without making profiles stale, and why; every other one is
/// in `kernels::sources`.
const UNHASHED: [(&str, &str); 10] = [
    ("encode.rs", "writes weights"),
    ("encode/fit.rs", "writes weights"),
    ("formats.rs", "declarations, which have hashes of their own"),
    ("layout.rs", "facts for encoders and documentation"),
    ("lib.rs", "names of modules"),
    ("params.rs", "knobs, which profiles check one by one"),
    ("plan.rs", "chooses kernels"),
    ("probe.rs", "measures the machine"),
    ("profile.rs", "chooses kernels"),
    ("sources.rs", "the list itself"),
];

/// The only source of what we compute with that may ask for a CPU's features.
const FEATURES: &str = "kernel-macros/src/isa.rs";

/// A source file, with its path from the root of the workspace.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Its items, without `#[cfg(test)]` ones.
    fn items(&self) -> syn::File {
        let file = syn::parse_file(&self.text);
        let mut file = file.unwrap_or_else(|error| panic!("{}: {error}", self.path));
        file.items.retain(|item| !is_test(item));
        file
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file of a kind: those below `folder` of each crate.
fn sources(folder: &str) -> Vec<Source> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        let Ok(entries) = folder.read_dir() else { return };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = vec![];
    for name in CRATES {
        collect(&root().join(name).join(folder), &mut files);
    }
    files.sort();
    let source = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(root()).unwrap().display().to_string();
        Source { path, text }
    };
    files.into_iter().map(source).collect()
}

/// Library and program code: what ships. Modules of tests live in files of their own, too.
fn shipped() -> Vec<Source> {
    let sources: Vec<Source> =
        sources("src").into_iter().filter(|source| !source.path.contains("/tests")).collect();
    assert!(sources.len() > 50, "the sources are where they were");
    sources
}

/// Whether an item is compiled for tests alone.
fn is_test(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

/// Fails with all findings, one a line.
fn assert_none(rule: &str, findings: &[String]) {
    let mut list = String::new();
    for finding in findings {
        writeln!(list, "  {finding}").unwrap();
    }
    assert!(findings.is_empty(), "{rule}:\n{list}");
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let all = ["src", "tests", "benches", "examples"].into_iter().flat_map(sources);
    let findings: Vec<String> = all
        .filter(|source| {
            let first = source.text.lines().next().unwrap_or_default();
            !first.starts_with("//! ") && !first.starts_with("#![doc = include_str!(")
        })
        .map(|source| source.path)
        .collect();
    assert_none("a file opens with an essay (`//! ...`)", &findings);
}

#[test]
fn every_file_is_one_idea() {
    let mut findings = vec![];
    for source in shipped() {
        let ships = source.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let lines = ships.lines().filter(is_code).count();
        if lines > MOST_LINES {
            findings.push(format!("{}: {lines} lines of code", source.path));
        }
    }
    assert_none(&format!("a file has at most {MOST_LINES} lines of code"), &findings);
}

#[test]
fn profiles_notice_a_change_of_any_source_of_kernels() {
    let all = sources("src").into_iter();
    let mut have: Vec<String> = all
        .filter_map(|source| source.path.strip_prefix("kernels/src/").map(str::to_owned))
        .collect();
    let hashed = kernels::sources::PATHS.iter().copied();
    let mut want: Vec<String> =
        hashed.chain(UNHASHED.map(|(path, _)| path)).map(str::to_owned).collect();
    have.sort();
    want.sort();
    assert_eq!(have, want, "a source is either in `kernels::sources` or in `UNHASHED`");

    // The hash is that of the files, and of nothing but code.
    let read = |path: &&str| std::fs::read(root().join("kernels/src").join(path)).unwrap();
    let texts: Vec<Vec<u8>> = kernels::sources::PATHS.iter().map(read).collect();
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    assert_eq!(kernels::sources::hash(&texts), kernels::sources::HASH);
    let hash = |text: &str| kernels::sources::hash(&[text.as_bytes()]);
    assert_eq!(hash("/// Doc.\nfn f() {\n\n    1\n}\n"), hash("fn f() {\n// Why.\n  1\n}"));
    assert_ne!(hash("fn f() { 1 }"), hash("fn f() { 2 }"));
    for n in 0..texts.len() {
        let mut texts = texts.clone();
        texts.remove(n);
        let without = kernels::sources::hash(&texts);
        assert_ne!(without, kernels::sources::HASH, "{}", kernels::sources::PATHS[n]);
    }

    // A format has both: the declaration's part and that of the loops.
    let hashes = kernels::formats::all().map(kernels::FormatInfo::kernel_hash);
    let coded = kernels::formats::by_name("Q4_K").unwrap();
    assert!(hashes.iter().all(|hash| *hash != 0 && *hash != coded.code_hash));
    let declared = kernels::formats::all().into_iter().zip(hashes);
    let mut declared: Vec<u64> =
        declared.filter(|(format, _)| format.code_hash != 0).map(|(_, hash)| hash).collect();
    declared.sort_unstable();
    declared.dedup();
    assert_eq!(declared.len(), 17, "declared formats have hashes of their own");
}

#[test]
fn unsafe_code_stays_where_it_is_argued() {
    let mut findings = vec![];
    for source in shipped() {
        let text: TokenStream = source.text.parse().unwrap();
        let may = UNSAFE.iter().any(|(path, _)| source.path.starts_with(path));
        if !may && names(text).iter().any(|name| name == "unsafe") {
            findings.push(source.path);
        }
    }
    assert_none("`unsafe` in a file that has no reason for it", &findings);
}

#[test]
fn features_of_cpus_are_named_in_one_place() {
    let words = ["target_feature", "is_x86_feature_detected", "is_aarch64_feature_detected"];
    let mut findings = vec![];
    let is_ours = |source: &&Source| source.path != FEATURES && !source.path.starts_with("benches");
    for source in shipped().iter().filter(is_ours) {
        let names = names(source.text.parse().unwrap());
        let found = words.iter().filter(|word| names.iter().any(|name| name == *word));
        // `Row::target_feature` is the table's own method.
        let asks = ["kernel-macros/src/fence.rs", "kernel-macros/src/kernels.rs"];
        let found = found.filter(|_| !asks.contains(&source.path.as_str()));
        findings.extend(found.map(|word| format!("{}: {word}", source.path)));
    }
    assert_none(&format!("features are named in {FEATURES} alone"), &findings);
}

/// All names in a token stream.
fn names(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(name) => vec![name.to_string()],
            TokenTree::Group(group) => names(group.stream()),
            _ => vec![],
        })
        .collect()
}

#[test]
fn shipped_code_does_not_unwrap() {
    struct Unwraps(Vec<String>);
    impl Visit<'_> for Unwraps {
        fn visit_expr_method_call(&mut self, call: &syn::ExprMethodCall) {
            if call.method == "unwrap" || call.method == "unwrap_err" {
                let line = call.method.span().start().line;
                self.0.push(format!("{line}: {}", call.method));
            }
            visit::visit_expr_method_call(self, call);
        }
        fn visit_macro(&mut self, call: &syn::Macro) {
            let name = call.path.segments.last().map(|name| name.ident.to_string());
            if let Some(name @ ("todo" | "unimplemented" | "dbg")) = name.as_deref() {
                let line = call.path.segments[0].ident.span().start().line;
                self.0.push(format!("{line}: {name}!"));
            }
        }
    }
    let mut findings = vec![];
    for source in shipped() {
        let mut unwraps = Unwraps(vec![]);
        unwraps.visit_file(&source.items());
        findings.extend(unwraps.0.iter().map(|found| format!("{}:{found}", source.path)));
    }
    assert_none("an error is passed on, or `expect` says why there is none", &findings);
}

#[test]
fn functions_take_few_things_and_no_flags() {
    struct Signatures(Vec<String>);
    impl Visit<'_> for Signatures {
        fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
            // Another crate's trait says what its methods take.
            if item.trait_.is_none() {
                visit::visit_item_impl(self, item);
            }
        }
        fn visit_signature(&mut self, signature: &syn::Signature) {
            let is_token =
                |name: &syn::Pat| matches!(name, syn::Pat::Ident(name) if name.ident == "isa");
            let typed = signature.inputs.iter().filter_map(|input| match input {
                syn::FnArg::Typed(typed) if !is_token(&typed.pat) => Some(&*typed.ty),
                _ => None,
            });
            let types: Vec<&syn::Type> = typed.collect();
            let (name, line) = (&signature.ident, signature.ident.span().start().line);
            if types.len() > MOST_ARGUMENTS {
                self.0.push(format!("{line}: `{name}` takes {}", types.len()));
            }
            let is_bool =
                |ty: &&syn::Type| matches!(ty, syn::Type::Path(path) if path.path.is_ident("bool"));
            if types.iter().any(is_bool) {
                self.0.push(format!("{line}: `{name}` takes a bool"));
            }
            visit::visit_signature(self, signature);
        }
    }
    let mut findings = vec![];
    for source in shipped() {
        let mut signatures = Signatures(vec![]);
        signatures.visit_file(&source.items());
        findings.extend(signatures.0.iter().map(|found| format!("{}:{found}", source.path)));
    }
    let rule =
        format!("at most {MOST_ARGUMENTS} things to pass, else a struct; an enum for a flag");
    assert_none(&rule, &findings);
}

#[test]
fn crates_use_only_those_on_their_left() {
    let mut findings = vec![];
    for (at, name) in CRATES.iter().enumerate() {
        let text = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let used = manifest.get(kind).and_then(toml::Value::as_table);
            for used in used.into_iter().flat_map(toml::Table::keys) {
                if CRATES[at..].contains(&used.as_str()) {
                    findings.push(format!("{name} uses {used}"));
                }
            }
        }
        // A feature that only tests ask for would have `cargo test` compile all kernels again.
        let tests = manifest.get("dev-dependencies").and_then(toml::Value::as_table);
        let asks = tests.into_iter().flatten().filter(|(_, used)| used.get("features").is_some());
        if at < 2 {
            findings.extend(asks.map(|(used, _)| format!("{name}'s tests ask features of {used}")));
        }
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            findings.push(format!("{name} does not take the workspace's lints"));
        }
    }
    assert_none("crates form a line", &findings);
}

#[test]
fn the_top_holds_the_crates_and_what_tools_need_there() {
    let mut findings = vec![];
    for entry in root().read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_known = CRATES.contains(&name.as_str()) || TOP.contains(&name.as_str());
        if !is_known && !name.starts_with('.') && name != "target" {
            findings.push(name);
        }
    }
    assert_none("the top level is fixed", &findings);
}
