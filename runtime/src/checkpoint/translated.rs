//! Containers other than GGUF, brought into its terms: keys, names, order of dimensions.
//!
//! Metadata becomes a GGUF header in memory, so that there is one form of it for everyone who
//! asks. Weights stay where they are if kernels can take them as they are.

use std::path::Path;
use std::sync::Arc;

use kernels::formats;

use super::Part;
use crate::gguf::{self, Mapped};
use crate::hf::{self, HfError};
use crate::smallmind::{self, Sizes};
use crate::smnd::{Parameter, Smnd};
use crate::smq::{self, Entry, Smq};
use crate::tensor::{Shape, ShapeError, Tensor, TensorView};

/// A model in GGUF's terms.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// A GGUF file without tensors.
    pub(super) header: Vec<u8>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) unsupported: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Translated {
    /// What an SMQ file has.
    pub(super) fn smq(file: &Arc<Mapped>, smq: &Smq<'_>) -> Result<Self, gguf::WriteError> {
        let mut writer = gguf::Writer::new();
        let mut all = Self { warnings: smq::to_gguf(smq, &mut writer), ..Self::default() };
        all.warnings.extend(smq.warnings().iter().map(ToString::to_string));
        let names = smallmind::names(smq.entries().len()).unwrap_or_default();
        for entry in smq.entries() {
            let known = smallmind::number(entry.name).and_then(|number| names.get(number));
            match all.entry(file, entry, known.map(String::as_str)) {
                Ok(tensor) => all.tensors.push(tensor),
                Err(error) => all.unsupported.push(format!("tensor {:?}: {error}", entry.name)),
            }
        }
        all.finish(&writer)
    }

    /// A tensor of an SMQ file; `known` is the name of one that has only a number.
    fn entry(
        &mut self,
        file: &Arc<Mapped>,
        entry: &Entry<'_>,
        known: Option<&str>,
    ) -> Result<Tensor, ShapeError> {
        let mut shape = entry.shape()?;
        let name = known.unwrap_or(entry.name);
        // Files of SmallMind's tools have vectors as matrices of one row, and quantize them, too.
        let is_vector = known.is_some() && shape.rows() == 1 && smallmind::is_vector(name);
        if is_vector {
            shape = Shape::new(&[shape.depth()])?;
            let bytes: Vec<u8> = entry.values().into_iter().flat_map(f32::to_le_bytes).collect();
            return Tensor::in_memory(name, f32(), shape, bytes);
        }
        if let Some(format) = entry.format() {
            let view = TensorView::new(name, format, shape, entry.data)?;
            return Ok(Tensor::of_file(file, &view));
        }
        let rows = entry.rows();
        if rows.format == f32() {
            self.warnings.push(format!(
                "tensor {name:?}: {} in blocks of {} with rows of {} is not rows of blocks; it \
                 becomes F32 in memory",
                entry.scheme.name,
                entry.block,
                shape.depth(),
            ));
        }
        Tensor::in_memory(name, rows.format, shape, rows.bytes.into_owned())
    }

    /// What an SMND file has.
    pub(super) fn smnd(file: &Arc<Mapped>, smnd: &Smnd<'_>) -> Result<Self, gguf::WriteError> {
        let config = &smnd.config;
        let sizes = Sizes {
            name: Some(config.model_type.clone()).filter(|name| !name.is_empty()),
            vocabulary: Some(config.vocab_size),
            context: Some(config.block_size),
            embedding: Some(config.embed_dim),
            feed_forward: config.ffn_hidden_dim,
            layers: Some(config.num_layers),
            heads: Some(config.num_heads),
        };
        let mut writer = gguf::Writer::new();
        smallmind::describe(&sizes, &mut writer);
        let names = smallmind::names(smnd.parameters.len());
        let numbered = |n| format!("param_{n:04}");
        let names = names.unwrap_or_else(|| (0..smnd.parameters.len()).map(numbered).collect());
        let mut all = Self::default();
        for (parameter, name) in smnd.parameters.iter().zip(&names) {
            match parameter_view(parameter, name) {
                Ok(view) => all.tensors.push(Tensor::of_file(file, &view)),
                Err(error) => all.unsupported.push(format!("tensor {name:?}: {error}")),
            }
        }
        all.finish(&writer)
    }

    /// What the safetensors files of a model have.
    pub(super) fn hf(config: &Path, parts: &[Part]) -> Result<Self, HfError> {
        let shards: Vec<_> = parts.iter().map(|part| (part.path.as_path(), &part.bytes)).collect();
        let hf::Model { header, tensors, unsupported } = hf::Model::read(config, &shards)?;
        Ok(Self { header, tensors, unsupported, warnings: vec![] })
    }

    fn finish(mut self, writer: &gguf::Writer) -> Result<Self, gguf::WriteError> {
        self.header = writer.begin(Vec::new())?.finish()?;
        Ok(self)
    }
}

fn parameter_view<'a>(
    parameter: &Parameter<'a>,
    name: &'a str,
) -> Result<TensorView<'a>, ShapeError> {
    let dims: Vec<usize> = parameter.dims.iter().rev().copied().collect();
    TensorView::new(name, f32(), Shape::new(&dims)?, parameter.bytes)
}

fn f32() -> &'static kernels::FormatInfo {
    formats::by_name("F32").expect("a format every build has")
}
