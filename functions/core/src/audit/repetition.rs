//! Texts that say the same over and over: what a model does that got stuck in a loop.
//!
//! The measure is how well a text packs: the share of its windows of 16 bytes that occurred before. A loop that runs four times
//! or more reaches three quarters; tables and repetitive code stay below.

use std::ops::Range;

use memchr::memmem;

use super::finding::Findings;
use super::subject::Texts;
use crate::reason::Reason;

/// Shorter texts repeat themselves for good reasons.
const SHORTEST: usize = 240;

/// What is looked at of longer ones, at their end: a loop does not end by itself.
const LONGEST: usize = 16 << 10;

/// The share of windows that occurred before from which a text is stuck.
const STUCK: f32 = 0.75;

const WINDOW: usize = 16;

/// Adds [`Reason::Repetition`] where the user's text is stuck in a loop and the model's is not. Its score is the share of the
/// text that occurred before; its span is the first repetition.
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

/// The cheap first look: in a loop, what stands at most places stands in several others, too.
fn is_suspicious(bytes: &[u8]) -> bool {
    const PROBES: usize = 5;
    let recurs = |probe: usize| {
        let at = (bytes.len() - WINDOW) * probe / PROBES;
        memmem::find_iter(bytes, &bytes[at..at + WINDOW]).take(3).count() == 3
    };
    (1..=PROBES).filter(|probe| recurs(*probe)).count() * 2 > PROBES
}

/// The share of windows that occurred before, and where the first of them is.
fn seen_before(bytes: &[u8]) -> (f32, usize) {
    let windows = bytes.windows(WINDOW);
    let count = windows.len();
    let mut seen = vec![0_u32; (2 * count).next_power_of_two()];
    let (mut again, mut first) = (0, None);
    for (at, window) in windows.enumerate() {
        // What falls on another's place displaces it: a window is forgotten at worst, never invented.
        let hash = hash(window);
        let place = &mut seen[hash as usize & (2 * count).next_power_of_two() - 1];
        if *place == (hash >> 32) as u32 | 1 {
            again += 1;
            first.get_or_insert(at);
        }
        *place = (hash >> 32) as u32 | 1;
    }
    (again as f32 / count as f32, first.unwrap_or(0))
}

fn hash(window: &[u8]) -> u64 {
    let number = window.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let hash = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((number >> 64) as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    hash ^ hash >> 29
}
