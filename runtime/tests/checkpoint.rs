//! A model's files: one, or the parts of a split model.

use std::path::{Path, PathBuf};

use kernels::{Numerics, formats};
use runtime::checkpoint::{Access, CheckpointError};
use runtime::gguf::Writer;
use runtime::tensor::Shape;
use runtime::{AsTensor, Checkpoint, Context, Files, Linear};

/// Writes part `no` (from 0) of `count` with one tensor of ones.
fn part(folder: &Path, no: u16, count: u16, tensor: &str) -> PathBuf {
    let f32 = formats::by_name("F32").unwrap();
    let mut writer = Writer::new();
    writer.metadata("general.name", format!("part {no}").as_str());
    writer.metadata("split.no", no);
    writer.metadata("split.count", count);
    writer.tensor(tensor, f32, Shape::new(&[4, 2]).unwrap());
    let mut data = writer.begin(Vec::new()).unwrap();
    data.write(tensor, &1f32.to_le_bytes().repeat(8)).unwrap();
    let path = folder.join(format!("m-{:05}-of-{count:05}.gguf", no + 1));
    std::fs::write(&path, data.finish().unwrap()).unwrap();
    path
}

#[test]
fn any_part_of_a_split_model_opens_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [part(folder.path(), 0, 2, "a.weight"), part(folder.path(), 1, 2, "b.weight")];
    for path in paths {
        for access in [Access::Map, Access::Read] {
            let files = Files::open(&path, access).unwrap();
            let checkpoint = Checkpoint::parse(&files).unwrap();
            assert_eq!(checkpoint.metadata().str("general.name").unwrap(), "part 0");
            let names: Vec<_> = checkpoint.tensors().map(|t| t.view().name.to_owned()).collect();
            assert_eq!(names, ["a.weight", "b.weight"]);
            assert!(checkpoint.warnings().is_empty());
            let tensor = checkpoint.tensor("b.weight").unwrap();
            assert_eq!(tensor.is_in_place(), access == Access::Map);
        }
    }
}

#[test]
fn a_layer_outlives_the_files_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = part(folder.path(), 0, 1, "a.weight");
    let context = Context::new(Default::default()).unwrap();
    let linear = {
        let files = Files::open(&path, Access::Map).unwrap();
        let tensor = Checkpoint::parse(&files).unwrap().tensor("a.weight").unwrap().clone();
        Linear::new(&context, tensor, None, Numerics::F32).unwrap()
    };
    let mut out = [0.0; 2];
    linear.forward(&context, &[1.0, 2.0, 3.0, 4.0], 1, &mut out).unwrap();
    assert_eq!(out, [10.0, 10.0]);
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = part(folder.path(), 0, 2, "a.weight");
    let missing = Files::open(&first, Access::Map).unwrap_err().to_string();
    assert!(missing.contains("m-00002-of-00002.gguf"), "{missing}");

    let second = part(folder.path(), 1, 2, "a.weight");
    let files = Files::open(&first, Access::Map).unwrap();
    let twice = Checkpoint::parse(&files).unwrap_err();
    assert!(matches!(twice, CheckpointError::Duplicate { .. }), "{twice}");

    let alone = folder.path().join("second.gguf");
    std::fs::rename(&second, &alone).unwrap();
    let files = Files::open(&alone, Access::Map).unwrap();
    let renamed = Checkpoint::parse(&files).unwrap_err().to_string();
    assert!(renamed.contains("part 2 of 2") && renamed.contains("name the parts"), "{renamed}");
}
