//! Which text of each output is the last, as far as a freeze can see.
//!
//! Four places know a revision: the pending gold lines, the lines of other routes (a last text that is trivial, or waits for a person, is
//! the last text all the same), the dataset's rows, and the memory of earlier freezes. All of them are maxima, so it does not matter in
//! what order they are asked.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::background::is_removed;
use super::gold_line::GoldLine;
use super::settled::Settled;
use crate::base::digest::id_key;
use crate::base::reason::Reason;
use crate::event::revision::{Revision, output_key};

/// A line of any other route than gold, as far as it concerns outputs.
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

/// A row's place among the revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRevision {
    pub(crate) output: u128,
    pub(crate) revision: Revision,
}

impl RowRevision {
    /// The place of a row that is a line of the log.
    #[must_use]
    pub fn of_line(line: &GoldLine<'_>) -> Self {
        Self { output: line.output(), revision: line.revision() }
    }

    /// The place of a row, by its columns: `output_id`, and when it was edited, received and curated, each in microseconds since the epoch.
    #[must_use]
    pub fn new(output_id: &str, occurred: Option<u64>, received: u64, pair_id: &str) -> Self {
        Self { output: output_key(output_id), revision: Revision::new(occurred, received, pair_id) }
    }
}

/// The newest revisions.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    /// Of each output with a new state: the newest of the pending lines and of the other routes.
    newest: HashMap<u128, Revision>,
    /// Of each of them: the newest row of the dataset.
    in_dataset: HashMap<u128, Revision>,
    /// Earlier freezes' memory.
    settled: Settled,
    /// Keys of events whose users withdrew their consent.
    withdrawn: HashSet<u128>,
    /// Keys of events whose pairs people took out. A redelivery of theirs is no new state.
    removed: HashSet<u128>,
}

impl Outputs {
    /// None yet, and what earlier freezes remember.
    pub(crate) fn remembering(settled: Settled, removed: HashSet<u128>) -> Self {
        Self { settled, removed, ..Self::default() }
    }

    /// A pending gold line.
    pub(crate) fn add(&mut self, event: u128, output: u128, revision: Revision) {
        if !is_removed(&self.removed, event) {
            raise(&mut self.newest, output, revision);
        }
    }

    /// A line of another route. `false`: it is none.
    ///
    /// Without consent an event takes its texts out, whatever came before or comes after. What is no edit is no state of an output.
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
        // What was settled has taken its rows out already; people may have brought them back since.
        if self.settled.of(output).is_none_or(|settled| settled < revision) {
            raise(&mut self.newest, output, revision);
        }
        true
    }

    /// Whether any state may concern the dataset's rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.withdrawn.is_empty()
    }

    /// A row of the dataset. `true`: a newer state takes its place, or its user withdrew it.
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

    /// Whether a pending line is not the last text of its output.
    pub(crate) fn is_superseded(&self, event: u128, output: u128, revision: Revision) -> bool {
        let known = [self.newest.get(&output), self.in_dataset.get(&output)].into_iter().flatten().copied();
        let newest = known.chain(self.settled.of(output)).max();
        newest.is_some_and(|newest| newest > revision) || self.withdrawn.contains(&event)
    }

    /// What the next freeze has to remember: the newest revision of each output that has no row of it in the dataset.
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

    /// Keys of events whose users withdrew their consent.
    pub(crate) fn withdrawn(&self) -> &HashSet<u128> {
        &self.withdrawn
    }
}

fn raise(revisions: &mut HashMap<u128, Revision>, output: u128, revision: Revision) {
    let newest = revisions.entry(output).or_insert(revision);
    *newest = revision.max(*newest);
}
