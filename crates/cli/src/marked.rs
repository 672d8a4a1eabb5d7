//! Shows users' texts on a terminal: changes word by word, and findings at their places. Control characters in them are escaped.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::ops::Range;
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// The longest excerpt of a finding in bytes, and the context on either side.
const EXCERPT_BYTES: usize = 160;
const CONTEXT_BYTES: usize = 24;

/// The time limit of an exact diff. A slower diff is finished coarsely.
const DIFF_TIME: Duration = Duration::from_secs(1);

/// The mask in place of a credential.
pub(crate) const MASK: &str = "▇▇▇▇";

/// The marks for deleted, inserted and found text.
pub(crate) struct Style {
    deleted: [&'static str; 2],
    inserted: [&'static str; 2],
    found: [&'static str; 2],
}

/// Findings are inverse: that attribute neither ends the surrounding colour nor is ended by it.
const COLOURS: Style =
    Style { deleted: ["\x1b[31;9m", "\x1b[0m"], inserted: ["\x1b[32m", "\x1b[0m"], found: ["\x1b[7m", "\x1b[27m"] };

const MARKS: Style = Style { deleted: ["[-", "-]"], inserted: ["{+", "+}"], found: ["»", "«"] };

impl Style {
    /// Returns colours for a terminal, unless the user asked for none; else marks.
    pub(crate) fn of(output: &impl IsTerminal) -> &'static Self {
        if output.is_terminal() && std::env::var_os("NO_COLOR").is_none() { &COLOURS } else { &MARKS }
    }
}

/// A text with its findings.
pub(crate) struct Marked<'e> {
    text: &'e str,
    style: &'e Style,
    /// The ranges of findings, in order and without overlaps.
    found: Vec<Range<usize>>,
    /// The ranges of credentials: every occurrence of the ones that were found.
    secrets: Vec<Range<usize>>,
}

impl<'e> Marked<'e> {
    /// Returns a text without findings.
    pub(crate) fn plain(text: &'e str, style: &'e Style) -> Self {
        Self { text, style, found: Vec::new(), secrets: Vec::new() }
    }

    pub(crate) fn new(text: &'e str, style: &'e Style, found: Vec<Range<usize>>, secrets: Vec<Range<usize>>) -> Self {
        Self { text, style, found: joined(found), secrets: joined(secrets) }
    }

    /// Returns a part of the text with findings marked and credentials masked.
    fn shown(&self, part: Range<usize>) -> String {
        let [start, end] = self.style.found;
        let mut shown = String::new();
        let mut at = part.start;
        for found in self.found.iter().filter(|found| found.start < part.end && found.end > part.start) {
            let inner = found.start.max(part.start)..found.end.min(part.end);
            shown.push_str(&self.masked(at..inner.start));
            at = inner.end;
            let _ = write!(shown, "{start}{}{end}", self.masked(inner));
        }
        shown + &self.masked(at..part.end)
    }

    fn masked(&self, part: Range<usize>) -> String {
        let mut masked = String::new();
        let mut at = part.start;
        for secret in self.secrets.iter().filter(|secret| secret.start < part.end && secret.end > part.start) {
            masked.push_str(&visible(&self.text[at..secret.start.max(at)]));
            masked.push_str(MASK);
            at = secret.end.min(part.end);
        }
        masked + &visible(&self.text[at..part.end])
    }

    /// Returns a finding with a little context, in one line.
    pub(crate) fn around(&self, place: &Range<usize>) -> String {
        let start = self.text.floor_char_boundary(place.start.saturating_sub(CONTEXT_BYTES));
        let long = self.text.floor_char_boundary(place.start + EXCERPT_BYTES);
        let end = self.text.ceil_char_boundary((place.end.min(long) + CONTEXT_BYTES).min(self.text.len()));
        let [before, after] = [start > 0, end < self.text.len()].map(|is_cut| if is_cut { "…" } else { "" });
        let here = Self { found: vec![place.clone()], secrets: self.secrets.clone(), ..*self };
        format!("{before}{}{after}", here.shown(start..end).replace('\n', "⏎"))
    }
}

/// Sorts ranges and merges overlapping ones.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    ranges
}

/// Returns the changes word by word. Changed words with only white space between them are shown as one change.
pub(crate) fn diff(rejected: &Marked<'_>, chosen: &Marked<'_>, style: &Style) -> String {
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_words(rejected.text, chosen.text);
    let mut out = String::new();
    // The change so far in both texts; the rest begins after it.
    let (mut old, mut new) = (0..0, 0..0);
    let changed = |old: &Range<usize>, new: &Range<usize>, out: &mut String| {
        for (marked, part, [start, end]) in [(rejected, old, style.deleted), (chosen, new, style.inserted)] {
            if !part.is_empty() {
                let _ = write!(out, "{start}{}{end}", marked.shown(part.clone()));
            }
        }
    };
    let mut changes = diff.iter_all_changes().peekable();
    while let Some(change) = changes.next() {
        let length = change.value().len();
        match change.tag() {
            ChangeTag::Delete => old.end += length,
            ChangeTag::Insert => new.end += length,
            ChangeTag::Equal => {
                let is_joint = change.value().trim().is_empty() && !change.value().contains('\n');
                let goes_on = changes.peek().is_some_and(|next| next.tag() != ChangeTag::Equal);
                if is_joint && goes_on && !old.is_empty() && !new.is_empty() {
                    (old.end, new.end) = (old.end + length, new.end + length);
                    continue;
                }
                changed(&old, &new, &mut out);
                out.push_str(&chosen.shown(new.end..new.end + length));
                old = old.end + length..old.end + length;
                new = new.end + length..new.end + length;
            }
        }
    }
    changed(&old, &new, &mut out);
    out
}

/// Escapes characters that would act on the terminal or are invisible, except line ends and tabs.
pub(crate) fn visible(text: &str) -> String {
    escaped(text, |character| character.escape_unicode().to_string())
}

/// Escapes the same characters in JSON, which means the same with them escaped.
pub(crate) fn visible_json(json: &str) -> String {
    escaped(json, |character| {
        let mut units = [0; 2];
        character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        if is_unseen(character) {
            out.push_str(&escape(character));
        } else {
            out.push(character);
        }
        out
    })
}

/// Returns `true` for control characters, for marks that change the direction of text, and for characters without a shape of their
/// own: Unicode's `Default_Ignorable_Code_Point`, except the variation selectors that emoji have.
fn is_unseen(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns a client's text in one line.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).replace('\n', "⏎")
}

pub(crate) fn indented(text: &str) -> String {
    text.split('\n').map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
