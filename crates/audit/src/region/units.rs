//! The lines and sentences around the change.

use std::ops::Range;

use flywheel_text::tokens::exact_hash;

use super::super::changed::{Changed, Middle};

/// Lines of a text, or sentences if several are in one line: those that changed, and those between them.
pub(super) struct Units<'t> {
    text: &'t str,
    /// Their places, without surrounding white space. White space alone is no unit.
    places: Vec<Range<usize>>,
    /// Their hashes.
    pub(super) hashes: Vec<u64>,
    /// The end of their range.
    end: usize,
}

impl Units<'_> {
    #[cfg(test)]
    pub(super) fn of_hashes(hashes: Vec<u64>) -> Self {
        Self { text: "", places: Vec::new(), hashes, end: 0 }
    }

    /// Returns the bytes from the first of some units to the last of them. Without any it returns an empty place before
    /// the next.
    pub(super) fn bytes(&self, units: &Range<usize>) -> Range<usize> {
        let start = self.places.get(units.start).map_or(self.end, |place| place.start);
        let end = if units.is_empty() { start } else { self.places[units.end - 1].end };
        start..end
    }

    /// Returns the text of some units. A space replaces each line's end, so that lines that are only broken differently
    /// read the same.
    pub(super) fn joined(&self, units: &Range<usize>) -> String {
        let mut joined = String::with_capacity(self.bytes(units).len());
        for place in &self.places[units.clone()] {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&self.text[place.clone()]);
        }
        joined
    }
}

/// Returns the units of both texts around the edit's middles, the model's first.
pub(super) fn units_around<'t>(changed: &Changed<'t>) -> (Units<'t>, Units<'t>) {
    // Both texts are equal before their middles, and behind them.
    let start = start_of_unit(changed.chosen.text, changed.chosen.bytes.start);
    let suffix = changed.chosen.text.len() - changed.chosen.bytes.end;
    let rest = changed.chosen.text.len() - end_of_unit(changed.chosen.text, changed.chosen.bytes.end);
    debug_assert!(rest <= suffix);
    (units(&changed.rejected, start, rest), units(&changed.chosen, start, rest))
}

/// Returns the units of a text without its first `start` and its last `rest` bytes.
fn units<'t>(middle: &Middle<'t>, start: usize, rest: usize) -> Units<'t> {
    let (text, end) = (middle.text, middle.text.len() - rest);
    let mut units = Units { text, places: Vec::new(), hashes: Vec::new(), end };
    let mut at = start;
    while at < end {
        let next = end_of_unit(text, at).min(end);
        let unit = &text[at..next];
        let place = at + (unit.len() - unit.trim_start().len())..at + unit.trim_end().len();
        if !place.is_empty() {
            units.hashes.push(exact_hash(text, place.clone()));
            units.places.push(place);
        }
        at = next;
    }
    units
}

/// Returns the end of the unit around `at`: behind its line feed, or behind the space or the character that ends its
/// sentence. It looks at nothing before `at`.
fn end_of_unit(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut index = at;
    while index < bytes.len() {
        match bytes[index] {
            b'\n' => return index + 1,
            b'.' | b'!' | b'?' if matches!(bytes.get(index + 1), Some(b' ')) => return index + 2,
            first if is_first_of_wide_stop(first) && is_wide_stop(&bytes[index..]) => return index + 3,
            _ => index += 1,
        }
    }
    bytes.len()
}

/// Returns the start of the unit around `at`.
fn start_of_unit(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let begins = |start: &usize| match &bytes[..*start] {
        [] | [.., b'\n'] | [.., b'.' | b'!' | b'?', b' '] => true,
        [.., first, second, third] => is_wide_stop(&[*first, *second, *third]),
        _ => false,
    };
    (0..=at).rev().find(begins).unwrap_or(0)
}

fn is_first_of_wide_stop(byte: u8) -> bool {
    matches!(byte, 0xE3 | 0xEF)
}

/// Returns `true` if a text begins with `。`, `！` or `？`.
fn is_wide_stop(bytes: &[u8]) -> bool {
    ["。", "！", "？"].iter().any(|stop| bytes.starts_with(stop.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::super::subject::Texts;
    use super::*;
    use proptest::prelude::*;

    fn around(rejected: &str, chosen: &str) -> [Vec<String>; 2] {
        let changed = Changed::new(Texts { prompt: "", chosen, rejected });
        let (old, new) = units_around(&changed);
        [old, new].map(|units| units.places.iter().map(|place| units.text[place.clone()].to_owned()).collect())
    }

    #[test]
    fn units_are_lines_and_sentences_around_what_changed() {
        let two = |old: &[&str], new: &[&str]| {
            [old, new].map(|units| units.iter().map(|unit| (*unit).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(around("a\n  b c\nd\n", "a\n  b x\nd\n"), two(&["b c"], &["b x"]));
        assert_eq!(
            around("It is. He ran off. So.", "It is. He came. So."),
            two(&["He ran off.", "So."], &["He came.", "So."])
        );
        assert_eq!(around("one\ntwo\n\nfour", "one\nfour"), two(&["two", "four"], &["four"]));
        assert_eq!(
            around("天気です。雨。終", "天気です。雪。終"),
            two(&["天気です。", "雨。", "終"], &["天気です。", "雪。", "終"])
        );
        assert_eq!(around("v1.2 is e.g. here", "v1.3 is e.g. here"), two(&["v1.2 is e.g."], &["v1.3 is e.g."]));
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_alike_in_both(old in "[ab.。\n ]{0,40}", new in "[ab.。\n ]{0,40}") {
            let changed = Changed::new(Texts { prompt: "", chosen: &new, rejected: &old });
            let (old_units, new_units) = units_around(&changed);
            let first = |units: &Units<'_>| units.places.first().map(|place| place.start);
            let visible = |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<String>();
            let inside = |units: &Units<'_>| visible(&units.joined(&(0..units.places.len())));
            let (old_inside, new_inside) = (inside(&old_units), inside(&new_units));
            let (old, new) = (visible(&old), visible(&new));
            prop_assert_eq!(old.len() - old_inside.len(), new.len() - new_inside.len());
            prop_assert!(first(&old_units).is_none() || old.contains(&old_inside) && new.contains(&new_inside));
        }
    }
}
