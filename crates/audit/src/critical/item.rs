//! The meaning of a token that was put in or taken out.

use flywheel_text::{
    numbers::number_key,
    tokens::{folded_hash, stem, words},
};

use super::lexer::{Form, Token};
use super::lexicon::{is_date, is_german, is_negation, is_swap, is_unit};

/// An item that a reader acts on. Equal items cancel out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: Kind,
    key: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Unit,
    Negation,
    Operator,
    /// An operator that is as often a hyphen, a bullet or an emphasis. It counts only if another replaces it.
    Sign,
    /// A word like `and`, `more`, `before`. It counts only if another replaces it.
    Swap,
    Identifier,
    /// A URL, a path or a mail address.
    Address,
    Date,
    Name,
    /// A short string, or the value of a key.
    Value,
    /// A word that replaces another one. It has no other meaning here.
    Word,
}

impl Item {
    /// Creates the unit that follows a number in the same word.
    pub(super) fn unit(number: &str) -> Self {
        item(Kind::Unit, number)
    }

    pub(super) fn value(value: &str) -> Self {
        item(Kind::Value, value)
    }

    pub(super) fn word(word: &str) -> Self {
        item(Kind::Word, word)
    }

    /// Creates a negation. All negations are equal: `don't` for `do not` changes nothing.
    pub(super) fn negation() -> Self {
        Self { kind: Kind::Negation, key: 0 }
    }
}

/// Returns the item of the token at `index` of `text`, if a reader would act on it.
pub(super) fn read(text: &str, tokens: &[Token], index: usize) -> Option<Item> {
    let token = &tokens[index];
    let word = &text[token.bytes.clone()];
    match token.form {
        Form::Mark => matches!(word, "$" | "€" | "£" | "¥" | "°" | "‰").then(|| item(Kind::Unit, word)),
        Form::Operator => operator(text, token, word),
        Form::Word => read_word(text, tokens, index, word),
    }
}

fn item(kind: Kind, text: &str) -> Item {
    Item { kind, key: folded_hash(text, 0..text.len()) }
}

fn read_word(text: &str, tokens: &[Token], index: usize, word: &str) -> Option<Item> {
    let token = &tokens[index];
    if let Some(address) = address(text, token) {
        return Some(item(Kind::Address, address));
    }
    if let Some(key) = number_key(word) {
        return Some(Item { kind: Kind::Number, key });
    }
    let lower = word.to_lowercase();
    if is_negation(&lower) {
        return Some(Item::negation());
    }
    if is_date(&lower) {
        return Some(item(Kind::Date, &lower));
    }
    let follows_number = text[..token.bytes.start].trim_end().ends_with(|last: char| last.is_ascii_digit());
    if is_unit(stem(&lower), follows_number) {
        return Some(item(Kind::Unit, stem(&lower)));
    }
    if is_swap(&lower) {
        return Some(item(Kind::Swap, &lower));
    }
    if is_identifier(text, token, word) {
        return Some(item(Kind::Identifier, word));
    }
    is_name(text, token, word).then(|| item(Kind::Name, stem(word)))
}

/// Returns `true` for a listed word: a number in words, a negation, a date, a unit, or a word of a swap.
pub(super) fn is_listed(word: &str) -> bool {
    let lower = word.to_lowercase();
    number_key(word).is_some()
        || is_negation(&lower)
        || is_date(&lower)
        || is_unit(stem(&lower), false)
        || is_swap(&lower)
}

fn operator(text: &str, token: &Token, operator: &str) -> Option<Item> {
    let (before, after) = around(text, token);
    let touches = |character: Option<char>| character.is_some_and(|character| !character.is_whitespace());
    let kind = match operator {
        "%" => Kind::Unit,
        "!" if !touches(before) && after.is_some_and(char::is_alphanumeric) => Kind::Operator,
        "!" => return None,
        // Between words it is a hyphen, at the start of a line a bullet; before a digit it is a sign.
        "-" | "−" if !before.is_some_and(char::is_alphanumeric) && is_negative(text, token, after) => Kind::Operator,
        // Emphasis touches a word on one side.
        "*" | "**" if touches(before) != touches(after) => return None,
        "-" | "*" | "+" if is_bullet(text, token, after) => return None,
        "-" | "−" | "*" | "/" | "+" | "~" | "**" | "--" | "---" | "/*" | "*/" | "//" => Kind::Sign,
        // `<b>`, `</b>`, and `> said` of a quotation.
        "<" | ">" | "</" | "/>" if is_of_tag(text, token) || touches(before) != touches(after) => Kind::Sign,
        // Line drawing: `====`, `|----|`, `->` in a list.
        _ if operator.len() > 3 || operator.starts_with('|') && operator != "||" && operator != "|=" => return None,
        _ => Kind::Operator,
    };
    Some(item(kind, operator))
}

/// Returns `true` if an angle bracket belongs to a pair with a name in it.
fn is_of_tag(text: &str, token: &Token) -> bool {
    let (before, after) = surroundings(text, token);
    let begins_name = |text: &str| text.trim_start_matches('/').starts_with(|first: char| first.is_ascii_alphabetic());
    if text[token.bytes.clone()].starts_with('<') {
        return begins_name(after) && after.find(['<', '>', '\n']).is_some_and(|end| after[end..].starts_with('>'));
    }
    before.rfind(['<', '>', '\n']).is_some_and(|start| before[start..].strip_prefix('<').is_some_and(begins_name))
}

/// Returns `true` if a sign begins a line as a list's bullet.
fn is_bullet(text: &str, token: &Token, after: Option<char>) -> bool {
    let before = text[..token.bytes.start].trim_end_matches([' ', '\t']);
    (before.is_empty() || before.ends_with('\n')) && after.is_some_and(char::is_whitespace)
}

/// Returns `true` if a minus is a sign: of a number, or in a program of anything.
fn is_negative(text: &str, token: &Token, after: Option<char>) -> bool {
    let is_term = |next: char| next.is_alphanumeric() || next == '(';
    after.is_some_and(|next| next.is_ascii_digit() || is_term(next) && is_in_code(text, token))
}

/// Returns the characters on both sides of a token.
fn around(text: &str, token: &Token) -> (Option<char>, Option<char>) {
    (text[..token.bytes.start].chars().next_back(), text[token.bytes.end..].chars().next())
}

/// The reach of the search for a URL or the start of a line, on either side.
const REACH: usize = 200;

/// Returns the text on both sides of a token, up to [`REACH`].
fn surroundings<'t>(text: &'t str, token: &Token) -> (&'t str, &'t str) {
    let start = text.floor_char_boundary(token.bytes.start.saturating_sub(REACH));
    let end = text.ceil_char_boundary((token.bytes.end + REACH).min(text.len()));
    (&text[start..token.bytes.start], &text[token.bytes.end..end])
}

/// Returns the URL, path or mail address that contains a token.
fn address<'t>(text: &'t str, token: &Token) -> Option<&'t str> {
    let (before, after) = surroundings(text, token);
    // Angle brackets end an address: `</b>` is no path.
    let is_end = |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | '(' | ')' | '`');
    let start = token.bytes.start - before.rsplit(is_end).next().map_or(0, str::len);
    let end = token.bytes.end + after.find(is_end).unwrap_or(after.len());
    let chunk = text[start..end].trim_end_matches(['.', ',', ';', ':', '!', '?']);
    is_address(chunk).then_some(chunk)
}

fn is_address(chunk: &str) -> bool {
    if chunk.contains("://") || chunk.starts_with("www.") {
        return true;
    }
    let is_mail = chunk.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    // `and/or` and `1/2` are no paths; `/etc/hosts`, `./run` and `src/main.rs` are.
    let is_rooted = ["/", "./", "../", "~/"].iter().any(|root| {
        chunk
            .strip_prefix(root)
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_alphanumeric() || first == '.'))
    });
    let is_path = chunk.contains('/')
        && chunk.rsplit_once('.').is_some_and(|(name, extension)| {
            !name.is_empty()
                && (1..=5).contains(&extension.len())
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    is_mail || is_rooted || is_path
}

/// Returns `true` if a word names something in a program: `snake_case`, `camelCase`, a call, or any word of a line of
/// code outside quotes and comments.
fn is_identifier(text: &str, token: &Token, word: &str) -> bool {
    let is_snake = word.contains('_') && word.trim_matches('_').len() > 1;
    let letters = || word.chars();
    let mut threes = letters().zip(letters().skip(1)).zip(letters().skip(2));
    let is_camel =
        threes.any(|((first, second), third)| first.is_lowercase() && second.is_uppercase() && third.is_lowercase());
    let (_, after) = around(text, token);
    let is_call = after == Some('(') && !text[token.bytes.end..].starts_with("(s)");
    is_snake || is_camel || is_call || is_in_code(text, token)
}

fn is_in_code(text: &str, token: &Token) -> bool {
    let (before, after) = surroundings(text, token);
    let before = before.rsplit('\n').next().unwrap_or_default();
    // If the line goes on beyond the reach, its end is unknown.
    let has_end = after.contains('\n') || token.bytes.end + after.len() == text.len();
    let after = after.split('\n').next().unwrap_or_default().trim_end();
    let ends_with = |ends: &[char]| has_end && after.ends_with(ends);
    let is_quoted = before.matches('"').count() % 2 == 1 || before.matches('\'').count() % 2 == 1;
    let is_comment = ["#", "//", "--"].iter().any(|mark| before.contains(mark));
    if is_quoted || is_comment {
        return false;
    }
    let has_sign = |part: &str| SIGNS_OF_CODE.iter().any(|sign| part.contains(sign));
    let is_statement =
        STATEMENTS.iter().any(|keyword| before.trim_start().starts_with(keyword)) && !ends_with(&['.', ',']);
    is_statement || ends_with(&[';', '{', '}']) || has_sign(before) || has_sign(after)
}

/// Signs that prose hardly has.
const SIGNS_OF_CODE: [&str; 10] = [" = ", "==", "!=", "=>", "->", "+=", ":=", "&&", "||", "()"];

/// Starts of a line of code.
const STATEMENTS: [&str; 7] = ["return ", "import ", "def ", "fn ", "let ", "const ", "var "];

/// Returns `true` if a word is a name by its capital: within a sentence, and in a language where capitals mark names.
fn is_name(text: &str, token: &Token, word: &str) -> bool {
    let mut letters = word.chars();
    if !letters.next().is_some_and(char::is_uppercase)
        || letters.next().is_none()
        || word.starts_with("I'")
        || word.starts_with("I’")
    {
        return false;
    }
    let (before, after) = surroundings(text, token);
    let follows_word = before.trim_end_matches([' ', '\u{a0}', ',', '-']).ends_with(char::is_alphanumeric);
    follows_word && !before.ends_with('\n') && !is_in_german(before, after)
}

fn is_in_german(before: &str, after: &str) -> bool {
    let german = |text: &str| words(text).filter(|word| is_german(&text[word.clone()].to_lowercase())).count();
    german(before) + german(after) >= 2
}

/// Compares two words that differ by a negating prefix (`possible`, `impossible`). Returns `Some(true)` if the second
/// has it, `Some(false)` if the first has it, and `None` otherwise.
pub(super) fn negated(from: &str, to: &str) -> Option<bool> {
    const PREFIXES: [&str; 7] = ["un", "in", "im", "il", "ir", "dis", "non"];
    let (from, to) = (from.to_lowercase(), to.to_lowercase());
    let denies = |word: &str, other: &str| {
        other.len() > 3 && PREFIXES.iter().any(|prefix| word.strip_prefix(prefix) == Some(other))
    };
    if denies(&to, &from) {
        return Some(true);
    }
    denies(&from, &to).then_some(false)
}

/// Returns `true` if two words are the same number with different units: `500mg` and `500g`, `5am` and `5pm`. (`2nd`,
/// `2th` and `1990s` have none.)
pub(super) fn has_other_unit(from: &str, to: &str) -> bool {
    const NO_UNITS: [&str; 6] = ["", "s", "st", "nd", "rd", "th"];
    let unit = |word: &str| {
        let is_of_number = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',');
        let unit = word.trim_start_matches(is_of_number).to_lowercase();
        Some(unit).filter(|unit| unit.len() < word.len() && !NO_UNITS.contains(&unit.as_str()))
    };
    match (unit(from), unit(to)) {
        (Some(old), Some(new)) => old != new && number_key(from) == number_key(to),
        _ => false,
    }
}

/// Returns `true` if two capitalised words differ in their endings only: `Tumoren` and `Tumore` are forms of one word.
/// `B10045` is no word.
pub(super) fn is_inflected(from: &str, to: &str) -> bool {
    const LONGEST_ENDING: usize = 2;
    const SHORTEST_STEM: usize = 4;
    let common = from.chars().zip(to.chars()).take_while(|(left, right)| left == right).count();
    let longer = from.chars().count().max(to.chars().count());
    let is_word = |text: &str| text.chars().all(char::is_alphabetic);
    from.starts_with(char::is_uppercase)
        && is_word(from)
        && is_word(to)
        && common >= SHORTEST_STEM
        && longer - common <= LONGEST_ENDING
}
