//! THE table of pre-tokenizers: how a byte-level vocabulary's texts are cut into words before
//! merging. A GGUF file has only a name (`tokenizer.ggml.pre`); the patterns are those of each
//! model's own `tokenizer.json`, the names llama.cpp's.
//!
//! Patterns are applied one after another, each to the pieces that the one before left; what a
//! pattern does not match is a piece, too.

use super::error::TokenizerError;
use super::keys;
use crate::gguf::Metadata;

/// How texts are cut.
pub(super) struct Words {
    /// The names that files have for it.
    names: &'static [&'static str],
    /// Regular expressions.
    pub(super) patterns: &'static [&'static str],
    /// A word that is a token as a whole is that token, whatever the merge rules would make.
    pub(super) whole: bool,
    /// Whether a text begins with the BOS token where the file does not say.
    pub(super) add_bos: bool,
}

const GPT_2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";

/// As cl100k: contractions in any case, a sign may lead a word, three digits at most, signs take
/// their line ends along.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Digits one by one.
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Marks belong to letters.
const QWEN_3_5: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Words are cut where capitals begin.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// As Tekken with contractions, and three digits at most.
const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// One sign and Latin letters, letters with marks, or signs.
const DEEPSEEK_3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;

const SEED_CODER: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";

const BAILING: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";

const BLOOM: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";

const fn cut_by(names: &'static [&'static str], patterns: &'static [&'static str]) -> Words {
    Words { names, patterns, whole: false, add_bos: false }
}

/// The first row is for files that name none, or one that is not here.
const TABLE: &[Words] = &[
    cut_by(&["default"], &[r"[\p{P}\$\+<=>\^~\|]+", GPT_2, r"\p{N}+", r"[0-9][0-9][0-9]"]),
    cut_by(
        &[
            "gpt-2",
            "phi-2",
            "mpt",
            "olmo",
            "jais",
            "trillion",
            "granite-docling",
            "exaone4",
            "mellum",
            "modern-bert",
            "jina-es",
            "jina-de",
            "jina-v2-es",
            "jina-v2-de",
            "jina-v1-en",
            "jina-v2-code",
            "roberta-bpe",
            "gigachat",
            "a.x-4.0",
        ],
        &[GPT_2],
    ),
    Words {
        whole: true,
        add_bos: true,
        ..cut_by(
            &[
                "llama-bpe",
                "llama3",
                "llama-v3",
                "falcon3",
                "falcon-h1",
                "pixtral",
                "midm-2.0",
                "lfm2",
                "jina-v5-nano",
            ],
            &[LLAMA_3],
        )
    },
    cut_by(&["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], &[LLAMA_3]),
    cut_by(
        &[
            "qwen2",
            "deepseek-r1-qwen",
            "stablelm2",
            "hunyuan",
            "megrez",
            "grok-2",
            "solar-open",
            "kormo",
            "f2llmv2",
        ],
        &[QWEN_2],
    ),
    cut_by(&["qwen35"], &[QWEN_3_5]),
    cut_by(
        &[
            "smollm",
            "starcoder",
            "refact",
            "command-r",
            "codeshell",
            "exaone",
            "minerva-7b",
            "mellum2",
        ],
        &[r"\p{N}", GPT_2],
    ),
    Words { whole: true, add_bos: true, ..cut_by(&["tekken"], &[TEKKEN]) },
    cut_by(&["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], &[GPT_4O]),
    cut_by(
        &["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"],
        &[r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK_3],
    ),
    cut_by(
        &["deepseek-coder"],
        &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"],
    ),
    cut_by(&["falcon"], &[r"[\p{P}\$\+<=>\^~\|`]+", GPT_2, r"[0-9][0-9][0-9]"]),
    cut_by(&["seed-coder"], &[SEED_CODER]),
    cut_by(&["bailingmoe", "bailingmoe2", "llada-moe"], &[BAILING]),
    cut_by(&["bloom", "poro-chat", "gpt3-finnish"], &[BLOOM]),
    cut_by(&["viking"], &[BLOOM, r"\p{N}"]),
];

/// The pre-tokenizer that a file names. Names that are not in the table are warned of: the text is
/// cut by the rules that suit most, and most of it comes out right.
pub(super) fn of_file(metadata: &Metadata<'_>) -> Result<&'static Words, TokenizerError> {
    let name = metadata.find::<&str>(keys::PRE)?;
    let found = name.and_then(|name| TABLE.iter().find(|row| row.names.contains(&name)));
    Ok(found.unwrap_or_else(|| {
        let names = || TABLE.iter().flat_map(|row| row.names).copied().collect::<Vec<_>>();
        tracing::warn!(
            "metadata {:?} is {}; \"default\" is used, and tokens may differ from those the model \
             was trained on; known are {}",
            keys::PRE,
            name.map_or("missing".to_owned(), |name| format!("{name:?}, which is not known")),
            names().join(", "),
        );
        &TABLE[0]
    }))
}

#[cfg(test)]
mod tests {
    use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
    use tokenizers::{
        OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, SplitDelimiterBehavior,
    };

    use super::TABLE;

    fn words(name: &str, text: &str) -> Vec<String> {
        let row = TABLE.iter().find(|row| row.names.contains(&name)).unwrap();
        let mut words = PreTokenizedString::from(text);
        for &pattern in row.patterns {
            let pattern = SplitPattern::Regex(pattern.to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).unwrap();
            split.pre_tokenize(&mut words).unwrap();
        }
        words
            .get_splits(OffsetReferential::Original, OffsetType::Byte)
            .into_iter()
            .map(|(word, ..)| word.to_owned())
            .collect()
    }

    #[test]
    fn every_name_stands_once() {
        let mut names: Vec<_> = TABLE.iter().flat_map(|row| row.names).collect();
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn every_row_keeps_the_text() {
        let text = "It's 12345 x-HelloWorld's  \n\n\t a(b)=c; 我想在 нещо 'LL e\u{301}… 🦙  \n ";
        for row in TABLE {
            let words = words(row.names[0], text);
            assert_eq!(words.concat(), text, "{:?}", row.names);
            assert!(words.len() > 8, "{:?}: {words:?}", row.names);
        }
    }

    /// Where the rows differ: digits, contractions, signs before letters, line ends, capitals.
    #[test]
    fn rows_cut_as_their_models_do() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("gpt-2", "It's 12345  a", &["It", "'s", " 12345", " ", " a"]),
            ("gpt-2", "IT'S\n\nx", &["IT", "'", "S", "\n", "\n", "x"]),
            ("llama-bpe", "IT'S 12345", &["IT", "'S", " ", "123", "45"]),
            ("llama-bpe", "(ab) =\n\n c", &["(ab", ")", " =\n\n", " c"]),
            ("qwen2", "a 123", &["a", " ", "1", "2", "3"]),
            ("smollm", "a 123's", &["a", " ", "1", "2", "3", "'s"]),
            ("tekken", "HelloWorld 12", &["Hello", "World", " ", "1", "2"]),
            ("gpt-4o", "HelloWORLD's 1234", &["Hello", "WORLD's", " ", "123", "4"]),
            ("deepseek-v3", "1234我.abc", &["123", "4", "我", ".abc"]),
            ("deepseek-coder", "a\n1 b.", &["a", "\n", "1", " b", "."]),
            ("default", "ab12345=c", &["ab", "123", "45", "=", "c"]),
        ];
        for &(name, text, expected) in cases {
            assert_eq!(words(name, text), expected, "{name}: {text:?}");
        }
    }
}
