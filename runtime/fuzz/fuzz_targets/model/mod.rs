//! Opens bytes as a model's file, the way a loader does.

use std::fs;
use std::path::PathBuf;

use runtime::checkpoint::Access;
use runtime::{AsTensor, Checkpoint, Files};

/// A folder of this process.
pub fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = base.join(format!("runtime-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// Refused in words, or every tensor has its bytes.
pub fn open(name: &str, bytes: &[u8]) {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("a temporary file");
    let files = match Files::open(&path, Access::Read) {
        Ok(files) => files,
        Err(error) => {
            assert!(error.to_string().len() < 1 << 16);
            return;
        }
    };
    let Ok(checkpoint) = Checkpoint::parse(&files) else { return };
    for (key, _) in checkpoint.metadata().iter() {
        assert!(checkpoint.metadata().get(key).is_some());
    }
    for tensor in checkpoint.tensors() {
        let view = tensor.view();
        assert_eq!(view.bytes.len(), view.rows() * view.row_bytes());
    }
}
