//! The last text of each output, as far as a freeze can see.
//!
//! Four sources know a revision: the pending gold lines, the lines of other routes, the dataset's rows, and the memory of earlier
//! freezes. A line of another route counts because a last text that is trivial, or in review, is the last text all the same. All
//! of them are maxima, so the order of reading does not matter.
//!
//! Events and outputs are known by their scoped ids, so no sender's text supersedes or withdraws another sender's. Lines and rows
//! from before scopes have bare ids. A scoped line finds them by those, as lines did then; no scoped line finds another by them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use flywheel_base::Reason;
use flywheel_event::{EVENT_KEY, INGEST_KEY, Revision, ScopedId};
use serde::Deserialize;

use super::background::{is_removed, without_consent};
use super::gold_line::{ContextEntry, GoldLine, entry};
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
    context: Vec<ContextEntry<'l>>,
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
    pub(crate) output: ScopedId,
    pub(crate) revision: Revision,
}

impl RowRevision {
    /// Returns the place of a row that is a line of the log.
    #[must_use]
    pub fn of_line(line: &GoldLine<'_>) -> Self {
        Self { output: line.output(), revision: line.revision() }
    }

    /// Returns the place of a row, from its columns: `output_id`, the label of its ingest key, and the times of edit, receipt and
    /// curation, each in microseconds since the epoch.
    #[must_use]
    pub fn new(output_id: &str, ingest_key: Option<&str>, occurred: Option<u64>, received: u64, pair_id: &str) -> Self {
        let output = ScopedId::of_output(output_id, ingest_key);
        Self { output, revision: Revision::new(occurred, received, pair_id) }
    }
}

/// The newest revisions.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    /// For each output with a new state: the newest revision of the pending lines and the other routes.
    newest: HashMap<u128, Revision>,
    /// For each bare id: the newest revision of scoped lines that have it. Only rows and lines without a scope look here.
    newest_of_bare: HashMap<u128, Revision>,
    /// For each of them: the newest row of the dataset.
    in_dataset: HashMap<u128, Revision>,
    /// The memory of earlier freezes.
    settled: Settled,
    /// Keys of events whose users withdrew their consent.
    withdrawn: HashSet<u128>,
    /// Bare keys of withdrawals whose sender is known. Only rows and lines without a scope look here.
    withdrawn_bare: HashSet<u128>,
    /// Keys of events whose pairs an operator removed, or whose users withdrew their consent before. A redelivery of theirs is no
    /// new state.
    removed: HashSet<u128>,
}

impl Outputs {
    /// Starts without a revision, with the memory of earlier freezes.
    pub(crate) fn remembering(settled: Settled, removed: HashSet<u128>) -> Self {
        Self { settled, removed, ..Self::default() }
    }

    /// Adds a pending gold line.
    pub(crate) fn add(&mut self, event: ScopedId, output: ScopedId, revision: Revision) {
        if !is_removed(&self.removed, event) {
            self.raise(output, revision);
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
            let event = ScopedId::of_event(&line.event_id, entry(&line.context, EVENT_KEY));
            self.withdrawn.insert(event.own);
            if event.is_scoped() {
                self.withdrawn_bare.insert(event.bare);
            }
        }
        let ingest_key = entry(&line.context, INGEST_KEY);
        let Some(output) = line.output_id.as_deref().map(|id| ScopedId::of_output(id, ingest_key)) else { return true };
        let [occurred, received, curated] =
            [&line.occurred_at, &line.received_at, &line.curated_at].map(|column| column.as_deref());
        let revision = if is_withdrawal {
            Revision::WITHDRAWN
        } else {
            Revision::of_columns(occurred, received, curated, line.pair_id.as_deref().unwrap_or_default())
        };
        // A settled revision has removed its rows already; an operator may have restored them since.
        if self.settled_at(output).is_none_or(|settled| settled < revision) {
            self.raise(output, revision);
        }
        true
    }

    /// Returns `true` if no state can concern the dataset's rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.withdrawn.is_empty()
    }

    /// Takes a row of the dataset. `true`: a newer state replaces it, or its user withdrew it. That holds for a row that a
    /// rollback restored, too.
    pub(crate) fn outdates(&mut self, event: ScopedId, row: Option<RowRevision>) -> bool {
        // A withdrawal that names the output by its `response_id` settles the output, whatever the row's event is. It counts within
        // its sender: a withdrawn row from before scopes takes no other sender's with it.
        let is_settled_withdrawn = row.is_some_and(|row| self.settled.of(row.output.own) == Some(Revision::WITHDRAWN));
        let is_withdrawn = self.is_withdrawn(event) || is_settled_withdrawn;
        if is_withdrawn {
            // A row without a scope may have been found by its bare id; later lines find it by its own.
            self.withdrawn.insert(event.own);
        }
        let Some(RowRevision { output, revision }) = row else { return is_withdrawn };
        if is_withdrawn {
            self.settled.remember(output.own, Revision::WITHDRAWN);
            return true;
        }
        let Some(newest) = self.newest_state(output) else { return false };
        raise(&mut self.in_dataset, output.own, revision);
        newest > revision && !newest.is_same_text(revision)
    }

    /// Returns `true` if a pending line is not the last text of its output, or if its user withdrew it.
    pub(crate) fn is_superseded(&self, event: ScopedId, output: ScopedId, revision: Revision) -> bool {
        let rows = output.keys().into_iter().filter_map(|key| self.in_dataset.get(&key).copied());
        let newest = rows.chain(self.newest_state(output)).chain(self.settled_at(output)).max();
        newest.is_some_and(|newest| newest > revision) || self.is_withdrawn(event)
    }

    /// Returns `true` if an event's user withdrew the consent, now or before an earlier freeze.
    fn is_withdrawn(&self, event: ScopedId) -> bool {
        let is_known = |key: &u128| self.withdrawn.contains(key) || self.removed.contains(&without_consent(*key));
        event.keys().iter().any(is_known) || (!event.is_scoped() && self.withdrawn_bare.contains(&event.bare))
    }

    /// Returns the newest revision that the log's lines have of an output.
    fn newest_state(&self, output: ScopedId) -> Option<Revision> {
        let found = output.keys().into_iter().filter_map(|key| self.newest.get(&key));
        let of_bare = self.newest_of_bare.get(&output.bare).filter(|_| !output.is_scoped());
        found.chain(of_bare).max().copied()
    }

    /// Returns the revision that an output is settled at.
    fn settled_at(&self, output: ScopedId) -> Option<Revision> {
        self.settled.of_scoped(output)
    }

    fn raise(&mut self, output: ScopedId, revision: Revision) {
        raise(&mut self.newest, output.own, revision);
        if output.is_scoped() {
            raise(&mut self.newest_of_bare, output.bare, revision);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_withdrawn_output_leaves_though_a_rollback_restored_it() {
        let mut settled = Settled::default();
        settled.remember(ScopedId::of_output("o", Some("shop")).own, Revision::WITHDRAWN);
        let mut outputs = Outputs::remembering(settled, HashSet::new());
        let event = ScopedId::of_event("e", Some("k"));
        let row = |key| Some(RowRevision::new("o", Some(key), None, 7, "p"));
        assert!(!outputs.outdates(event, row("desk")), "another sender's output");
        assert!(outputs.outdates(event, row("shop")));
    }
}
