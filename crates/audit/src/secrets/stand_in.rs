//! Values that stand for a credential in documentation and tests.

/// Words that stand for a value in its absence. Eight-letter base64 holds one of these by chance about once in a
/// million.
const STAND_INS: [&str; 30] = [
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "your",
    "xxxx",
    "****",
    "...",
    "redacted",
    "dummy",
    "insert",
    "replace",
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "test",
    "fake",
    "123456",
    "abcdef",
    "process.env",
    "environ",
    "getenv",
    "undefined",
    "sha256",
];

/// Words that tokens made by hand contain. They have five letters or more: a random token of 250 letters contains one
/// of them about once in ten thousand.
const MARKS: [&str; 14] = [
    "example",
    "sample",
    "placeholder",
    "changeme",
    "redacted",
    "dummy",
    "foobar",
    "qwerty",
    "asdfgh",
    "deadbeef",
    "apikey",
    "secret",
    "password",
    "token",
];

/// Words that tokens made by hand contain between signs, in small letters or in capitals.
const PARTS: [&str; 10] = ["your", "key", "here", "test", "fake", "mock", "demo", "todo", "not", "goes"];

/// The letters of a token in GitHub's documentation, which is neither marked nor patterned.
const DOCUMENTED: &str = "16C7e42F292c6912E7710c838347Ae178B4a";

/// The reach of the tests in a token: one that is made up shows it early.
const REACH: usize = 256;

/// The lengths of runs that chance hardly makes, even in hexadecimal: `aaaaaaa`, `12345678`. Equal letters count if they are a
/// quarter of the token: some issuers' tokens have a number with leading zeros in them, which is a run of `A` in base64.
const EQUAL: usize = 7;
const ASCENDING: usize = 8;

/// Returns `true` for a value that a person would read as "put yours here".
pub(super) fn is_stand_in(value: &str) -> bool {
    let value = value.as_bytes();
    STAND_INS.iter().any(|word| contains(value, word))
        || value.iter().any(|byte| matches!(byte, b'<' | b'>' | b'{' | b'}')) // a template's blank
}

/// Returns `true` for a token that documentation and tests write: marked as an example, or typed with a pattern.
///
/// Tokens at random pass, all but one in ten thousand.
pub(super) fn is_made_up(token: &str) -> bool {
    let token = &token[..token.floor_char_boundary(REACH)];
    let bytes = token.as_bytes();
    distinct(bytes) < 7.min(bytes.len())
        || has_run(bytes, 1, EQUAL.max(bytes.len() / 4), |left, right| left == right)
        || [1, 2].iter().any(|step| {
            has_run(bytes, *step, ASCENDING, |left, right| right == left + 1)
                || has_run(bytes, *step, ASCENDING, |left, right| left == right + 1)
        })
        || is_periodic(bytes)
        || MARKS.iter().any(|word| contains(bytes, word))
        || is_written(token)
        || is_identifier(token)
}

/// Returns `true` if all letters are of one case and there is no digit. For forms that mix all three.
pub(super) fn is_of_one_case(token: &str) -> bool {
    let has = |class: fn(&u8) -> bool| token.as_bytes().iter().any(class);
    let has_both = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    !has_both && !has(u8::is_ascii_digit)
}

/// Returns `true` for the letters of a token of base 62 that one may have copied or made of a hash.
pub(super) fn is_hash(letters: &str) -> bool {
    letters == DOCUMENTED || letters.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns `true` if signs join words and numbers: `fading-circle-2`. So do names behind the prefix of a token.
fn is_written(token: &str) -> bool {
    let parts = || token.split(|scalar: char| !scalar.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let count = parts().count();
    // The address of a page has names such as `5g` and `hbm3e` among its words.
    let is_of_words = |part: &str| is_word(part) || count > 2 && is_name(part);
    count > 1 && (parts().all(is_of_words) || parts().any(|part| PARTS.iter().any(|word| is_one(part, word))))
}

/// Returns `true` for a number, an abbreviation, or a word that may have a capital and a number.
fn is_word(part: &str) -> bool {
    let letters = part.trim_end_matches(|scalar: char| scalar.is_ascii_digit());
    let rest = letters.strip_prefix(|first: char| first.is_ascii_uppercase()).unwrap_or(letters);
    rest.bytes().all(|byte| byte.is_ascii_lowercase()) || letters.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Returns `true` for a short name in small letters and digits.
fn is_name(part: &str) -> bool {
    part.len() <= 5 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Returns `true` for an identifier of three words or more: `getDeviceFirmwareVersion`. Of letters at random, one in three
/// thousand reads so.
fn is_identifier(token: &str) -> bool {
    let words = token.trim_end_matches(|scalar: char| scalar.is_ascii_digit());
    let capitals = words.bytes().filter(u8::is_ascii_uppercase).count();
    let is_followed_by_two = |(at, byte): (usize, u8)| {
        let next = words.as_bytes().get(at + 1..at + 3);
        !byte.is_ascii_uppercase() || next.is_some_and(|next| next.iter().all(u8::is_ascii_lowercase))
    };
    capitals >= 2
        && words.bytes().all(|byte| byte.is_ascii_alphabetic())
        && words.bytes().enumerate().all(is_followed_by_two)
}

fn is_one(part: &str, word: &str) -> bool {
    part == word || (part.eq_ignore_ascii_case(word) && part.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count()
}

/// Returns `true` if `length` bytes, each `step` behind the other, follow one another as `follows` says. Case is
/// ignored.
fn has_run(bytes: &[u8], step: usize, length: usize, follows: fn(u8, u8) -> bool) -> bool {
    (0..step).any(|from| {
        let mut run = 1;
        let mut last = None;
        bytes.iter().skip(from).step_by(step).map(u8::to_ascii_lowercase).any(|byte| {
            run = if last.is_some_and(|last| follows(last, byte)) { run + 1 } else { 1 };
            last = Some(byte);
            run >= length
        })
    })
}

/// Returns `true` if a unit stands there four times or more, and nothing else.
fn is_periodic(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 4).any(|period| bytes[period..] == bytes[..bytes.len() - period])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_known_in_any_case() {
        for value in ["YOUR-API-KEY", "xxxxxxxx", "<the key>", "${KEY}", "ChangeMe!", "{{ key }}", "Password123"] {
            assert!(is_stand_in(value), "{value}");
        }
        assert!(!is_stand_in("q8Zr2LmX0vTn4KbY"));
    }

    #[test]
    fn made_up_tokens_are_told_from_drawn_ones() {
        for token in [
            "IOSFODNN7EXAMPLE",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "0123456789abcdefghijABCDEFGHIJ012345",
            "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8",
            "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIj",
            "9876543210fedcba9876543210fedcba",
            "deadbeefdeadbeefdeadbeefdeadbeef",
            "q8Zr2LmXq8Zr2LmXq8Zr2LmXq8Zr2LmX",
            "proj-your-key-here",
            "fading-circle-with-a-very-long-name-2",
            "4f9a-YOUR-KEY-HERE-c81d",
            "MySuperSecretKey9",
            "qwertyuiop4821zz",
            "hynix-begins-mass-production-of-hbm3e",
            "getDeviceFirmwareVersion",
        ] {
            assert!(is_made_up(token), "{token}");
        }
        for token in [
            "lJPECAAAAAAAEk8Zr2LmX0vTn4KbYwJ9rXUtK7MDbxfiCY4pq",
            "q8Zr2LmX0vTn4KbY",
            "9f86d081884c7d659a2feaa0c55ad015",
            "wJ9r-UtK7MDb_xRfiCY4p",
        ] {
            assert!(!is_made_up(token), "{token}");
        }
    }
}
