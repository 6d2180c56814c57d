//! How a model is loaded: what all commands that run one have in common.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use kernels::{Batching, IsaInfo, Numerics};
use regex::Regex;
use runtime::cache::CacheType;
use runtime::checkpoint::Access;
use runtime::context::{Context, Options};
use runtime::load::{Override, Setting};
use runtime::{LoadOptions, Loaded};

/// Options of loading.
#[derive(clap::Args)]
#[command(next_help_heading = "Loading and computing")]
pub(crate) struct Loading {
    /// How activations enter products: as int8 in groups of 32, or of 256 (prompts are read faster,
    /// less exactly), rounded to bfloat16, or as they are.
    #[arg(long, default_value = "q8", value_parser = class, value_name = "q8|q8_256|bf16|f32")]
    pub(crate) activations: Numerics,
    /// Threads; 0 means one per usable CPU.
    #[arg(long, default_value_t = 0, value_name = "N",
        value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub(crate) threads: u16,
    /// Only this instruction set.
    #[arg(long, value_parser = isa, value_name = "NAME")]
    pub(crate) isa: Option<&'static IsaInfo>,
    /// How keys and values of past tokens are kept.
    #[arg(long, default_value = "f16", value_parser = cache, value_name = "f16|f32|q8")]
    cache: CacheType,
    /// Results that do not depend on batch size and threads, not in a single bit. Prompts take
    /// several times as long.
    #[arg(long)]
    invariant: bool,
    /// Decode all weights to f32 when loading, instead of multiplying with them as they are.
    #[arg(long)]
    pub(crate) dequantize: bool,
    /// Exceptions, such as `ffn_down=f32` or `^blk\.0\.=avx2,rows:2`: how Linear layers whose
    /// weights have such a name take activations, the instruction set of their kernels, and knobs
    /// of them (see `cargo run -p tuning -- --help`), or several of these with commas. The first
    /// that matches counts.
    #[arg(long = "override", value_parser = exception, value_name = "REGEX=CLASS|ISA|KNOB:N,...")]
    overrides: Vec<Override>,
    /// Read the files instead of mapping them: for network shares and files that may be
    /// overwritten.
    #[arg(long)]
    pub(crate) no_mmap: bool,
}

impl Loading {
    /// Threads and tuned choices.
    pub(crate) fn context(&self) -> anyhow::Result<Arc<Context>> {
        let batching = if self.invariant { Batching::Invariant } else { Batching::Fast };
        let (threads, isa) = (self.threads.into(), self.isa);
        Ok(Arc::new(Context::new(Options { threads, isa, batching, ..Options::default() })?))
    }

    /// How a file gets into memory.
    pub(crate) fn access(&self) -> Access {
        if self.no_mmap { Access::Read } else { Access::Map }
    }

    /// As the library has them.
    pub(crate) fn options(&self, context: Arc<Context>) -> LoadOptions {
        LoadOptions {
            context: Some(context),
            access: self.access(),
            preserve_quantization: !self.dequantize,
            activations: self.activations,
            overrides: self.overrides.clone(),
            context_length: None,
            cache: self.cache,
        }
    }

    /// Loads a model. `context_length` is how many tokens a sequence may have.
    pub(crate) fn load(&self, model: &Path, context_length: Option<u32>) -> anyhow::Result<Loaded> {
        let context_length = context_length.map(|tokens| tokens as usize);
        let options = LoadOptions { context_length, ..self.options(self.context()?) };
        runtime::load(model, &options).with_context(|| format!("cannot load {}", model.display()))
    }
}

fn isa(name: &str) -> Result<&'static IsaInfo, String> {
    kernels::isa::by_name(name).map_err(|error| error.to_string())
}

fn class(name: &str) -> Result<Numerics, String> {
    Numerics::by_name(name).ok_or_else(|| {
        let known = Numerics::ALL.map(Numerics::name);
        format!("there are {}", known.join(", "))
    })
}

fn cache(name: &str) -> Result<CacheType, String> {
    match name.to_ascii_lowercase().as_str() {
        "f16" => Ok(CacheType::F16),
        "f32" => Ok(CacheType::F32),
        "q8" => Ok(CacheType::Q8),
        _ => Err("there are f16, f32 and q8".to_owned()),
    }
}

/// `REGEX=WISH,...`, where a wish is a class, an instruction set or `KNOB:VALUE`.
fn exception(text: &str) -> Result<Override, String> {
    let (pattern, wishes) =
        text.rsplit_once('=').ok_or("write REGEX=CLASS, such as ffn_down=f32")?;
    let tensors = Regex::new(pattern).map_err(|error| {
        // The lines before show where, in several.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default();
        format!("{pattern:?} is no pattern: {}", reason.trim_start_matches("error: "))
    })?;
    let mut exception = Override { tensors, activations: None, isa: None, settings: vec![] };
    for wish in wishes.split(',') {
        if let Some((knob, value)) = wish.split_once(':') {
            let value = value.parse().map_err(|_| format!("{wish:?} is not KNOB:NUMBER"))?;
            let setting = Setting::new(knob, value).map_err(|error| error.to_string())?;
            exception.settings.push(setting);
            continue;
        }
        match (class(wish), isa(wish)) {
            (Ok(class), _) => exception.activations = Some(class),
            (_, Ok(isa)) => exception.isa = Some(isa),
            (Err(classes), Err(sets)) => {
                return Err(format!(
                    "\"{wish}\" is neither a class ({classes}), nor an instruction set ({sets}), \
                     nor a knob such as rows:2"
                ));
            }
        }
    }
    Ok(exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_a_pattern_and_wishes() {
        let found = exception("blk=0=bf16,scalar").unwrap();
        assert_eq!(found.tensors.as_str(), "blk=0");
        assert_eq!(found.activations, Some(Numerics::Bf16));
        assert_eq!(found.isa.unwrap().name, "scalar");
        assert!(exception("ffn_down=f32").unwrap().isa.is_none());
        let found = exception("ffn_(up|gate)=rows:2,q8,switch_at:8").unwrap();
        assert_eq!((found.settings.len(), found.activations), (2, Some(Numerics::Q8)));
    }

    #[test]
    fn wrong_exceptions_say_what_there_is() {
        for (text, part) in [
            ("ffn_down", "REGEX=CLASS"),
            ("(=f32", "unclosed group"),
            ("ffn_down=q9", "q8, q8_256, f32, bf16"),
            ("ffn_down=", "scalar"),
            ("ffn_down=rows:", "KNOB:NUMBER"),
            ("ffn_down=rows:3", "rows cannot be 3: it is one of [1, 2, 4]"),
            ("ffn_down=cols:3", "\"cols\" is no knob; there are rows, columns"),
        ] {
            let error = exception(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
