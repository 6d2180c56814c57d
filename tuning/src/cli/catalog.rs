//! `list` and `probe`: what there is to tune, and what the machine can do.

use std::time::Duration;

use kernels::params::{Params, Tunable};
use kernels::{FormatInfo, IsaInfo, Numerics, Pool, Problem, formats};
use tuning::machine::{self, COLD};
use tuning::report::plain_table;
use tuning::space::{self, Candidate, Reach, Role, Space};

use super::{Code, Done};

/// List formats, instruction sets, knobs, and how many choices there are.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// Only these formats.
    #[arg(long, visible_alias = "format", value_delimiter = ',', value_parser = super::format,
        value_name = "FORMAT,...")]
    formats: Vec<&'static FormatInfo>,
}

pub(super) fn list(args: &ListArgs) -> anyhow::Result<Done> {
    let formats =
        if args.formats.is_empty() { formats::all().to_vec() } else { args.formats.clone() };
    let isas = kernels::isa::supported();
    let mut text = String::from("Instruction sets of this CPU, the one to prefer first:\n");
    for isa in &isas {
        text += &format!("  {:<14} {}\n", isa.name, isa.summary);
    }
    text += "\nKnobs, as in profiles:\n";
    for knob in Params::KNOBS {
        let choices: Vec<String> = knob.choices.iter().map(u32::to_string).collect();
        let (name, default) = (knob.name, knob.default);
        text += &format!("  {name:<10} {} (default {default})\n", choices.join(" "));
        text += &format!("             {}\n", knob.manual);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut table =
        plain_table(&["format", "bits/weight", "block", "kernels here", "decode", "prefill"]);
    for format in formats {
        // Whole blocks of every format.
        let problem = Problem { format, rows: 4096, depth: 1 << 12, class: Numerics::Q8 };
        let points = |role| {
            let space = Space::new(problem, role, Reach::Shared, (&space::isas(), threads));
            space.points(&Candidate::default_on(kernels::isa::best())).to_string()
        };
        let here = format.kernels.iter().filter(|kernel| isas.contains(&kernel.isa)).count();
        table.add_row(vec![
            format.name.to_owned(),
            format!("{:.2}", format.bits_per_weight()),
            format!("{} in {} bytes", format.block_len, format.block_bytes),
            here.to_string(),
            points(Role::Decode),
            points(Role::Prefill),
        ]);
    }
    text += &format!(
        "\nFormats, and combinations of knobs and instruction sets for each loop with {threads} \
         threads:\n{table}\n"
    );
    Ok(Done { text, code: Code::Done })
}

/// Measure what the machine can do at best: read memory, and multiply in registers.
#[derive(clap::Args)]
pub(super) struct ProbeArgs {
    /// Threads; 0 means one per usable CPU.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// Only this instruction set.
    #[arg(long, value_parser = super::isa)]
    isa: Option<&'static IsaInfo>,
}

/// Time for the peaks: long enough for some passes that nothing disturbs.
const PROBE: Duration = Duration::from_secs(3);

pub(super) fn probe(args: &ProbeArgs) -> anyhow::Result<Done> {
    let isas = args.isa.map_or_else(space::isas, |isa| vec![isa]);
    let threads = Pool::new(args.threads.into())?.threads();
    let cold = COLD * machine::last_level_cache();
    let peaks = machine::peaks(threads, &isas, cold, PROBE);
    Ok(Done { text: machine::describe(&peaks).join("\n") + "\n", code: Code::Done })
}
