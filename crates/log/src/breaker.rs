//! The circuit breaker: it stops training when the pending pairs look wrong.
//!
//! ```text
//!            a window beyond the bounds, or by hand
//!   closed ──────────────────────────────────────────▶ open ◀──┐
//!     ▲  ▲                                              │ │    │ a sample beyond the bounds
//!     │  └───────────── by hand ────────────────────────┘ │    │
//!     └──────────────── a sound sample ────────────── half-open ◀── time
//! ```
//! While it is open, capture and curation go on and nothing is trained. Gold written before it leaves the open state, by time or
//! by hand, goes to quarantine at the next freeze. It can be released from there.
//!
//! `freeze` judges a window, because it alone reads the pairs, and moves the breaker *before* it commits. If it dies in between,
//! the next attempt finds the breaker moved and quarantines the same window. `counter`, which runs on a schedule, lets time pass.
//! An operator may open or close it by hand at any time. The store announces each change: its events follow from the write
//! itself, so none is lost if the writer dies.
//!
//! A window that is sound without one sender's pairs opens it for that sender alone: a contributor, or the holder of an ingest
//! key. Then only that one's gold goes to quarantine, and training goes on. Else anyone who posts enough could stop everybody.
//!
//! It is an object of its own, apart from the pointer. A version carries its pointer, and a pointer may be restored from a
//! version. A breaker inside it, opened by an operator in the meantime, would be closed by that.

use std::fmt;

use flywheel_base::instant::Millis;
use serde::{Deserialize, Serialize};

use crate::breaker_bounds::BreakerBounds;
use crate::held_sender::{QuarantinedSender, Sender};
use crate::part::PartName;

/// The breaker's object key. It is moved by conditional writes only (`If-Match`).
pub const BREAKER_KEY: &str = "state/breaker.json";

/// The number of changes kept: more than a year of weekly incidents, each with its way back.
const MAX_CHANGES: usize = 200;

/// The number of senders kept, the newest: those that the breaker is open for, and those whose last gold may be pending.
const MAX_SENDERS: usize = 100;

/// The breaker's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Normal operation.
    #[default]
    Closed,
    /// Nothing is trained, and gold is quarantined.
    Open,
    /// The next freeze lets a sample through, and closes or opens it.
    HalfOpen,
}

impl BreakerState {
    /// Returns the state's name, as in logs and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A signal that can exceed its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The share of the window's events that curation put into quarantine.
    Quarantined,
    /// The share of the window's pairs that its busiest contributor wrote.
    TopContributor,
    /// The share of the window's pairs that are part of a burst.
    Burst,
    /// The drift of the window's pairs from the last version's.
    Drift,
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Quarantined => "quarantined",
            Self::TopContributor => "top_contributor",
            Self::Burst => "burst",
            Self::Drift => "drift",
        })
    }
}

/// A signal beyond its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exceeded {
    /// The signal.
    pub signal: Signal,
    /// The measured value.
    pub value: f64,
    /// The bound in the policy.
    pub bound: f64,
}

/// The measures of a window: the pairs that a freeze is about to take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WindowStatistics {
    /// Pairs in it, before any duplicate is removed.
    pub pairs: u64,
    /// Events that curation put into quarantine in the same time.
    pub quarantined: u64,
    /// The share of pairs that the busiest contributor wrote; none if contributors are not known.
    pub top_contributor: Option<f64>,
    /// The share of pairs that were quarantined as a burst; none if that is not measured.
    pub burst: Option<f64>,
    /// The drift from the last version's pairs to those that would enter, as the share that changed: 0 is the same, 1 is nothing
    /// in common. None if there is too little to compare.
    pub drift: Option<f64>,
}

impl BreakerBounds {
    /// Returns every signal of a window that exceeds its bound.
    fn exceeded(&self, window: &WindowStatistics) -> Vec<Exceeded> {
        let events = window.pairs + window.quarantined;
        if events < self.min_events {
            return Vec::new();
        }
        let quarantined = (events > 0).then(|| window.quarantined as f64 / events as f64);
        let measured = [
            (Signal::Quarantined, quarantined, self.quarantined_above),
            (Signal::TopContributor, window.top_contributor, self.contributor_above),
            (Signal::Burst, window.burst, self.burst_above),
            (Signal::Drift, window.drift, self.drift_above),
        ];
        let exceeded = measured.into_iter().filter_map(|(signal, value, bound)| {
            let value = value.filter(|value| *value > bound)?;
            Some(Exceeded { signal, value, bound })
        });
        exceeded.collect()
    }
}

/// The cause of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// The window of a freeze, or the sample, was beyond the bounds.
    BeyondBounds {
        /// The crossing that was being frozen.
        crossing: u64,
        /// The signals beyond their bounds.
        exceeded: Vec<Exceeded>,
    },
    /// The sample was sound.
    SoundSample {
        /// The crossing that was being frozen.
        crossing: u64,
        /// Pairs in it.
        pairs: u64,
    },
    /// It was open for long enough.
    TimePassed,
    /// An operator moved it.
    ByHand {
        /// The operator.
        who: String,
        /// The reason.
        why: String,
    },
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakerChange {
    /// The change's number, counted from 1.
    pub number: u64,
    /// The time of the change, in milliseconds since the Unix epoch.
    pub at: Millis,
    /// The state before.
    pub from: BreakerState,
    /// The state after.
    pub to: BreakerState,
    /// The cause.
    pub cause: Cause,
    /// The sender that it opened for; none: for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
}

/// The circuit breaker. An older version of the software ignores fields that a newer one adds, because both run during a
/// deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// The current state.
    pub state: BreakerState,
    /// The time at which an open breaker becomes half-open; none if only an operator can close it.
    pub half_open_at: Option<Millis>,
    /// Gold parts written before this, and not yet frozen, go to quarantine. It is the time of the last return from the open
    /// state, so it only grows. A part that appears late is quarantined with the others of its time.
    pub hold_before: Millis,
    /// The last changes, oldest first.
    pub changes: Vec<BreakerChange>,
    /// The senders whose gold is held while others' is not, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub senders: Vec<QuarantinedSender>,
}

/// The error of a change to the state that the breaker is in already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the breaker is {0} already")]
pub struct AlreadyThere(pub BreakerState);

impl Breaker {
    /// Returns the breaker opened by hand, until an operator closes it: the operator knows of something that no window shows.
    ///
    /// # Errors
    /// If it is open already and waits for an operator. (An open breaker that would become half-open by itself no longer does.)
    pub fn opened_by_hand(&self, who: &str, why: &str, now: Millis) -> Result<Self, AlreadyThere> {
        if self.is_open_for_all() && self.half_open_at.is_none() {
            return Err(AlreadyThere(self.state));
        }
        Ok(self.moved(BreakerState::Open, by_hand(who, why), now))
    }

    /// Returns the breaker closed by hand. Gold written until now is quarantined all the same.
    ///
    /// # Errors
    /// If it is closed already.
    pub fn closed_by_hand(&self, who: &str, why: &str, now: Millis) -> Result<Self, AlreadyThere> {
        if self.state == BreakerState::Closed {
            return Err(AlreadyThere(self.state));
        }
        Ok(self.moved(BreakerState::Closed, by_hand(who, why), now))
    }

    /// Returns the breaker at a later time, if time alone changes it.
    #[must_use]
    pub fn after_time(&self, now: Millis) -> Option<Self> {
        let is_over = self.state == BreakerState::Open && self.half_open_at.is_some_and(|at| now >= at);
        // For one sender there is no sample: the next window judges that one with the others.
        let next = if self.is_open_for_all() { BreakerState::HalfOpen } else { BreakerState::Closed };
        is_over.then(|| self.moved(next, Cause::TimePassed, now))
    }

    /// Returns `true` if it is open for everybody, and not for some senders alone.
    #[must_use]
    pub fn is_open_for_all(&self) -> bool {
        self.state == BreakerState::Open && self.senders.iter().all(|held| held.until.is_some())
    }

    /// Returns the breaker after the window of a freeze, if that changes it. `without` has windows that lack one sender's events
    /// each. If the window is beyond the bounds and one of these is not, the breaker opens for that sender alone.
    #[must_use]
    pub fn after_window_of(
        &self,
        window: &WindowStatistics,
        without: Vec<(Sender, WindowStatistics)>,
        bounds: &BreakerBounds,
        crossing: u64,
        now: Millis,
    ) -> Option<Self> {
        let exceeded = bounds.exceeded(window);
        if exceeded.is_empty() || self.is_open_for_all() {
            return self.after_window(window, bounds, crossing, now);
        }
        // A rest of fewer than `min_events` is judged by the signals that the window exceeds: else a sender could leave too few
        // events of others to judge, and would pass for the cause of all that is wrong with them.
        let unbounded = BreakerBounds { min_events: 0, ..*bounds };
        let is_sound = |rest: &WindowStatistics| {
            let is_left = |left: &Exceeded| exceeded.iter().any(|was| was.signal == left.signal);
            rest.pairs > 0 && bounds.exceeded(rest).is_empty() && !unbounded.exceeded(rest).iter().any(is_left)
        };
        let Some((sender, _)) = without.into_iter().find(|(_, rest)| is_sound(rest)) else {
            return self.after_window(window, bounds, crossing, now);
        };
        let mut opened = self.moved(BreakerState::Open, Cause::BeyondBounds { crossing, exceeded }, now);
        opened.changes.last_mut()?.sender = Some(sender.clone());
        opened.senders = self.senders.iter().filter(|held| held.sender != sender).cloned().collect();
        opened.senders.push(QuarantinedSender { sender, until: None });
        opened.senders.drain(..opened.senders.len().saturating_sub(MAX_SENDERS));
        opened.half_open_at = half_open_at(bounds, now);
        Some(opened)
    }

    /// Returns `true` if a line of a pending gold part goes to quarantine because of its sender.
    #[must_use]
    pub fn holds_sender(&self, part: &PartName, contributor: Option<&str>, ingest_key: Option<&str>) -> bool {
        self.senders.iter().any(|held| held.holds(part, contributor, ingest_key))
    }

    /// Returns the breaker after the window of a freeze, if that changes it.
    ///
    /// A sample below `min_events` closes it, since a window that small would not have opened it. A sample without a pair does
    /// not close it.
    #[must_use]
    pub fn after_window(
        &self,
        window: &WindowStatistics,
        bounds: &BreakerBounds,
        crossing: u64,
        now: Millis,
    ) -> Option<Self> {
        if self.is_open_for_all() {
            return None;
        }
        let exceeded = bounds.exceeded(window);
        if !exceeded.is_empty() {
            let opened = self.moved(BreakerState::Open, Cause::BeyondBounds { crossing, exceeded }, now);
            return Some(Self { half_open_at: half_open_at(bounds, now), ..opened });
        }
        let is_sound = self.state == BreakerState::HalfOpen && window.pairs > 0;
        let cause = Cause::SoundSample { crossing, pairs: window.pairs };
        is_sound.then(|| self.moved(BreakerState::Closed, cause, now))
    }

    /// Returns `true` if a pending gold part goes to quarantine; its name alone decides.
    #[must_use]
    pub fn holds(&self, part: &PartName) -> bool {
        self.is_open_for_all() || part.written_at < self.hold_before
    }

    /// Returns the most pairs that the next freeze may let through.
    #[must_use]
    pub fn room(&self, bounds: &BreakerBounds) -> u64 {
        match self.state {
            BreakerState::Open if self.is_open_for_all() => 0,
            BreakerState::Closed | BreakerState::Open => u64::MAX,
            BreakerState::HalfOpen => bounds.sample_pairs,
        }
    }

    fn moved(&self, to: BreakerState, cause: Cause, now: Millis) -> Self {
        let number = 1 + self.changes.last().map_or(0, |change| change.number);
        let mut changes = self.changes.clone();
        changes.push(BreakerChange { number, at: now, from: self.state, to, cause, sender: None });
        changes.drain(..changes.len().saturating_sub(MAX_CHANGES));
        let is_left = self.is_open_for_all() && to != BreakerState::Open;
        let hold_before = if is_left { self.hold_before.max(now) } else { self.hold_before };
        // All that a sender wrote until now stays in quarantine, as all gold of an open breaker does.
        let settled =
            |held: &QuarantinedSender| QuarantinedSender { until: Some(held.until.unwrap_or(now)), ..held.clone() };
        let senders = self.senders.iter().map(settled).collect();
        Self { state: to, half_open_at: None, hold_before, changes, senders }
    }
}

fn half_open_at(bounds: &BreakerBounds, now: Millis) -> Option<Millis> {
    let hours = Some(bounds.half_open_after_hours).filter(|hours| *hours > 0);
    hours.map(|hours| now.saturating_add(hours.saturating_mul(60 * 60 * 1000)))
}

fn by_hand(who: &str, why: &str) -> Cause {
    Cause::ByHand { who: who.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Millis = 1_795_342_830_007;
    const DAY: Millis = 24 * 60 * 60 * 1000;
    const SOUND: WindowStatistics = WindowStatistics {
        pairs: 500,
        quarantined: 20,
        top_contributor: Some(0.9),
        burst: Some(0.01),
        drift: Some(0.1),
    };

    fn bounds() -> BreakerBounds {
        BreakerBounds::default()
    }

    fn flooded() -> WindowStatistics {
        WindowStatistics { quarantined: 501, ..SOUND }
    }

    fn opened() -> Breaker {
        Breaker::default().after_window(&flooded(), &bounds(), 3, NOW).unwrap()
    }

    fn part(written_at: Millis) -> PartName {
        PartName { written_at, digest: "0".repeat(32), rows: 1 }
    }

    #[test]
    fn a_sound_window_changes_nothing() {
        assert_eq!(Breaker::default().after_window(&SOUND, &bounds(), 3, NOW), None);
        assert_eq!(Breaker::default().room(&bounds()), u64::MAX);
    }

    #[test]
    fn each_signal_opens_it_beyond_its_bound_and_not_at_it() {
        let bounds = BreakerBounds { contributor_above: 0.9, ..bounds() };
        let at_bounds = WindowStatistics { quarantined: 500, burst: Some(0.2), drift: Some(0.5), ..SOUND };
        assert_eq!(Breaker::default().after_window(&at_bounds, &bounds, 3, NOW), None);
        for (signal, window) in [
            (Signal::Quarantined, flooded()),
            (Signal::TopContributor, WindowStatistics { top_contributor: Some(0.91), ..SOUND }),
            (Signal::Burst, WindowStatistics { burst: Some(0.21), ..SOUND }),
            (Signal::Drift, WindowStatistics { drift: Some(0.51), ..SOUND }),
        ] {
            let opened = Breaker::default().after_window(&window, &bounds, 3, NOW).unwrap();
            assert_eq!((opened.state, opened.half_open_at), (BreakerState::Open, Some(NOW + DAY)));
            let Cause::BeyondBounds { crossing: 3, exceeded } = &opened.changes[0].cause else { panic!() };
            assert_eq!(exceeded.iter().map(|exceeded| exceeded.signal).collect::<Vec<_>>(), [signal]);
        }
    }

    #[test]
    fn a_window_that_is_small_or_not_measured_says_nothing() {
        let small = WindowStatistics { pairs: 9, quarantined: 90, ..SOUND };
        assert_eq!(Breaker::default().after_window(&small, &bounds(), 3, NOW), None);
        let unmeasured = WindowStatistics { top_contributor: None, burst: None, drift: None, ..SOUND };
        assert_eq!(Breaker::default().after_window(&unmeasured, &bounds(), 3, NOW), None);
        let nothing = BreakerBounds { min_events: 0, ..bounds() };
        assert_eq!(Breaker::default().after_window(&WindowStatistics::default(), &nothing, 3, NOW), None);
    }

    #[test]
    fn while_open_everything_is_held_and_no_window_changes_it() {
        let open = opened();
        assert!(open.holds(&part(NOW + 9 * DAY)) && open.room(&bounds()) == 0);
        assert_eq!(open.after_window(&SOUND, &bounds(), 4, NOW), None);
        assert_eq!(open.after_window(&flooded(), &bounds(), 4, NOW), None);
    }

    #[test]
    fn after_its_time_it_lets_a_sample_through_and_what_came_before_stays_held() {
        let open = opened();
        assert_eq!(open.after_time(NOW + DAY - 1), None);
        let half = open.after_time(NOW + DAY).unwrap();
        assert_eq!((half.state, half.room(&bounds())), (BreakerState::HalfOpen, 500));
        assert!(half.holds(&part(NOW + DAY - 1)) && !half.holds(&part(NOW + DAY)));
        assert_eq!(half.after_time(NOW + 9 * DAY), None);
        let closed = half.after_window(&SOUND, &bounds(), 5, NOW + 2 * DAY).unwrap();
        assert_eq!((closed.state, closed.hold_before), (BreakerState::Closed, NOW + DAY));
        let again = half.after_window(&flooded(), &bounds(), 5, NOW + 2 * DAY).unwrap();
        assert_eq!((again.state, again.half_open_at), (BreakerState::Open, Some(NOW + 3 * DAY)));
        assert_eq!(half.after_window(&WindowStatistics::default(), &bounds(), 5, NOW), None, "no sample yet");
    }

    #[test]
    fn a_window_that_is_sound_without_one_sender_opens_it_for_that_sender_alone() {
        let eve = Sender { contributor: Some("eve".to_owned()), ingest_key: Some("desk".to_owned()) };
        let burst = WindowStatistics { burst: Some(0.3), ..SOUND };
        let after = |breaker: &Breaker, rest, now| {
            breaker.after_window_of(&burst, vec![(eve.clone(), rest)], &bounds(), 3, now)
        };
        let open = after(&Breaker::default(), SOUND, NOW).unwrap();
        assert_eq!((open.state, open.is_open_for_all(), open.room(&bounds())), (BreakerState::Open, false, u64::MAX));
        assert_eq!((open.changes[0].sender.as_ref(), open.half_open_at), (Some(&eve), Some(NOW + DAY)));
        assert!(open.holds_sender(&part(NOW + 9), Some("eve"), Some("desk")) && !open.holds(&part(NOW + 9)));
        assert!(!open.holds_sender(&part(NOW + 9), Some("eve"), Some("shop")));
        assert_eq!(open.after_window_of(&SOUND, Vec::new(), &bounds(), 4, NOW), None, "others are judged, and sound");
        // All that was written until it closes stays in quarantine.
        let closed = open.after_time(NOW + DAY).unwrap();
        assert_eq!((closed.state, closed.hold_before), (BreakerState::Closed, 0));
        let is_held = |at| closed.holds_sender(&part(at), Some("eve"), Some("desk"));
        assert!(is_held(NOW + DAY - 1) && !is_held(NOW + DAY));
        let stored = serde_json::to_string(&open).unwrap();
        assert_eq!(serde_json::from_str::<Breaker>(&stored).unwrap(), open);
        // A window that is beyond the bounds without any one sender opens it for everybody.
        let all = after(&open, burst, NOW + 5).unwrap();
        assert!(all.is_open_for_all() && all.holds(&part(NOW + 9)) && all.room(&bounds()) == 0);
        assert!(open.opened_by_hand("kim", "a campaign", NOW).unwrap().is_open_for_all());
    }

    #[test]
    fn a_small_rest_is_judged_by_the_signals_that_the_window_exceeds() {
        let eve = Sender { contributor: Some("eve".to_owned()), ingest_key: Some("desk".to_owned()) };
        let burst = WindowStatistics { burst: Some(0.3), ..SOUND };
        let opened = |rest| Breaker::default().after_window_of(&burst, vec![(eve.clone(), rest)], &bounds(), 3, NOW);
        let small = WindowStatistics { pairs: 9, quarantined: 0, ..SOUND };
        assert!(!opened(small).unwrap().is_open_for_all());
        assert!(opened(WindowStatistics { burst: Some(0.3), ..small }).unwrap().is_open_for_all());
        // Another signal says too little of so few events.
        assert!(!opened(WindowStatistics { drift: Some(0.9), ..small }).unwrap().is_open_for_all());
    }

    #[test]
    fn by_hand_it_is_opened_until_it_is_closed_by_hand() {
        let open = Breaker::default().opened_by_hand("kim", "a campaign", NOW).unwrap();
        assert_eq!(open.after_time(Millis::MAX), None);
        assert_eq!(open.opened_by_hand("kim", "again", NOW), Err(AlreadyThere(BreakerState::Open)));
        let closed = open.closed_by_hand("kim", "removed", NOW + 5).unwrap();
        assert_eq!((closed.state, closed.hold_before), (BreakerState::Closed, NOW + 5));
        assert!(closed.holds(&part(NOW + 4)));
        assert_eq!(closed.closed_by_hand("kim", "again", NOW), Err(AlreadyThere(BreakerState::Closed)));
        let kept_open = opened().opened_by_hand("kim", "not before monday", NOW).unwrap();
        assert_eq!((kept_open.state, kept_open.half_open_at), (BreakerState::Open, None));
    }

    #[test]
    fn a_breaker_without_a_bound_of_time_waits_for_a_person() {
        let bounds = BreakerBounds { half_open_after_hours: 0, ..bounds() };
        let open = Breaker::default().after_window(&flooded(), &bounds, 3, NOW).unwrap();
        assert_eq!(open.after_time(Millis::MAX), None);
    }

    #[test]
    fn the_log_of_changes_is_bounded_and_its_numbers_go_on() {
        let mut breaker = Breaker::default();
        for _ in 0..MAX_CHANGES {
            breaker = breaker.opened_by_hand("kim", "drill", NOW).unwrap();
            breaker = breaker.closed_by_hand("kim", "drill", NOW).unwrap();
        }
        assert_eq!(breaker.changes.len(), MAX_CHANGES);
        assert_eq!(breaker.changes.last().unwrap().number, 2 * MAX_CHANGES as u64);
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let stored = r#"{"state":"open","half_open_at":null,"hold_before":0,"changes":[{"number":1,"at":1795342830007,"from":"closed","to":"open","cause":{"kind":"by_hand","who":"kim","why":"a campaign"}}]}"#;
        let open = Breaker::default().opened_by_hand("kim", "a campaign", NOW).unwrap();
        assert_eq!(serde_json::to_string(&open).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Breaker>(stored).unwrap(), open);
        assert_eq!(serde_json::from_str::<Breaker>("{}").unwrap(), Breaker::default());
    }

    proptest! {
        /// In any order of changes, gold written before the breaker was last left stays marked for quarantine.
        #[test]
        fn what_is_held_is_never_let_through_again(moves in prop::collection::vec((0..4_u8, 1..100_000_u64), 1..40)) {
            let (mut breaker, mut now, mut left_at) = (Breaker::default(), NOW, 0);
            for (what, wait) in moves {
                now += wait;
                let next = match what {
                    0 => breaker.opened_by_hand("k", "w", now).ok(),
                    1 => breaker.closed_by_hand("k", "w", now).ok(),
                    2 => breaker.after_window(&flooded(), &BreakerBounds { half_open_after_hours: 1, ..bounds() }, 1, now),
                    _ => breaker.after_time(now + 3_600_000),
                };
                let Some(next) = next else { continue };
                if breaker.state == BreakerState::Open && next.state != BreakerState::Open {
                    left_at = now;
                }
                prop_assert!(next.hold_before >= breaker.hold_before);
                breaker = next;
                prop_assert!(left_at == 0 || breaker.holds(&part(left_at - 1)));
            }
        }
    }
}
