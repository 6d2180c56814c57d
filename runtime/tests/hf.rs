//! Models in safetensors files: found by folder, index or file, in GGUF's terms, and never
//! trusted.

mod damage;

use std::fs;
use std::path::Path;

use damage::survive;
use runtime::checkpoint::{Access, CheckpointError};
use runtime::tensor::AsTensor;
use runtime::{Checkpoint, Container, Files};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value as Json, json};

/// Two heads of 4 over 8 dimensions, one head of keys and values; one layer.
fn config(model_type: &str) -> Json {
    json!({
        "model_type": model_type, "vocab_size": 3, "max_position_embeddings": 64,
        "hidden_size": 8, "intermediate_size": 6, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-6,
        "rope_theta": 500000.0, "bos_token_id": 1, "eos_token_id": [2, 0],
    })
}

/// Tensors of a layer and of the model: rows of `columns` numbers, number r in all of row r.
const TENSORS: [(&str, usize, usize); 8] = [
    ("model.embed_tokens.weight", 3, 8),
    ("model.layers.0.self_attn.q_proj.weight", 8, 8),
    ("model.layers.0.self_attn.q_proj.bias", 8, 0),
    ("model.layers.0.self_attn.k_proj.weight", 4, 8),
    ("model.layers.0.self_attn.v_proj.weight", 4, 8),
    ("model.layers.0.mlp.down_proj.weight", 8, 6),
    ("model.norm.weight", 8, 0),
    ("lm_head.weight", 3, 8),
];

fn serialized(tensors: &[(&str, usize, usize)], dtype: Dtype) -> Vec<u8> {
    let data: Vec<(Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(_, rows, columns)| {
            let shape = if *columns == 0 { vec![*rows] } else { vec![*rows, *columns] };
            let numbers = (0..*rows).flat_map(|row| vec![row as f32; (*columns).max(1)]);
            let bytes = numbers.flat_map(|number| match dtype {
                Dtype::F32 => number.to_le_bytes().to_vec(),
                Dtype::BF16 => number.to_le_bytes()[2..].to_vec(),
                _ => vec![0; dtype.bitsize() / 8],
            });
            (shape, bytes.collect())
        })
        .collect();
    let views = tensors.iter().zip(&data).map(|((name, ..), (shape, bytes))| {
        (*name, TensorView::new(dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// A model in two files.
fn sharded(folder: &Path) {
    let parts = [
        ("model-00001-of-00002.safetensors", &TENSORS[..3]),
        ("model-00002-of-00002.safetensors", &TENSORS[3..]),
    ];
    let mut map = serde_json::Map::new();
    for (file, tensors) in parts {
        fs::write(folder.join(file), serialized(tensors, Dtype::BF16)).unwrap();
        map.extend(tensors.iter().map(|(name, ..)| ((*name).to_owned(), file.into())));
    }
    let index = json!({ "metadata": {}, "weight_map": map });
    fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    fs::write(folder.join("config.json"), config("llama").to_string()).unwrap();
}

fn open(path: &Path) -> Files {
    Files::open(path, Access::Map).unwrap()
}

/// The first number of each row of a tensor.
fn rows(checkpoint: &Checkpoint<'_>, name: &str) -> Vec<f32> {
    let tensor = checkpoint.tensor(name).unwrap_or_else(|| panic!("no {name}")).view();
    let mut weights = vec![0.0; tensor.shape.elements()];
    tensor.format.dequantize(tensor.bytes, &mut weights).unwrap();
    match tensor.shape.rank() {
        1 => weights,
        _ => weights.chunks(tensor.depth()).map(|row| row[0]).collect(),
    }
}

#[test]
fn folder_index_and_any_file_stand_for_the_model() {
    let folder = tempfile::tempdir().unwrap();
    sharded(folder.path());
    for name in ["", "model.safetensors.index.json", "model-00002-of-00002.safetensors"] {
        let files = open(&folder.path().join(name));
        assert_eq!(files.container(), Container::Safetensors);
        let checkpoint = Checkpoint::parse(&files).unwrap();
        assert_eq!(checkpoint.tensors().len(), TENSORS.len());
        assert!(checkpoint.unsupported().is_empty());
        let head = checkpoint.tensor("output.weight").unwrap();
        assert!(head.is_in_place());
        assert_eq!((head.view().format.name, head.view().rows()), ("BF16", 3));
    }
}

#[test]
fn a_file_is_known_by_its_contents() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config("qwen3").to_string()).unwrap();
    let path = folder.path().join("weights");
    fs::write(&path, serialized(&TENSORS, Dtype::F32)).unwrap();
    let files = open(&path);
    let checkpoint = Checkpoint::parse(&files).unwrap();
    let metadata = checkpoint.metadata();
    assert_eq!(metadata.str("general.architecture").unwrap(), "qwen3");
    for (key, size) in [
        ("vocab_size", 3),
        ("context_length", 64),
        ("embedding_length", 8),
        ("feed_forward_length", 6),
        ("block_count", 1),
        ("attention.head_count", 2),
        ("attention.head_count_kv", 1),
        ("attention.key_length", 4),
        ("rope.dimension_count", 4),
    ] {
        assert_eq!(metadata.u32(&format!("qwen3.{key}")).unwrap(), size, "{key}");
    }
    assert_eq!(metadata.f32("qwen3.attention.layer_norm_rms_epsilon").unwrap(), 1e-6);
    assert_eq!(metadata.f32("qwen3.rope.freq_base").unwrap(), 500_000.0);
    assert_eq!(metadata.u32("tokenizer.ggml.eos_token_id").unwrap(), 2);
    // Halves of heads stay halves.
    assert_eq!(rows(&checkpoint, "blk.0.attn_q.weight"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
}

#[test]
fn rotated_rows_of_a_llama_become_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    sharded(folder.path());
    let files = open(folder.path());
    let checkpoint = Checkpoint::parse(&files).unwrap();
    let queries = [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0];
    assert_eq!(rows(&checkpoint, "blk.0.attn_q.weight"), queries);
    assert_eq!(rows(&checkpoint, "blk.0.attn_q.bias"), queries);
    assert_eq!(rows(&checkpoint, "blk.0.attn_k.weight"), [0.0, 2.0, 1.0, 3.0]);
    assert_eq!(rows(&checkpoint, "blk.0.attn_v.weight"), [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn scaled_positions_are_said_in_gguf() {
    let folder = tempfile::tempdir().unwrap();
    sharded(folder.path());
    let with = |scaling: Json| {
        let mut config = config("mistral");
        config["sliding_window"] = 32.into();
        config["rope_scaling"] = scaling;
        fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        Files::open(folder.path(), Access::Map)
    };
    let files =
        with(json!({"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}))
            .unwrap();
    let checkpoint = Checkpoint::parse(&files).unwrap();
    let metadata = checkpoint.metadata();
    assert_eq!(metadata.u32("llama.attention.sliding_window").unwrap(), 32);
    assert_eq!(metadata.str("llama.rope.scaling.type").unwrap(), "yarn");
    assert_eq!(metadata.f32("llama.rope.scaling.factor").unwrap(), 4.0);
    assert_eq!(metadata.u32("llama.rope.scaling.original_context_length").unwrap(), 16);

    let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192});
    let files = with(llama3).unwrap();
    let checkpoint = Checkpoint::parse(&files).unwrap();
    // Wavelengths of 2 pi and of 2 pi * 500000^(1/2) = 4443, which is between 8192 / 4 and 8192:
    // smooth = (8192 / 4443 - 1) / 3 = 0.2813, and 1 / (0.7187 / 8 + 0.2813) = 2.694.
    let factors = rows(&checkpoint, "rope_freqs.weight");
    assert_eq!(factors[0], 1.0);
    assert!((factors[1] - 2.694).abs() < 1e-3, "{factors:?}");

    let error = with(json!({"type": "dynamic", "factor": 4.0})).unwrap_err().to_string();
    assert!(error.contains("rope_scaling") && error.contains("\"dynamic\""), "{error}");
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let error = || Files::open(path, Access::Map).unwrap_err().to_string();
    let write = |name: &str, text: &str| fs::write(path.join(name), text).unwrap();
    assert!(error().contains("neither model.safetensors nor model.safetensors.index.json"));

    sharded(path);
    let index = fs::read_to_string(path.join("model.safetensors.index.json")).unwrap();
    for (damaged, words) in [
        ("{", "model.safetensors.index.json: EOF"),
        ("{}", "no object \"weight_map\""),
        (r#"{"weight_map":{}}"#, "names no files"),
        (r#"{"weight_map":{"w":"../x"}}"#, "tensor \"w\" is in no file"),
        (r#"{"weight_map":{"w":7}}"#, "tensor \"w\" is in no file"),
        (r#"{"weight_map":{"w":"x.safetensors"}}"#, "x.safetensors: cannot open"),
    ] {
        write("model.safetensors.index.json", damaged);
        assert!(error().contains(words), "{}", error());
    }
    write("model.safetensors.index.json", &index);

    for (key, value, words) in [
        ("model_type", json!("rwkv"), "\"rwkv\" are not known, llama, mistral, qwen2, qwen3 are"),
        ("hidden_size", json!(null), "\"hidden_size\" is no size"),
        ("num_attention_heads", json!(0), "\"num_attention_heads\" is no size"),
        ("num_attention_heads", json!(3), "8 rows are not those of 3 heads"),
        ("rms_norm_eps", json!(-1), "\"rms_norm_eps\" is no number above 0"),
    ] {
        let mut damaged = config("llama");
        damaged[key] = value;
        write("config.json", &damaged.to_string());
        assert!(error().contains(words), "{}", error());
    }
    fs::remove_file(path.join("config.json")).unwrap();
    assert!(error().contains("config.json"), "{}", error());
}

#[test]
fn tensors_of_other_names_and_types_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    sharded(folder.path());
    let odd = [("model.layers.0.extra.weight", 2, 2), ("model.norm.weight", 8, 0)];
    for (dtype, words) in [(Dtype::F32, "a llama has none"), (Dtype::I64, "I64 are not supported")]
    {
        let path = folder.path().join("model-00002-of-00002.safetensors");
        fs::write(path, serialized(&odd, dtype)).unwrap();
        let files = open(folder.path());
        let checkpoint = Checkpoint::parse(&files).unwrap();
        let unsupported = checkpoint.unsupported().join("\n");
        assert!(unsupported.contains(words), "{unsupported}");
    }
}

/// Whether a file of these bytes opens as a model.
fn opens(folder: &Path, bytes: &[u8]) -> bool {
    let path = folder.join("damaged");
    fs::write(&path, bytes).unwrap();
    match Files::open(&path, Access::Read) {
        Ok(files) => {
            let checkpoint = Checkpoint::parse(&files);
            checkpoint.is_ok_and(|checkpoint| {
                checkpoint.tensors().all(|tensor| !tensor.view().bytes.is_empty())
            })
        }
        Err(error) => {
            assert!(!matches!(error, CheckpointError::File(_)) && error.to_string().len() < 4096);
            false
        }
    }
}

#[test]
fn damage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config("llama").to_string()).unwrap();
    let bytes = serialized(&TENSORS, Dtype::F32);
    assert!(opens(folder.path(), &bytes));
    for cut in (0..bytes.len()).step_by(5) {
        assert!(!opens(folder.path(), &bytes[..cut]), "cut at {cut}");
    }
    let (accepted, refused) = survive(&[bytes], 1500, |bytes| opens(folder.path(), bytes));
    assert!(accepted > 100 && refused > 300, "{accepted} accepted, {refused} refused");
}

#[test]
fn claims_are_compared_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config("llama").to_string()).unwrap();
    let file = |header: &str| {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 32]].concat()
    };
    // Places that follow each other, and whose sum does not fit 64 bits.
    let half = u64::MAX / 8 / 4 * 4;
    let places: Vec<String> = (0..9u64)
        .map(|n| {
            let (start, end) = (n.saturating_mul(half), (n + 1).saturating_mul(half));
            format!(
                r#""t{n}":{{"dtype":"F32","shape":[{}],"data_offsets":[{start},{end}]}}"#,
                half / 4
            )
        })
        .collect();
    for count in 1..=9 {
        assert!(!opens(folder.path(), &file(&format!("{{{}}}", places[..count].join(",")))));
    }
    for length in [0, 1, 1 << 20, u64::MAX - 8, u64::MAX] {
        let bytes = [&length.to_le_bytes()[..], b"{}"].concat();
        assert!(!opens(folder.path(), &bytes), "{length}");
    }
    // Deep nesting is no deep recursion.
    assert!(!opens(folder.path(), &file(&"{\"a\":".repeat(100_000))));
}
