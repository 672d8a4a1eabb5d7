//! The normal form of an edit. It removes differences that people do not type: line ends, composition, no-break spaces,
//! quotes that an editor curled, white space at ends.
//!
//! Editors, browsers and clients rewrite these as they please. Taken for an edit, they make a pair without a
//! preference, and a real edit would teach them along. So the user's text is respelled before any other step. Parts
//! that equal the model's text except for these take the model's characters. The user's changes follow the model's
//! habits where the model has one ([`convention`]). If nothing else changed, the texts are then the same, and the edit
//! is `unchanged`.
//!
//! | difference | treated as equal |
//! |---|---|
//! | line ends | LF, CR LF, CR, NEL, U+2028, U+2029 |
//! | composition | texts with the same NFC |
//! | spaces | a space, and the no-break and fixed-width ones, which look like it |
//! | quotes | straight and curly ones, single and double apart; not in code, see [`quotes`] |
//! | white space at ends | of lines and of the text, with Markdown's two-space line break: editors strip and add it unseen |
//!
//! Still different: indentation, the number of spaces between words, tabs, the ideographic space, guillemets, dashes
//! and ellipses. People do type all of these.
//!
//! This form keeps places and capitals, because it maps characters of one text to characters of the other.
//! `flywheel-dataset`'s form for near duplicates is coarser, and fixed for ever because the held-out split hashes it.
//! The two share nothing.

mod convention;
mod marks;
mod outer;
mod quotes;
mod tokens;

use unicode_normalization::is_nfc;

use self::convention::Conventions;
use self::marks::{Marks, has_blanks_at_line_ends, is_plain, is_plain_beside};
use self::outer::{Outer, without_white_space};
use self::quotes::{is_quote, mended};
use self::tokens::{Kind, Side, Token, tokens};
use crate::code::is_line_end;
use crate::common_ends::common_ends;
use crate::common_runs::common_runs;

/// The respelled features of the user's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Respelled {
    /// The ends of lines.
    pub line_ends: bool,
    /// Composed or decomposed characters.
    pub composition: bool,
    /// No-break and fixed-width spaces.
    pub spaces: bool,
    /// Straight or curly quotes and apostrophes.
    pub quotes: bool,
    /// White space at the ends of lines and around the text.
    pub ends: bool,
}

impl Respelled {
    /// Returns the names of the respelled features.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = [
            (self.line_ends, "line_ends"),
            (self.composition, "composition"),
            (self.spaces, "spaces"),
            (self.quotes, "quotes"),
            (self.ends, "white_space_at_ends"),
        ];
        named.into_iter().filter_map(|(is_so, name)| is_so.then_some(name))
    }
}

/// Returns the user's text in the model's spelling; `None` if it has that spelling already.
pub fn respell(rejected: &str, chosen: &str) -> Option<(String, Respelled)> {
    if rejected == chosen {
        return None;
    }
    let are_empty = (without_white_space(rejected).is_empty(), without_white_space(chosen).is_empty());
    if are_empty.0 || are_empty.1 {
        let ends = Respelled { ends: true, ..Respelled::default() };
        return (are_empty.0 && are_empty.1).then(|| (rejected.to_owned(), ends));
    }
    let (of_model, of_user) = Outer::of_both(rejected, chosen);
    let (model, user) = (of_model.core, of_user.core);
    let ends = (of_model.before, of_model.after) != (of_user.before, of_user.after);
    let mut respelled = Respelled { ends, ..Respelled::default() };
    let core = respell_core(model, user, &mut respelled);
    if core.is_none() && !respelled.ends {
        return None;
    }
    let text = [of_model.before, core.as_deref().unwrap_or(user), of_model.after].concat();
    (text != chosen).then_some((text, respelled))
}

/// Does the same for texts without surrounding white space.
fn respell_core(model: &str, user: &str, respelled: &mut Respelled) -> Option<String> {
    if is_plain(model) && is_plain(user) {
        return None;
    }
    let (start, end) = changed_words(model, user);
    let (changed_of_model, changed_of_user) = (start..model.len() - end, start..user.len() - end);
    let marks = Marks::of(model);
    let inside = (&model[changed_of_model.clone()], &user[changed_of_user.clone()]);
    if is_plain_beside(inside.0, marks) && is_plain_beside(inside.1, marks) {
        return None;
    }
    let has_quotes = marks.quotes || Marks::of(inside.1).quotes;
    let (model, user) = (Side::new(model, has_quotes), Side::new(user, has_quotes));
    let conventions = Conventions::of(&model, marks);
    let new = tokens(user.text, changed_of_user);
    if is_decided_by_habit(inside, &model, &user) && conventions.are_kept(&user, &new) {
        return None;
    }
    let old = tokens(model.text, changed_of_model);
    let twins = twins(&model, &old, &user, &new);
    let mut text = String::with_capacity(user.text.len() + user.text.len() / 8);
    text.push_str(&user.text[..start]);
    for (token, twin) in new.iter().zip(twins) {
        let written = &user.text[token.bytes.clone()];
        let spelling = match twin {
            Some(twin) => mended(&model, &old[twin], written),
            None => conventions.spelling(&user, token),
        };
        if spelling != written {
            note(token.kind, written, &spelling, respelled);
        }
        text.push_str(&spelling);
    }
    text.push_str(&user.text[user.text.len() - end..]);
    (text != user.text).then_some(text)
}

/// Returns `true` if the model's habits, where its text is consistent, fully determine the user's spelling.
///
/// White space at line ends is no habit, and quotes in code follow none. For composition it is enough that all is
/// composed.
fn is_decided_by_habit(inside: (&str, &str), model: &Side<'_>, user: &Side<'_>) -> bool {
    let is_simple = |part: &str| !has_blanks_at_line_ends(part) && (part.is_ascii() || is_nfc(part));
    model.code.is_empty() && user.code.is_empty() && is_simple(inside.0) && is_simple(inside.1)
}

/// Returns the lengths, in bytes, of the equal start and end of both texts, cut between words.
fn changed_words(model: &str, user: &str) -> (usize, usize) {
    let (prefix, suffix) = common_ends(model, user);
    let (prefix, suffix) = (&model[..prefix], &model[model.len() - suffix..]);
    let start = prefix.trim_end().rfind(char::is_whitespace).map_or(0, |space| {
        let rest = &prefix[space..];
        prefix.len() - rest.trim_start().len()
    });
    let end = suffix.find(char::is_whitespace).map_or(0, |space| suffix[space..].trim_start().len());
    (start, end)
}

/// Returns, for each of the user's tokens, the model's token that differs from it only in spelling, if there is one.
fn twins(model: &Side<'_>, old: &[Token], user: &Side<'_>, new: &[Token]) -> Vec<Option<usize>> {
    let hashes = |side: &Side<'_>, tokens: &[Token]| tokens.iter().map(|token| side.hash(token)).collect::<Vec<_>>();
    let mut twins = vec![None; new.len()];
    for run in common_runs(&hashes(model, old), &hashes(user, new)) {
        for (old_index, new_index) in (run.left..run.left + run.length).zip(run.right..) {
            let is_same = model.normal(&old[old_index]) == user.normal(&new[new_index]);
            twins[new_index] = is_same.then_some(old_index);
        }
    }
    twins
}

/// Records a respelled feature.
fn note(kind: Kind, written: &str, spelling: &str, respelled: &mut Respelled) {
    match kind {
        Kind::Spaces => respelled.spaces = true,
        Kind::LineEnd => {
            let parts = [written, spelling].map(|text| text.split_at(text.trim_end_matches(is_line_end).len()));
            respelled.line_ends |= parts[0].1 != parts[1].1;
            respelled.ends |= parts[0].0 != parts[1].0;
        }
        Kind::Word => {
            let quotes = |text: &str| text.chars().filter(|character| is_quote(*character)).collect::<String>();
            let others = |text: &str| text.chars().filter(|character| !is_quote(*character)).collect::<String>();
            respelled.quotes |= quotes(written) != quotes(spelling);
            respelled.composition |= others(written) != others(spelling);
        }
    }
}

#[cfg(test)]
mod tests;
