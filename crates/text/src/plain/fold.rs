//! Characters as the Latin letters that a reader takes them for.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Folds `text` to lower case and compatibility form (full-width, mathematical and circled letters are letters). It
/// drops accents, invisible characters and controls. Latin look-alikes of other scripts become Latin in a word that has
/// Latin letters, too, and in a text that has no other letter of such a script. Russian stays Russian.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() {
        let mut folded = text.to_ascii_lowercase();
        // Controls are rare. A search for any of them is much faster than a look at each character.
        if folded.bytes().fold(false, |any, byte| any | (byte < b' ') | (byte == 0x7f)) {
            folded.retain(|character| !is_unseen(character));
        }
        return folded;
    }
    if text.chars().all(is_own_form) {
        return latin(text.chars().flat_map(bare).collect());
    }
    let folded: String =
        text.chars().filter(|&character| !is_unseen(character)).map(without_badge).nfkc().flat_map(bare).collect();
    latin(folded)
}

/// Returns `true` for a character that is certain to be its own compatibility form, beside any other. Most texts
/// consist of these. (Computing the form took a third of the audit's time on texts that are not ASCII, and hardly ever
/// changed one.)
fn is_own_form(character: char) -> bool {
    let is_ascii = matches!(character, '\t' | '\n' | ' '..='~');
    let is_latin = matches!(character, '\u{c0}'..='\u{131}' | '\u{134}'..='\u{13e}' | '\u{141}'..='\u{148}' | '\u{14a}'..='\u{17e}');
    let is_sign = matches!(character, '«' | '»' | '¿' | '¡' | '–' | '—' | '‘'..='“' | '”' | '„' | '、' | '。');
    is_ascii || is_latin || is_sign || matches!(character, '\u{400}'..='\u{45f}' | '\u{4e00}'..='\u{9fff}')
}

/// Maps white letters on black, which compatibility forms lack, to letters.
fn without_badge(character: char) -> char {
    let letter = match character {
        '\u{1f150}'..='\u{1f169}' => character as u32 - 0x1f150,
        '\u{1f170}'..='\u{1f189}' => character as u32 - 0x1f170,
        _ => return character,
    };
    char::from_u32('a' as u32 + letter).unwrap_or(character)
}

/// Returns a character in lower case, and a Latin letter without its accents.
fn bare(character: char) -> impl Iterator<Item = char> {
    let mut base = character;
    if matches!(character, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') {
        let mut first = None;
        decompose_canonical(character, |part| first = first.or(Some(part)));
        base = first.filter(char::is_ascii).unwrap_or(character);
    }
    let is_accent = matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
        && is_combining_mark(character);
    let is_seen = !is_accent && !is_unseen(character);
    let (caseless, lowered) = if is_caseless(base) { (Some(base), None) } else { (None, Some(base.to_lowercase())) };
    caseless.into_iter().chain(lowered.into_iter().flatten()).filter(move |_| is_seen)
}

/// Returns `true` for the scripts from Hebrew to Burmese, and for Chinese, Japanese and Korean. None has an upper case,
/// which takes long to look up.
fn is_caseless(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{109f}' | '\u{3000}'..='\u{a63f}' | '\u{ac00}'..='\u{d7a3}')
}

/// Returns `true` for controls and for characters without width.
fn is_unseen(character: char) -> bool {
    match character {
        '\t' | '\n' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        ' '..='~' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => {
            true
        }
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// Replaces look-alikes by Latin letters where they pass for them.
fn latin(text: String) -> String {
    if !text.chars().any(|character| lookalike(character).is_some()) {
        return text;
    }
    let is_foreign = |character: char| is_of_lookalike_script(character) && lookalike(character).is_none();
    let everywhere = !text.chars().any(is_foreign);
    let mut latin = String::with_capacity(text.len());
    for word in text.split_inclusive(|character: char| !character.is_alphanumeric()) {
        if everywhere || word.contains(|letter: char| letter.is_ascii_lowercase()) {
            latin.extend(word.chars().map(|letter| lookalike(letter).unwrap_or(letter)));
        } else {
            latin.push_str(word);
        }
    }
    latin
}

/// Returns `true` for Greek, Cyrillic and Armenian: the scripts that share letters with Latin.
fn is_of_lookalike_script(character: char) -> bool {
    matches!(character, '\u{370}'..='\u{58f}') && character.is_alphabetic()
}

/// Returns the Latin letter that a small letter of another script, or a phonetic one, looks like.
fn lookalike(character: char) -> Option<char> {
    if character < '\u{df}' {
        return None;
    }
    Some(match character {
        'а' | 'α' | 'ɑ' | 'ᴀ' => 'a',
        'в' | 'ß' | 'β' | 'ʙ' | 'ь' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' | 'đ' | 'ɗ' => 'd',
        'е' | 'ε' | 'є' | 'ҽ' | 'ᴇ' | 'ɛ' | 'ǝ' => 'e',
        'ꜰ' | 'ƒ' => 'f',
        'ɡ' | 'ɢ' | 'ց' => 'g',
        'һ' | 'ʜ' | 'հ' | 'ħ' | 'н' => 'h',
        'і' | 'ι' | 'ı' | 'ɪ' | 'ӏ' => 'i',
        'ј' | 'ϳ' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'ʟ' | 'ł' | 'ɭ' => 'l',
        'м' | 'ᴍ' | 'μ' => 'm',
        'п' | 'η' | 'ո' | 'ɴ' => 'n',
        'о' | 'ο' | 'ᴏ' | 'օ' | 'ø' | 'σ' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ԛ' | 'զ' => 'q',
        'г' | 'ʀ' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' | 'ᴛ' | 'ŧ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ν' | 'ѵ' | 'ᴠ' => 'v',
        'ԝ' | 'ω' | 'ᴡ' | 'ш' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ү' | 'ʏ' => 'y',
        'ᴢ' | 'ʐ' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::folded;
    use super::{is_caseless, is_own_form, is_unseen};
    use unicode_normalization::{IsNormalized, is_nfkc_quick};

    #[test]
    fn letters_are_folded_where_they_pass_for_latin() {
        assert_eq!(folded("реасе in раris"), "peace in paris");
        assert_eq!(folded("ΤΟΡ τορ"), "top top");
        assert_eq!(folded("Мама мыла раму"), "мама мыла раму");
        assert_eq!(folded("мы use раris"), "мы use paris");
    }

    #[test]
    fn what_nobody_sees_is_gone() {
        assert_eq!(folded("a\u{200d}b\u{202e}c\u{ad}d\u{0}e\u{e0041}f\tg\n"), "abcdef\tg\n");
        assert_eq!(folded("a\u{0}b"), "ab");
    }

    #[test]
    fn what_is_caseless_has_no_lower_case() {
        let mut caseless = ('\0'..=char::MAX).filter(|&character| is_caseless(character));
        assert!(caseless.all(|character| character.to_lowercase().eq([character])));
    }

    #[test]
    fn what_is_its_own_form_is_so_beside_anything() {
        let mut own = ('\0'..=char::MAX).filter(|&character| is_own_form(character));
        assert!(
            own.all(|character| is_nfkc_quick([character].into_iter()) == IsNormalized::Yes && !is_unseen(character))
        );
    }
}
