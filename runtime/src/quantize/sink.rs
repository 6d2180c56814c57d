//! The two containers that are written, as one.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::encode::{self, Encoded};
use super::{
    Choice, Naming, Options, Output, Policy, QuantizeError, Reason, SmqOptions, file_type,
};
use crate::checkpoint::Checkpoint;
use crate::gguf::{self, Gguf, Metadata};
use crate::profile::now;
use crate::replace::Replacement;
use crate::smallmind;
use crate::smq::manifest::{Dims, Hashed, Manifest};
use crate::smq::{self, BLOCK_LEN, BlobWriter, Scheme};
use crate::tensor::{AsTensor, TensorView};

/// A file that is being written.
pub(super) struct Sink {
    path: PathBuf,
    file: File,
}

enum File {
    Gguf(gguf::DataWriter<Replacement>),
    Smq(Box<Smq>),
}

struct Smq {
    blobs: BlobWriter<Hashed<Replacement>>,
    block: u32,
    /// Names, if tensors have others than in the input.
    naming: Naming,
    written: usize,
    manifest: Manifest,
}

impl Sink {
    /// Writes everything before the weights.
    pub(super) fn new(
        path: &Path,
        checkpoint: &Checkpoint<'_>,
        choices: &[Choice],
        options: &Options,
    ) -> Result<Self, QuantizeError> {
        let path = path.to_owned();
        let header = header(checkpoint.metadata(), options)
            .map_err(|source| QuantizeError::Gguf { path: path.clone(), source })?;
        let out = Replacement::of(&path).map_err(failed(&path, "write beside it"))?;
        let file = match &options.output {
            Output::Gguf => {
                let mut writer = header;
                for (tensor, choice) in checkpoint.tensors().zip(choices) {
                    writer.tensor(tensor.view().name, choice.format, tensor.view().shape);
                }
                let data = writer.begin(out);
                let data =
                    data.map_err(|source| QuantizeError::Gguf { path: path.clone(), source })?;
                File::Gguf(data)
            }
            Output::Smq(smq) => {
                let file = Smq::begin(out, header, (checkpoint, choices), smq);
                let file =
                    file.map_err(|source| QuantizeError::Smq { path: path.clone(), source })?;
                File::Smq(Box::new(file))
            }
        };
        Ok(Self { path, file })
    }

    /// A tensor in its new type.
    pub(super) fn encode<'a>(
        &self,
        view: &TensorView<'a>,
        choice: &Choice,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Encoded<'a>, QuantizeError> {
        let encoded = match &self.file {
            File::Gguf(_) => encode::blocks(view, choice.format, progress),
            File::Smq(smq) => smq.encode(view, choice, progress),
        };
        encoded.map_err(|source| QuantizeError::Tensor { tensor: view.name.to_owned(), source })
    }

    pub(super) fn write(
        &mut self,
        view: &TensorView<'_>,
        encoded: &Encoded<'_>,
    ) -> Result<(), QuantizeError> {
        let path = || self.path.clone();
        match &mut self.file {
            File::Gguf(data) => data
                .write(view.name, &encoded.data)
                .map_err(|source| QuantizeError::Gguf { path: path(), source }),
            File::Smq(smq) => smq
                .write(view.name, encoded)
                .map_err(|source| QuantizeError::Smq { path: path(), source }),
        }
    }

    /// Puts the file in its place.
    pub(super) fn finish(self) -> Result<(), QuantizeError> {
        let Self { path, file } = self;
        match file {
            File::Gguf(data) => {
                let out = data.finish();
                let out =
                    out.map_err(|source| QuantizeError::Gguf { path: path.clone(), source })?;
                out.commit().map_err(failed(&path, "put it in its place"))
            }
            File::Smq(smq) => {
                let Smq { blobs, mut manifest, .. } = *smq;
                let out = blobs.finish();
                let out =
                    out.map_err(|source| QuantizeError::Smq { path: path.clone(), source })?;
                let (out, digest) = out.finish();
                manifest.smq_sha256 = Some(digest);
                let beside = Manifest::path(&path);
                let written = Replacement::of(&beside).and_then(|mut file| {
                    file.write_all(manifest.to_json().as_bytes())?;
                    // The sidecar is useless without the file, and the file whole without it.
                    out.commit()?;
                    file.commit()
                });
                written.map_err(failed(&path, "put it in its place"))
            }
        }
    }
}

impl Smq {
    fn begin(
        out: Replacement,
        header: gguf::Writer,
        (checkpoint, choices): (&Checkpoint<'_>, &[Choice]),
        options: &SmqOptions,
    ) -> Result<Self, smq::WriteError> {
        let naming = options.naming;
        let metadata = match naming {
            Naming::Numbered => smallmind::json(checkpoint.metadata(), &now()),
            Naming::Gguf => object(&header),
        };
        let json = match &options.json {
            Some(json) => json.clone(),
            None => Json::Object(metadata.clone()).to_string().into_bytes(),
        };
        let mut manifest = Manifest {
            format_version: 1,
            model_name: checkpoint
                .metadata()
                .find("general.name")
                .ok()
                .flatten()
                .map(str::to_owned),
            created_utc: now(),
            tensor_count: choices.len(),
            model_dims: Some(dims(checkpoint.metadata())),
            ..Manifest::default()
        };
        let mut writer = smq::Writer::new(json);
        for (n, (tensor, choice)) in checkpoint.tensors().zip(choices).enumerate() {
            let view = tensor.view();
            let scheme = scheme(choice);
            let mut dims: Vec<usize> = view.shape.dims().iter().rev().copied().collect();
            if naming == Naming::Numbered && dims.len() == 1 {
                dims.insert(0, 1);
            }
            let block = if copies(&view, choice) { BLOCK_LEN as u32 } else { options.block };
            writer.tensor(&name(naming, n, view.name), scheme, &dims, block);
            if !manifest.quant_schemes.iter().any(|name| name == scheme.name) {
                manifest.quant_schemes.push(scheme.name.to_owned());
            }
        }
        let blobs = writer.begin(Hashed::new(out))?;
        Ok(Self { blobs, block: options.block, naming, written: 0, manifest })
    }

    fn encode<'a>(
        &self,
        view: &TensorView<'a>,
        choice: &Choice,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Encoded<'a>, kernels::ShapeError> {
        let scheme = scheme(choice);
        match scheme.planar {
            Some(_) if copies(view, choice) => {
                let (data, aux) = smq::planes(view).expect("such formats are planes interleaved");
                progress(view.shape.elements() as u64);
                Ok(Encoded { data: data.into(), aux, odd_row: None })
            }
            Some(planar) => encode::planes(view, planar, self.block, progress),
            None => encode::blocks(view, scheme.format(), progress),
        }
    }

    fn write(&mut self, tensor: &str, encoded: &Encoded<'_>) -> Result<(), smq::WriteError> {
        let name = name(self.naming, self.written, tensor);
        self.written += 1;
        self.blobs.write(&name, &encoded.data, &encoded.aux)
    }
}

/// The scheme of a choice.
fn scheme(choice: &Choice) -> &'static Scheme {
    Scheme::of(choice.format).expect("types without a scheme were refused")
}

/// Whether a planar tensor is copied, code by code.
fn copies(view: &TensorView<'_>, choice: &Choice) -> bool {
    choice.reason == Reason::Kept && smq::interleaved(view.format).is_some()
}

fn name(naming: Naming, n: usize, name: &str) -> String {
    match naming {
        Naming::Numbered => format!("tensor_{n:03}"),
        Naming::Gguf => name.to_owned(),
    }
}

/// The metadata of the output: that of the input, but for what says how it was stored.
fn header(metadata: &Metadata<'_>, options: &Options) -> Result<gguf::Writer, gguf::WriteError> {
    let mut writer = gguf::Writer::new();
    for (key, value) in metadata.iter().filter(|(key, _)| !key.starts_with("split.")) {
        writer.metadata(key, *value);
    }
    if let Policy::Pure(format) | Policy::Mixed(format) = options.policy {
        if let Some(number) = file_type::number(format.name) {
            writer.metadata("general.file_type", number);
        }
        // Of the layouts that these types have had since 2023.
        writer.metadata("general.quantization_version", 2u32);
    }
    Ok(writer)
}

/// The metadata of a header as a JSON object.
fn object(header: &gguf::Writer) -> Map<String, Json> {
    let bytes = header.begin(Vec::new()).and_then(gguf::DataWriter::finish);
    let bytes = bytes.expect("metadata that was read can be written");
    let gguf = Gguf::parse(&bytes).expect("what was written can be read");
    smq::from_gguf(gguf.metadata())
}

fn dims(metadata: &Metadata<'_>) -> Dims {
    let architecture: &str = metadata.str("general.architecture").unwrap_or_default();
    let size = |key: &str| metadata.find(&format!("{architecture}.{key}")).ok().flatten();
    let tokens = metadata.array("tokenizer.ggml.tokens").ok();
    Dims {
        n_layers: size("block_count"),
        n_heads: size("attention.head_count"),
        hidden_dim: size("embedding_length"),
        vocab_size: size("vocab_size").or(tokens.map(|tokens| tokens.len() as u32)),
        context_length: size("context_length"),
    }
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> QuantizeError {
    let path = path.to_owned();
    move |source| QuantizeError::Io { path, action, source }
}
