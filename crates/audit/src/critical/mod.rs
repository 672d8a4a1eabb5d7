//! Small edits that are no typos.
//!
//! The gate takes an edit that changes less than 5 % for one without a preference. That throws away 4–11 % of genuine
//! corrections of facts and of code: one number, one operator, one `not`, one label. This check finds the change of
//! such an edit, and marks it [`Reason::Critical`] if a reader, or a program, would act differently on it.

mod diff;
mod item;
mod lexer;
mod lexicon;
mod literal;
mod slips;
#[cfg(test)]
mod words;

use std::ops::Range;

use self::diff::hunks;
use self::item::{Item, Kind, has_other_unit, is_inflected, is_listed, negated, read};
use self::lexer::{Form, Token, lex};
use self::literal::value_at;
pub(super) use self::slips::is_more_than_slips;
use flywheel_base::Reason;
use flywheel_text::spelling::{is_misspelling, is_same_word};

use self::slips::other_words;
use super::changed::Changed;
use super::finding::Findings;

/// Adds [`Reason::Critical`] to a trivial edit that changes meaning. Its score is the number of critical changes. Its
/// span is the first of them, and empty if the user only took something out.
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
    letters(changed.rejected.as_str()).eq(letters(changed.chosen.as_str()))
}

/// The maximum number of changed tokens to read. A trivial edit mostly changes fewer. The bound is needed because
/// reading looks at the surroundings.
const MOST_READ: usize = 256;

/// The items that an edit removed and added.
#[derive(Default)]
struct Ledger {
    removed: Vec<Entry>,
    added: Vec<Entry>,
}

struct Entry {
    item: Item,
    /// The index of its difference, from the start.
    hunk: usize,
    /// Its place in the user's text; empty if it is no longer there.
    bytes: Range<usize>,
}

fn ledger(changed: &Changed<'_>) -> Ledger {
    let (rejected, chosen) = (changed.texts.rejected, changed.texts.chosen);
    let (old, new) = (lex(&changed.rejected), lex(&changed.chosen));
    let (mut ledger, mut unread) = (Ledger::default(), MOST_READ);
    for (hunk, (old_hunk, new_hunk)) in hunks(&old, &new).into_iter().enumerate() {
        let old_place = place_of(&old, &old_hunk, changed.rejected.bytes.end);
        let place = place_of(&new, &new_hunk, changed.chosen.bytes.end);
        let (old_tokens, new_tokens) = (&old[old_hunk.clone()], &new[new_hunk.clone()]);
        if let Some((from, to)) = other_value((rejected, old_tokens, &old_place), (chosen, new_tokens, &place)) {
            ledger.replace(Item::value(from), Item::value(to), hunk, &place);
            continue;
        }
        if let ([from], [to]) = (old_tokens, new_tokens) {
            let (from, bytes) = (&rejected[from.bytes.clone()], to.bytes.clone());
            let to = &chosen[bytes.clone()];
            if let Some(is_added) = negated(from, to) {
                let side = if is_added { &mut ledger.added } else { &mut ledger.removed };
                side.push(Entry { item: Item::negation(), hunk, bytes });
                continue;
            }
            if has_other_unit(from, to) {
                ledger.replace(Item::unit(from), Item::unit(to), hunk, &bytes);
                continue;
            }
            if is_inflected(from, to) && is_same_word(from, to) || is_misspelling_of_listed(from, to) {
                continue;
            }
        }
        let (old_hunk, new_hunk) = (start_of(old_hunk, &mut unread), start_of(new_hunk, &mut unread));
        let had = (ledger.removed.len(), ledger.added.len());
        for index in old_hunk.clone() {
            if let Some(item) = read(rejected, &old, index) {
                ledger.removed.push(Entry { item, hunk, bytes: place.clone() });
            }
        }
        for index in new_hunk.clone() {
            if let Some(item) = read(chosen, &new, index) {
                ledger.added.push(Entry { item, hunk, bytes: new[index].bytes.clone() });
            }
        }
        let mut found = ledger.removed[had.0..].iter().chain(&ledger.added[had.1..]);
        if found.any(|entry| !matches!(entry.item.kind, Kind::Swap | Kind::Sign)) {
            continue;
        }
        for (from, to) in other_words((rejected, &old[old_hunk]), (chosen, &new[new_hunk])) {
            let (from, bytes) = (&rejected[from.bytes.clone()], &to.bytes);
            ledger.replace(Item::word(from), Item::word(&chosen[bytes.clone()]), hunk, bytes);
        }
    }
    ledger
}

/// Returns `true` if one of two words is the other one misspelled, and only one is listed: `febuary`, `dont`. But `can`
/// is no misspelling of `can't`.
fn is_misspelling_of_listed(from: &str, to: &str) -> bool {
    let is_apostrophe = |character: char| matches!(character, '\'' | '’');
    let has_apostrophe = from.contains(is_apostrophe) || to.contains(is_apostrophe);
    let plain = |word: &str| word.replace(is_apostrophe, "").to_lowercase();
    is_listed(from) != is_listed(to) && is_misspelling(from, to) && (!has_apostrophe || plain(from) == plain(to))
}

/// Returns the two values around a difference of words, if they differ. A misspelling of a long value is no other
/// value: see [`is_misspelling`].
fn other_value<'t>(
    (rejected, old, old_place): (&'t str, &[Token], &Range<usize>),
    (chosen, new, new_place): (&'t str, &[Token], &Range<usize>),
) -> Option<(&'t str, &'t str)> {
    if !old.iter().chain(new).any(|token| token.form == Form::Word) {
        return None;
    }
    let values = (value_at(rejected, old_place)?, value_at(chosen, new_place)?);
    (!is_misspelling(values.0, values.1)).then_some(values)
}

/// Returns the part of a hunk that may still be read.
fn start_of(hunk: Range<usize>, unread: &mut usize) -> Range<usize> {
    let length = hunk.len().min(*unread);
    *unread -= length;
    hunk.start..hunk.start + length
}

/// Returns a hunk's place in its text: the tokens, or the empty place if only the other text has some.
fn place_of(tokens: &[Token], hunk: &Range<usize>, end: usize) -> Range<usize> {
    let start = tokens.get(hunk.start).map_or(end, |token| token.bytes.start);
    let end = if hunk.is_empty() { start } else { tokens[hunk.end - 1].bytes.end };
    start..end
}

impl Entry {
    /// Returns `true` if an item only moved. In prose a name may stand elsewhere; in a program that changes the result.
    fn cancels(&self, other: &Self) -> bool {
        let may_move = !matches!(self.item.kind, Kind::Identifier | Kind::Operator);
        self.item == other.item && (may_move || self.hunk == other.hunk)
    }
}

impl Ledger {
    /// Records that one item replaced another, at these bytes of the user's text.
    fn replace(&mut self, from: Item, to: Item, hunk: usize, bytes: &Range<usize>) {
        self.removed.push(Entry { item: from, hunk, bytes: bytes.clone() });
        self.added.push(Entry { item: to, hunk, bytes: bytes.clone() });
    }

    /// Removes items that only moved. Also removes items that count only against a counterpart, if there is none.
    fn settle(&mut self) {
        self.added.retain(|added| {
            let Some(twin) = self.removed.iter().position(|removed| removed.cancels(added)) else { return true };
            self.removed.remove(twin);
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

#[cfg(test)]
mod tests {
    use super::super::subject::Texts;
    use super::*;
    use proptest::prelude::*;

    /// Returns the number of critical changes in a trivial edit, and the first of them.
    fn critical<'t>(rejected: &'t str, chosen: &'t str) -> Option<(f32, &'t str)> {
        let mut findings = Findings::default();
        findings.add(Reason::Trivial, 1.0, None);
        inspect(&Changed::new(Texts { prompt: "", chosen, rejected }), &mut findings);
        let finding = findings.list.get(1)?;
        assert_eq!((finding.reason, findings.list.len()), (Reason::Critical, 2));
        Some((finding.score, &chosen[finding.span.clone()?.bytes]))
    }

    #[test]
    fn what_a_reader_acts_on_is_critical() {
        for (rejected, chosen, first) in [
            ("Returned within 30 days it is free.", "Returned within 14 days it is free.", "14"),
            ("The fee is three euros a day.", "The fee is four euros a day.", "four"),
            ("It rose by 1.5 % in a year.", "It rose by 15 % in a year.", "15"),
            ("Take 5 mg twice a day.", "Take 5 g twice a day.", "g"),
            ("Wait a few days before you call.", "Wait a few weeks before you call.", "weeks"),
            ("It costs $40 a month.", "It costs €40 a month.", "€"),
            ("The pan is safe to heat when empty.", "The pan is not safe to heat when empty.", "not"),
            ("You can open it with gloves.", "You can't open it with gloves.", "can't"),
            ("It works with a license.", "It works without a license.", "without"),
            ("Der Filter ist im Betrieb offen.", "Der Filter ist im Betrieb nicht offen.", "nicht"),
            ("这个软件可以商用。", "这个软件不可以商用。", "不"),
            ("It is possible to undo this.", "It is impossible to undo this.", "impossible"),
            ("if count > limit { stop() }", "if count >= limit { stop() }", ">="),
            ("while a && b { step() }", "while a || b { step() }", "||"),
            ("total = price + tax", "total = price - tax", "-"),
            ("return -x ** 2", "return x ** 2", ""),
            ("It holds for x < 3 only.", "It holds for x > 3 only.", ">"),
            ("Bring a passport and a visa.", "Bring a passport or a visa.", "or"),
            ("Call it before the upload ends.", "Call it after the upload ends.", "after"),
            ("Set max_retries to the limit.", "Set max_attempts to the limit.", "max_attempts"),
            ("Take 500mg of it twice a day.", "Take 500g of it twice a day.", "500g"),
            ("We meet at 10am in the lobby.", "We meet at 10pm in the lobby.", "10pm"),
            ("Order part B10045 for this pump.", "Order part B10046 for this pump.", "B10046"),
            ("It grew by 1,5 percent a year.", "It grew by 15 percent a year.", "15"),
            ("Use getUser for that purpose.", "Use findUser for that purpose.", "findUser"),
            ("x = load(path)", "x = read(path)", "read"),
            ("    return total", "    return subtotal", "subtotal"),
            ("grid = make(rows, cols);", "grid = make(cols, rows);", "cols"),
            ("See https://example.org/v1/docs for more.", "See https://example.org/v2/docs for more.", "v2"),
            ("Edit /etc/app/main.conf by hand.", "Edit /etc/app/site.conf by hand.", "site"),
            ("Write to ann@example.org today.", "Write to bob@example.org today.", "bob"),
            ("The meeting is on monday at ten.", "The meeting is on tuesday at ten.", "tuesday"),
            ("We met in April with the board.", "We met in June with the board.", "June"),
            ("The award went to Maria at last.", "The award went to Julia at last.", "Julia"),
            ("The mayor Ana Costa resigned.", "The mayor Costa resigned.", ""),
        ] {
            let found = critical(rejected, chosen);
            assert!(found.is_some_and(|(_, span)| span == first), "{rejected} -> {chosen}: {found:?}");
        }
    }

    #[test]
    fn typos_and_style_are_not() {
        for (rejected, chosen) in [
            ("This is teh best of all worlds.", "This is the best of all worlds."),
            ("Hello there, all of you", "Hello there, all of you."),
            ("Send it to the Team today.", "Send it to the team today."),
            ("One  more\tspace here.", "One more space here."),
            ("The cat sat on the mats.", "The cats sat on the mat."),
            ("I do not agree with that.", "I don't agree with that."),
            ("It costs 1500 in all.", "It costs 1,500 in all."),
            ("We need three of them now.", "We need 3 of them now."),
            ("It was the 2th of its kind.", "It was the 2nd of its kind."),
            ("A song of the 1990's, I think.", "A song of the 1990s, I think."),
            ("He went home after a long day.", "He left after a long day."),
            ("A well-known, much loved text.", "A well known, much loved text."),
            ("- first point of the list", "* first point of the list"),
            ("This is *very* good advice.", "This is **very** good advice."),
            ("He saw Rome with Ann, and Oslo.", "He saw Oslo, and Rome with Ann."),
            ("She said: \"Fine.\" Then left.", "She said: \"Fine!\" Then left."),
            ("Der Bericht nennt die Tumoren und ihre Zahl.", "Der Bericht nennt die Tumore und ihre Zahl."),
            ("Das Haus ist auf dem Berg und die Katze ruft.", "Das Haus ist auf den Bergen und die Katze ruft."),
            ("Britain and its ports are open.", "Britain's ports are open."),
            ("# Explain teh result", "# Explain the result"),
            ("print(\"teh result\")", "print(\"the result\")"),
            ("Use bold <b>text</b> here.", "Use bold text here."),
            ("Colour and shape matter.", "Color and shape matter."),
        ] {
            assert_eq!(critical(rejected, chosen), None, "{rejected} -> {chosen}");
        }
    }

    #[test]
    fn only_a_trivial_edit_is_looked_at() {
        let mut findings = Findings::default();
        let texts = Texts { prompt: "", chosen: "14 days", rejected: "30 days" };
        inspect(&Changed::new(texts), &mut findings);
        assert!(findings.list.is_empty());
    }

    #[test]
    fn the_score_counts_what_changed() {
        let rejected = "From 3 to 5 pm on Monday, not later, with Maria.";
        let chosen = "From 4 to 6 pm on Friday, later, with Julia.";
        assert_eq!(critical(rejected, chosen), Some((5.0, "4")));
    }

    #[test]
    fn a_long_insertion_is_read_as_far_as_it_may_cost() {
        let base = "word ".repeat(20_000);
        let chosen = format!("{base}{}", "Name 5 not > ".repeat(80));
        assert!(critical(&base, &chosen).is_some_and(|(count, _)| count <= MOST_READ as f32));
    }

    proptest! {
        #[test]
        fn white_space_alone_is_never_critical(words in prop::collection::vec("\\PC{0,6}", 0..12), gaps in prop::collection::vec("[ \\t\\n]{1,3}", 12)) {
            let spaced: String = words.iter().zip(&gaps).flat_map(|(word, gap)| [word.as_str(), gap]).collect();
            let plain = words.join(" ");
            prop_assert_eq!(critical(&plain, &spaced), None);
        }

        #[test]
        fn capitals_alone_are_never_critical(text in "\\PC{0,60}") {
            let capitals = text.to_uppercase();
            prop_assert_eq!(critical(&text, &capitals), None);
        }

        #[test]
        fn no_text_is_too_odd(left in "(\\PC|not |5|<=|https://|\n){0,40}", right in "(\\PC|no |7|>|/a.b|\n){0,40}") {
            critical(&left, &right);
        }
    }
}
