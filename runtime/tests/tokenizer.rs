//! Tokenizers: small vocabularies of each kind made here, llama.cpp's own cases where the data is
//! there, and files that lie.

#[path = "tokenizer/vocabularies.rs"]
mod vocabularies;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use runtime::Tokenizer;
use runtime::gguf::{Element, Gguf, Mapped, Value, Writer};
use runtime::tokenizer::{Special, TokenizerError};
use vocabularies::{SPM_TOKENS, bert, build, gpt2, metadata, spm, try_build};

/// A file of the shared data, or `None`, loudly, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no {}", path.display());
    None
}

fn open(path: &Path) -> Tokenizer {
    let file = Mapped::open(path).unwrap();
    Tokenizer::from_metadata(Gguf::parse(file.bytes()).unwrap().metadata()).unwrap()
}

fn names<'t>(tokenizer: &'t Tokenizer, ids: &[u32]) -> Vec<&'t str> {
    ids.iter().map(|&id| tokenizer.token(id).unwrap()).collect()
}

#[test]
fn ids_are_those_of_llama_cpp_line_by_line() {
    const SEPARATOR: &str = "\n__ggml_vocab_test__\n";
    for name in ["gpt-2", "llama-bpe", "llama-spm", "qwen2"] {
        let Some(path) = shared(&format!("vocab/ggml-vocab-{name}.gguf")) else { return };
        let start = Instant::now();
        let tokenizer = open(&path);
        eprintln!("{name}: {} tokens in {:.0?}", tokenizer.vocabulary(), start.elapsed());

        let inputs = fs::read_to_string(path.with_extension("gguf.inp")).unwrap();
        let outputs = fs::read_to_string(path.with_extension("gguf.out")).unwrap();
        let mut cases: Vec<&str> = inputs.split(SEPARATOR).collect();
        assert_eq!(cases.pop(), Some(""), "the last case ends with a separator, too");
        assert_eq!(cases.len(), outputs.lines().count(), "{name}");
        for (case, line) in cases.iter().zip(outputs.lines()) {
            let expected: Vec<u32> =
                line.split_whitespace().map(|id| id.parse().unwrap()).collect();
            let ids = tokenizer.encode(case, Special::Omit).unwrap();
            assert_eq!(ids, expected, "{name}: {case:?}");
            assert_eq!(tokenizer.decode(&ids), *case, "{name}");
        }
    }
}

#[test]
fn ids_of_the_reference_prompts_are_those_of_the_reference() {
    let Some(path) = shared("models/reference.json") else { return };
    let reference: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let models = reference["models"].as_object().unwrap();
    assert!(models.len() >= 5);
    for (name, model) in models {
        let tokenizer = open(&path.with_file_name(name));
        let ids = |key: &str| -> Vec<u32> {
            let ids = model[key].as_array().into_iter().flatten();
            ids.map(|id| id.as_u64().unwrap() as u32).collect()
        };
        let prompt = model["prompt"].as_str().unwrap();
        assert_eq!(tokenizer.encode(prompt, Special::Add).unwrap(), ids("ids"), "{name}");
        assert_eq!(tokenizer.decode(&ids("ids")), prompt, "{name}");
        if let Some(text) = model["greedy_text"].as_str() {
            assert_eq!(tokenizer.decode(&ids("greedy")), text, "{name}");
        }
    }
}

#[test]
fn a_long_text_comes_back() {
    let Some(path) = shared("models/eval.txt") else { return };
    let text = fs::read_to_string(&path).unwrap();
    for name in ["prose-6m.q4_0.gguf", "stories260K.gguf"] {
        let tokenizer = open(&path.with_file_name(name));
        let start = Instant::now();
        let ids = tokenizer.encode(&text, Special::Omit).unwrap();
        eprintln!("{name}: {} bytes in {:.0?}: {} ids", text.len(), start.elapsed(), ids.len());
        assert_eq!(tokenizer.decode(&ids), text, "{name}");
        let mut stream = tokenizer.stream();
        let streamed: String =
            ids.iter().filter_map(|&id| stream.push(id).map(str::to_owned)).collect();
        assert_eq!(stream.finish(), None);
        assert_eq!(streamed.strip_prefix(' ').unwrap_or(&streamed), text, "{name}");
    }
}

#[test]
fn sentencepiece_merges_the_best_score_first_and_the_leftmost_of_equals() {
    let tokenizer = build(&spm());
    let encode = |text: &str| tokenizer.encode(text, Special::Omit).unwrap();
    // "lo" (-1) before "el" (-3), though it comes later in the text.
    assert_eq!(names(&tokenizer, &encode("elo")), ["▁", "e", "lo"]);
    // "aa" and "ab" tie: what is first in the text is merged first.
    assert_eq!(names(&tokenizer, &encode("aab")), ["▁", "aa", "b"]);
    assert_eq!(names(&tokenizer, &encode("aba")), ["▁", "ab", "a"]);
    assert_eq!(names(&tokenizer, &encode("aaaaa")), ["▁", "aa", "aa", "a"]);
}

#[test]
fn sentencepiece_spells_in_bytes_what_it_has_no_tokens_for() {
    let tokenizer = build(&spm());
    let ids = tokenizer.encode("é\n", Special::Omit).unwrap();
    assert_eq!(names(&tokenizer, &ids), ["▁", "<0xC3>", "<0xA9>", "<0x0A>"]);
    assert_eq!(tokenizer.decode(&ids), "é\n");
    // The name of a byte in a text is no byte, and that of a control token none.
    let ids = tokenizer.encode("<s>", Special::Omit).unwrap();
    assert_eq!(tokenizer.decode(&ids), "<s>");
    let ids = tokenizer.encode("<0x0A>", Special::Omit).unwrap();
    assert_eq!(tokenizer.decode(&ids), "<0x0A>");
}

#[test]
fn the_space_before_a_text_can_be_turned_off() {
    let mut writer = spm();
    writer.metadata("tokenizer.ggml.add_space_prefix", false);
    let tokenizer = build(&writer);
    let ids = tokenizer.encode("aa h", Special::Omit).unwrap();
    assert_eq!(names(&tokenizer, &ids), ["aa", "▁h"]);
    assert_eq!(tokenizer.decode(&tokenizer.encode(" h", Special::Omit).unwrap()), " h");
}

#[test]
fn byte_level_bpe_merges_by_rank_within_words() {
    let tokenizer = build(&gpt2());
    let encode = |text: &str| tokenizer.encode(text, Special::Omit).unwrap();
    assert_eq!(names(&tokenizer, &encode("hello hello")), ["hello", "Ġ", "hello"]);
    assert_eq!(names(&tokenizer, &encode("hell")), ["he", "ll"]);
    assert_eq!(names(&tokenizer, &encode("é")), ["Ã", "©"]);
    assert_eq!(tokenizer.decode(&encode("é\t hello\n")), "é\t hello\n");
}

/// Llama 3 and Tekken: a word that is a token is that token, though no merges lead there.
#[test]
fn whole_words_are_tokens_where_the_pre_tokenizer_says_so() {
    let mut writer = gpt2();
    assert_eq!(build(&writer).encode("oh", Special::Omit).unwrap().len(), 2);
    writer.metadata("tokenizer.ggml.pre", "llama-bpe");
    let tokenizer = build(&writer);
    let ids = tokenizer.encode("oh", Special::Omit).unwrap();
    assert_eq!(names(&tokenizer, &ids), ["oh"]);
    // And BOS is put before a text without the file's saying so.
    assert_eq!(names(&tokenizer, &tokenizer.encode("oh", Special::Add).unwrap()), ["<bos>", "oh"]);
}

#[test]
fn a_pre_tokenizer_that_nobody_knows_is_the_default() {
    let mut writer = gpt2();
    for pre in ["unheard-of", "default"] {
        writer.metadata("tokenizer.ggml.pre", pre);
        let ids = build(&writer).encode("hello, hello!", Special::Omit).unwrap();
        assert_eq!(build(&writer).decode(&ids), "hello, hello!");
    }
}

#[test]
fn wordpiece_takes_the_longest_pieces_of_cleaned_words() {
    let tokenizer = build(&bert());
    let encode = |text: &str| tokenizer.encode(text, Special::Add).unwrap();
    assert_eq!(
        names(&tokenizer, &encode("Unaffable\u{301},  PLAY!")),
        ["[CLS]", "▁un", "aff", "able", "▁,", "▁play", "[UNK]", "[SEP]"]
    );
    assert_eq!(names(&tokenizer, &encode("playx")), ["[CLS]", "[UNK]", "[SEP]"]);
    // A piece that goes on does not begin a word.
    assert_eq!(names(&tokenizer, &encode("able")), ["[CLS]", "[UNK]", "[SEP]"]);
    assert_eq!(tokenizer.decode(&encode("Unaffable play")), "unaffable play");
    assert!(tokenizer.is_end(tokenizer.eos().unwrap()));
    // Names of special tokens are words like any other, unless the text is markup.
    assert_eq!(names(&tokenizer, &encode("[SEP]")).len(), 5);
    let ids = tokenizer.encode_markup("play[SEP]play", Special::Add).unwrap();
    assert_eq!(names(&tokenizer, &ids), ["[CLS]", "▁play", "[SEP]", "▁play", "[SEP]"]);
}

#[test]
fn control_tokens_are_read_in_markup_only() {
    for writer in [spm(), gpt2()] {
        let tokenizer = build(&writer);
        let text = "h<|end|>h";
        let plain = tokenizer.encode(text, Special::Omit).unwrap();
        assert!(!names(&tokenizer, &plain).contains(&"<|end|>"));
        assert_eq!(tokenizer.decode(&plain), text);
        let markup = tokenizer.encode_markup(text, Special::Omit).unwrap();
        assert_eq!(markup.len(), 3);
        assert_eq!(names(&tokenizer, &markup)[1], "<|end|>");
        assert!(tokenizer.is_end(markup[1]), "its name says so");
        // Of two that begin at one place, the longer.
        let longer = tokenizer.encode_markup("<|end|>>", Special::Omit).unwrap();
        assert_eq!(names(&tokenizer, &longer), ["<|end|>>"]);
    }
}

#[test]
fn tokens_added_by_hand_are_read_in_every_text() {
    for writer in [spm(), gpt2()] {
        let tokenizer = build(&writer);
        let ids = tokenizer.encode("h<tool>h", Special::Omit).unwrap();
        assert_eq!(names(&tokenizer, &ids)[1], "<tool>");
        assert_eq!(ids.len(), 3);
        assert!(tokenizer.decode(&ids).contains("<tool>"), "and printed");
    }
}

#[test]
fn bos_and_eos_are_put_as_the_file_says_and_never_twice() {
    let mut writer = spm();
    let tokenizer = build(&writer);
    let (bos, eos) = (tokenizer.bos().unwrap(), tokenizer.eos().unwrap());
    assert!(tokenizer.is_end(eos) && !tokenizer.is_end(bos));
    assert_eq!(tokenizer.encode("", Special::Add).unwrap(), [bos]);
    assert!(tokenizer.encode("", Special::Omit).unwrap().is_empty());
    assert_eq!(tokenizer.encode("h", Special::Add).unwrap()[0], bos);
    let twice = tokenizer.encode_markup("<s>h", Special::Add).unwrap();
    assert_eq!(names(&tokenizer, &twice), ["<s>", "▁h"]);

    writer.metadata("tokenizer.ggml.add_bos_token", false);
    writer.metadata("tokenizer.ggml.add_eos_token", true);
    let tokenizer = build(&writer);
    assert_eq!(names(&tokenizer, &tokenizer.encode("h", Special::Add).unwrap()), ["▁h", "</s>"]);
    assert_eq!(tokenizer.encode_markup("</s>", Special::Add).unwrap(), [eos]);

    // A byte-level vocabulary puts nothing around a text by default.
    let tokenizer = build(&gpt2());
    assert_eq!(names(&tokenizer, &tokenizer.encode("hello", Special::Add).unwrap()), ["hello"]);
}

/// The special tokens of Phi-3 swallow the line end that its template writes after them.
#[test]
fn special_tokens_of_phi_3_swallow_space() {
    let mut writer = spm();
    let text = "<|end|>\n\n h<s> h";
    let ids = build(&writer).encode_markup(text, Special::Omit).unwrap();
    assert!(names(&build(&writer), &ids).contains(&"<0x0A>"));
    writer.metadata("general.name", "Phi-3-mini");
    let tokenizer = build(&writer);
    let ids = tokenizer.encode_markup(text, Special::Omit).unwrap();
    assert_eq!(names(&tokenizer, &ids), ["<|end|>", "▁h", "<s>", "▁", "▁h"]);
}

#[test]
fn a_stream_gives_out_whole_characters() {
    for writer in [spm(), gpt2()] {
        let tokenizer = build(&writer);
        let text = "h🦙é";
        let ids = tokenizer.encode(text, Special::Omit).unwrap();
        assert!(ids.len() >= 7);
        let mut stream = tokenizer.stream();
        let shown: Vec<String> =
            ids.iter().filter_map(|&id| stream.push(id).map(str::to_owned)).collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert_eq!(shown.concat().trim_start(), text);
        assert_eq!(stream.finish(), None);
    }
}

#[test]
fn a_stream_replaces_what_is_no_text() {
    let tokenizer = build(&spm());
    let byte = |byte: u8| tokenizer.encode(&format!("<0x{byte:02X}>"), Special::Omit);
    assert!(byte(1).unwrap().len() > 1, "bytes have no names in texts");
    let id = |name: &str| (0..).find(|&id| tokenizer.token(id) == Some(name)).unwrap();
    let mut stream = tokenizer.stream();
    assert_eq!(stream.push(id("<0xF0>")), None);
    assert_eq!(stream.push(id("<0x9F>")), None);
    // The character was not finished, and another began.
    assert_eq!(stream.push(id("<0xC3>")), Some("\u{FFFD}"));
    assert_eq!(stream.push(id("h")), Some("\u{FFFD}h"));
    assert_eq!(stream.push(id("<0xFF>")), Some("\u{FFFD}"));
    assert_eq!(stream.push(id("<s>")), None);
    assert_eq!(stream.push(u32::MAX), None);
    assert_eq!(stream.push(id("<0xF0>")), None);
    assert_eq!(stream.finish(), Some("\u{FFFD}"));
}

/// Each change of a sound file makes it wrong, and the error names what is.
#[test]
fn files_that_lie_are_refused_by_key() {
    let (spm, gpt2, bert) = (spm(), gpt2(), bert());
    let mut unnamed = gpt2.clone();
    unnamed.metadata("tokenizer.ggml.add_bos_token", true);
    let lies = [
        value(&spm, "tokenizer.ggml.model", "t5"),
        value(&spm, "tokenizer.ggml.model", 7u32),
        array(&spm, "tokenizer.ggml.tokens", vec![1.0f32]),
        array::<&str>(&spm, "tokenizer.ggml.tokens", vec![]),
        value(&spm, "tokenizer.ggml.tokens", "a"),
        array(&spm, "tokenizer.ggml.tokens", vec!["x".repeat(70_000).as_str(); 3]),
        array(&spm, "tokenizer.ggml.scores", vec![0.0f32]),
        array(&spm, "tokenizer.ggml.scores", vec!["x"; SPM_TOKENS]),
        array(&spm, "tokenizer.ggml.token_type", vec![1i32]),
        array(&spm, "tokenizer.ggml.token_type", vec![7i32; SPM_TOKENS]),
        array(&spm, "tokenizer.ggml.token_type", vec![true; SPM_TOKENS]),
        value(&spm, "tokenizer.ggml.bos_token_id", 100_000u32),
        value(&spm, "tokenizer.ggml.eos_token_id", -2i32),
        value(&spm, "tokenizer.ggml.eot_token_id", i64::MAX),
        value(&spm, "tokenizer.ggml.add_bos_token", "yes"),
        value(&spm, "tokenizer.ggml.add_space_prefix", 1u8),
        array(&gpt2, "tokenizer.ggml.merges", vec!["h"]),
        array(&gpt2, "tokenizer.ggml.merges", vec![" "]),
        array(&gpt2, "tokenizer.ggml.merges", vec![""]),
        array(&gpt2, "tokenizer.ggml.merges", vec!["h x-y"]),
        array(&gpt2, "tokenizer.ggml.merges", vec!["h h"]),
        array(&gpt2, "tokenizer.ggml.merges", vec!["<|end|>> <|end|>>"]),
        array(&gpt2, "tokenizer.ggml.merges", vec![1u8]),
        value(&gpt2, "tokenizer.ggml.pre", 1u8),
        // Asked for, and not named.
        value(&unnamed, "tokenizer.ggml.bos_token_id", -1i32),
        value(&bert, "tokenizer.ggml.unknown_token_id", -1i32),
        value(&bert, "tokenizer.ggml.seperator_token_id", 1u64 << 40),
    ];
    for (n, (key, writer)) in lies.iter().enumerate() {
        let error = try_build(writer).expect_err(&format!("{key}, lie {n}")).to_string();
        assert!(error.contains(key), "{key}, lie {n}: {error}");
    }
}

/// A file with another value of a key, and the key.
fn value<'v>(
    sound: &Writer,
    key: &'static str,
    value: impl Into<Value<'v>>,
) -> (&'static str, Writer) {
    let mut writer = sound.clone();
    writer.metadata(key, value);
    (key, writer)
}

/// A file with another array for a key, and the key.
fn array<'v, T: Element<'v>>(
    sound: &Writer,
    key: &'static str,
    values: Vec<T>,
) -> (&'static str, Writer) {
    let mut writer = sound.clone();
    writer.array(key, values);
    (key, writer)
}

#[test]
fn keys_that_are_missing_are_named() {
    let all = [
        (spm(), "tokenizer.ggml.model"),
        (spm(), "tokenizer.ggml.tokens"),
        (spm(), "tokenizer.ggml.scores"),
        (gpt2(), "tokenizer.ggml.merges"),
    ];
    for (writer, key) in all {
        let file = writer.begin(Vec::new()).unwrap().finish().unwrap();
        // The key is another one.
        let at = file.windows(key.len()).position(|bytes| bytes == key.as_bytes()).unwrap();
        let mut file = file;
        file[at + key.len() - 1] = b'_';
        let error = Tokenizer::from_metadata(Gguf::parse(&file).unwrap().metadata()).unwrap_err();
        assert!(matches!(error, TokenizerError::Metadata(_) | TokenizerError::None), "{error}");
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn a_vocabulary_that_cannot_spell_says_so() {
    let writer = metadata("llama", &[("▁", 1), ("a", 1)], |w| {
        w.array("tokenizer.ggml.scores", [0.0f32, f32::NAN]);
        w.metadata("tokenizer.ggml.add_bos_token", false);
        w.metadata("tokenizer.ggml.unknown_token_id", -1i32);
    });
    let mut tokenizer = build(&writer);
    // Without bytes, the unknown token is what SentencePiece falls back on: here its default, 0.
    assert_eq!(tokenizer.encode("b", Special::Omit).unwrap(), [0, 0]);
    let writer = metadata("gpt2", &[("a", 1)], |w| {
        w.array::<&str>("tokenizer.ggml.merges", []);
    });
    tokenizer = build(&writer);
    assert_eq!(tokenizer.encode("ab", Special::Omit).unwrap(), [0], "with a warning at load");
}

/// Damaged files, too, are built or refused, and what is built encodes or refuses.
#[test]
fn damaged_vocabularies_do_no_harm() {
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let (mut built, mut refused) = (0, 0);
    for writer in [spm(), gpt2(), bert()] {
        let sound = writer.begin(Vec::new()).unwrap().finish().unwrap();
        for _ in 0..1500 {
            let mut file = sound.clone();
            for _ in 0..=random(8) {
                let at = random(file.len());
                file[at] = [random(256) as u8, 0, 0xFF, file[random(sound.len())]][random(4)];
            }
            let Ok(gguf) = Gguf::parse(&file) else { continue };
            let Ok(tokenizer) = Tokenizer::from_metadata(gguf.metadata()) else {
                refused += 1;
                continue;
            };
            built += 1;
            for text in ["hello, él <|end|> <tool>\n", "Unaffable, play! [SEP]"] {
                if let Ok(ids) = tokenizer.encode_markup(text, Special::Add) {
                    tokenizer.decode(&ids);
                }
            }
        }
    }
    eprintln!("{built} built, {refused} refused");
    assert!(built > 300 && refused > 30, "{built} built, {refused} refused");
}

/// Long runs of one kind of character are where greedy algorithms and regular expressions go
/// quadratic.
#[test]
fn long_runs_take_no_longer_than_text() {
    for writer in [spm(), gpt2(), bert()] {
        let tokenizer = build(&writer);
        for run in [" ", "a", "\n", "é", "1", "'", "h ", "\u{301}", "[", "🦙"] {
            let text = run.repeat(200_000 / run.len());
            let start = Instant::now();
            let ids = tokenizer.encode_markup(&text, Special::Add).unwrap();
            tokenizer.decode(&ids);
            let taken = start.elapsed();
            // A quadratic algorithm takes minutes.
            assert!(taken < Duration::from_secs(30), "{run:?}: {taken:?}");
        }
    }
}

#[test]
fn empty_tokens_and_tokens_that_stand_twice_do_no_harm() {
    let tokens = [("<unk>", 2), ("", 3), ("", 4), ("▁", 1), ("a", 1), ("a", 1), ("", 1)];
    let writer = metadata("llama", &tokens, |w| {
        w.array("tokenizer.ggml.scores", [0.0f32; 7]);
        w.metadata("tokenizer.ggml.add_bos_token", false);
    });
    let tokenizer = build(&writer);
    assert_eq!(tokenizer.encode_markup("aa", Special::Omit).unwrap(), [3, 4, 4]);
    assert_eq!(tokenizer.decode(&[3, 5, 1, 2, 6, 0]), "a");
}

/// What the command prints for a file with the vocabulary of [`spm`].
fn tokenize(arguments: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("vocabulary.gguf");
    fs::write(&model, spm().begin(Vec::new()).unwrap().finish().unwrap()).unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "h<|end|>\n\nab\n").unwrap();
    let place = |argument: &&str| match *argument {
        "FILE" => text.clone().into_os_string(),
        other => other.into(),
    };
    let output = Command::new(env!("CARGO_BIN_EXE_runtime"))
        .arg("tokenize")
        .arg(&model)
        .args(arguments.iter().map(place))
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[test]
fn the_command_prints_ids() {
    assert_eq!(tokenize(&["h"]).unwrap(), "1 270\n");
    assert_eq!(tokenize(&["h", "--no-special"]).unwrap(), "270\n");
    assert_eq!(tokenize(&["", "--no-special"]).unwrap(), "\n");
    assert_eq!(tokenize(&["-- h"]).unwrap().split(' ').count(), 5);
    assert_eq!(tokenize(&["h<|end|>"]).unwrap(), "1 270 3\n");
    assert_eq!(tokenize(&["--file", "FILE", "--lines"]).unwrap(), "1 270 3\n1\n1 262 273\n");
    // All of the file: a line end is a byte.
    let whole = tokenize(&["--file", "FILE"]).unwrap();
    assert!(whole.starts_with("1 270 3 262 16 16 ") && whole.ends_with(" 16\n"), "{whole}");
    let plain = tokenize(&["--file", "FILE", "--lines", "--no-special"]).unwrap();
    assert_eq!(plain.lines().count(), 3);
    assert!(plain.starts_with("270 275 "), "{plain}");
}

#[test]
fn the_command_prints_text() {
    assert_eq!(tokenize(&["--decode", "1 270 3"]).unwrap(), "h\n");
    assert!(tokenize(&["--decode", "1 x"]).unwrap_err().contains("\"x\" is no id"));
}

#[test]
fn the_command_says_what_it_lacks() {
    assert!(tokenize(&[]).unwrap_err().contains("required"));
    let error = tokenize(&["--file", "no-such-file"]).unwrap_err();
    assert!(error.contains("cannot read no-such-file"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_text_comes_back(text in "(?s)(.|[a-h<>| \n]|hello|<\\|end\\|>|<0x41>){0,40}") {
        // SentencePiece cannot tell its sign for a space from a space.
        let text = text.replace('▁', "");
        for writer in [spm(), gpt2()] {
            let tokenizer = build(&writer);
            let ids = tokenizer.encode(&text, Special::Add).unwrap();
            let text = text.as_str();
            prop_assert_eq!(tokenizer.decode(&ids), text);
            let mut stream = tokenizer.stream();
            let shown: String =
                ids.iter().filter_map(|&id| stream.push(id).map(str::to_owned)).collect();
            prop_assert_eq!(stream.finish(), None);
            prop_assert!(shown == text || shown.strip_prefix(' ') == Some(text), "{shown:?}");
        }
    }

    #[test]
    fn no_text_is_too_odd(text in "(?s)(.|\\[CLS\\]|<s>|<\\|end\\|>|<tool>|[ \n]){0,60}") {
        for writer in [spm(), gpt2(), bert()] {
            let tokenizer = build(&writer);
            let ids = tokenizer.encode_markup(&text, Special::Add).unwrap();
            prop_assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary()));
        }
    }

    #[test]
    fn no_ids_are_too_odd(ids in prop::collection::vec(0u32..400, 0..60), far: u32) {
        for writer in [spm(), gpt2(), bert()] {
            let tokenizer = build(&writer);
            let ids = [&*ids, &[far]].concat();
            let text = tokenizer.decode(&ids);
            let mut stream = tokenizer.stream();
            let mut shown: String =
                ids.iter().filter_map(|&id| stream.push(id).map(str::to_owned)).collect();
            shown.extend(stream.finish());
            prop_assert!(shown == text || shown.strip_prefix(' ') == Some(&text), "{shown:?}");
        }
    }
}
