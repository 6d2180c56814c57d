//! Small models with random weights, written as files and loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernels::{Format, FormatInfo, formats};
use runtime::checkpoint::Access;
use runtime::context::{Options, ProfileSource};
use runtime::gguf::{Value, Writer};
use runtime::load::LoadError;
use runtime::tensor::Shape;
use runtime::{Context, LoadOptions, Loaded};

pub(crate) const VOCABULARY: usize = 40;

/// A model: metadata, and tensors as rows of numbers.
pub(crate) struct Tiny {
    architecture: &'static str,
    writer: Writer,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    random: u64,
    /// Of matrices whose rows are whole blocks of it.
    format: &'static FormatInfo,
}

/// Two threads, no profile.
pub(crate) fn options() -> LoadOptions {
    let profile = ProfileSource::Off;
    let context = Context::new(Options { threads: 2, profile, ..Options::default() }).unwrap();
    LoadOptions { context: Some(Arc::new(context)), access: Access::Read, ..LoadOptions::default() }
}

/// Tokens, the same in every run.
pub(crate) fn ids(count: usize, seed: u64) -> Vec<u32> {
    let mut random = seed;
    (0..count).map(|_| (uniform(&mut random) * VOCABULARY as f32) as u32).collect()
}

/// In 0..1: the upper bits of a linear congruential generator (Knuth, MMIX).
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1 << 24) as f32
}

impl Tiny {
    pub(crate) fn new(architecture: &'static str) -> Self {
        let mut writer = Writer::new();
        writer.metadata("general.architecture", architecture);
        Self {
            architecture,
            writer,
            tensors: BTreeMap::new(),
            random: 1,
            format: formats::F32::info(),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.architecture
    }

    /// Writes matrices in a format, where their rows are whole blocks of it.
    pub(crate) fn quantize(&mut self, format: &'static FormatInfo) -> &mut Self {
        self.format = format;
        self
    }

    /// Sets `ARCHITECTURE.NAME`.
    pub(crate) fn key<'v>(&mut self, name: &str, value: impl Into<Value<'v>>) -> &mut Self {
        self.writer.metadata(&format!("{}.{name}", self.architecture), value);
        self
    }

    /// A matrix of random numbers, such that rows of it times rows of ones keep their size.
    pub(crate) fn matrix(&mut self, name: &str, rows: usize, depth: usize) -> &mut Self {
        self.stack(name, 1, rows, depth)
    }

    /// `count` matrices, one after the other.
    pub(crate) fn stack(
        &mut self,
        name: &str,
        count: usize,
        rows: usize,
        depth: usize,
    ) -> &mut Self {
        let scale = (12.0 / depth as f32).sqrt();
        let mut dims = vec![depth, rows];
        if count > 1 {
            dims.push(count);
        }
        self.add(name, dims, |uniform| scale * (uniform - 0.5))
    }

    /// Numbers around `center`.
    pub(crate) fn vector(&mut self, name: &str, count: usize, center: f32) -> &mut Self {
        self.add(name, vec![count], |uniform| center + uniform - 0.5)
    }

    fn add(&mut self, name: &str, dims: Vec<usize>, number: impl Fn(f32) -> f32) -> &mut Self {
        let count: usize = dims.iter().product();
        let numbers = (0..count).map(|_| number(uniform(&mut self.random))).collect();
        self.tensors.insert(name.to_owned(), (dims, numbers));
        self
    }

    pub(crate) fn remove(&mut self, name: &str) -> &mut Self {
        self.tensors.remove(name).expect("a tensor of the model");
        self
    }

    /// Stores several matrices as one, one after the other.
    pub(crate) fn join(&mut self, name: &str, parts: &[String]) -> &mut Self {
        let parts = parts.iter().map(|part| self.tensors.remove(part).expect("a tensor"));
        let all = parts.reduce(|(mut dims, mut numbers), (more_dims, more)| {
            dims[1] += more_dims[1];
            numbers.extend(more);
            (dims, numbers)
        });
        self.tensors.insert(name.to_owned(), all.expect("some parts"));
        self
    }

    /// Stores each matrix of a stack as a tensor.
    pub(crate) fn split(&mut self, name: &str, part: impl Fn(usize) -> String) -> &mut Self {
        let (dims, numbers) = self.tensors.remove(name).expect("a tensor of the model");
        for (n, numbers) in numbers.chunks_exact(dims[0] * dims[1]).enumerate() {
            self.tensors.insert(part(n), (dims[..2].to_vec(), numbers.to_vec()));
        }
        self
    }

    /// The numbers of a tensor, as f64.
    pub(crate) fn get(&self, name: &str) -> Vec<f64> {
        let (_, numbers) = self.tensors.get(name).unwrap_or_else(|| panic!("no tensor {name}"));
        numbers.iter().map(|x| f64::from(*x)).collect()
    }

    /// The numbers of a tensor, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<Vec<f64>> {
        self.tensors.contains_key(name).then(|| self.get(name))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut writer = self.writer.clone();
        for (name, (dims, _)) in &self.tensors {
            writer.tensor(name, self.format_of(dims), Shape::new(dims).unwrap());
        }
        let mut data = writer.begin(Vec::new()).unwrap();
        for (name, (dims, numbers)) in &self.tensors {
            let format = self.format_of(dims);
            let bytes = match format.block_len {
                1 => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
                _ => {
                    let mut bytes = vec![0; format.row_bytes(numbers.len()).unwrap()];
                    format.quantize(numbers, &mut bytes).unwrap();
                    bytes
                }
            };
            data.write(name, &bytes).unwrap();
        }
        data.finish().unwrap()
    }

    fn format_of(&self, dims: &[usize]) -> &'static FormatInfo {
        let whole = dims.len() > 1 && dims[0].is_multiple_of(self.format.block_len);
        if whole { self.format } else { formats::F32::info() }
    }

    pub(crate) fn load(&self, options: &LoadOptions) -> Result<Loaded, LoadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.gguf");
        std::fs::write(&path, self.bytes()).unwrap();
        runtime::load(&path, options)
    }
}
