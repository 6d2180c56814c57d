//! What to tune for: the distinct weight matrices of a model, known or in a file.

use std::fmt;

use kernels::{FormatInfo, formats};
use runtime::gguf::Gguf;
use runtime::presets;
use thiserror::Error;

/// Formats that most files are made of, the most common first.
pub const COMMON: [&str; 7] = ["Q4_K", "Q4_0", "Q8_0", "Q6_K", "Q5_K", "IQ4_NL", "F16"];
/// Models whose shapes are tuned if nothing else is asked for: with shapes up to twice as large or
/// half as small on either side, they stand for most models of up to ten billion weights.
pub const MODELS: [&str; 2] = ["llama-8b", "llama-1b"];

/// A weight matrix that occurs in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Of the weights.
    pub format: &'static FormatInfo,
    /// Rows (N), the features that come out.
    pub rows: usize,
    /// Columns (K), the features that go in.
    pub depth: usize,
    /// What it is for.
    pub kind: Kind,
    /// How many the model has.
    pub count: usize,
}

/// What a matrix is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A layer, which sees a whole prompt at once.
    Layer,
    /// The output head, which sees its last row only.
    Head,
}

/// A shape that nobody can tune for.
#[derive(Debug, Error)]
#[error("\"{name}\" is neither a shape such as 4096x14336 (rows x columns) nor a model: {models}")]
pub struct UnknownShape {
    name: String,
    models: String,
}

/// Rows, columns, kind and count of a matrix in some format.
type Shape = (usize, usize, Kind, usize);

impl Matrix {
    /// Bytes of it; `None` if its rows are not whole blocks.
    #[must_use]
    pub fn bytes(&self) -> Option<usize> {
        self.format.bytes(self.rows, self.depth).ok()
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} x {}", self.format.name, self.rows, self.depth)
    }
}

/// The format called `name`, in any case.
///
/// # Errors
/// If there is none; the message lists what there is.
pub fn format(name: &str) -> Result<&'static FormatInfo, String> {
    formats::by_name(name).ok_or_else(|| {
        let known: Vec<&str> = formats::all().iter().map(|format| format.name).collect();
        format!("there is no format \"{name}\"; there are {}", known.join(", "))
    })
}

/// The matrices of a model (`llama-8b`) or of a shape (`4096x14336`).
fn shapes(name: &str) -> Result<Vec<Shape>, UnknownShape> {
    if let Some(preset) = presets::by_name(name) {
        let kind = |roles| if roles == "output" { Kind::Head } else { Kind::Layer };
        let shape =
            |layer: presets::Layer| (layer.rows, layer.depth, kind(layer.roles), layer.count);
        return Ok(preset.linears().into_iter().map(shape).collect());
    }
    let sides = name.split_once(['x', 'X']);
    let sides = sides.and_then(|(rows, depth)| Some((rows.parse().ok()?, depth.parse().ok()?)));
    match sides {
        Some((rows @ 1.., depth @ 1..)) => Ok(vec![(rows, depth, Kind::Layer, 1)]),
        _ => {
            let models: Vec<&str> = presets::ALL.iter().map(|preset| preset.name).collect();
            Err(UnknownShape { name: name.to_owned(), models: models.join(", ") })
        }
    }
}

/// All shapes in all formats, format by format.
///
/// # Errors
/// If a name is neither a shape nor a model.
pub fn of_names(
    formats: &[&'static FormatInfo],
    names: &[impl AsRef<str>],
) -> Result<Vec<Matrix>, UnknownShape> {
    let mut all: Vec<Matrix> = vec![];
    for format in formats {
        for name in names {
            for (rows, depth, kind, count) in shapes(name.as_ref())? {
                let matrix = Matrix { format, rows, depth, kind, count };
                let same = |other: &Matrix| Matrix { count, kind, ..*other } == matrix;
                if !all.iter().any(same) {
                    all.push(matrix);
                }
            }
        }
    }
    Ok(all)
}

/// The matrices of a file, each once: the format with the most bytes first, and in each the
/// matrices with the most bytes first. Formats that this build does not know are left out.
#[must_use]
pub fn of_file(gguf: &Gguf<'_>) -> Vec<Matrix> {
    let mut all: Vec<Matrix> = vec![];
    // Without a head of its own a model multiplies with its embedding.
    let own = gguf.info("output.weight").is_some();
    let head = if own { "output.weight" } else { "token_embd.weight" };
    for info in gguf.tensors() {
        let Some(format) = info.format else { continue };
        let experts = info.shape.rank() == 3 && info.name.contains("_exps.");
        let table = info.name.ends_with("_embd.weight") || info.name.starts_with("position");
        let layer = info.name.ends_with(".weight") && !table;
        if !(info.name == head || layer) || !(info.shape.rank() == 2 || experts) {
            continue;
        }
        let kind = if info.name == head { Kind::Head } else { Kind::Layer };
        // A tensor of experts is a stack of matrices.
        let dims = info.shape.dims();
        let (depth, rows, count) = (dims[0], dims[1], dims[2..].iter().product());
        let matrix = Matrix { format, rows, depth, kind, count };
        let same = |other: &&mut Matrix| Matrix { count, kind, ..**other } == matrix;
        match all.iter_mut().find(same) {
            Some(other) => other.count += count,
            None => all.push(matrix),
        }
    }
    let weight = |matrix: &Matrix| matrix.count * matrix.bytes().unwrap_or(0);
    let of_format = |format: &FormatInfo| -> usize {
        all.iter().filter(|matrix| matrix.format == format).map(weight).sum()
    };
    let mut order: Vec<(usize, usize, Matrix)> =
        all.iter().map(|matrix| (of_format(matrix.format), weight(matrix), *matrix)).collect();
    order.sort_by_key(|(format, weight, matrix)| {
        (std::cmp::Reverse(*format), matrix.format.name, std::cmp::Reverse(*weight))
    });
    order.into_iter().map(|(_, _, matrix)| matrix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::gguf::Writer;
    use runtime::tensor::Shape;

    fn names(matrices: &[Matrix]) -> Vec<String> {
        matrices.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_models_or_shapes() {
        let formats = [format("q4_k").unwrap(), format("F16").unwrap()];
        let all = of_names(&formats, &["256x512", "llama-1b", "2048x2048"]).unwrap();
        assert_eq!(all.len(), 2 * 6);
        assert_eq!(names(&all)[..2], ["Q4_K 256 x 512", "Q4_K 2048 x 2048"]);
        let heads = all.iter().filter(|matrix| matrix.kind == Kind::Head);
        assert!(heads.into_iter().all(|head| head.rows == 128_256 && head.count == 1));
        for name in ["llama-9b", "0x4", "4x0", "4096", "x", "-1x4", ""] {
            let error = of_names(&formats, &[name]).unwrap_err().to_string();
            assert!(error.contains("4096x14336") && error.contains("llama-8b"), "{error}");
        }
        assert!(format("q4_x").unwrap_err().contains("Q4_K"));
    }

    #[test]
    fn the_defaults_exist() {
        assert!(COMMON.iter().all(|name| format(name).is_ok()));
        assert!(MODELS.iter().all(|name| presets::by_name(name).is_some()));
    }

    #[test]
    fn a_files_matrices_are_its_layers_and_its_head_the_heaviest_format_first() {
        let (f32, q8_0) = (format("F32").unwrap(), format("Q8_0").unwrap());
        let tensors = [
            ("token_embd.weight", f32, vec![64, 10]),
            ("blk.0.attn_norm.weight", f32, vec![64]),
            ("blk.0.attn_q.weight", q8_0, vec![64, 64]),
            ("blk.0.ffn_up.weight", q8_0, vec![64, 128]),
            ("blk.1.attn_q.weight", q8_0, vec![64, 64]),
            ("blk.1.ffn_up_exps.weight", q8_0, vec![64, 32, 3]),
        ];
        let mut writer = Writer::new();
        for (name, format, dims) in &tensors {
            writer.tensor(name, format, Shape::new(dims).unwrap());
        }
        let mut data = writer.begin(Vec::new()).unwrap();
        for (name, format, dims) in &tensors {
            let bytes = Shape::new(dims).unwrap().bytes(format).unwrap();
            data.write(name, &vec![0; bytes]).unwrap();
        }
        let file = data.finish().unwrap();
        let all = of_file(&Gguf::parse(&file).unwrap());
        assert_eq!(names(&all), ["Q8_0 64 x 64", "Q8_0 128 x 64", "Q8_0 32 x 64", "F32 10 x 64"]);
        assert_eq!(all.iter().map(|matrix| matrix.count).collect::<Vec<_>>(), [2, 1, 3, 1]);
        assert_eq!(all[3].kind, Kind::Head);
    }
}
