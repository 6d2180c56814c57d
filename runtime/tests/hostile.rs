//! Files that lie. The bytes are put together by hand here, not by the crate's own writer, which
//! refuses to write most of them.

mod damage;

use damage::{Random, survive};
use runtime::gguf::{Gguf, GgufError, Value, ValueType};
use runtime::tensor::ShapeError;

const F32: u32 = 0;
const Q8_0: u32 = 8;
const Q4_K: u32 = 12;

/// Value types as numbers in the file.
const U32: u32 = 4;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Bytes before the first metadata entry.
const HEADER_BYTES: usize = 24;

fn string(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

fn entry(key: impl AsRef<[u8]>, kind: u32, value: impl AsRef<[u8]>) -> Vec<u8> {
    [&string(key)[..], &kind.to_le_bytes(), value.as_ref()].concat()
}

fn array(element: u32, len: u64, elements: impl AsRef<[u8]>) -> Vec<u8> {
    [&element.to_le_bytes()[..], &len.to_le_bytes(), elements.as_ref()].concat()
}

fn info(name: impl AsRef<[u8]>, dims: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut bytes = string(name);
    bytes.extend((dims.len() as u32).to_le_bytes());
    bytes.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

fn header(version: u32, tensors: u64, entries: u64) -> Vec<u8> {
    let counts = [tensors.to_le_bytes(), entries.to_le_bytes()].concat();
    [b"GGUF", &version.to_le_bytes()[..], &counts].concat()
}

/// A version 3 file: header, entries, tensor descriptions, padding to 32, `data` zero bytes.
fn file(entries: &[Vec<u8>], infos: &[Vec<u8>], data: usize) -> Vec<u8> {
    let mut bytes = header(3, infos.len() as u64, entries.len() as u64);
    bytes.extend(entries.concat());
    bytes.extend(infos.concat());
    let start = bytes.len().next_multiple_of(32);
    bytes.resize(start + data, 0);
    bytes
}

/// A file with every kind of thing in it, and where its last tensor ends.
fn sample() -> (Vec<u8>, usize) {
    let entries = [
        entry("general.architecture", STRING, string("llama")),
        entry("general.alignment", U32, 32u32.to_le_bytes()),
        entry("a.flag", BOOL, [1]),
        entry("a.float", 6, 1.5f32.to_le_bytes()),
        entry("a.wide", 10, u64::MAX.to_le_bytes()),
        entry("words", ARRAY, array(STRING, 3, [string("a"), string("é"), string("")].concat())),
        entry("flags", ARRAY, array(BOOL, 2, [0, 1])),
        entry("numbers", ARRAY, array(5, 2, [1, 0, 0, 0, 255, 255, 255, 255])),
        entry("nothing", ARRAY, array(STRING, 0, [])),
    ];
    let infos = [
        info("norm", &[5], F32, 0),
        info("future", &[64, 2], 999, 32),
        info("weight", &[64, 2], Q8_0, 64),
    ];
    let bytes = file(&entries, &infos, 64 + 160);
    let end = bytes.len() - 160 + 2 * 2 * 34;
    (bytes, end)
}

/// Asserts that a file is refused, by which error, and that the message has all the words.
macro_rules! assert_refused {
    ($bytes:expr, $pattern:pat, $($word:expr),+) => {{
        let error = Gguf::parse(&$bytes).expect_err("the file should be refused");
        assert!(matches!(error, $pattern), "another error than expected: {error:?}");
        let message = error.to_string();
        $(assert!(message.contains($word), "{:?} is not in {message:?}", $word);)+
    }};
}

/// Uses all that a file offers; panics if an answer contradicts another.
fn walk(gguf: &Gguf<'_>) {
    for (key, value) in gguf.metadata().iter() {
        assert_eq!(gguf.metadata().get(key).map(Value::value_type), Some(value.value_type()));
        let shown = format!("{key:?} = {value}");
        assert!(shown.len() < 8192 + 10 * key.len());
        if let Value::Array(array) = value {
            assert_eq!(array.iter().count(), array.len());
            assert_ne!(array.element_type(), ValueType::Array);
        }
    }
    let mut supported = 0;
    for tensor in gguf.tensors() {
        assert_eq!(gguf.info(tensor.name).map(|found| found.offset), Some(tensor.offset));
        match gguf.tensor(tensor.name) {
            Ok(view) => {
                assert_eq!((view.rows(), view.depth()), tensor.shape());
                assert_eq!(view.bytes.len(), view.rows() * view.row_bytes());
                assert_eq!(view.row(view.rows() - 1).len(), view.row_bytes());
                supported += 1;
            }
            Err(GgufError::UnsupportedType { type_id, .. }) => assert_eq!(type_id, tensor.type_id),
            Err(error) => panic!("{error}"),
        }
    }
    let report = gguf.report();
    assert_eq!((report.total, report.supported), (gguf.tensors().len(), supported));
    assert!(!report.to_string().is_empty() && !format!("{gguf:?}").is_empty());
}

#[test]
fn the_sample_is_valid() {
    let (bytes, _) = sample();
    let gguf = Gguf::parse(&bytes).unwrap();
    walk(&gguf);
    assert_eq!(gguf.metadata().len(), 9);
    assert!(gguf.warnings().is_empty());
}

#[test]
fn random_bytes_are_refused() {
    let seed = 0x7469_6c65;
    let random = &mut Random(seed);
    for len in 0..=127 {
        for round in 0..64 {
            let mut bytes: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
            if round % 2 == 1 {
                // Get past the first checks.
                let start = [b"GGUF", &3u32.to_le_bytes()[..]].concat();
                let shared = start.len().min(len);
                bytes[..shared].copy_from_slice(&start[..shared]);
            }
            assert!(Gguf::parse(&bytes).is_err(), "seed {seed}, {len} bytes: {bytes:?}");
        }
    }
    assert_refused!(*b"PK\x03\x04....", GgufError::Magic { .. }, r#""PK\x03\x04""#, "GGUF");
}

#[test]
fn truncation_is_refused_at_every_byte() {
    let (bytes, end) = sample();
    for cut in 0..bytes.len() {
        let parsed = Gguf::parse(&bytes[..cut]);
        // What follows the last tensor is padding that nothing reads, and not every writer adds it.
        assert_eq!(parsed.is_ok(), cut >= end, "cut at {cut} of {}: {parsed:?}", bytes.len());
    }
    assert_refused!(bytes[..30], GgufError::Count { .. }, "byte 8", "3 tensors");
    assert_refused!(
        bytes[..165],
        GgufError::Truncated { .. },
        "metadata \"a.wide\"",
        "8 bytes needed at byte 162",
        "cut short"
    );
    assert_refused!(bytes[..end - 1], GgufError::OutsideFile { .. }, "\"weight\"", "downloaded");
}

#[test]
fn only_versions_2_and_3_are_read() {
    for version in [0, 1, 4, 5, 100, u32::MAX] {
        assert_refused!(
            header(version, 0, 0),
            GgufError::Version { .. },
            &format!("version {version} at byte 4")
        );
    }
    for version in [2, 3] {
        assert_eq!(Gguf::parse(&header(version, 0, 0)).unwrap().version(), version);
    }
}

#[test]
fn big_endian_is_refused_by_name() {
    let mut bytes = header(3, 0, 0);
    bytes[4..8].copy_from_slice(&3u32.to_be_bytes());
    assert_refused!(bytes, GgufError::BigEndian { version: 3 }, "big endian", "convert");
}

#[test]
fn claims_of_many_entries_are_refused_before_they_cost_anything() {
    for count in [1_000_000, 100_000_000, u64::MAX] {
        for (tensors, entries, what) in [(count, 0, "tensors"), (0, count, "metadata entries")] {
            let claim = format!("{count} {what}");
            for rest in [0, 1000] {
                let bytes = [header(3, tensors, entries), vec![0; rest]].concat();
                assert_refused!(bytes, GgufError::Count { .. }, &claim, "hold at most");
            }
        }
    }
    // A claim that could just be true, but is not.
    let bytes = [header(3, 1, 2), entry("key", U32, [0; 4]), vec![7; 40]].concat();
    assert_refused!(bytes, GgufError::Truncated { .. }, "metadata key 1", "at byte 51");
}

#[test]
fn claims_of_long_strings_and_arrays_are_refused_before_they_cost_anything() {
    for len in [100, 1 << 20, 1 << 40, i64::MAX as u64, u64::MAX - 7, u64::MAX] {
        let words = len.to_le_bytes();
        let needed = format!("{len} bytes needed at byte 45");
        let value = file(&[entry("k", STRING, words)], &[], 32);
        assert_refused!(value, GgufError::Truncated { .. }, "metadata \"k\"", &needed);
        let key = [header(3, 0, 1), words.to_vec(), vec![b'k'; 40]].concat();
        assert_refused!(key, GgufError::Truncated { .. }, "metadata key 0", "at byte 32");
        let name = [header(3, 1, 0), words.to_vec(), vec![b'n'; 60]].concat();
        assert_refused!(name, GgufError::Truncated { .. }, "name of tensor 0", "at byte 32");
        for element in (0..=12).filter(|&kind| kind != ARRAY) {
            let bytes = file(&[entry("k", ARRAY, array(element, len, [0; 16]))], &[], 0);
            assert_refused!(bytes, GgufError::Truncated { .. }, "metadata \"k\"", "needed at byte");
        }
    }
    // Strings inside an array.
    let words = [string("fine"), u64::MAX.to_le_bytes().to_vec()].concat();
    let bytes = file(&[entry("k", ARRAY, array(STRING, 2, words))], &[], 0);
    assert_refused!(bytes, GgufError::Truncated { .. }, "metadata \"k\"", "at byte 69");
}

/// The files above claim up to 2^64 of everything. Had any claim been believed, even only to reserve
/// address space, the process would show it.
#[test]
#[cfg(target_os = "linux")]
fn claims_reserve_no_memory() {
    let peak = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    let before = peak();
    claims_of_many_entries_are_refused_before_they_cost_anything();
    claims_of_long_strings_and_arrays_are_refused_before_they_cost_anything();
    // Other tests run beside this one, and each thread may reserve an arena.
    let grown = peak() - before;
    assert!(grown < 2 << 30, "{} MiB of address space", grown >> 20);
}

#[test]
fn arrays_of_arrays_are_refused() {
    let inner = array(U32, 1, [0; 4]);
    let bytes = file(&[entry("k", ARRAY, array(ARRAY, 1, inner))], &[], 0);
    assert_refused!(bytes, GgufError::NestedArray { offset: 37, .. }, "\"k\"", "byte 37");
    // However deep, without recursion.
    let deep = [ARRAY.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat().repeat(100_000);
    assert_refused!(file(&[entry("k", ARRAY, deep)], &[], 0), GgufError::NestedArray { .. }, "k");
}

#[test]
fn unknown_value_types_are_refused() {
    for id in [13, 14, 255, u32::MAX] {
        let wanted = format!("unknown value type {id} at byte 33");
        let scalar = file(&[entry("k", id, [0; 16])], &[], 0);
        assert_refused!(scalar, GgufError::UnknownValueType { .. }, "metadata \"k\"", &wanted);
        let wanted = format!("unknown value type {id} at byte 37");
        let element = file(&[entry("k", ARRAY, array(id, 1, [0; 16]))], &[], 0);
        assert_refused!(element, GgufError::UnknownValueType { .. }, "metadata \"k\"", &wanted);
    }
}

#[test]
fn strings_are_utf8() {
    let value = file(&[entry("k", STRING, string(b"ab\xffcd"))], &[], 0);
    assert_refused!(value, GgufError::Utf8 { offset: 47, .. }, "metadata \"k\"", "byte 47");
    let words = [string("ok"), string(b"\xc3")].concat();
    let element = file(&[entry("k", ARRAY, array(STRING, 2, words))], &[], 0);
    assert_refused!(element, GgufError::Utf8 { offset: 67, .. }, "metadata \"k\"", "byte 67");
    let key = file(&[entry(b"\xf0\x28", U32, [0; 4])], &[], 0);
    assert_refused!(key, GgufError::Utf8 { offset: 32, .. }, "metadata key 0", "byte 32");
    let name = file(&[], &[info(b"a\x80", &[1], F32, 0)], 32);
    assert_refused!(name, GgufError::Utf8 { offset: 33, .. }, "name of tensor 0", "byte 33");
}

#[test]
fn names_have_no_nul_and_are_not_empty() {
    let key = file(&[entry("a\0b", U32, [0; 4])], &[], 0);
    assert_refused!(key, GgufError::Name { offset: 33, .. }, "metadata key 0", "NUL at byte 33");
    let name = file(&[], &[info("w\0", &[1], F32, 0)], 32);
    assert_refused!(name, GgufError::Name { offset: 33, .. }, "name of tensor 0", "NUL at byte 33");
    let empty = file(&[entry("", U32, [0; 4])], &[], 0);
    assert_refused!(
        empty,
        GgufError::Name { offset: 24, .. },
        "metadata key 0",
        "empty at byte 24"
    );
    // In a value a NUL is a character like others.
    let value = file(&[entry("k", STRING, string("a\0b"))], &[], 0);
    assert_eq!(Gguf::parse(&value).unwrap().metadata().str("k").unwrap(), "a\0b");
}

#[test]
fn bools_are_0_or_1() {
    let scalar = file(&[entry("k", BOOL, [2])], &[], 0);
    assert_refused!(scalar, GgufError::Bool { found: 2, .. }, "metadata \"k\"", "byte 37 is 2");
    let element = file(&[entry("k", ARRAY, array(BOOL, 3, [0, 1, 255]))], &[], 0);
    assert_refused!(
        element,
        GgufError::Bool { found: 255, .. },
        "metadata \"k\"",
        "byte 51 is 255"
    );
}

#[test]
fn dimensions_make_a_tensor() {
    let of = |dims: &[u64], kind| file(&[], &[info("blk.0.w", dims, kind, 0)], 32);
    let place = "tensor \"blk.0.w\", described at byte 24";
    for (dims, words) in [
        (&[][..], "0 dimensions"),
        (&[1, 1, 1, 1, 1], "5 dimensions"),
        (&[0], "dimension 0 is zero"),
        (&[32, 0], "dimension 1 is zero"),
        (&[u64::MAX, 2], "product of the dimensions"),
        (&[1 << 32, 1 << 32], "product of the dimensions"),
        (&[1 << 16, 1 << 16, 1 << 16, 1 << 16], "product of the dimensions"),
        // The elements can be counted, their bytes cannot.
        (&[1 << 62], "product of the dimensions"),
    ] {
        assert_refused!(of(dims, F32), GgufError::Shape { .. }, place, words);
    }
    let error = Gguf::parse(&of(&[4100, 2], Q4_K)).unwrap_err();
    assert!(matches!(error, GgufError::Shape { source: ShapeError::Depth { .. }, .. }));
    assert_eq!(
        error.to_string(),
        format!("{place}: 4100 columns are not a multiple of Q4_K's 256")
    );

    // A rank whose dimensions could not even be there.
    let mut rank = of(&[1], F32);
    rank[HEADER_BYTES + 15..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_refused!(rank, GgufError::Shape { .. }, place, "4294967295 dimensions");
}

#[test]
fn tensors_of_unknown_type_are_listed_but_not_used() {
    let ids = [31, 32, 33, 36, 37, 38, 43, 44, 145, 214, 999, u32::MAX];
    for id in ids {
        let infos = [info("good", &[8], F32, 0), info("odd", &[77, 3], id, 32)];
        let bytes = file(&[], &infos, 64);
        let gguf = Gguf::parse(&bytes).unwrap();
        walk(&gguf);
        assert!(gguf.tensor("good").is_ok());

        let odd = gguf.info("odd").unwrap();
        if odd.format.is_some() {
            continue; // A build may have learned the format since this was written.
        }
        assert_eq!((odd.type_id, odd.shape(), odd.bytes), (id, (3, 77), None));
        let error = gguf.tensor("odd").unwrap_err();
        assert!(matches!(error, GgufError::UnsupportedType { .. }), "{error:?}");
        let wanted = format!("type {} (id {id}) is not supported; ", odd.type_name());
        assert!(error.to_string().contains(&wanted), "{error}");
        assert!(error.to_string().contains("tensor \"odd\", described at byte"), "{error}");

        let report = gguf.report();
        assert_eq!((report.total, report.supported, report.unsupported[0].count), (2, 1, 1));
        assert!(!report.is_compatible());
        let shown = report.to_string();
        assert!(shown.starts_with("2 tensors: 1 supported, 1 not supported\n"), "{shown}");
        assert!(shown.contains(&format!("{} (id {id}): 1 tensors; ", odd.type_name())), "{shown}");
    }
    let name = |id| {
        let bytes = file(&[], &[info("odd", &[32], id, 0)], 32);
        Gguf::parse(&bytes).unwrap().tensors()[0].type_name()
    };
    assert_eq!(
        ids.map(name)[..6],
        ["Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "I2_S", "IQ4_NL_4_8", "IQ4_NL_8_8"]
    );
    assert_eq!((name(999), name(145), name(214)), ("unknown", "IQ2_KS", "Q6_K_R4"));
}

#[test]
fn the_alignment_is_a_power_of_two() {
    let of = |alignment: u32, data| {
        let entries = [entry("general.alignment", U32, alignment.to_le_bytes())];
        file(&entries, &[info("w", &[8], F32, 0)], data)
    };
    for alignment in [0, 3, 7, 24, u32::MAX] {
        let wanted = format!("{alignment} is not a power of two");
        assert_refused!(of(alignment, 64), GgufError::Alignment { .. }, "byte 49", &wanted);
    }
    for alignment in [1, 2, 8, 32] {
        assert_eq!(Gguf::parse(&of(alignment, 64)).unwrap().alignment(), alignment as usize);
    }
    // A power of two that moves the data out of the file.
    assert_refused!(of(1 << 31, 64), GgufError::OutsideFile { .. }, "\"w\"", "byte 2147483648");
    let words = [entry("general.alignment", STRING, string("32"))];
    assert_refused!(
        file(&words, &[], 0),
        GgufError::WrongType { .. },
        "expected u32, found String"
    );
}

#[test]
fn the_last_of_duplicate_keys_wins_with_a_warning() {
    let one = |key: &str, value: u32| entry(key, U32, value.to_le_bytes());
    let bytes = file(&[one("k", 1), one("other", 5), one("k", 2), one("k", 3)], &[], 0);
    let gguf = Gguf::parse(&bytes).unwrap();
    walk(&gguf);
    assert_eq!(gguf.metadata().u32("k").unwrap(), 3);
    let keys: Vec<_> = gguf.metadata().iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["other", "k"]);
    assert_eq!(gguf.warnings().len(), 2);
    assert!(gguf.warnings()[0].contains("\"k\"") && gguf.warnings()[0].contains("byte 33"));

    // A file of nothing but duplicates is no flood of warnings.
    let many = file(&vec![one("k", 1); 10_000], &[], 0);
    let warnings = Gguf::parse(&many).unwrap().warnings().to_vec();
    assert!(warnings.len() < 20);
    assert!(warnings.last().unwrap().contains("9991 more"), "{warnings:?}");
}

#[test]
fn tensor_names_are_unique() {
    let infos = [info("w", &[8], F32, 0), info("v", &[8], F32, 32), info("w", &[8], F32, 64)];
    let bytes = file(&[], &infos, 96);
    assert_refused!(bytes, GgufError::DuplicateTensor { .. }, "\"w\"", "byte 24", "byte 90");
}

#[test]
fn data_lies_inside_the_file() {
    for (offset, data) in [
        (0, 31),
        (32, 32),
        (1 << 40, 64),
        (u64::MAX - 31, 64),
        // The sum with the start of the section wraps around to a place in the file.
        (u64::MAX - 63, 64),
    ] {
        let bytes = file(&[], &[info("w", &[8], F32, offset)], data);
        let wanted = format!("32 bytes at {offset} in the data section");
        assert_refused!(bytes, GgufError::OutsideFile { .. }, "\"w\"", "byte 24", &wanted);
    }
    // The length of an unknown type is unknown, but it begins somewhere.
    let unknown = file(&[], &[info("w", &[8], 999, 64)], 64);
    assert_refused!(unknown, GgufError::OutsideFile { .. }, "\"w\"");
    let shifted = file(&[], &[info("w", &[8], F32, 8)], 64);
    assert_refused!(shifted, GgufError::Misaligned { .. }, "\"w\"", "offset 8", "alignment 32");
}

#[test]
fn tensors_do_not_overlap() {
    for infos in [
        // The same bytes; one inside another, listed in either order; two of unknown length.
        [info("a", &[8], F32, 0), info("b", &[8], F32, 0)],
        [info("a", &[64], F32, 0), info("b", &[8], F32, 64)],
        [info("b", &[8], F32, 64), info("a", &[64], F32, 0)],
        [info("a", &[64], F32, 0), info("b", &[8], 999, 96)],
        [info("a", &[64], 999, 0), info("b", &[8], 999, 0)],
    ] {
        let bytes = file(&[], &infos, 256);
        assert_refused!(bytes, GgufError::Overlap { .. }, "\"a\"", "\"b\"", "described at byte");
    }
    let apart = [info("b", &[8], F32, 32), info("a", &[8], F32, 0)];
    assert!(Gguf::parse(&file(&[], &apart, 64)).is_ok());
}

#[test]
fn split_models_are_recognised() {
    let u16_entry = |key: &str, value: u16| entry(key, 2, value.to_le_bytes());
    let count = entry("split.tensors.count", 5, 12i32.to_le_bytes());
    let part = |no, of| [u16_entry("split.no", no), u16_entry("split.count", of), count.clone()];

    let bytes = file(&part(1, 3), &[info("w", &[8], F32, 0)], 32);
    let gguf = Gguf::parse(&bytes).unwrap();
    let split = gguf.split().unwrap();
    assert_eq!((split.no, split.count, split.tensors), (1, 3, Some(12)));
    assert!(gguf.warnings()[0].contains("part 2 of 3"), "{:?}", gguf.warnings());
    assert!(gguf.report().to_string().contains("part 2 of 3"));
    assert!(!gguf.report().is_compatible());
    let missing = gguf.tensor("elsewhere").unwrap_err().to_string();
    assert!(missing.contains("\"elsewhere\"") && missing.contains("part 2 of 3"), "{missing}");

    assert_eq!(Gguf::parse(&file(&part(0, 1), &[], 0)).unwrap().split(), None);
    assert_refused!(file(&part(3, 3), &[], 0), GgufError::Split { .. }, "part 3", "3 parts");
}

/// NaN and Inf are found by whoever decodes weights; the container hands over what it holds.
#[test]
fn weights_are_handed_over_as_they_are() {
    let mut bytes = file(&[], &[info("w", &[32], Q8_0, 0)], 34);
    let start = bytes.len() - 34;
    bytes[start..].fill(0xff);
    assert_eq!(Gguf::parse(&bytes).unwrap().tensor("w").unwrap().bytes, [0xff; 34]);
}

#[test]
fn errors_stay_short_and_printable() {
    let long = "n\u{1b}[31m".repeat(100_000);
    let bytes = file(&[], &[info(&long, &[0], F32, 0)], 32);
    let message = Gguf::parse(&bytes).unwrap_err().to_string();
    assert!(message.len() < 2000, "{} bytes", message.len());
    assert!(message.chars().all(|c| !c.is_control()), "{message:?}");
}

#[test]
fn mutations_never_panic() {
    let (full, _) = sample();
    let twins = [info("a", &[256, 2], Q4_K, 0), info("b", &[4, 2, 3, 1], F32, 288)];
    let corpus = [full, file(&[], &twins, 288 + 96), file(&[entry("k", U32, [1; 4])], &[], 0)];
    let (accepted, refused) = survive(&corpus, 12_000, |bytes| match Gguf::parse(bytes) {
        Ok(gguf) => {
            walk(&gguf);
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 4096);
            false
        }
    });
    // Both ways were taken often, so the test looked at more than the first check.
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted, {refused} refused");
}
