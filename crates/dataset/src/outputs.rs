//! The last text of each output, as far as a freeze can see.
//!
//! Four sources know a revision: the pending gold lines, the lines of other routes, the dataset's rows, and the memory of earlier
//! freezes. A line of another route counts because a last text that is trivial, or in review, is the last text all the same. All
//! of them are maxima, so the order of reading does not matter.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use flywheel_base::{Reason, digest::id_key};
use flywheel_event::{Revision, output_key};
use serde::Deserialize;

use super::background::is_removed;
use super::gold_line::GoldLine;
use super::settled::Settled;

/// A line of another route than gold, with the fields that concern outputs.
#[derive(Debug, Deserialize)]
struct StateLine<'l> {
    #[serde(borrow)]
    event_id: Cow<'l, str>,
    #[serde(borrow, default)]
    pair_id: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    reasons: Vec<Cow<'l, str>>,
    #[serde(borrow, default)]
    output_id: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    occurred_at: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    received_at: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    curated_at: Option<Cow<'l, str>>,
}

/// The place of a row among the revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRevision {
    pub(crate) output: u128,
    pub(crate) revision: Revision,
}

impl RowRevision {
    /// Returns the place of a row that is a line of the log.
    #[must_use]
    pub fn of_line(line: &GoldLine<'_>) -> Self {
        Self { output: line.output(), revision: line.revision() }
    }

    /// Returns the place of a row, from its columns: `output_id`, and the times of edit, receipt and curation, each in
    /// microseconds since the epoch.
    #[must_use]
    pub fn new(output_id: &str, occurred: Option<u64>, received: u64, pair_id: &str) -> Self {
        Self { output: output_key(output_id), revision: Revision::new(occurred, received, pair_id) }
    }
}

/// The newest revisions.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    /// For each output with a new state: the newest revision of the pending lines and the other routes.
    newest: HashMap<u128, Revision>,
    /// For each of them: the newest row of the dataset.
    in_dataset: HashMap<u128, Revision>,
    /// The memory of earlier freezes.
    settled: Settled,
    /// Keys of events whose users withdrew their consent.
    withdrawn: HashSet<u128>,
    /// Keys of events whose pairs an operator removed. A redelivery of theirs is no new state.
    removed: HashSet<u128>,
}

impl Outputs {
    /// Starts without a revision, with the memory of earlier freezes.
    pub(crate) fn remembering(settled: Settled, removed: HashSet<u128>) -> Self {
        Self { settled, removed, ..Self::default() }
    }

    /// Adds a pending gold line.
    pub(crate) fn add(&mut self, event: u128, output: u128, revision: Revision) {
        if !is_removed(&self.removed, event) {
            raise(&mut self.newest, output, revision);
        }
    }

    /// Adds a line of another route. `false`: the line is invalid.
    ///
    /// An event without consent removes its texts, whatever came before or comes after. A line without an edit is no state of an
    /// output.
    pub(crate) fn add_state(&mut self, line: &str) -> bool {
        let Ok(line) = serde_json::from_str::<StateLine<'_>>(line) else { return false };
        let is_withdrawal = line.reasons.iter().any(|reason| reason == Reason::NoConsent.as_str());
        if is_withdrawal {
            self.withdrawn.insert(id_key("event", &line.event_id));
        }
        let Some(output) = line.output_id.as_deref().map(output_key) else { return true };
        let [occurred, received, curated] =
            [&line.occurred_at, &line.received_at, &line.curated_at].map(|column| column.as_deref());
        let revision = if is_withdrawal {
            Revision::WITHDRAWN
        } else {
            Revision::of_columns(occurred, received, curated, line.pair_id.as_deref().unwrap_or_default())
        };
        // A settled revision has removed its rows already; an operator may have restored them since.
        if self.settled.of(output).is_none_or(|settled| settled < revision) {
            raise(&mut self.newest, output, revision);
        }
        true
    }

    /// Returns `true` if no state can concern the dataset's rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.withdrawn.is_empty()
    }

    /// Takes a row of the dataset. `true`: a newer state replaces it, or its user withdrew it.
    pub(crate) fn outdates(&mut self, event: u128, row: Option<RowRevision>) -> bool {
        let is_withdrawn = self.withdrawn.contains(&event);
        let Some(RowRevision { output, revision }) = row else { return is_withdrawn };
        if is_withdrawn {
            self.settled.remember(output, Revision::WITHDRAWN);
            return true;
        }
        let Some(newest) = self.newest.get(&output) else { return false };
        raise(&mut self.in_dataset, output, revision);
        *newest > revision && !newest.is_same_text(revision)
    }

    /// Returns `true` if a pending line is not the last text of its output.
    pub(crate) fn is_superseded(&self, event: u128, output: u128, revision: Revision) -> bool {
        let known = [self.newest.get(&output), self.in_dataset.get(&output)].into_iter().flatten().copied();
        let newest = known.chain(self.settled.of(output)).max();
        newest.is_some_and(|newest| newest > revision) || self.withdrawn.contains(&event)
    }

    /// Returns the memory for the next freeze: the newest revision of each output that has no row of it in the dataset.
    pub(crate) fn settle(&self, entered: &HashMap<u128, Revision>) -> Settled {
        let mut settled = self.settled.clone();
        for (output, revision) in &self.newest {
            let has_row = |rows: &HashMap<u128, Revision>| rows.get(output).is_some_and(|row| row >= revision);
            if has_row(&self.in_dataset) || has_row(entered) {
                settled.forget_up_to(*output, *revision);
            } else {
                settled.remember(*output, *revision);
            }
        }
        settled.prune();
        settled
    }

    /// Returns the keys of events whose users withdrew their consent.
    pub(crate) fn withdrawn(&self) -> &HashSet<u128> {
        &self.withdrawn
    }
}

fn raise(revisions: &mut HashMap<u128, Revision>, output: u128, revision: Revision) {
    let newest = revisions.entry(output).or_insert(revision);
    *newest = revision.max(*newest);
}
