//! Small edits that are no typos.
//!
//! The gate takes an edit that changes less than 5 % for one that says nothing. Of genuine corrections of facts and of code it
//! throws away 4–11 % that way: one number, one operator, one `not`. This check finds what such an edit changed, and names it
//! [`Reason::Critical`] if a reader would act differently on it.

mod diff;
mod item;
mod lexicon;
mod lexer;

use std::ops::Range;

use self::diff::hunks;
use self::item::{Item, Kind, is_inflected, negated, read};
use self::lexer::{Token, lex};
use super::changed::Changed;
use super::finding::Findings;
use crate::reason::Reason;

/// Adds [`Reason::Critical`] to an edit that was found to be trivial and is not. Its score is the number of critical things
/// changed; its span is the first of them, empty where the user only took something out.
pub(super) fn inspect(changed: &Changed<'_>, findings: &mut Findings) {
    if !findings.has(Reason::Trivial) || is_same_but_for_space_and_case(changed) {
        return;
    }
    let mut ledger = ledger(changed);
    ledger.settle();
    if let Some(first) = ledger.first() {
        findings.in_chosen(Reason::Critical, ledger.count() as f32, first);
    }
}

fn is_same_but_for_space_and_case(changed: &Changed<'_>) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = char> {
        let visible = text.chars().filter(|character| !character.is_whitespace());
        visible.flat_map(char::to_uppercase).flat_map(char::to_lowercase)
    }
    letters(changed.rejected).eq(letters(changed.chosen))
}

/// Tokens read of all that changed. A trivial edit mostly changes fewer; bounded all the same, for reading looks around.
const MOST_READ: usize = 256;

/// What an edit took out and what it put in.
#[derive(Default)]
struct Ledger {
    removed: Vec<Entry>,
    added: Vec<Entry>,
}

struct Entry {
    item: Item,
    /// Which difference it is of, counted from the start.
    hunk: usize,
    /// Where in the user's text; empty if it is no longer there.
    bytes: Range<usize>,
}

fn ledger(changed: &Changed<'_>) -> Ledger {
    let (rejected, chosen) = (changed.texts.rejected, changed.texts.chosen);
    let old = lex(rejected, changed.start..changed.start + changed.rejected.len());
    let new = lex(chosen, changed.start..changed.start + changed.chosen.len());
    let (mut ledger, mut unread) = (Ledger::default(), MOST_READ);
    for (hunk, (old_hunk, new_hunk)) in hunks(&old, &new).into_iter().enumerate() {
        let place = place_of(&new, &new_hunk, changed);
        let (old_tokens, new_tokens) = (&old[old_hunk.clone()], &new[new_hunk.clone()]);
        if let ([from], [to]) = (old_tokens, new_tokens) {
            let (from, bytes) = (&rejected[from.bytes.clone()], to.bytes.clone());
            let to = &chosen[bytes.clone()];
            if let Some(is_added) = negated(from, to) {
                let side = if is_added { &mut ledger.added } else { &mut ledger.removed };
                side.push(Entry { item: Item::negation(), hunk, bytes });
                continue;
            }
            if is_inflected(from, to) {
                continue;
            }
        }
        let (old_hunk, new_hunk) = (start_of(old_hunk, &mut unread), start_of(new_hunk, &mut unread));
        for index in old_hunk {
            if let Some(item) = read(rejected, &old, index) {
                ledger.removed.push(Entry { item, hunk, bytes: place.clone() });
            }
        }
        for index in new_hunk {
            if let Some(item) = read(chosen, &new, index) {
                ledger.added.push(Entry { item, hunk, bytes: new[index].bytes.clone() });
            }
        }
    }
    ledger
}

/// As much of a hunk as may still be read.
fn start_of(hunk: Range<usize>, unread: &mut usize) -> Range<usize> {
    let length = hunk.len().min(*unread);
    *unread -= length;
    hunk.start..hunk.start + length
}

/// Where in the user's text a hunk is: what was put in, or the empty place of what was taken out.
fn place_of(new: &[Token], hunk: &Range<usize>, changed: &Changed<'_>) -> Range<usize> {
    let core_end = changed.start + changed.chosen.len();
    let start = new.get(hunk.start).map_or(core_end, |token| token.bytes.start);
    let end = if hunk.is_empty() { start } else { new[hunk.end - 1].bytes.end };
    start..end
}

impl Entry {
    /// Whether something was only moved. In prose a name may stand elsewhere; in a program that changes what is computed.
    fn cancels(&self, other: &Self) -> bool {
        let may_move = !matches!(self.item.kind, Kind::Identifier | Kind::Operator);
        self.item == other.item && (may_move || self.hunk == other.hunk)
    }
}

impl Ledger {
    /// Strikes out what was only moved, and what only counts against something else where there is nothing else.
    fn settle(&mut self) {
        self.added.retain(|added| {
            let Some(twin) = self.removed.iter().position(|removed| removed.cancels(added)) else { return true };
            self.removed.swap_remove(twin);
            false
        });
        for kind in [Kind::Swap, Kind::Sign] {
            let has = |entries: &[Entry]| entries.iter().any(|entry| entry.item.kind == kind);
            if !(has(&self.removed) && has(&self.added)) {
                self.removed.retain(|entry| entry.item.kind != kind);
                self.added.retain(|entry| entry.item.kind != kind);
            }
        }
    }

    fn count(&self) -> usize {
        self.removed.len().max(self.added.len())
    }

    fn first(&self) -> Option<Range<usize>> {
        let added = self.added.first().map(|entry| entry.bytes.clone());
        added.or_else(|| self.removed.first().map(|entry| entry.bytes.clone()))
    }
}
