//! A small vocabulary of each kind, as metadata of a file.

use runtime::Tokenizer;
use runtime::gguf::{Gguf, Writer};
use runtime::tokenizer::TokenizerError;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const BYTE: i32 = 6;

/// Metadata with these tokens and their types, and whatever else `more` sets.
pub(crate) fn metadata(model: &str, tokens: &[(&str, i32)], more: impl Fn(&mut Writer)) -> Writer {
    let mut writer = Writer::new();
    writer
        .metadata("tokenizer.ggml.model", model)
        .array("tokenizer.ggml.tokens", tokens.iter().map(|&(text, _)| text))
        .array("tokenizer.ggml.token_type", tokens.iter().map(|&(_, kind)| kind));
    more(&mut writer);
    writer
}

pub(crate) fn try_build(writer: &Writer) -> Result<Tokenizer, TokenizerError> {
    let file = writer.begin(Vec::new()).unwrap().finish().unwrap();
    Tokenizer::from_metadata(Gguf::parse(&file).unwrap().metadata())
}

pub(crate) fn build(writer: &Writer) -> Tokenizer {
    try_build(writer).unwrap()
}

pub(crate) const SPM_TOKENS: usize = 6 + 256 + 14;

/// SentencePiece: special tokens, all bytes, and a few pieces with scores.
pub(crate) fn spm() -> Writer {
    let special = [
        ("<unk>", UNKNOWN),
        ("<s>", CONTROL),
        ("</s>", CONTROL),
        ("<|end|>", CONTROL),
        ("<|end|>>", CONTROL),
        ("<tool>", USER_DEFINED),
    ];
    let pieces = [
        ("▁", -9.0),
        ("h", -10.0),
        ("e", -11.0),
        ("l", -12.0),
        ("o", -13.0),
        ("a", -14.0),
        ("b", -15.0),
        ("lo", -1.0),
        ("▁h", -2.0),
        ("el", -3.0),
        ("aa", -4.0),
        ("ab", -4.0),
        ("▁▁", -5.0),
        ("<", -16.0f32),
    ];
    let bytes: Vec<String> = (0..256).map(|byte| format!("<0x{byte:02X}>")).collect();
    let tokens: Vec<(&str, i32)> = special
        .into_iter()
        .chain(bytes.iter().map(|byte| (&**byte, BYTE)))
        .chain(pieces.iter().map(|&(piece, _)| (piece, NORMAL)))
        .collect();
    assert_eq!(tokens.len(), SPM_TOKENS);
    let scores: Vec<f32> =
        [0.0; 6 + 256].into_iter().chain(pieces.iter().map(|&(_, score)| score)).collect();
    metadata("llama", &tokens, |writer| {
        writer.array("tokenizer.ggml.scores", scores.iter().copied());
    })
}

/// Byte-level BPE: all bytes, four merges, a token that no merges lead to, and special tokens.
pub(crate) fn gpt2() -> Writer {
    let mut alphabet: Vec<String> = ByteLevel::alphabet().iter().map(char::to_string).collect();
    alphabet.sort();
    let tokens: Vec<(&str, i32)> = (alphabet.iter().map(|letter| (&**letter, NORMAL)))
        .chain(["he", "ll", "llo", "hello", "oh"].map(|text| (text, NORMAL)))
        .chain([
            ("<bos>", CONTROL),
            ("<|end|>", CONTROL),
            ("<|end|>>", CONTROL),
            ("<tool>", USER_DEFINED),
        ])
        .collect();
    metadata("gpt2", &tokens, |writer| {
        writer
            .metadata("tokenizer.ggml.pre", "gpt-2")
            .metadata("tokenizer.ggml.bos_token_id", 261u32)
            .array("tokenizer.ggml.merges", ["h e", "l l", "ll o", "he llo"]);
    })
}

/// WordPiece, with its marks turned round as converters do it.
pub(crate) fn bert() -> Writer {
    let tokens = [
        ("[PAD]", CONTROL),
        ("[UNK]", UNKNOWN),
        ("[CLS]", CONTROL),
        ("[SEP]", CONTROL),
        ("▁un", NORMAL),
        ("aff", NORMAL),
        ("able", NORMAL),
        ("▁play", NORMAL),
        ("▁,", NORMAL),
    ];
    metadata("bert", &tokens, |writer| {
        writer
            .metadata("tokenizer.ggml.unknown_token_id", 1u32)
            .metadata("tokenizer.ggml.cls_token_id", 2u32)
            .metadata("tokenizer.ggml.seperator_token_id", 3u32);
    })
}
