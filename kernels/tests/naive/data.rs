//! Blocks to test with: drawn at will, or kept in files beside the tests.

use std::path::{Path, PathBuf};

use super::floats::Scale;
use super::rng::Rng;
use super::{DECODERS, Decoder, decode, expect_decoder};

/// What surrounds the float fields: codes, and the integer scales of formats that have them.
#[derive(Clone, Copy)]
enum Payload {
    Random,
    Zeros,
    Ones,
}

const PAYLOADS: [Payload; 3] = [Payload::Random, Payload::Ones, Payload::Zeros];
const SCALES: [Scale; 5] =
    [Scale::Sane, Scale::Negative, Scale::Denormal, Scale::Zero, Scale::Large];

/// `count` blocks, every float in them finite, that mix random, all-ones and all-zero codes with sane,
/// negative, denormal, zero and large scales. Any fifteen in a row hold every combination.
///
/// # Panics
///
/// If the oracle does not know `name`.
pub fn adversarial_blocks(name: &str, rng: &mut Rng, count: usize) -> Vec<u8> {
    let format = expect_decoder(name);
    // Three and five share no factor, so walking both lists in step meets all fifteen pairs.
    (0..count).flat_map(|i| block(format, PAYLOADS[i % 3], SCALES[i % 5], rng)).collect()
}

fn block(format: &Decoder, payload: Payload, scale: Scale, rng: &mut Rng) -> Vec<u8> {
    let mut block: Vec<u8> = (0..format.block_bytes)
        .map(|_| match payload {
            Payload::Random => rng.byte(),
            Payload::Zeros => 0x00,
            Payload::Ones => 0xFF,
        })
        .collect();
    for &(offset, float) in format.floats {
        let bytes = float.draw(scale, rng);
        block[offset..offset + bytes.len()].copy_from_slice(&bytes);
    }
    block
}

/// The blocks of `name` kept in this repository and their weights, or `None` if there are none.
///
/// They were decoded by this oracle on the day it agreed with ggml, and hold it to that.
pub fn golden(name: &str) -> Option<(Vec<u8>, Vec<f32>)> {
    read(&golden_folder(), name)
}

/// As [`golden`], from a larger set decoded by ggml itself, if a folder `shared` lies beside the checkout.
/// A test that gets `None` says loudly that it skips.
pub fn shared_golden(name: &str) -> Option<(Vec<u8>, Vec<f32>)> {
    read(&workspace().join("../shared/data/golden"), name)
}

/// Writes the files that [`golden`] reads. For tests run with `BLESS=1`, once the decoders are known to agree
/// with the reference again.
///
/// # Panics
///
/// If a file cannot be written.
pub fn bless() {
    use Payload::{Ones, Random, Zeros};
    let small = [
        (Random, Scale::Sane),
        (Random, Scale::Negative),
        (Random, Scale::Denormal),
        (Ones, Scale::Sane),
        (Zeros, Scale::Zero),
        (Random, Scale::Sane),
    ];
    // Superblocks decode to a kilobyte each, so these keep to four.
    let large = [
        (Random, Scale::Sane),
        (Random, Scale::Denormal),
        (Ones, Scale::Negative),
        (Zeros, Scale::Zero),
    ];
    let folder = golden_folder();
    std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for format in DECODERS {
        // Seeded by the type's own number, so that a new format leaves the files of the others alone.
        let mut rng = Rng::new(u64::from(format.ggml_type));
        let cases: &[_] = if format.block_len >= 256 { &large } else { &small };
        let blocks: Vec<u8> = cases
            .iter()
            .flat_map(|&(payload, scale)| block(format, payload, scale, &mut rng))
            .collect();
        let weights: Vec<u8> =
            decode(format.name, &blocks).iter().flat_map(|w| w.to_le_bytes()).collect();
        for (extension, bytes) in [("blocks", blocks), ("f32", weights)] {
            let path = folder.join(format!("{}.{extension}", format.name));
            std::fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn golden_folder() -> PathBuf {
    // By way of the workspace, so that tests of the other packages may include this module too.
    workspace().join("kernels/tests/golden")
}

/// `<name>.blocks` and `<name>.f32` (little endian). Only a missing file is `None`: a damaged one must not
/// turn a test into a skip.
fn read(folder: &Path, name: &str) -> Option<(Vec<u8>, Vec<f32>)> {
    let file = |extension| {
        let path = folder.join(format!("{name}.{extension}"));
        match std::fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => panic!("{}: {e}", path.display()),
        }
    };
    let (blocks, floats) = (file("blocks")?, file("f32")?);
    let floats = floats.chunks_exact(4);
    assert!(floats.remainder().is_empty(), "{name}.f32 ends inside a float");
    let weights = floats.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Some((blocks, weights.collect()))
}
