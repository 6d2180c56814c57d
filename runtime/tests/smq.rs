//! SMQ and SMND: what is written is read, every damage is named, and the golden file comes out
//! byte for byte.

mod damage;

use std::path::Path;

use damage::survive;
use runtime::checkpoint::Access;
use runtime::smnd::Smnd;
use runtime::smq::{self, Fault, Finding, Planar, SCHEMES, Scheme, Severity, Smq, Writer};
use runtime::tensor::AsTensor;
use runtime::{Checkpoint, Context, Files, Linear};

const HEADER: usize = 32;
const ENTRY: usize = 156;

fn scheme(name: &str) -> &'static Scheme {
    SCHEMES.iter().find(|scheme| scheme.name == name).unwrap()
}

fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|n| ((n * 7919) % 1009) as f32 / 1009.0 - 0.5).collect()
}

/// Data and aux of a planar tensor.
fn planar(scheme: &Scheme, block: u32, weights: &[f32]) -> (Vec<u8>, Vec<u8>) {
    let planar = scheme.planar.unwrap();
    let codes = match planar {
        Planar::Q8 => weights.len(),
        Planar::Q4 => weights.len().div_ceil(2),
    };
    let mut data = vec![0; codes];
    let mut aux = vec![0; 4 * weights.len().div_ceil(block as usize)];
    smq::encode(planar, block as usize, weights, &mut data, &mut aux);
    (data, aux)
}

/// A file with a tensor of each scheme, of 2 rows of 256.
fn sample() -> Vec<u8> {
    let weights = wave(512);
    let mut writer = Writer::new(br#"{"general.architecture":"llama","llama.block_count":"2"}"#);
    for scheme in &SCHEMES {
        writer.tensor(&format!("{}.weight", scheme.name), scheme, &[2, 256], 64);
    }
    let mut blobs = writer.begin(Vec::new()).unwrap();
    for scheme in &SCHEMES {
        let (data, aux) = match scheme.planar {
            Some(_) => planar(scheme, 64, &weights),
            None => {
                let mut data = vec![0; scheme.format().row_bytes(512).unwrap()];
                scheme.format().quantize(&weights, &mut data).unwrap();
                (data, vec![])
            }
        };
        blobs.write(&format!("{}.weight", scheme.name), &data, &aux).unwrap();
    }
    blobs.finish().unwrap()
}

fn put(bytes: &mut [u8], at: usize, value: impl AsRef<[u8]>) {
    bytes[at..][..value.as_ref().len()].copy_from_slice(value.as_ref());
}

/// Where directory entry `n` of the sample begins.
fn entry(bytes: &[u8], n: usize) -> usize {
    let json = u32::from_le_bytes([bytes[20], bytes[21], bytes[22], bytes[23]]) as usize;
    HEADER + json + ENTRY * n
}

fn open(folder: &Path, name: &str, bytes: &[u8]) -> Files {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    Files::open(path, Access::Map).unwrap()
}

#[test]
fn every_scheme_is_read_back() {
    let bytes = sample();
    let smq = Smq::parse(&bytes).unwrap();
    assert!(smq.warnings().is_empty());
    let weights = wave(512);
    for (entry, scheme) in smq.entries().iter().zip(&SCHEMES) {
        assert_eq!((entry.scheme, &entry.dims[..]), (scheme, &[2, 256][..]));
        let step = match scheme.name {
            "F32" => 0.0,
            "F16" => 0.0005,
            "Q8_0" => 0.5 / 127.0,
            "Q6_K" => 0.02,
            _ => 0.08,
        };
        for (w, back) in weights.iter().zip(entry.values()) {
            assert!((w - back).abs() <= step, "{}: {w} {back}", scheme.name);
        }
    }
}

#[test]
fn rows_have_the_values_of_the_file() {
    // Scales of any size, scales that are f16 numbers, blocks that straddle rows, and those that
    // are no rows of blocks.
    let halves: Vec<f32> = (0..512).map(|n| (n % 15) as f32 - 7.0).collect();
    for (weights, block, dims, want) in [
        (wave(512), 32, [2, 256], ["SMQ_Q8", "SMQ_Q4"]),
        (wave(512), 64, [16, 32], ["SMQ_Q8", "SMQ_Q4"]),
        (wave(480), 64, [5, 96], ["SMQ_Q8", "SMQ_Q4"]),
        (halves, 64, [2, 256], ["SMQ_Q8", "Q4_0"]),
        (vec![127.0; 512], 64, [2, 256], ["Q8_0", "SMQ_Q4"]),
        (wave(512), 48, [2, 256], ["F32", "F32"]),
        (wave(510), 64, [5, 102], ["F32", "F32"]),
    ] {
        for (name, want) in ["Q8_0", "Q4_0"].into_iter().zip(want) {
            let mut writer = Writer::new([]);
            writer.tensor("w", scheme(name), &dims, block);
            let mut blobs = writer.begin(Vec::new()).unwrap();
            let (data, aux) = planar(scheme(name), block, &weights);
            blobs.write("w", &data, &aux).unwrap();
            let file = blobs.finish().unwrap();
            let smq = Smq::parse(&file).unwrap();
            let entry = &smq.entries()[0];
            let rows = entry.rows();
            assert_eq!(rows.format.name, want, "{name} {block} {dims:?}");
            let mut decoded = vec![f32::NAN; weights.len()];
            rows.format.dequantize(&rows.bytes, &mut decoded).unwrap();
            assert_eq!(decoded, entry.values(), "{name} {block} {dims:?}");
        }
    }
}

#[test]
fn layers_multiply_with_planar_weights() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), "sample", &sample());
    let checkpoint = Checkpoint::parse(&files).unwrap();
    assert_eq!(checkpoint.metadata().usize("llama.block_count").unwrap(), 2);
    let context = Context::new(Default::default()).unwrap();
    let x = wave(256);
    for tensor in checkpoint.tensors() {
        let view = tensor.view();
        let mut weights = vec![0.0; 512];
        view.format.dequantize(view.bytes, &mut weights).unwrap();
        let linear = Linear::new(&context, tensor.clone(), None, kernels::Numerics::F32).unwrap();
        let mut out = [0.0; 2];
        linear.forward(&context, &x, 1, &mut out).unwrap();
        for (row, out) in weights.chunks(256).zip(out) {
            let exact: f64 = row.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
            // Sums of 256 products of at most 1/4, each rounded to f32 a few times.
            let bound = 256.0 * 0.25 * 4.0 * f64::from(f32::EPSILON);
            assert!((f64::from(out) - exact).abs() < bound, "{}: {out} {exact}", view.name);
        }
    }
}

#[test]
fn names_may_fill_their_field_and_no_more() {
    let longest = "n".repeat(64);
    let mut writer = Writer::new([]);
    writer.tensor(&longest, scheme("F32"), &[1], 0);
    let mut blobs = writer.begin(Vec::new()).unwrap();
    blobs.write(&longest, &[0; 4], &[]).unwrap();
    let file = blobs.finish().unwrap();
    assert_eq!(Smq::parse(&file).unwrap().entries()[0].name, longest);

    for (name, dims, problem) in [
        (&"n".repeat(65)[..], &[1][..], "1 to 64 bytes"),
        ("", &[1], "1 to 64 bytes"),
        ("w", &[], "0 dimensions"),
        ("w", &[1; 9], "9 dimensions"),
        ("w", &[0], "dimension of 0"),
        ("w", &[1 << 31], "dimension of 2147483648"),
    ] {
        let error = Writer::new([]).tensor(name, scheme("F32"), dims, 0).begin(Vec::new());
        assert!(error.unwrap_err().to_string().contains(problem), "{problem}");
    }
    let error = Writer::new([]).tensor("w", scheme("Q4_K"), &[3, 100], 0).begin(Vec::new());
    assert!(
        error.unwrap_err().to_string().contains("100 columns are not a multiple of Q4_K's 256")
    );
}

#[test]
fn truncation_is_refused_at_every_byte() {
    let bytes = sample();
    for cut in 0..bytes.len() {
        assert!(Smq::parse(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let smnd = smnd();
    Smnd::parse(&smnd).unwrap();
    for cut in 0..smnd.len() {
        assert!(Smnd::parse(&smnd[..cut]).is_err(), "cut at {cut}");
    }
}

/// The findings of the sample after a change.
fn findings(change: impl FnOnce(&mut Vec<u8>)) -> Vec<Finding> {
    let mut bytes = sample();
    change(&mut bytes);
    Smq::check(&bytes)
}

#[test]
fn what_is_wrong_with_the_header_is_named() {
    let magic = findings(|b| put(b, 0, b"SMQv0002"));
    assert!(matches!(&magic[..], [Finding::Magic { .. }]), "{magic:?}");
    let version = findings(|b| put(b, 8, 2u32.to_le_bytes()));
    assert_eq!(version, [Finding::Version { found: 2 }]);
    let size = findings(|b| put(b, 12, 64u32.to_le_bytes()));
    assert_eq!(size, [Finding::HeaderSize { found: 64 }]);
    let metadata = findings(|b| put(b, 20, u32::MAX.to_le_bytes()));
    assert!(matches!(
        metadata[..],
        [Finding::MuchMetadata { .. }, Finding::Metadata { length: u32::MAX, .. }]
    ));
    let directory = findings(|b| put(b, 16, u32::MAX.to_le_bytes()));
    assert!(matches!(directory[..], [Finding::ManyTensors { .. }, Finding::Directory { .. }]));
    assert_eq!(directory[0].severity(), Severity::Warning);
    for json in [&b"[1]"[..], b"{ \xff", b"nul"] {
        let found = findings(|b| {
            let end = entry(b, 0);
            b[HEADER..end].fill(b' ');
            put(b, HEADER, json);
        });
        assert!(matches!(found[..], [Finding::Json { .. }]), "{found:?}");
    }
}

#[test]
fn what_is_wrong_with_a_tensor_is_named() {
    // The sample's tensors: 0 is F32, 2 is Q8_0, 6 is Q4_K.
    let fault = |n: usize, at: usize, value: &[u8]| {
        let found = findings(|b| {
            let at = entry(b, n) + at;
            put(b, at, value);
        });
        match &found[..] {
            [Finding::Tensor { index, fault, .. }, ..] if *index == n => fault.clone(),
            found => panic!("{found:?}"),
        }
    };
    assert_eq!(fault(1, 0, b"\xff"), Fault::NotUtf8);
    assert_eq!(fault(1, 0, &[0]), Fault::Unnamed);
    assert_eq!(fault(1, 0, b"F32.weight\0"), Fault::Duplicate { first: 0 });
    assert_eq!(fault(0, 64, &99u32.to_le_bytes()), Fault::Scheme(99));
    for rank in [0, -1, 9] {
        assert_eq!(fault(0, 68, &i32::to_le_bytes(rank)), Fault::Rank(rank));
    }
    for length in [0, -256, i32::MIN] {
        let axis = 1;
        assert_eq!(fault(0, 76, &length.to_le_bytes()), Fault::Dimension { axis, length });
    }
    let huge = [8u32, 1 << 30, 1 << 30, 1 << 30, 1, 1, 1, 1, 1].map(u32::to_le_bytes).concat();
    assert_eq!(fault(0, 68, &huge), Fault::Elements);
    assert!(matches!(fault(2, 104, &[0; 4]), Fault::Block { found: 0, .. }));
    assert!(matches!(fault(6, 104, &[32, 0, 0, 0]), Fault::Block { found: 32, .. }));
    assert!(matches!(fault(0, 104, &[32, 0, 0, 0]), Fault::Block { found: 32, .. }));
    assert!(matches!(fault(6, 76, &128u32.to_le_bytes()), Fault::Columns { columns: 128, .. }));
    for offset in [1 << 40, u64::MAX - 7] {
        assert!(matches!(
            fault(0, 108, &offset.to_le_bytes()),
            Fault::Outside { what: "data", .. }
        ));
        assert!(matches!(fault(2, 124, &offset.to_le_bytes()), Fault::Outside { what: "aux", .. }));
    }
    for (n, at, what) in [(0, 116, "data"), (2, 132, "aux"), (0, 132, "aux")] {
        let found = fault(n, at, &7u64.to_le_bytes());
        assert!(
            matches!(found, Fault::Length { what: w, length: 7, .. } if w == what),
            "{found:?}"
        );
    }
    let found = fault(2, 104, &32u32.to_le_bytes());
    assert_eq!(found, Fault::Length { what: "aux", length: 32, expected: 64 });
}

#[test]
fn regions_do_not_overlap() {
    let first = |found: &[Finding]| match found {
        [Finding::Overlap { first, second, .. }, ..] => format!("{first} | {second}"),
        found => panic!("{found:?}"),
    };
    let header = findings(|b| {
        let at = entry(b, 0) + 108;
        put(b, at, 16u64.to_le_bytes());
    });
    assert_eq!(first(&header), "the header and the directory | the data of tensor \"F32.weight\"");
    let twins = findings(|b| {
        let (from, to) = (entry(b, 2) + 108, entry(b, 2) + 124);
        let offset = b[from..from + 8].to_vec();
        put(b, to, offset);
    });
    assert!(first(&twins).contains("the data of tensor \"Q8_0.weight\""), "{twins:?}");
}

#[test]
fn all_findings_are_reported_at_once() {
    let found = findings(|b| {
        put(b, 8, 7u32.to_le_bytes());
        for n in [0, 1] {
            let at = entry(b, n);
            put(b, at + 64, 99u32.to_le_bytes());
            put(b, at + 76, 0i32.to_le_bytes());
        }
    });
    assert_eq!(found.len(), 5, "{found:?}");
    let mut bytes = sample();
    put(&mut bytes, 8, 7u32.to_le_bytes());
    put(&mut bytes, 12, 7u32.to_le_bytes());
    let error = Smq::parse(&bytes).unwrap_err();
    assert_eq!(error.errors().len(), 2);
    let message = error.to_string();
    assert!(message.contains("version 7") && message.contains("1 more errors"), "{message}");
}

#[test]
fn mutations_never_panic() {
    let (accepted, refused) = survive(&[sample()], 4000, |bytes| match Smq::parse(bytes) {
        Ok(smq) => {
            for entry in smq.entries() {
                assert_eq!(entry.values().len(), entry.elements());
                let rows = entry.rows();
                let mut weights = vec![0.0; entry.elements()];
                rows.format.dequantize(&rows.bytes, &mut weights).unwrap();
            }
            true
        }
        Err(error) => {
            assert!(!error.errors().is_empty() && error.to_string().len() < 4096);
            false
        }
    });
    assert!(accepted > 500 && refused > 500, "{accepted} accepted, {refused} refused");
    let (accepted, refused) = survive(&[smnd()], 4000, |bytes| match Smnd::parse(bytes) {
        Ok(smnd) => {
            for parameter in &smnd.parameters {
                assert_eq!(parameter.values().len(), parameter.dims.iter().product::<usize>());
            }
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 4096);
            false
        }
    });
    assert!(accepted > 500 && refused > 500, "{accepted} accepted, {refused} refused");
}

#[test]
fn claims_reserve_no_memory_and_no_time() {
    // A directory that lies about its length is refused before it is walked; one that is there
    // may say what it likes, and costs what it has.
    let mut bytes = sample();
    bytes.resize(bytes.len() + 156 * 20_000, 0xff);
    put(&mut bytes, 16, 20_000u32.to_le_bytes());
    let found = Smq::check(&bytes);
    assert!(found.len() > 20_000);
    let error = Smq::parse(&bytes).unwrap_err().to_string();
    assert!(error.len() < 500, "{error}");
}

// SMND.

/// A model of one layer: vocabulary 3, context 2, width 4, feed-forward 5.
fn smnd() -> Vec<u8> {
    let json = br#"{"ModelType":"Transformer","VocabSize":3,"BlockSize":2,"EmbedDim":4,
        "NumHeads":2,"NumLayers":1,"FfnHiddenDim":5,"Extra":{"a":[1]}}"#;
    let shapes: [&[i32]; 17] = [
        &[3, 4],
        &[2, 4],
        &[4],
        &[4],
        &[12, 4],
        &[12],
        &[4, 4],
        &[4],
        &[4],
        &[4],
        &[5, 4],
        &[5],
        &[4, 5],
        &[4],
        &[4],
        &[4],
        &[3, 4],
    ];
    let mut bytes = b"SMND\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend((json.len() as i32).to_le_bytes());
    bytes.extend(json);
    bytes.extend(17i32.to_le_bytes());
    for shape in shapes {
        bytes.extend((shape.len() as i32).to_le_bytes());
        bytes.extend(shape.iter().flat_map(|dim| dim.to_le_bytes()));
        let count: i32 = shape.iter().product();
        bytes.extend(count.to_le_bytes());
        bytes.extend(wave(count as usize).into_iter().flat_map(f32::to_le_bytes));
    }
    bytes
}

#[test]
fn smnd_becomes_a_gpt2() {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path(), "model.any", &smnd());
    let checkpoint = Checkpoint::parse(&files).unwrap();
    let metadata = checkpoint.metadata();
    assert_eq!(metadata.str("general.architecture").unwrap(), "gpt2");
    assert_eq!(metadata.u32("gpt2.feed_forward_length").unwrap(), 5);
    assert_eq!(metadata.u32("gpt2.attention.head_count").unwrap(), 2);
    assert_eq!(checkpoint.tensors().len(), 17);
    let up = checkpoint.tensor("blk.0.ffn_up.weight").unwrap();
    assert_eq!((up.view().rows(), up.view().depth()), (5, 4));
    assert!(up.is_in_place());
    let bias = checkpoint.tensor("blk.0.attn_qkv.bias").unwrap();
    assert_eq!(bias.view().shape.dims(), [12]);
}

#[test]
fn smnd_is_bounded() {
    let at = |find: &[u8], bytes: &[u8]| {
        bytes.windows(find.len()).position(|window| window == find).unwrap()
    };
    let good = smnd();
    // Where the number of parameters stands.
    let count = at(b"}}", &good) + 2;
    for (place, value, words) in [
        (4, 2, "version at byte 4 is 2"),
        (16, (1 << 20) + 1, "JSON's length at byte 16"),
        (16, -1, "JSON's length at byte 16 is -1"),
        (count, 10_001, "number of parameters"),
        (count, -1, "number of parameters"),
        (count + 4, 9, "rank of parameter 0"),
        (count + 8, 0, "dimension of parameter 0"),
        (count + 8, 7, "do not make 12 elements"),
        (count + 8, i32::MAX, "do not make 12 elements"),
        (count + 16, 100_000_001, "number of elements of parameter 0"),
        (count + 16, 100_000_000, "do not make"),
    ] {
        let mut bytes = good.clone();
        put(&mut bytes, place, i32::to_le_bytes(value));
        let error = Smnd::parse(&bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let longer = [&good[..], b"x"].concat();
    assert!(Smnd::parse(&longer).unwrap_err().to_string().contains("1 bytes follow"));
    let mut bytes = good.clone();
    put(&mut bytes, at(b"VocabSize", &good), b"vocabsize");
    assert!(Smnd::parse(&bytes).unwrap_err().to_string().contains("VocabSize"));
}

// The golden pair.

fn golden() -> Option<(Vec<u8>, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/smq");
    let read = |name| std::fs::read(folder.join(name)).ok();
    let pair = read("demo-model.smnd").zip(read("benchmark-model.smq"));
    if pair.is_none() {
        eprintln!("SKIPPED: no {} with the golden pair", folder.display());
    }
    pair
}

#[test]
fn the_golden_file_is_reproduced_byte_for_byte() {
    let Some((source, golden)) = golden() else { return };
    let smnd = Smnd::parse(&source).unwrap();
    let want = Smq::parse(&golden).unwrap();
    assert_eq!(want.json().len(), 183);

    let mut writer = Writer::new(want.json());
    let names: Vec<String> = (0..smnd.parameters.len()).map(|n| format!("tensor_{n:03}")).collect();
    for (name, parameter) in names.iter().zip(&smnd.parameters) {
        let dims = match parameter.dims[..] {
            [length] => vec![1, length],
            _ => parameter.dims.clone(),
        };
        writer.tensor(name, scheme("Q8_0"), &dims, 32);
    }
    let mut blobs = writer.begin(Vec::new()).unwrap();
    for (name, parameter) in names.iter().zip(&smnd.parameters) {
        let weights: Vec<f32> = parameter.values().collect();
        let (data, aux) = planar(scheme("Q8_0"), 32, &weights);
        blobs.write(name, &data, &aux).unwrap();
    }
    assert!(blobs.finish().unwrap() == golden, "another file than the golden one");
}

#[test]
fn the_golden_file_is_the_model_it_was_made_from() {
    let Some((source, golden)) = golden() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [source, golden] =
        [("a", source), ("b", golden)].map(|(name, bytes)| open(folder.path(), name, &bytes));
    let [source, golden] = [&source, &golden].map(|files| Checkpoint::parse(files).unwrap());
    assert!(golden.unsupported().is_empty() && golden.warnings().is_empty());
    assert_eq!(golden.tensors().len(), 29);
    for tensor in source.tensors() {
        let [want, have] = [tensor, golden.tensor(tensor.view().name).unwrap()].map(|tensor| {
            let view = tensor.view();
            let mut weights = vec![0.0; view.shape.elements()];
            view.format.dequantize(view.bytes, &mut weights).unwrap();
            (view.shape, weights)
        });
        assert_eq!(want.0, have.0, "{tensor:?}");
        let most = want.1.iter().fold(0.0f32, |most, w| most.max(w.abs()));
        for (w, h) in want.1.iter().zip(&have.1) {
            assert!((w - h).abs() <= 0.5001 * most / 127.0, "{tensor:?}: {w} {h}");
        }
    }
    let shape = |key| golden.metadata().u32(key).unwrap();
    for (key, value) in [
        ("gpt2.vocab_size", 50),
        ("gpt2.context_length", 32),
        ("gpt2.embedding_length", 64),
        ("gpt2.feed_forward_length", 256),
        ("gpt2.block_count", 2),
        ("gpt2.attention.head_count", 4),
    ] {
        assert_eq!((shape(key), source.metadata().u32(key).unwrap()), (value, value));
    }
}
