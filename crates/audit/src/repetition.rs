//! Texts that repeat themselves over and over, as a model does that is stuck in a loop.
//!
//! The measure is how well a text packs: the share of its windows of 16 bytes that occurred before. A loop that runs
//! four times or more reaches three quarters; tables and repetitive code stay below.

use std::ops::Range;

use flywheel_base::Reason;
use memchr::memmem;

use super::finding::Findings;
use super::subject::Texts;

/// The minimum length of a text. Shorter texts repeat themselves for good reasons.
const SHORTEST: usize = 240;

/// The length of the end that is checked in longer texts: a loop does not end by itself.
const LONGEST: usize = 16 << 10;

/// The share of repeated windows from which a text is stuck.
const STUCK: f32 = 0.75;

const WINDOW: usize = 16;

/// Adds [`Reason::Repetition`] if the user's text is stuck in a loop and the model's is not. Its score is the share of
/// the text that occurred before; its span is the first repetition.
pub(super) fn inspect(texts: Texts<'_>, findings: &mut Findings) {
    let Some(repetition) = repetition(texts.chosen) else { return };
    if self::repetition(texts.rejected).is_none() {
        findings.in_chosen(Reason::Repetition, repetition.share, repetition.first);
    }
}

struct Repetition {
    share: f32,
    first: Range<usize>,
}

fn repetition(text: &str) -> Option<Repetition> {
    if text.len() < SHORTEST {
        return None;
    }
    let start = text.ceil_char_boundary(text.len().saturating_sub(LONGEST));
    let tail = &text[start..];
    if !is_suspicious(tail.as_bytes()) {
        return None;
    }
    let (share, first) = seen_before(tail.as_bytes());
    let first = start + first;
    let first = text.floor_char_boundary(first)..text.ceil_char_boundary(first + WINDOW);
    (share >= STUCK).then_some(Repetition { share, first })
}

/// Runs the cheap first test: in a loop, the bytes at most places occur at several others, too.
fn is_suspicious(bytes: &[u8]) -> bool {
    const PROBES: [usize; 5] = [5, 3, 1, 4, 2];
    let recurs = |fifths: usize| {
        let at = (bytes.len() - WINDOW) * fifths / PROBES.len();
        memmem::find_iter(bytes, &bytes[at..at + WINDOW]).take(3).count() == 3
    };
    let mut once_only = PROBES.into_iter().filter(|fifths| !recurs(*fifths));
    once_only.nth(2).is_none()
}

/// Returns the share of windows that occurred before, and the place of the first of them.
fn seen_before(bytes: &[u8]) -> (f32, usize) {
    let windows = bytes.windows(WINDOW);
    let count = windows.len();
    let places = (2 * count).next_power_of_two();
    let mut seen = vec![0_u32; places];
    let (mut again, mut first) = (0, None);
    for (at, window) in windows.enumerate() {
        // A collision displaces the earlier window: a window may be forgotten, but never invented.
        let hash = hash(window);
        let mark = (hash >> 32) as u32 | 1;
        let place = &mut seen[hash as usize & (places - 1)];
        if *place == mark {
            again += 1;
            first.get_or_insert(at);
        }
        *place = mark;
    }
    (again as f32 / count as f32, first.unwrap_or(0))
}

fn hash(window: &[u8]) -> u64 {
    let half = |bytes: &[u8]| bytes.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
    let (first, second) = (half(window), half(&window[WINDOW / 2..]));
    let hash = first.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ second.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    hash ^ hash >> 29
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(rejected: &str, chosen: &str) -> Option<(f32, Range<usize>)> {
        let mut findings = Findings::default();
        inspect(Texts { prompt: "", chosen, rejected }, &mut findings);
        let finding = findings.list.pop()?;
        assert_eq!(finding.reason, Reason::Repetition);
        Some((finding.score, finding.span.unwrap().bytes))
    }

    #[test]
    fn a_text_stuck_in_a_loop_is_found() {
        let looping = format!("The report covers the year. {}", "I will send it to you soon. ".repeat(20));
        let (share, first) = found("The report covers the year.", &looping).unwrap();
        assert!(share > 0.85, "{share}");
        assert_eq!(&looping[first], ". I will send it");
        assert!(found("r", &"ha".repeat(300)).is_some());
        assert!(found("r", &"天気がいい。".repeat(40)).is_some());
        assert!(found("r", &"No.\n".repeat(5000)).is_some());
    }

    #[test]
    fn refrains_tables_and_code_are_not_stuck() {
        let table: String =
            (0..40).map(|row| format!("| item {row} | {} | in stock |\n", row * row * 37 % 1009)).collect();
        let code: String = (0..20).map(|n| format!("    assert_eq!(square({n}), {});\n", n * n)).collect();
        let verse = "We walk along the river, and the river walks along.\nLa la la la la, la la la la la.\n";
        let song: String = ["green", "brown", "still", "high"]
            .map(|word| format!("The water here is {word} today.\n{verse}"))
            .concat();
        for text in [table, code, song, "=".repeat(100)] {
            assert_eq!(found("r", &text), None, "{text}");
        }
    }

    #[test]
    fn what_was_stuck_before_is_not_the_users() {
        assert_eq!(found(&"again ".repeat(100), &"again ".repeat(90)), None);
    }

    proptest! {
        #[test]
        fn short_texts_never_repeat(text in "(ab|cd ){0,70}") {
            prop_assume!(text.len() < SHORTEST);
            prop_assert_eq!(found("", &text), None);
        }

        #[test]
        fn any_text_is_looked_at(text in "[aé漢]{0,4}", times in 0_usize..9000) {
            found("", &text.repeat(times));
        }
    }
}
