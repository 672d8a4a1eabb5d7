//! The normal form of a text: the same for all spellings that only look different.

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

/// Returns the text in NFKC, in lower case, each run of white space as one space, and trimmed.
///
/// The form is fixed for ever: the held-out split hashes it.
pub fn normalised(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    if text.is_ascii() {
        collapse(text.chars().map(|letter| letter.to_ascii_lowercase()), &mut normal);
    } else {
        collapse(text.nfkc().flat_map(char::to_lowercase), &mut normal);
    }
    normal
}

fn collapse(letters: impl Iterator<Item = char>, normal: &mut String) {
    let mut is_between = false;
    for letter in letters {
        if letter.is_whitespace() {
            is_between = !normal.is_empty();
            continue;
        }
        if std::mem::take(&mut is_between) {
            normal.push(' ');
        }
        normal.push(letter);
    }
}

/// Returns eight bytes of the SHA-256 of a text, a normal form or an id, as its key. Among a million texts no two keys
/// collide in a lifetime.
pub fn key(text: &str) -> u64 {
    first_eight(&Sha256::digest(text))
}

/// Returns the [`key`] of a prompt's normal form.
pub fn prompt_key(prompt: &str) -> u64 {
    key(&normalised(prompt))
}

/// Returns the first eight bytes of a digest as a number, highest byte first.
pub fn first_eight(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn looks_do_not_matter() {
        for text in ["pay  now", " Pay\tNOW\r\n", "\u{a0}pay\u{2003}now", "ｐａｙ ｎｏｗ"] {
            assert_eq!(normalised(text), "pay now");
        }
        assert_eq!(normalised("É"), normalised("e\u{301}"));
        assert_eq!(normalised(" \n "), "");
        assert_ne!(normalised("pay now"), normalised("pay, now"));
    }

    #[test]
    fn keys_are_pinned() {
        // sha256("pay now")[..8]: rows in tables have it.
        assert_eq!(key("pay now"), first_eight(&Sha256::digest(b"pay now")));
        assert_eq!(key(""), 0xe3b0_c442_98fc_1c14);
    }

    proptest! {
        #[test]
        fn a_normal_form_with_spaces_around_is_the_same(text in "\\PC{0,40}") {
            prop_assert_eq!(normalised(&format!("  {text}\n")), normalised(&text));
        }
    }
}
