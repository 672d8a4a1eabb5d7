//! The training trigger: it decides whether a run of the workflow starts now, and under which name.
//!
//! Each crossing of the threshold starts exactly one run, because Step Functions accepts each execution name once. The name
//! follows from the pointer alone: the number of the crossing and of the attempt. Counters that decide at once, late or twice, or
//! after one of them died, decide on the same name. The crossing's number moves only when the freeze of that very run moves the
//! pointer.
//!
//! A run that failed before it moved the pointer left everything pending. It is retried under the next name, with a growing wait,
//! and that too exactly once. A run that failed after it is retried if training was due. The retry trains on what the failed run
//! froze, because the freeze answers a crossing that it has frozen with the same report. A crossing whose run is under way, or
//! waits for a retry, holds up the next one. So one run goes at a time, and no frozen pair is forgotten.
//!
//! The retries of a training end at the policy's maximum, because what failed as often fails again, and each costs as much as the
//! first. Its pairs stay in the dataset: the next crossing's version has them, too. A run that fails before its freeze is retried
//! without end, once a day at last: it costs one call, and giving it up would leave pending pairs behind for ever.
//!
//! The month's budget is of trainings. An attempt in which nothing was trained does not count.

use std::collections::BTreeMap;

use flywheel_base::instant::{Millis, month, next_month};

use crate::breadth::Goal;
use crate::breaker::Breaker;
use crate::pointer::Pointer;

/// The wait after a first failed attempt; each further one doubles it. In milliseconds.
const FIRST_BACKOFF: Millis = 15 * 60 * 1000;

/// The longest wait between attempts, in milliseconds.
const LONGEST_BACKOFF: Millis = 24 * 60 * 60 * 1000;

/// A run that found enough pairs but too little breadth is tried again after `threshold / RETRY_SHARE` new pairs. A run for each
/// new pair would commit a version each.
const RETRY_SHARE: u64 = 10;

/// The conditions under which a run may start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trigger {
    /// The pairs and the breadth that a run needs.
    pub goal: Goal,
    /// The least time between the freeze of one training run and the start of the next, in milliseconds; 0: none.
    pub cooldown: Millis,
    /// The most training runs in a calendar month (UTC); 0: no limit.
    pub runs_per_month: u64,
    /// The most attempts at the training of one crossing's version; 0: no limit.
    pub max_attempts: u64,
}

/// The known state of an attempt's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// There is no such run.
    NotStarted,
    /// It runs.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed, timed out or was aborted, at the given time.
    Failed {
        /// The time at which it ended, in milliseconds since the Unix epoch.
        stopped_at: Millis,
    },
    /// It failed before anything was trained: at its freeze or its preparation, or no worker came.
    Untrained {
        /// The time at which it ended, in milliseconds since the Unix epoch.
        stopped_at: Millis,
    },
}

/// The runs that were looked up, by name.
pub type KnownRuns = BTreeMap<String, Attempt>;

/// The counter's decision, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Starts nothing: there are too few net-new pairs.
    BelowThreshold,
    /// Starts nothing: there are enough pairs, of too few contributors or prompts, and too few came since that was found.
    TooNarrow,
    /// The caller must look up this run, then decide again with its [`Attempt`] added.
    Inspect {
        /// The run's name.
        run: String,
    },
    /// Starts this run.
    Start {
        /// The run's name.
        run: String,
        /// The crossing that it is for: the next one, or the last one if its training has to be repeated.
        crossing: u64,
    },
    /// Starts nothing: a run is under way.
    AlreadyRunning {
        /// The run's name.
        run: String,
    },
    /// Starts nothing: this crossing's run succeeded after the pointer was read. The pairs pending now are for the next count.
    AlreadyFrozen {
        /// The run's name.
        run: String,
    },
    /// Starts nothing yet: the last attempt failed, and the next one waits.
    BackingOff {
        /// The next attempt's name.
        run: String,
        /// The time at which it may start.
        until: Millis,
    },
    /// Starts nothing: the attempts at the last training are spent. The next crossing trains on its pairs, too, or an operator
    /// starts the named run.
    AttemptsSpent {
        /// The next attempt's name.
        run: String,
        /// The number of attempts that failed.
        attempts: u64,
    },
    /// Starts nothing: the circuit breaker is open.
    BreakerOpen {
        /// The time at which it becomes half-open; none if only an operator can close it.
        until: Option<Millis>,
    },
    /// Starts nothing yet: the cooldown since the last training has not passed.
    CoolingDown {
        /// The time at which the next run may start.
        until: Millis,
    },
    /// Starts nothing: this month's budget of runs is spent.
    BudgetSpent {
        /// The start of the next month.
        until: Millis,
    },
}

impl Decision {
    /// Returns the decision's name, as in logs and answers.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::BelowThreshold => "below_threshold",
            Self::TooNarrow => "too_narrow",
            Self::Inspect { .. } => "inspect",
            Self::Start { .. } => "start",
            Self::AlreadyRunning { .. } => "already_running",
            Self::AlreadyFrozen { .. } => "already_frozen",
            Self::BackingOff { .. } => "backing_off",
            Self::AttemptsSpent { .. } => "attempts_spent",
            Self::BreakerOpen { .. } => "breaker_open",
            Self::CoolingDown { .. } => "cooling_down",
            Self::BudgetSpent { .. } => "budget_spent",
        }
    }

    /// Returns the run that the decision is about.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::BelowThreshold | Self::TooNarrow => None,
            Self::BreakerOpen { .. } | Self::CoolingDown { .. } | Self::BudgetSpent { .. } => None,
            Self::Inspect { run }
            | Self::Start { run, .. }
            | Self::AlreadyRunning { run }
            | Self::AlreadyFrozen { run }
            | Self::BackingOff { run, .. }
            | Self::AttemptsSpent { run, .. } => Some(run),
        }
    }

    /// Returns the time at which the decision may change without new pairs.
    #[must_use]
    pub fn until(&self) -> Option<Millis> {
        match self {
            Self::BackingOff { until, .. } | Self::CoolingDown { until } | Self::BudgetSpent { until } => Some(*until),
            Self::BreakerOpen { until } => *until,
            _ => None,
        }
    }
}

/// The state that a counter reads.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// Pairs in parts that are not frozen, counted from the listing.
    pub pending: u64,
    /// The lake's pointer.
    pub pointer: &'a Pointer,
    /// The lake's circuit breaker.
    pub breaker: &'a Breaker,
    /// The current time.
    pub now: Millis,
}

/// Returns the name of a crossing's run: `crossing-<number>-attempt-<number>`, attempts counted from 1.
fn run_name(crossing: u64, attempt: u64) -> String {
    format!("crossing-{crossing:06}-attempt-{attempt}")
}

/// The newest known attempt at a crossing.
enum Newest {
    Unknown { run: String },
    NotStarted { run: String, failures: Failures },
    Running { run: String },
    Succeeded { run: String, failures: Failures },
}

/// The failed attempts at a crossing.
#[derive(Clone, Copy, Default)]
struct Failures {
    all: u64,
    /// Those that have trained something.
    trained: u64,
    /// The end of the last one.
    last_at: Millis,
}

fn newest(crossing: u64, known: &KnownRuns) -> Newest {
    let mut failures = Failures::default();
    loop {
        let run = run_name(crossing, failures.all + 1);
        let (trained, stopped_at) = match known.get(&run) {
            None => return Newest::Unknown { run },
            Some(Attempt::NotStarted) => return Newest::NotStarted { run, failures },
            Some(Attempt::Running) => return Newest::Running { run },
            Some(Attempt::Succeeded) => return Newest::Succeeded { run, failures },
            Some(Attempt::Failed { stopped_at }) => (1, *stopped_at),
            Some(Attempt::Untrained { stopped_at }) => (0, *stopped_at),
        };
        failures = Failures { all: failures.all + 1, trained: failures.trained + trained, last_at: stopped_at };
    }
}

/// Decides whether a run starts, with what is known of the runs so far. It compares with the threshold by `>=`, so that no number
/// can be stepped over.
///
/// Pending pairs count as listed, before the freeze removes duplicates. The pairs left after that decide whether anything is
/// trained: [`Pointer::after_freeze`].
#[must_use]
pub fn decide(trigger: &Trigger, sight: Sight<'_>, known: &KnownRuns) -> Decision {
    let Sight { pending, pointer, now, .. } = sight;
    let net_new = pointer.carried_over + pending;
    let is_due = net_new >= trigger.goal.threshold;
    let is_narrow = pointer.carried_over >= trigger.goal.threshold && !trigger.goal.is_broad(&pointer.breadth);
    // Attempts that trained at the last crossing. One is in the pointer's count already.
    let mut trained = 1;
    if let Some(last) = pointer.last_freeze.as_ref().filter(|last| last.trainable || is_due) {
        match newest(last.crossing, known) {
            Newest::Unknown { run } => return Decision::Inspect { run },
            Newest::Running { run } => return Decision::AlreadyRunning { run },
            Newest::NotStarted { run, failures } if last.trainable && failures.all > 0 => {
                let attempts = failures.all;
                let is_over = trigger.max_attempts > 0 && attempts >= trigger.max_attempts;
                match (is_over, is_due) {
                    (true, true) => trained = failures.trained,
                    (true, false) => return Decision::AttemptsSpent { run, attempts },
                    (false, _) => {
                        return gated(trigger, sight, failures.trained, None)
                            .unwrap_or_else(|| start_after_backoff(run, last.crossing, failures, now));
                    }
                }
            }
            // An operator froze by hand, or the run is so old that its name is forgotten. Neither is to be trained now.
            Newest::NotStarted { failures, .. } => trained = failures.trained.max(1),
            Newest::Succeeded { failures, .. } => trained = failures.trained + 1,
        }
    }
    if !is_due {
        return Decision::BelowThreshold;
    }
    if is_narrow && pending < news_wanted(trigger, pointer) {
        return Decision::TooNarrow;
    }
    match newest(pointer.crossing, known) {
        Newest::Unknown { run } => Decision::Inspect { run },
        Newest::Running { run } => Decision::AlreadyRunning { run },
        Newest::Succeeded { run, .. } => Decision::AlreadyFrozen { run },
        Newest::NotStarted { run, failures } => {
            let rested_at = pointer.trainings.last_at.map(|at| at.saturating_add(trigger.cooldown));
            gated(trigger, sight, trained, rested_at)
                .unwrap_or_else(|| start_after_backoff(run, pointer.crossing, failures, now))
        }
    }
}

/// Returns what forbids any run to start now: breaker, cooldown or budget. `trained` are the attempts at the last training that
/// have trained something, which the pointer counts as one.
fn gated(trigger: &Trigger, sight: Sight<'_>, trained: u64, rested_at: Option<Millis>) -> Option<Decision> {
    let Sight { pointer, breaker, now, .. } = sight;
    if breaker.is_open_for_all() {
        return Some(Decision::BreakerOpen { until: breaker.half_open_at });
    }
    let until = rested_at.filter(|until| now < *until);
    let trainings = &pointer.trainings;
    let spent = if trainings.month == month(now) { trainings.runs.saturating_sub(1) + trained } else { 0 };
    if trigger.runs_per_month > 0 && spent >= trigger.runs_per_month {
        return Some(Decision::BudgetSpent { until: next_month(now) });
    }
    until.map(|until| Decision::CoolingDown { until })
}

/// Returns the number of new pairs that justifies another check of the breadth. Each pair adds at most one contributor or prompt.
fn news_wanted(trigger: &Trigger, pointer: &Pointer) -> u64 {
    trigger.goal.lacking(&pointer.breadth).max(trigger.goal.threshold / RETRY_SHARE).max(1)
}

fn start_after_backoff(run: String, crossing: u64, failures: Failures, now: Millis) -> Decision {
    if failures.all == 0 {
        return Decision::Start { run, crossing };
    }
    let until = failures.last_at.saturating_add(backoff(failures.all));
    if now < until { Decision::BackingOff { run, until } } else { Decision::Start { run, crossing } }
}

fn backoff(failures: u64) -> Millis {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (FIRST_BACKOFF << doublings).min(LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::BreakerState;
    use crate::held_sender::{QuarantinedSender, Sender};
    use crate::pointer::{FreezeReport, Trainings};

    const T: u64 = 5_000;
    /// 2026-11-22T10:20:30.007Z
    const NOW: Millis = 1_795_342_830_007;
    const HOUR: Millis = 60 * 60 * 1000;

    /// A lake that stands at crossing 7, with every possible state of it.
    struct World {
        trigger: Trigger,
        pointer: Pointer,
        breaker: Breaker,
        known: KnownRuns,
        now: Millis,
    }

    impl Default for World {
        fn default() -> Self {
            Self {
                trigger: Trigger { goal: Goal { threshold: T, ..Goal::default() }, ..Trigger::default() },
                pointer: Pointer { crossing: 7, ..Pointer::default() },
                breaker: Breaker::default(),
                known: KnownRuns::new(),
                now: NOW,
            }
        }
    }

    impl World {
        fn knowing<const N: usize>(mut self, runs: [(u64, u64, Attempt); N]) -> Self {
            self.known.extend(runs.map(|(crossing, attempt, what)| (run_name(crossing, attempt), what)));
            self
        }

        fn after_training(trainable: bool) -> Self {
            let mut world = Self::default();
            let report = FreezeReport { crossing: 6, version: 3, rows: T, trainable, ..FreezeReport::default() };
            world.pointer.last_freeze = Some(report);
            world.pointer.trainings = Trainings { last_at: Some(NOW - HOUR), month: month(NOW), runs: 2 };
            world
        }

        fn decide(&self, pending: u64) -> Decision {
            let Self { trigger, pointer, breaker, known, now } = self;
            decide(trigger, Sight { pending, pointer, breaker, now: *now }, known)
        }
    }

    fn inspect(crossing: u64, attempt: u64) -> Decision {
        Decision::Inspect { run: run_name(crossing, attempt) }
    }

    fn start(crossing: u64, attempt: u64) -> Decision {
        Decision::Start { run: run_name(crossing, attempt), crossing }
    }

    #[test]
    fn below_the_threshold_nothing_is_even_inspected() {
        assert_eq!(World::default().decide(T - 1), Decision::BelowThreshold);
        assert_eq!(World::after_training(false).decide(T - 1), Decision::BelowThreshold);
    }

    #[test]
    fn at_the_threshold_and_anywhere_above_it_the_run_starts() {
        for pending in [T, T + 1, 10 * T + 3] {
            assert_eq!(World::default().decide(pending), inspect(7, 1));
            assert_eq!(World::default().knowing([(7, 1, Attempt::NotStarted)]).decide(pending), start(7, 1));
        }
        let mut world = World::default().knowing([(7, 1, Attempt::NotStarted)]);
        world.pointer.carried_over = 5;
        assert_eq!(world.decide(T - 5), start(7, 1));
    }

    #[test]
    fn a_run_under_way_or_done_is_left_alone() {
        let run = run_name(7, 1);
        let decided = |attempt| World::default().knowing([(7, 1, attempt)]).decide(T);
        assert_eq!(decided(Attempt::Running), Decision::AlreadyRunning { run: run.clone() });
        assert_eq!(decided(Attempt::Succeeded), Decision::AlreadyFrozen { run });
    }

    #[test]
    fn a_failed_run_is_attempted_again_after_a_wait() {
        let failed = (7, 1, Attempt::Failed { stopped_at: NOW - FIRST_BACKOFF + 1 });
        assert_eq!(World::default().knowing([failed]).decide(T), inspect(7, 2));
        let waiting = Decision::BackingOff { run: run_name(7, 2), until: NOW + 1 };
        assert_eq!(World::default().knowing([failed, (7, 2, Attempt::NotStarted)]).decide(T), waiting);
        let long_ago = (7, 1, Attempt::Failed { stopped_at: NOW - FIRST_BACKOFF });
        assert_eq!(World::default().knowing([long_ago, (7, 2, Attempt::NotStarted)]).decide(T), start(7, 2));
        let running = World::default().knowing([long_ago, (7, 2, Attempt::Running)]).decide(T);
        assert_eq!(running, Decision::AlreadyRunning { run: run_name(7, 2) });
    }

    #[test]
    fn waits_double_up_to_a_day() {
        assert_eq!(backoff(1), FIRST_BACKOFF);
        assert_eq!(backoff(2), 2 * FIRST_BACKOFF);
        assert_eq!(backoff(u64::MAX), LONGEST_BACKOFF);
    }

    #[test]
    fn the_last_crossings_run_holds_up_the_next_until_it_has_ended() {
        for trainable in [true, false] {
            assert_eq!(World::after_training(trainable).decide(T), inspect(6, 1));
            let running = World::after_training(trainable).knowing([(6, 1, Attempt::Running)]);
            assert_eq!(running.decide(T), Decision::AlreadyRunning { run: run_name(6, 1) });
            let done = World::after_training(trainable).knowing([(6, 1, Attempt::Succeeded)]);
            assert_eq!(done.decide(T), inspect(7, 1));
        }
        let running = World::after_training(true).knowing([(6, 1, Attempt::Running)]);
        assert_eq!(running.decide(0), Decision::AlreadyRunning { run: run_name(6, 1) });
    }

    #[test]
    fn a_training_that_died_is_done_again_before_anything_else() {
        let died = (6, 1, Attempt::Failed { stopped_at: NOW - FIRST_BACKOFF });
        for pending in [0, T] {
            assert_eq!(World::after_training(true).knowing([died]).decide(pending), inspect(6, 2));
            let next = World::after_training(true).knowing([died, (6, 2, Attempt::NotStarted)]);
            assert_eq!(next.decide(pending), start(6, 2));
        }
        // No training was due, so none has to be repeated.
        let next = World::after_training(false).knowing([died, (6, 2, Attempt::NotStarted)]);
        assert_eq!((next.decide(0), next.decide(T)), (Decision::BelowThreshold, inspect(7, 1)));
    }

    #[test]
    fn a_last_run_whose_name_is_forgotten_is_over() {
        let world = World::after_training(true).knowing([(6, 1, Attempt::NotStarted)]);
        assert_eq!((world.decide(0), world.decide(T)), (Decision::BelowThreshold, inspect(7, 1)));
    }

    #[test]
    fn trainings_keep_their_distance() {
        let mut world = World::after_training(true).knowing([(6, 1, Attempt::Succeeded), (7, 1, Attempt::NotStarted)]);
        world.trigger.cooldown = HOUR + 1;
        assert_eq!(world.decide(T), Decision::CoolingDown { until: NOW + 1 });
        world.trigger.cooldown = HOUR;
        assert_eq!(world.decide(T), start(7, 1));
        // Another attempt at the same training has its own wait.
        let died = (6, 1, Attempt::Failed { stopped_at: NOW - FIRST_BACKOFF });
        let mut world = World::after_training(true).knowing([died, (6, 2, Attempt::NotStarted)]);
        world.trigger.cooldown = 100 * HOUR;
        assert_eq!(world.decide(T), start(6, 2));
    }

    #[test]
    fn a_month_has_its_runs_and_the_next_one_has_them_again() {
        let known = [(6, 1, Attempt::Succeeded), (7, 1, Attempt::NotStarted)];
        let mut world = World::after_training(true).knowing(known);
        world.trigger.runs_per_month = 2;
        let december = next_month(NOW);
        assert_eq!(world.decide(T), Decision::BudgetSpent { until: december });
        world.now = december;
        assert_eq!(world.decide(T), start(7, 1));
        world.now = NOW;
        world.trigger.runs_per_month = 3;
        assert_eq!(world.decide(T), start(7, 1));
        // A repeated training costs as much as the first.
        let failed = Attempt::Failed { stopped_at: 0 };
        let world = World { trigger: world.trigger, ..World::after_training(true) };
        let world = world.knowing([(6, 1, failed), (6, 2, failed), (6, 3, Attempt::NotStarted)]);
        assert_eq!(world.decide(T), Decision::BudgetSpent { until: december });
    }

    /// Returns a world whose training of crossing 6 was attempted so often, with these ends.
    fn attempted(ends: impl Iterator<Item = Attempt>) -> World {
        let mut world = World::after_training(true);
        world.trigger.max_attempts = 8;
        let mut last = 0;
        for (attempt, end) in (1..).zip(ends) {
            world.known.insert(run_name(6, attempt), end);
            last = attempt;
        }
        world.known.insert(run_name(6, last + 1), Attempt::NotStarted);
        world
    }

    #[test]
    fn after_its_last_attempt_a_training_waits_for_new_pairs_or_an_operator() {
        let failed = Attempt::Failed { stopped_at: 0 };
        let untrained = Attempt::Untrained { stopped_at: 0 };
        assert_eq!(attempted([failed; 7].into_iter()).decide(0), start(6, 8));
        for end in [failed, untrained] {
            for attempts in [8, 400] {
                let world = attempted(std::iter::repeat_n(end, attempts));
                let attempts = attempts as u64;
                let spent = Decision::AttemptsSpent { run: run_name(6, attempts + 1), attempts };
                assert_eq!(world.decide(0), spent);
                assert_eq!(world.decide(T - 1), spent, "the dataset has not grown past the trigger");
                assert_eq!(world.knowing([(7, 1, Attempt::NotStarted)]).decide(T), start(7, 1));
            }
        }
        // An operator starts the next attempt by its name. While it runs it is the one run, and it may succeed.
        let by_hand = |end| attempted([failed; 8].into_iter()).knowing([(6, 9, end)]).decide(0);
        assert_eq!(by_hand(Attempt::Running), Decision::AlreadyRunning { run: run_name(6, 9) });
        assert_eq!(by_hand(Attempt::Succeeded), Decision::BelowThreshold);
        // Without a maximum there is none.
        let mut world = attempted([failed; 40].into_iter());
        world.trigger.max_attempts = 0;
        assert_eq!(world.decide(0), start(6, 41));
    }

    #[test]
    fn a_run_that_fails_before_its_freeze_is_attempted_without_end() {
        let mut world = World::default();
        world.trigger.max_attempts = 8;
        for attempt in 1..=20 {
            world.known.insert(run_name(7, attempt), Attempt::Untrained { stopped_at: 0 });
        }
        world.known.insert(run_name(7, 21), Attempt::NotStarted);
        assert_eq!(world.decide(T), start(7, 21));
    }

    #[test]
    fn an_attempt_in_which_nothing_was_trained_costs_no_budget() {
        // The worker was absent four times. The pointer counts two trainings, this one among them.
        let untrained = Attempt::Untrained { stopped_at: 0 };
        let mut world = attempted([untrained; 4].into_iter());
        world.trigger.runs_per_month = 2;
        assert_eq!(world.decide(0), start(6, 5));
        // Nor does it once another attempt has succeeded, or none is left.
        let known = [(6, 5, Attempt::Succeeded), (7, 1, Attempt::NotStarted)];
        let mut world = attempted([untrained; 4].into_iter()).knowing(known);
        world.trigger.runs_per_month = 3;
        assert_eq!(world.decide(T), start(7, 1));
        let mut world = attempted([untrained; 8].into_iter()).knowing([(7, 1, Attempt::NotStarted)]);
        world.trigger.runs_per_month = 2;
        assert_eq!(world.decide(T), start(7, 1));
        // An attempt that has trained counts.
        let trained = Attempt::Failed { stopped_at: 0 };
        let mut world = attempted([untrained, trained, untrained].into_iter());
        world.trigger.runs_per_month = 2;
        assert_eq!(world.decide(0), Decision::BudgetSpent { until: next_month(NOW) });
    }

    #[test]
    fn while_the_breaker_is_open_nothing_starts() {
        let until = Some(NOW + 1);
        let open = Breaker { state: BreakerState::Open, half_open_at: until, ..Breaker::default() };
        let died = (6, 1, Attempt::Failed { stopped_at: 0 });
        let runs = [died, (6, 2, Attempt::NotStarted), (7, 1, Attempt::NotStarted)];
        for world in [World::default(), World::after_training(true)] {
            let world = World { breaker: open.clone(), ..world.knowing(runs) };
            assert_eq!(world.decide(T), Decision::BreakerOpen { until });
        }
        // Open for one sender, it stops no run.
        let sender = Sender { contributor: None, ingest_key: Some("desk".to_owned()) };
        let for_one = Breaker { senders: vec![QuarantinedSender { sender, until: None }], ..open };
        assert_eq!(World { breaker: for_one, ..World::default().knowing(runs) }.decide(T), start(7, 1));
        let half_open = Breaker { state: BreakerState::HalfOpen, ..Breaker::default() };
        assert_eq!(World { breaker: half_open, ..World::default().knowing(runs) }.decide(T), start(7, 1));
    }

    #[test]
    fn too_few_people_wait_for_news_and_not_for_ever() {
        let mut world = World::default().knowing([(7, 1, Attempt::NotStarted)]);
        world.trigger.goal.min_contributors = 50;
        world.pointer.carried_over = T;
        assert_eq!(world.decide(0), Decision::TooNarrow);
        assert_eq!(world.decide(T / RETRY_SHARE - 1), Decision::TooNarrow);
        assert_eq!(world.decide(T / RETRY_SHARE), start(7, 1));
        // The pairs were too few, not the people.
        world.pointer.carried_over = T - 1;
        assert_eq!(world.decide(1), start(7, 1));
    }
}
