//! W0rd5 with digits and signs for letters.

/// Returns the letter that a digit or sign stands for.
const fn letter(byte: u8) -> Option<char> {
    Some(match byte {
        b'0' => 'o',
        b'1' | b'!' | b'|' => 'i',
        b'3' => 'e',
        b'4' | b'@' => 'a',
        b'5' | b'$' => 's',
        b'7' | b'+' => 't',
        b'8' => 'b',
        b'9' => 'g',
        _ => return None,
    })
}

/// Returns `true` for a byte that is a letter in some words.
pub(crate) fn may_stand_for_a_letter(byte: u8) -> bool {
    MAY_STAND[usize::from(byte)]
}

/// A table, because every byte of every text is looked up.
const MAY_STAND: [bool; 256] = {
    let mut may_stand = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        may_stand[byte] = letter(byte as u8).is_some();
        byte += 1;
    }
    may_stand
};

/// Returns `text` with its words in letters.
///
/// Only a digit between letters proves leet (`h4te`). A digit at a word's end is a number as often as not (`python3`),
/// and so is one at its start (`5kg`). Those are read as letters only in a text with proof elsewhere.
pub(crate) fn undone(text: &str) -> String {
    if !stretches(text).any(|(word, gap)| is_given_away(word.as_bytes()) && !is_address(word, gap)) {
        return text.to_owned();
    }
    let mut undone = String::with_capacity(text.len());
    for (word, gap) in stretches(text) {
        if is_written_in_leet(word.as_bytes()) && !is_address(word, gap) {
            undone.extend(word.bytes().map(|byte| letter(byte).unwrap_or(char::from(byte))));
        } else {
            undone.push_str(word);
        }
        undone.push_str(gap);
    }
    undone
}

/// Cuts a text into stretches of letters and their stand-ins, each with the text that follows it. An exclamation mark,
/// a bar or a plus at the end of a word is no letter.
fn stretches(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |part: char| part.is_ascii_lowercase() || u8::try_from(part).is_ok_and(may_stand_for_a_letter);
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = &rest[..rest.find(|part| !is_part(part)).unwrap_or(rest.len())];
        let after = &rest[word.len()..];
        let taken = word.len() + after.find(is_part).unwrap_or(after.len());
        let stretch = rest[..taken].split_at(word.trim_end_matches(['!', '|', '+']).len());
        rest = &rest[taken..];
        (taken > 0).then_some(stretch)
    })
}

/// Returns `true` if letters stand on both sides of one or two digits or signs.
fn is_given_away(word: &[u8]) -> bool {
    let Some(first) = word.iter().position(u8::is_ascii_lowercase) else { return false };
    let Some(last) = word.iter().rposition(u8::is_ascii_lowercase) else { return false };
    let mut inside = word[first..=last].split(u8::is_ascii_lowercase).filter(|stretch| !stretch.is_empty()).peekable();
    inside.peek().is_some() && inside.all(|stretch| stretch.len() <= 2) && word[first..=last].len() >= 3
}

/// Returns `true` for a word in leet, in a text that has proof of leet. The word has both letters and stand-ins. It may
/// have one or two digits at one end; with more it is a number and its unit. Without any letter it needs two signs,
/// which no price has.
fn is_written_in_leet(word: &[u8]) -> bool {
    let Some(first) = word.iter().position(u8::is_ascii_lowercase) else {
        return word.len() >= 3 && word.iter().filter(|byte| matches!(byte, b'$' | b'@')).count() >= 2;
    };
    let Some(last) = word.iter().rposition(u8::is_ascii_lowercase) else { return false };
    let ends = first + (word.len() - 1 - last);
    let is_mixed = first > 0 && last + 1 < word.len() || !word[first..=last].iter().all(u8::is_ascii_lowercase);
    is_mixed || (1..=2).contains(&ends)
}

/// Returns `true` for `name@host.`
fn is_address(word: &str, gap: &str) -> bool {
    gap == "." && word.trim_start_matches('@').contains('@')
}

#[cfg(test)]
mod tests {
    use super::undone;

    #[test]
    fn digits_between_letters_are_letters() {
        assert_eq!(undone("d1mw1t"), "dimwit");
        assert_eq!(undone("a f@t c0w"), "a fat cow");
        assert_eq!(undone("bl0ckh34d!"), "blockhead!");
    }

    #[test]
    fn at_the_ends_of_words_only_where_the_text_gave_itself_away() {
        assert_eq!(undone("python3 and 5kg"), "python3 and 5kg");
        assert_eq!(undone("7he m0r0n5"), "the morons");
        assert_eq!(undone("4$$ is n0t $400"), "ass is not $400");
    }

    #[test]
    fn numbers_stay() {
        assert_eq!(undone("m0ron, 2024, 12:30, 1984x"), "moron, 2024, 12:30, 1984x");
    }
}
