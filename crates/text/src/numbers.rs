//! Numbers in texts: in digits, or in words.

use super::tokens::exact_hash;

/// Returns the key of a number, however it is written: `1,500` is `1500`, `14th` is `14`, `three` is `3`. `None`: not a
/// number.
pub fn number_key(word: &str) -> Option<u64> {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        let end = word.find(|letter: char| !matches!(letter, '0'..='9' | ',' | '.')).unwrap_or(word.len());
        return Some(digits_key(ungrouped(&word[..end])));
    }
    if word.starts_with(char::is_numeric) {
        return Some(exact_hash(word, 0..word.len()));
    }
    spelled(word).map(|digits| digits_key(digits.bytes()))
}

/// Removes the commas that group a number's digits: `1,500` is `1500`, and `1,5` is not `15`.
fn ungrouped(number: &str) -> impl Iterator<Item = u8> {
    let bytes = number.as_bytes();
    let digits_from = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_separator = move |at: usize| bytes[at] == b',' && digits_from(at + 1) == 3;
    (0..bytes.len()).filter(move |at| !is_separator(*at)).map(|at| bytes[at])
}

fn digits_key(digits: impl Iterator<Item = u8>) -> u64 {
    digits.fold(0xD161_7500, |key: u64, byte| key.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// Returns the digits of a cardinal or ordinal in words. It skips `one`, `first` and `second`, which mostly mean
/// something else.
fn spelled(word: &str) -> Option<&'static str> {
    const LONGEST: usize = "seventeen".len();
    if !(3..=LONGEST).contains(&word.len()) || !word.is_ascii() {
        return None;
    }
    let mut lower = [0; LONGEST];
    for (lower, byte) in lower.iter_mut().zip(word.bytes()) {
        *lower = byte.to_ascii_lowercase();
    }
    Some(match &lower[..word.len()] {
        b"zero" => "0",
        b"two" => "2",
        b"three" | b"third" => "3",
        b"four" | b"fourth" => "4",
        b"five" | b"fifth" => "5",
        b"six" | b"sixth" => "6",
        b"seven" | b"seventh" => "7",
        b"eight" | b"eighth" => "8",
        b"nine" | b"ninth" => "9",
        b"ten" | b"tenth" => "10",
        b"eleven" => "11",
        b"twelve" => "12",
        b"thirteen" => "13",
        b"fourteen" => "14",
        b"fifteen" => "15",
        b"sixteen" => "16",
        b"seventeen" => "17",
        b"eighteen" => "18",
        b"nineteen" => "19",
        b"twenty" => "20",
        b"thirty" => "30",
        b"forty" => "40",
        b"fifty" => "50",
        b"sixty" => "60",
        b"seventy" => "70",
        b"eighty" => "80",
        b"ninety" => "90",
        b"hundred" => "100",
        b"thousand" => "1000",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        for (left, right) in [("1,500", "1500"), ("14th", "14"), ("Three", "3"), ("5kg", "five"), ("3.5", "3.5m")] {
            assert!(number_key(left).is_some() && number_key(left) == number_key(right), "{left} {right}");
        }
        assert_ne!(number_key("3.5"), number_key("35"));
        assert_ne!(number_key("10"), number_key("100"));
        assert_ne!(number_key("1,5"), number_key("15"));
        assert_eq!(number_key("1,234,567.8"), number_key("1234567.8"));
    }

    #[test]
    fn words_are_no_numbers() {
        for word in ["one", "often", "threefold", "x2", "É", ""] {
            assert_eq!(number_key(word), None, "{word}");
        }
    }
}
