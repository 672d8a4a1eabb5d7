//! The pointer to the adapter that is live, and how it may be moved.
//!
//! A promotion is a comparison: the gate has found a candidate better than one incumbent. So it moves the pointer only from that
//! incumbent, and only once. A run that comes late, because a person took days to answer, or because the workflow asks again
//! after a crash, finds that something else is live, or that it was live before and was taken back, and changes nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::description::DatasetVersion;
use super::run::RunName;
use super::sha256::Sha256Hex;
use crate::instant::Millis;

/// The pointer's object key. It is moved by conditional writes only (`If-Match`).
pub const LIVE_KEY: &str = "models/live.json";

/// Changes that are kept: years of promotions.
const MAX_CHANGES: usize = 200;

/// The adapter that is live, and how it came to be.
/// What a later version adds to it, an earlier one passes over: during a deployment both run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LiveModel {
    /// The adapter; none: the bare base is served.
    pub adapter: Option<LiveAdapter>,
    /// The last changes, oldest first.
    pub changes: Vec<LiveChange>,
}

/// An adapter, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAdapter {
    /// Its name: that of the run that trained it.
    pub adapter: RunName,
    /// Its folder, with `/` at its end.
    pub prefix: String,
    /// The hash of its weights.
    pub sha256: Sha256Hex,
    /// The hash of its configuration.
    pub config_sha256: Sha256Hex,
    /// The base that it belongs to.
    pub base: String,
    /// The dataset version that it was trained on: whoever takes data back finds by it what was trained on that.
    pub dataset: DatasetVersion,
}

/// The adapter that a candidate is compared with, as a run's description names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incumbent {
    /// Its name.
    pub adapter: RunName,
    /// Its folder, with `/` at its end.
    pub prefix: String,
    /// The hash of its weights.
    pub sha256: Sha256Hex,
}

/// One change of what is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveChange {
    /// Counted from 1.
    pub number: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at: Millis,
    /// What became live; none: the bare base.
    pub to: Option<LiveAdapter>,
    /// Why.
    pub cause: LiveCause,
}

/// Why what is live was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveCause {
    /// The gate found it better.
    Gate,
    /// The gate left it to a person.
    Review {
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// A person moved it.
    ByHand {
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
}

/// Why what is live stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    /// It is live.
    #[error("{0} is live already")]
    AlreadyLive(String),
    /// It was measured against something that is live no more, or was live itself and was taken back.
    #[error("{0} is superseded: what it was measured against is live no more")]
    Superseded(RunName),
    /// The history does not have it.
    #[error("{0} was never live, as far as the history goes back")]
    NeverLive(RunName),
}

impl LiveModel {
    /// The pointer after a promotion of a candidate that was measured against `incumbent`.
    ///
    /// # Errors
    /// [`NotMoved::AlreadyLive`] if it is live: an earlier attempt moved the pointer and did not live to say so.
    /// [`NotMoved::Superseded`] if it may not become so any more.
    pub fn promoted(
        &self,
        candidate: LiveAdapter,
        incumbent: Option<&Incumbent>,
        cause: LiveCause,
        now: Millis,
    ) -> Result<Self, NotMoved> {
        if self.adapter.as_ref() == Some(&candidate) {
            return Err(NotMoved::AlreadyLive(candidate.adapter.to_string()));
        }
        let was_live = self.changes.iter().any(|change| change.adapter() == Some(&candidate.adapter));
        let is_newer = self.adapter.as_ref().is_none_or(|live| live.dataset.version <= candidate.dataset.version);
        if was_live || !is_newer || self.incumbent().as_ref() != incumbent {
            return Err(NotMoved::Superseded(candidate.adapter));
        }
        Ok(self.moved(Some(candidate), cause, now))
    }

    /// The pointer put back, by hand, to an adapter that was live before; without one, to the bare base.
    ///
    /// # Errors
    /// If that is live already, or never was.
    pub fn demoted(&self, to: Option<&RunName>, who: &str, why: &str, now: Millis) -> Result<Self, NotMoved> {
        if self.adapter.as_ref().map(|live| &live.adapter) == to {
            return Err(NotMoved::AlreadyLive(to.map_or_else(|| "the bare base".to_owned(), RunName::to_string)));
        }
        let before = |run: &RunName| {
            let found = self.changes.iter().rev().find(|change| change.adapter() == Some(run));
            found.and_then(|change| change.to.clone()).ok_or_else(|| NotMoved::NeverLive(run.clone()))
        };
        let to = to.map(before).transpose()?;
        Ok(self.moved(to, LiveCause::ByHand { who: who.to_owned(), why: why.to_owned() }, now))
    }

    /// What a candidate is compared with.
    #[must_use]
    pub fn incumbent(&self) -> Option<Incumbent> {
        let LiveAdapter { adapter, prefix, sha256, .. } = self.adapter.clone()?;
        Some(Incumbent { adapter, prefix, sha256 })
    }

    fn moved(&self, to: Option<LiveAdapter>, cause: LiveCause, now: Millis) -> Self {
        let number = 1 + self.changes.last().map_or(0, |change| change.number);
        let mut changes = self.changes.clone();
        changes.push(LiveChange { number, at: now, to: to.clone(), cause });
        changes.drain(..changes.len().saturating_sub(MAX_CHANGES));
        Self { adapter: to, changes }
    }
}

impl LiveChange {
    fn adapter(&self) -> Option<&RunName> {
        self.to.as_ref().map(|adapter| &adapter.adapter)
    }
}

impl fmt::Display for LiveAdapter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (base {}, dataset version {})", self.adapter, self.base, self.dataset.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(number: u64) -> LiveAdapter {
        LiveAdapter {
            adapter: format!("run-{number}").parse().unwrap(),
            prefix: format!("runs/run-{number}/output/"),
            sha256: Sha256Hex::of(&number.to_le_bytes()),
            config_sha256: Sha256Hex::of(b""),
            base: "tiny".to_owned(),
            dataset: DatasetVersion { version: number, digest: None },
        }
    }

    fn promote(live: &LiveModel, number: u64, incumbent: Option<&Incumbent>) -> Result<LiveModel, NotMoved> {
        live.promoted(adapter(number), incumbent, LiveCause::Gate, number)
    }

    fn name(number: u64) -> RunName {
        adapter(number).adapter
    }

    #[test]
    fn a_candidate_takes_the_place_of_what_it_was_measured_against_and_of_nothing_else() {
        let bare = LiveModel::default();
        let first = promote(&bare, 1, None).unwrap();
        assert_eq!(first.adapter, Some(adapter(1)));
        let second = promote(&first, 2, first.incumbent().as_ref()).unwrap();
        assert_eq!(second.changes.iter().map(|change| change.number).collect::<Vec<_>>(), [1, 2]);
        // Measured against the bare base, while another run was promoted.
        assert_eq!(promote(&second, 3, None), Err(NotMoved::Superseded(name(3))));
        assert_eq!(promote(&second, 3, first.incumbent().as_ref()), Err(NotMoved::Superseded(name(3))));
        // Trained on less than what is live.
        assert_eq!(promote(&second, 0, second.incumbent().as_ref()), Err(NotMoved::Superseded(name(0))));
    }

    #[test]
    fn asked_again_it_changes_nothing() {
        let first = promote(&LiveModel::default(), 1, None).unwrap();
        assert_eq!(promote(&first, 1, None), Err(NotMoved::AlreadyLive("run-1".to_owned())));
        // Not even if a person has put things back as they were when it was measured.
        let back = first.demoted(None, "kim", "it rambles", 5).unwrap();
        assert_eq!((back.adapter.clone(), back.incumbent()), (None, None));
        assert_eq!(promote(&back, 1, None), Err(NotMoved::Superseded(name(1))));
    }

    #[test]
    fn a_person_puts_back_what_was_live() {
        let first = promote(&LiveModel::default(), 1, None).unwrap();
        let second = promote(&first, 2, first.incumbent().as_ref()).unwrap();
        let back = second.demoted(Some(&name(1)), "kim", "it rambles", 5).unwrap();
        assert_eq!(back.adapter, Some(adapter(1)));
        let cause = LiveCause::ByHand { who: "kim".to_owned(), why: "it rambles".to_owned() };
        assert_eq!(back.changes.last().map(|change| (change.number, &change.cause)), Some((3, &cause)));
        assert_eq!(back.demoted(Some(&name(1)), "kim", "", 6), Err(NotMoved::AlreadyLive("run-1".to_owned())));
        assert_eq!(back.demoted(Some(&name(9)), "kim", "", 6), Err(NotMoved::NeverLive(name(9))));
        assert_eq!(
            LiveModel::default().demoted(None, "kim", "", 6).unwrap_err().to_string(),
            "the bare base is live already"
        );
        // And a hand may go forward again, too.
        assert_eq!(back.demoted(Some(&name(2)), "kim", "", 7).unwrap().adapter, Some(adapter(2)));
    }

    #[test]
    fn the_history_is_bounded_and_numbers_go_on() {
        let live = (1..=300)
            .fold(LiveModel::default(), |live, number| promote(&live, number, live.incumbent().as_ref()).unwrap());
        assert_eq!((live.changes.len(), live.changes[0].number, live.changes[199].number), (200, 101, 300));
    }

    #[test]
    fn it_is_read_as_it_was_written_and_what_was_added_later_is_passed_over() {
        let live = promote(&LiveModel::default(), 1, None).unwrap();
        let json = serde_json::to_string(&live).unwrap();
        let later = json.replacen('{', r#"{"added_later":1,"#, 1);
        assert_eq!(serde_json::from_str::<LiveModel>(&later).unwrap(), live);
        assert_eq!(serde_json::from_str::<LiveModel>("{}").unwrap(), LiveModel::default());
    }
}
