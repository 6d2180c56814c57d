//! The alphabet of byte-level vocabularies (GPT-2's `bytes_to_unicode`): each byte is one
//! printable character, so that texts of tokens can be written down. Bytes that print in Latin-1
//! are themselves; the other 68 are, in order, the characters from U+0100 on.

/// How many bytes are written as another character than Latin-1's.
const MOVED: usize = 68;

/// The moved bytes, in order: byte `MOVED_BYTES[n]` is written as U+0100 + n.
const MOVED_BYTES: [u8; MOVED] = {
    let mut moved = [0; MOVED];
    let (mut byte, mut n) = (0, 0);
    while byte < 256 {
        if !prints(byte as u8) {
            moved[n] = byte as u8;
            n += 1;
        }
        byte += 1;
    }
    moved
};

/// The byte that a character stands for, or `None` if it is not of the alphabet.
pub(super) fn byte(c: char) -> Option<u8> {
    match u32::from(c) {
        low @ 0..=255 => Some(low as u8).filter(|&byte| prints(byte)),
        high => MOVED_BYTES.get(high as usize - 256).copied(),
    }
}

/// Printable in Latin-1, and neither a space nor the soft hyphen.
const fn prints(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokenizers::pre_tokenizers::byte_level::ByteLevel;

    use super::byte;

    #[test]
    fn every_letter_of_the_alphabet_is_one_byte() {
        let alphabet = ByteLevel::alphabet();
        let bytes: HashSet<u8> = alphabet.iter().map(|&c| byte(c).unwrap()).collect();
        assert_eq!((alphabet.len(), bytes.len()), (256, 256));
        assert_eq!((byte('Ġ'), byte('Ċ'), byte('a')), (Some(b' '), Some(b'\n'), Some(b'a')));
    }

    #[test]
    fn other_characters_are_no_bytes() {
        for c in [' ', '\n', '\u{AD}', '\u{144}', '▁', '🦙'] {
            assert_eq!(byte(c), None, "{c:?}");
        }
    }
}
