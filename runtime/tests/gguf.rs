//! Sound files: what is written is read again, and files others wrote are understood to the byte.

use std::fs;
use std::path::{Path, PathBuf};

use kernels::FormatInfo;
use runtime::gguf::{Gguf, GgufError, Mapped, Value, ValueType, WriteError, Writer};
use runtime::tensor::{Shape, TensorView};

fn format(name: &str) -> &'static FormatInfo {
    kernels::formats::by_name(name).expect("a format every build has")
}

fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims).unwrap()
}

/// Bytes that differ from one tensor to the next.
fn pattern(len: usize, salt: u8) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31) ^ salt).collect()
}

#[test]
fn what_is_written_is_read() {
    let mut writer = Writer::new();
    writer
        .metadata("general.architecture", "llama")
        .metadata("general.alignment", 64u32)
        .metadata("t.u8", 255u8)
        .metadata("t.i8", -128i8)
        .metadata("t.u16", u16::MAX)
        .metadata("t.i16", i16::MIN)
        .metadata("t.u32", u32::MAX)
        .metadata("t.i32", i32::MIN)
        .metadata("t.f32", 1e-5f32)
        .metadata("t.bool", true)
        .metadata("t.u64", u64::MAX)
        .metadata("t.i64", i64::MIN)
        .metadata("t.f64", -0.1f64)
        .array("t.words", ["<s>", "", "größer", "\u{2581}the"])
        .array("t.scores", [0.0f32, -1.5, f32::MIN])
        .array("t.types", [1i32, -3, 6])
        .array("t.flags", [true, false])
        .array::<u64>("t.none", []);
    let shapes = [
        ("token_embd.weight", "Q8_0", shape(&[64, 5])),
        ("blk.0.attn_norm.weight", "F32", shape(&[7])),
        ("blk.0.ffn_up.weight", "Q4_K", shape(&[512, 3])),
        ("blk.0.experts", "F16", shape(&[4, 3, 2, 5])),
    ];
    for (name, kind, shape) in shapes {
        writer.tensor(name, format(kind), shape);
    }
    let mut data = writer.begin(Vec::new()).unwrap();
    for (salt, (name, kind, shape)) in (0..).zip(shapes) {
        data.write(name, &pattern(shape.bytes(format(kind)).unwrap(), salt)).unwrap();
    }
    let bytes = data.finish().unwrap();
    assert!(bytes.len().is_multiple_of(64));

    let gguf = Gguf::parse(&bytes).unwrap();
    assert_eq!((gguf.version(), gguf.alignment()), (3, 64));
    assert_eq!(gguf.data_offset() % 64, 0);
    assert!(gguf.warnings().is_empty() && gguf.split().is_none());

    let metadata = gguf.metadata();
    assert_eq!(metadata.len(), 18);
    assert_eq!(metadata.iter().next().unwrap(), ("general.architecture", &Value::String("llama")));
    for (key, value) in [
        ("t.u8", Value::U8(255)),
        ("t.i8", Value::I8(-128)),
        ("t.u16", Value::U16(u16::MAX)),
        ("t.i16", Value::I16(i16::MIN)),
        ("t.u32", Value::U32(u32::MAX)),
        ("t.i32", Value::I32(i32::MIN)),
        ("t.f32", Value::F32(1e-5)),
        ("t.bool", Value::Bool(true)),
        ("t.u64", Value::U64(u64::MAX)),
        ("t.i64", Value::I64(i64::MIN)),
        ("t.f64", Value::F64(-0.1)),
    ] {
        assert_eq!(metadata.get(key), Some(&value), "{key}");
    }
    let words = metadata.array("t.words").unwrap();
    assert_eq!((words.len(), words.element_type()), (4, ValueType::String));
    let words: Vec<&str> = words.values().unwrap().collect();
    assert_eq!(words, ["<s>", "", "größer", "\u{2581}the"]);
    let scores: Vec<f32> = metadata.array("t.scores").unwrap().values().unwrap().collect();
    assert_eq!(scores, [0.0, -1.5, f32::MIN]);
    let types = metadata.array("t.types").unwrap();
    assert_eq!(types.values::<i32>().unwrap().collect::<Vec<_>>(), [1, -3, 6]);
    assert!(types.values::<u32>().is_none(), "elements are not converted");
    let flags: Vec<Value<'_>> = metadata.array("t.flags").unwrap().into_iter().collect();
    assert_eq!(flags, [Value::Bool(true), Value::Bool(false)]);
    assert!(metadata.array("t.none").unwrap().is_empty());

    assert_eq!(gguf.tensors().len(), 4);
    for (salt, (name, kind, shape)) in (0..).zip(shapes) {
        let view = gguf.tensor(name).unwrap();
        assert_eq!((view.name, view.shape), (name, shape));
        assert!(std::ptr::eq(view.format, format(kind)));
        assert_eq!(view.bytes, pattern(view.bytes.len(), salt), "{name}");
        let again = TensorView::new(view.name, view.format, view.shape, view.bytes);
        assert_eq!(again.unwrap().row(view.rows() - 1), view.row(view.rows() - 1));
    }
    let embedding = gguf.info("token_embd.weight").unwrap();
    assert_eq!((embedding.shape(), embedding.bytes), ((5, 64), Some(5 * 2 * 34)));
    assert_eq!(gguf.tensor("blk.0.experts").unwrap().rows(), 30);
    assert_eq!(gguf.report().to_string(), "4 tensors: 4 supported, 0 not supported");
    assert!(gguf.report().is_compatible());
}

#[test]
fn metadata_answers_in_the_type_asked_for() {
    let mut writer = Writer::new();
    writer.metadata("n", 7u64).metadata("big", 1u64 << 40).metadata("minus", -1i32);
    writer.metadata("x", 0.5f64).metadata("s", "text").array("a", [1u8, 2]);
    let bytes = writer.begin(Vec::new()).unwrap().finish().unwrap();
    let gguf = Gguf::parse(&bytes).unwrap();
    let metadata = gguf.metadata();

    // Writers disagree about widths, so integers convert where the number fits.
    assert_eq!((metadata.u32("n").unwrap(), metadata.usize("n").unwrap()), (7, 7));
    assert_eq!(metadata.require::<i64>("minus").unwrap(), -1);
    assert_eq!(metadata.f32("x").unwrap(), 0.5);
    assert_eq!(metadata.find::<u32>("absent").unwrap(), None);

    let missing = metadata.u32("absent").unwrap_err();
    assert_eq!(missing.to_string(), "metadata \"absent\" is missing");
    for (error, words) in [
        (metadata.u32("big").unwrap_err(), "expected u32, found U64 (1099511627776)"),
        (metadata.u32("minus").unwrap_err(), "expected u32, found I32 (-1)"),
        (metadata.f32("n").unwrap_err(), "expected f32, found U64 (7)"),
        (metadata.bool("s").unwrap_err(), "expected bool, found String (\"text\")"),
        (metadata.str("a").unwrap_err(), "expected string, found Array ([U8; 2] 1, 2)"),
        (metadata.array("s").unwrap_err(), "expected array, found String"),
    ] {
        assert!(matches!(error, GgufError::WrongType { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(words) && message.contains("at byte"), "{message}");
    }
    let error = gguf.tensor("output.weight").unwrap_err();
    assert_eq!(error.to_string(), "no tensor \"output.weight\" in the file");
}

#[test]
fn a_key_set_again_keeps_its_place() {
    let mut writer = Writer::new();
    writer.metadata("first", 1u32).metadata("second", 2u32).metadata("first", "one");
    let bytes = writer.begin(Vec::new()).unwrap().finish().unwrap();
    let gguf = Gguf::parse(&bytes).unwrap();
    let entries: Vec<_> = gguf.metadata().iter().map(|(key, value)| (key, *value)).collect();
    assert_eq!(entries, [("first", Value::String("one")), ("second", Value::U32(2))]);
}

#[test]
fn the_alignment_may_be_of_any_integer_type() {
    let mut writer = Writer::new();
    writer.metadata("general.alignment", 4096u64).tensor("w", format("F32"), shape(&[2]));
    let mut data = writer.begin(Vec::new()).unwrap();
    data.write("w", &pattern(8, 1)).unwrap();
    let bytes = data.finish().unwrap();
    let gguf = Gguf::parse(&bytes).unwrap();
    assert_eq!((gguf.alignment(), gguf.data_offset(), bytes.len()), (4096, 4096, 8192));
    assert_eq!(gguf.tensor("w").unwrap().bytes, pattern(8, 1));
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    fn begin(plan: impl FnOnce(&mut Writer) -> &mut Writer) -> String {
        let refused = plan(&mut Writer::new()).begin(Vec::new()).err();
        refused.expect("should be refused").to_string()
    }
    let f32 = format("F32");
    for (message, words) in [
        (begin(|w| w.metadata("a\0b", 1u32)), "contains a NUL"),
        (begin(|w| w.metadata("general.alignment", 0u32)), "not a power of two"),
        (begin(|w| w.metadata("general.alignment", 24u32)), "not a power of two"),
        (begin(|w| w.metadata("general.alignment", "32")), "expected u32, found String"),
        (
            begin(|w| w.tensor("w", f32, shape(&[1])).tensor("w", f32, shape(&[1]))),
            "tensor \"w\" is described twice",
        ),
        (
            begin(|w| w.tensor("w", format("Q4_K"), shape(&[4100]))),
            "tensor \"w\": 4100 columns are not a multiple of Q4_K's 256",
        ),
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn data_comes_in_order_and_whole() {
    let mut writer = Writer::new();
    writer.tensor("a", format("F32"), shape(&[2])).tensor("b", format("F32"), shape(&[2]));
    let mut data = writer.begin(Vec::new()).unwrap();
    let early = data.write("b", &[0; 8]).unwrap_err();
    assert_eq!(early.to_string(), "data of tensor \"b\", but that of \"a\" is due");
    let short = data.write("a", &[0; 7]).unwrap_err();
    assert!(matches!(short, WriteError::Length { expected: 8, found: 7, .. }), "{short}");
    data.write("a", &[0; 8]).unwrap();
    let missing = data.finish().unwrap_err();
    assert!(missing.to_string().contains("that of \"b\" is due"), "{missing}");
}

/// A file in the temporary folder that is gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, contents: &[u8]) -> Self {
        let name = format!("tilewright-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, contents).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_is_mapped_or_read() {
    let contents = Writer::new().begin(Vec::new()).unwrap().finish().unwrap();
    let file = Scratch::new("both.gguf", &contents);
    for mapped in [Mapped::open(&file.0).unwrap(), Mapped::read(&file.0).unwrap()] {
        assert_eq!(mapped.bytes(), contents);
        assert!(Gguf::parse(mapped.bytes()).is_ok());
    }
    assert!(Mapped::open(&file.0).unwrap().is_mapped());
    assert!(!Mapped::read(&file.0).unwrap().is_mapped());
}

#[test]
fn an_empty_file_is_empty_bytes() {
    let file = Scratch::new("empty.gguf", &[]);
    for mapped in [Mapped::open(&file.0).unwrap(), Mapped::read(&file.0).unwrap()] {
        assert!(mapped.bytes().is_empty());
    }
}

/// The way out for files that shrink while in use; a map has none, see the module about mapping.
#[test]
fn a_file_that_was_read_may_shrink() {
    let contents = pattern(100_000, 3);
    let file = Scratch::new("shrinks.gguf", &contents);
    let read = Mapped::read(&file.0).unwrap();
    fs::write(&file.0, b"gone").unwrap();
    assert_eq!(read.bytes(), contents);
}

#[test]
fn errors_of_the_file_system_name_the_path() {
    let absent = Path::new("no/such/model.gguf");
    for error in [Mapped::open(absent).unwrap_err(), Mapped::read(absent).unwrap_err()] {
        assert_eq!(error.path, absent);
        assert!(error.to_string().starts_with("no/such/model.gguf: cannot "), "{error}");
    }
    let folder = Mapped::open(std::env::temp_dir()).unwrap_err();
    assert!(GgufError::from(folder).to_string().contains("cannot "));
}

/// The GGUF files of a folder of the shared test data, which may not be there.
fn shared(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&root)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gguf"))
        .collect();
    paths.sort();
    if paths.is_empty() {
        eprintln!("SKIPPED: no GGUF files in {}, nothing was tested", root.display());
    }
    paths
}

#[test]
fn models_written_by_others_are_rewritten_byte_for_byte() {
    for path in shared("models") {
        let mapped = Mapped::open(&path).unwrap();
        let gguf = Gguf::parse(mapped.bytes()).unwrap();
        assert!(gguf.warnings().is_empty(), "{path:?}: {:?}", gguf.warnings());
        assert!(gguf.report().is_compatible(), "{path:?}: {}", gguf.report());
        assert_eq!(gguf.metadata().str("general.architecture").unwrap(), "llama");

        let mut writer = Writer::new();
        for (key, value) in gguf.metadata().iter() {
            writer.metadata(key, *value);
        }
        for tensor in gguf.tensors() {
            writer.tensor(tensor.name, tensor.format.unwrap(), tensor.shape);
        }
        let mut data = writer.begin(Vec::new()).unwrap();
        for tensor in gguf.tensors() {
            data.write(tensor.name, gguf.tensor(tensor.name).unwrap().bytes).unwrap();
        }
        // Not assert_eq, which would print megabytes.
        assert!(data.finish().unwrap() == mapped.bytes(), "{path:?} differs when written again");
    }
}

#[test]
fn models_have_the_shapes_their_metadata_says() {
    for path in shared("models") {
        let mapped = Mapped::open(&path).unwrap();
        let gguf = Gguf::parse(mapped.bytes()).unwrap();
        let metadata = gguf.metadata();
        let width = metadata.usize("llama.embedding_length").unwrap();
        let hidden = metadata.usize("llama.feed_forward_length").unwrap();
        let words = metadata.array("tokenizer.ggml.tokens").unwrap();
        assert_eq!(words.values::<&str>().unwrap().count(), words.len());
        let shape =
            |name: &str| gguf.info(name).unwrap_or_else(|| panic!("{path:?}: {name}")).shape();
        assert_eq!(shape("token_embd.weight"), (words.len(), width));
        for layer in 0..metadata.u32("llama.block_count").unwrap() {
            assert_eq!(shape(&format!("blk.{layer}.ffn_up.weight")), (hidden, width));
            assert_eq!(shape(&format!("blk.{layer}.ffn_down.weight")), (width, hidden));
            assert_eq!(shape(&format!("blk.{layer}.attn_norm.weight")), (1, width));
        }
        // Every byte of the data section is a tensor's or padding.
        let used: usize =
            gguf.tensors().iter().map(|t| t.bytes.unwrap().next_multiple_of(32)).sum();
        assert_eq!(gguf.data_offset() as usize + used, mapped.bytes().len(), "{path:?}");
    }
}

#[test]
fn vocabularies_without_tensors_are_read() {
    for path in shared("vocab") {
        let mapped = Mapped::read(&path).unwrap();
        let gguf = Gguf::parse(mapped.bytes()).unwrap();
        assert!(gguf.tensors().is_empty() && gguf.warnings().is_empty());
        let words = gguf.metadata().array("tokenizer.ggml.tokens").unwrap();
        let types = gguf.metadata().array("tokenizer.ggml.token_type").unwrap();
        assert_eq!(words.values::<&str>().unwrap().count(), types.len(), "{path:?}");
        assert!(types.values::<i32>().unwrap().all(|kind| (1..=6).contains(&kind)));
    }
}
