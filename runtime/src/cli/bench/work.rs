//! What there is to multiply: the distinct weight matrices of a file, or of a description.

use std::fmt;

use anyhow::{Context as _, bail};
use kernels::{FormatInfo, formats};
use runtime::presets::{self, Preset};
use runtime::{AsTensor, Checkpoint, TensorView};

/// Weight matrices of one shape and format.
pub(crate) struct Work<'a> {
    pub(crate) format: &'static FormatInfo,
    /// N.
    pub(crate) rows: usize,
    /// K.
    pub(crate) depth: usize,
    /// How many a model has.
    pub(crate) count: usize,
    /// What they are, for people.
    pub(crate) roles: String,
    /// Works of a group are of one model: a file, or a synthetic model of one format.
    pub(crate) group: &'static str,
    /// Their bytes; none if random ones are wanted.
    pub(crate) weights: Vec<&'a [u8]>,
}

impl Work<'_> {
    /// Bytes of one matrix.
    pub(crate) fn bytes(&self) -> usize {
        self.format.bytes(self.rows, self.depth).expect("shapes are checked when they are read")
    }

    /// Whether they are the output head. Of a prompt it gets the last row only.
    pub(crate) fn is_head(&self) -> bool {
        self.roles == "output" || self.roles == "token_embd"
    }
}

impl fmt::Display for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} x {} ({})", self.format.name, self.rows, self.depth, self.roles)
    }
}

/// The matrices of a file, each shape and format once, and notes about what was left out.
pub(crate) fn of_file<'a>(checkpoint: &'a Checkpoint<'_>) -> (Vec<Work<'a>>, Vec<String>) {
    let mut all: Vec<Work<'a>> = Vec::new();
    // Without a head of its own a model multiplies with its embedding.
    let own = checkpoint.tensor("output.weight").is_some();
    let head = if own { "output.weight" } else { "token_embd.weight" };
    for tensor in checkpoint.tensors() {
        let TensorView { name, shape, .. } = tensor.view();
        let experts = shape.rank() == 3 && name.contains("_exps.");
        let table = name.ends_with("_embd.weight") || name.starts_with("position");
        let multiplied = name == head || (name.ends_with(".weight") && !table);
        if multiplied && (shape.rank() == 2 || experts) {
            add(&mut all, &tensor.view());
        }
    }
    (all, checkpoint.unsupported().to_vec())
}

fn add<'a>(all: &mut Vec<Work<'a>>, tensor: &TensorView<'a>) {
    let dims = tensor.shape.dims();
    let (rows, depth) = (dims[1], dims[0]);
    let role = role(tensor.name);
    let same =
        |work: &&mut Work<'_>| (work.format, work.rows, work.depth) == (tensor.format, rows, depth);
    // A tensor of experts is a stack of matrices.
    let matrices = tensor.bytes.chunks_exact(rows * tensor.row_bytes());
    match all.iter_mut().find(same) {
        Some(work) => {
            work.count += matrices.len();
            work.weights.extend(matrices);
            if !work.roles.split(", ").any(|known| known == role) {
                work.roles = format!("{}, {role}", work.roles);
            }
        }
        None => all.push(Work {
            format: tensor.format,
            rows,
            depth,
            count: matrices.len(),
            roles: role.to_owned(),
            group: "all types",
            weights: matrices.collect(),
        }),
    }
}

/// `attn_q` of `blk.3.attn_q.weight`.
pub(crate) fn role(name: &str) -> &str {
    let name = name.strip_suffix(".weight").unwrap_or(name);
    let of_block = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
    of_block.map_or(name, |(_, role)| role)
}

/// What `llama-8b:q4_k` or `4096x4096:q4_0,q8_0` stands for.
pub(crate) struct Spec<'a> {
    name: &'a str,
    types: Vec<&'static FormatInfo>,
    /// Layers of the model, if not as many as it has.
    layers: Option<usize>,
}

impl<'a> Spec<'a> {
    /// `types` may stand apart.
    pub(crate) fn parse(
        spec: &'a str,
        types: Option<&'a str>,
        layers: Option<u16>,
    ) -> anyhow::Result<Self> {
        let (name, types) = match (spec.split_once(':'), types) {
            (Some((name, types)), None) => (name, types),
            (None, Some(types)) => (spec, types),
            (Some(_), Some(_)) => bail!("--synthetic {spec} has types; --format is too many"),
            (None, None) => {
                bail!("--synthetic {spec}: of which type? Say {spec}:q4_k, or {spec}:all")
            }
        };
        Ok(Self { name, types: parse_types(types)?, layers: layers.map(usize::from) })
    }

    /// The matrices, and notes about what was left out.
    pub(crate) fn work(&self) -> anyhow::Result<(Vec<Work<'static>>, Vec<String>)> {
        let layers = match self.preset() {
            Some(preset) => preset.linears(),
            None => vec![matrix(self.name)?],
        };
        let mut all = Vec::new();
        let mut notes = Vec::new();
        for &format in &self.types {
            for layer in &layers {
                let presets::Layer { roles, rows, depth, count } = *layer;
                match format.bytes(rows, depth) {
                    Ok(_) => {
                        let (roles, group, weights) = (roles.to_owned(), format.name, Vec::new());
                        all.push(Work { format, rows, depth, count, roles, group, weights });
                    }
                    Err(error) => notes.push(format!("{rows} x {depth} was left out: {error}")),
                }
            }
        }
        Ok((all, notes))
    }

    /// The sizes of a whole model, and its one type.
    pub(crate) fn model(&self) -> anyhow::Result<(Preset, &'static FormatInfo)> {
        let Some(preset) = self.preset() else {
            bail!("\"{}\" is no model of several layers, as --layers wants one", self.name);
        };
        match self.types[..] {
            [format] => Ok((preset, format)),
            _ => bail!("a whole model (--layers) is of one type, such as {}:q4_k", self.name),
        }
    }

    fn preset(&self) -> Option<Preset> {
        let preset = presets::by_name(self.name)?;
        Some(Preset { layers: self.layers.unwrap_or(preset.layers), ..*preset })
    }
}

impl fmt::Display for Spec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<&str> = self.types.iter().map(|format| format.name).collect();
        write!(f, "{}:{}", self.name, types.join(","))?;
        match self.layers {
            None => Ok(()),
            Some(1) => write!(f, ", 1 layer"),
            Some(layers) => write!(f, ", {layers} layers"),
        }
    }
}

/// `4096x14336`.
fn matrix(name: &str) -> anyhow::Result<presets::Layer> {
    let sides = name.split_once(['x', 'X']);
    let sides = sides.and_then(|(rows, depth)| Some((rows.parse().ok()?, depth.parse().ok()?)));
    let Some((rows, depth)) = sides else {
        let known: Vec<&str> = presets::ALL.iter().map(|preset| preset.name).collect();
        bail!("\"{name}\" is neither a shape such as 4096x4096 nor one of {}", known.join(", "));
    };
    if rows == 0 || depth == 0 {
        bail!("{name}: a matrix without rows or columns multiplies nothing");
    }
    Ok(presets::Layer { roles: "matrix", rows, depth, count: 1 })
}

fn parse_types(types: &str) -> anyhow::Result<Vec<&'static FormatInfo>> {
    if types.eq_ignore_ascii_case("all") {
        return Ok(formats::all().to_vec());
    }
    let find = |name: &str| {
        formats::by_name(name.trim()).with_context(|| {
            let known: Vec<&str> = formats::all().iter().map(|format| format.name).collect();
            format!("there is no type \"{name}\"; there are {}, and all", known.join(", "))
        })
    };
    types.split(',').map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_no_block_number() {
        assert_eq!(role("blk.12.ffn_up.weight"), "ffn_up");
        assert_eq!(role("output.weight"), "output");
        assert_eq!(role("blk.weight"), "blk");
    }

    #[test]
    fn a_description_is_matrices() {
        let made = |spec, types| Spec::parse(spec, types, None)?.work();
        let (work, notes) = made("llama-8b:q4_k,Q6_K", None).unwrap();
        assert_eq!((work.len(), notes.len()), (10, 0));
        assert_eq!(work[0].to_string(), "Q4_K 4096 x 4096 (attn_q, attn_output)");
        let (work, notes) = made("64x96", Some("all")).unwrap();
        assert_eq!(work.len() + notes.len(), formats::all().len());
        assert!(notes.iter().any(|note| note.contains("not a multiple of Q4_K's 256")));
    }

    #[test]
    fn a_wrong_description_says_what_there_is() {
        let error = |spec, types| {
            let made = Spec::parse(spec, types, None).and_then(|spec| spec.work());
            made.err().unwrap().to_string()
        };
        assert!(error("llama-9b:q4_k", None).contains("llama-8b"));
        assert!(error("64x64:q4_x", None).contains("Q4_K"));
        assert!(error("64x64", None).contains("64x64:q4_k"));
        assert!(error("0x64:q4_k", None).contains("without rows"));
        assert!(error("64x64:q4_k", Some("q4_k")).contains("too many"));
        assert!(error("x:q4_k", None).contains("neither"));

        let model = |spec| Spec::parse(spec, None, Some(4)).unwrap().model();
        assert_eq!(model("llama-8b:q4_k").unwrap().0.layers, 4);
        assert!(model("llama-8b:q4_k,q8_0").err().unwrap().to_string().contains("one type"));
        assert!(model("64x64:q4_k").err().unwrap().to_string().contains("--layers"));
    }
}
