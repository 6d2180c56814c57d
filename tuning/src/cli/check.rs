//! `check`: whether kernels compute rightly, without a clock.

use kernels::{FormatInfo, IsaInfo, Numerics, Pool, Problem, formats};
use tuning::check::Gate;
use tuning::report::plain_table;
use tuning::space::{Candidate, Reach, Role, SWITCH, Space};

use super::{Code, Done};

/// Check that kernels compute rightly: every instruction set, every value of every knob.
///
/// Products of small matrices, ragged in every dimension, of usual and of adversarial blocks, are
/// compared with a product in f64. The bound is what rounding can do, no more.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only these formats.
    #[arg(long, visible_alias = "format", value_delimiter = ',', value_parser = super::format,
        value_name = "FORMAT,...")]
    formats: Vec<&'static FormatInfo>,
    /// Only this instruction set. Without: TILEWRIGHT_ISA, or all.
    #[arg(long, value_parser = super::isa)]
    isa: Option<&'static IsaInfo>,
    /// Decides the random data.
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Done> {
    let formats =
        if args.formats.is_empty() { formats::all().to_vec() } else { args.formats.clone() };
    let forced = super::forced(args.isa)?;
    let isas = forced.map_or_else(kernels::isa::supported, |isa| vec![isa]);
    let pool = Pool::new(0)?;
    let mut table = plain_table(&["format", "activations", "candidates", "wrong"]);
    let mut wrong = vec![];
    for format in formats {
        for class in Numerics::ALL {
            let mut gate = Gate::new(format, class, args.seed.into());
            let candidates: Vec<Candidate> =
                isas.iter().flat_map(|isa| candidates(format, class, isa, &pool)).collect();
            let before = wrong.len();
            for candidate in &candidates {
                wrong.extend(gate.admit(&pool, candidate).err());
            }
            table.add_row(vec![
                format.name.to_owned(),
                class.to_string(),
                candidates.len().to_string(),
                (wrong.len() - before).to_string(),
            ]);
        }
    }
    let mut text = format!("{table}\n");
    for wrong in &wrong {
        text += &format!("{wrong}\n");
    }
    let code = if wrong.is_empty() { Code::Done } else { Code::Wrong };
    Ok(Done { text, code })
}

/// The default, and all that differ from it in one knob, with either loop for every batch.
fn candidates(
    format: &'static FormatInfo,
    class: Numerics,
    isa: &'static IsaInfo,
    pool: &Pool,
) -> Vec<Candidate> {
    let problem = Problem { format, rows: 4096, depth: 1 << 12, class };
    let mut all = vec![];
    for switch in [1, u32::from(u16::MAX)] {
        let default = Candidate::default_on(isa).with(SWITCH, switch);
        all.push(default);
        for role in [Role::Decode, Role::Prefill] {
            let space = Space::new(problem, role, Reach::Shared, (&[isa], pool.threads()));
            for axis in space.axes() {
                all.extend(space.moves(axis, &default));
            }
        }
    }
    all
}
