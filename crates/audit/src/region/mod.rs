//! The similarity of the changed place, where the whole text hardly changed.
//!
//! One wrong call, corrected in a long file, is less than a twentieth of the file and most of its line. Measured over
//! the whole, such an edit is `trivial`, however much of the place it changes. So the places that changed are measured
//! by themselves: lines, and sentences where lines are long.

mod differences;
mod units;

use std::ops::Range;

use flywheel_base::Reason;
use flywheel_text::{common_ends::common_ends, similarity::distance};

use self::differences::differences;
use self::units::{Units, units_around};
use super::changed::Changed;
use super::critical::is_more_than_slips;
use super::finding::Findings;
use crate::AuditRules;

/// The minimum length of a place in characters. A shorter place counts as one of this length, a line of code. In a
/// short line every change would be large.
const SHORTEST: usize = 80;

/// The length, in bytes, of a long line that counts on either side of the change in it.
const REACH: usize = 200;

/// A place in which the texts differ in more than slips.
struct Place {
    /// The similarity of both texts there, in `0.0..=1.0`. `None` if the comparison takes too long.
    similarity: Option<f64>,
    /// The place in the user's text; empty if the user took everything there out.
    chosen: Range<usize>,
}

/// Measures the most changed place of a trivial edit, and adds [`Reason::LocalCorrection`] if it is less similar than
/// the policy asks for. The finding's score is that similarity. Places that only correct spelling, grammar, punctuation
/// or looks do not count.
pub(super) fn inspect(changed: &Changed<'_>, rules: &AuditRules, findings: &mut Findings) {
    if !findings.has(Reason::Trivial) {
        return;
    }
    let places = places(changed, rules.max_similarity_steps);
    if places.is_empty() {
        findings.scores.region_similarity = Some(1.0);
    }
    let compared = places.into_iter().filter_map(|place| Some((place.similarity?, place.chosen)));
    let Some((similarity, bytes)) = compared.min_by(|(one, _), (other, _)| one.total_cmp(other)) else { return };
    findings.scores.region_similarity = Some(similarity as f32);
    if similarity < rules.local_correction_below {
        findings.in_chosen(Reason::LocalCorrection, similarity as f32, bytes);
    }
}

/// Returns the places with more than slips. Together their comparison takes at most `max_steps`.
fn places(changed: &Changed<'_>, max_steps: u64) -> Vec<Place> {
    let (old, new) = units_around(changed);
    let differences = differences(&old, &new);
    let bytes = |(from, to): &(Range<usize>, Range<usize>)| old.bytes(from).len() + new.bytes(to).len();
    let all: usize = differences.iter().map(bytes).sum();
    let places = differences.iter().filter_map(|difference| {
        // Each place has its share of the steps, so that many places take no longer than one.
        let steps = max_steps / all.max(1) as u64 * bytes(difference) as u64;
        place((&old, &difference.0), (&new, &difference.1), steps)
    });
    places.collect()
}

fn place(
    (old, from): (&Units<'_>, &Range<usize>),
    (new, to): (&Units<'_>, &Range<usize>),
    max_steps: u64,
) -> Option<Place> {
    let (rejected, chosen) = (old.joined(from), new.joined(to));
    let (rejected, chosen) = around_change(&rejected, &chosen);
    if !is_more_than_slips(rejected, chosen) {
        return None;
    }
    let similarity = distance(rejected, chosen, max_steps)
        .map(|distance| 1.0 - distance.edits as f64 / distance.longer.max(SHORTEST) as f64);
    Some(Place { similarity, chosen: new.bytes(to) })
}

/// Returns two texts without their common beginning and end, except for [`REACH`].
fn around_change<'t>(rejected: &'t str, chosen: &'t str) -> (&'t str, &'t str) {
    let (prefix, suffix) = common_ends(rejected, chosen);
    let start = chosen.floor_char_boundary(prefix.saturating_sub(REACH));
    let cut = |text: &'t str| &text[start..text.ceil_char_boundary(text.len() - suffix.saturating_sub(REACH))];
    (cut(rejected), cut(chosen))
}

#[cfg(test)]
mod tests;
