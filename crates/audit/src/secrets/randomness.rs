//! Tests that tell a random value from a written one.

/// Returns Shannon's entropy of the value's own bytes, in bits a byte.
pub(super) fn entropy(value: &str) -> f32 {
    let mut counts = [0_u16; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] = counts[usize::from(byte)].saturating_add(1);
    }
    let total = value.len() as f32;
    let share = |count: &u16| f32::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(share).map(|share| -share * share.log2()).sum()
}

/// Counts the changes between small letters, capitals, digits and signs; a capital that begins a word belongs to it. In
/// base64 and in hexadecimal nearly every second byte is a change; in names, however long, only the joins of words are.
pub(super) fn changes(value: &str) -> usize {
    let class = |byte: &u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let is_change = |pair: &[u8]| match (class(&pair[0]), class(&pair[1])) {
        (1, 0) => false,
        (left, right) => left != right,
    };
    value.as_bytes().windows(2).filter(|pair| is_change(pair)).count()
}

/// Returns `true` if the value looks random: letters and digits, mixed as only chance does, and at least 3 bits a byte.
/// (Hexadecimal can have 4 at most, and 32 digits of it have 3.6.)
pub(super) fn is_drawn(value: &str) -> bool {
    let has = |class: fn(&u8) -> bool| value.as_bytes().iter().any(class);
    has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && changes(value) * 4 >= value.len()
        && !is_name(value)
        && entropy(value) >= 3.0
}

/// Returns `true` if the value is joined words and numbers: an identifier, a path, a version.
pub(super) fn is_name(value: &str) -> bool {
    value.split(|scalar: char| !scalar.is_ascii_alphanumeric()).all(|part| {
        part.bytes().all(|byte| byte.is_ascii_digit())
            || (part.bytes().all(|byte| byte.is_ascii_alphabetic()) && changes(part) * 3 <= part.len().max(3))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_bytes() {
        assert_eq!(entropy("aaaa"), 0.0);
        assert_eq!(entropy("abab"), 1.0);
        assert_eq!(entropy("0123456789abcdef"), 4.0);
    }

    #[test]
    fn a_drawn_value_is_told_from_a_written_one() {
        for drawn in ["q8Zr2LmX0vTn4KbY", "9f86d081884c7d659a2feaa0c55ad015", "wJ9rXUt/K7MDb+xRfiCY"] {
            assert!(is_drawn(drawn), "{drawn}");
        }
        for written in [
            "MyServiceClientV2Factory",
            "correct-horse-battery-2024",
            "application/x-www-form",
            "aaaaaaaaaaaa1111",
            "DefaultAzureCredentialOptions",
            "ABCDEFGHIJKLMNOP",
            "1234567890123456",
        ] {
            assert!(!is_drawn(written), "{written}");
        }
    }
}
