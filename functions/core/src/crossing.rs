//! The trigger: whether the fine-tuning workflow starts now, and under which name.
//!
//! Exactly one run a crossing rests on one fact: Step Functions takes each execution name once. The name follows from the
//! pointer alone (the number of the crossing, and of the attempt), so however many counters decide at once, late, twice,
//! or after one of them died, they decide on the same name, and the name is taken once. The number of the crossing moves
//! only when the freeze of that very run moves the pointer.
//!
//! A run that failed before it moved the pointer left everything pending. It is attempted again under the next name, later
//! each time, and that too exactly once.

use crate::instant::Millis;

/// The wait after a first failed attempt; each further one doubles it.
const FIRST_BACKOFF: Millis = 15 * 60 * 1000;

/// The longest wait between attempts.
const LONGEST_BACKOFF: Millis = 24 * 60 * 60 * 1000;

/// What is known of the run of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// There is no such run.
    NotStarted,
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It failed, timed out or was aborted, at the given time.
    Failed {
        /// When it ended.
        stopped_at: Millis,
    },
}

/// What the counter does, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: there are too few net-new pairs.
    BelowThreshold,
    /// Find out what became of this run, then decide again with its [`Attempt`] added.
    Inspect {
        /// The run's name.
        run: String,
    },
    /// Start this run.
    Start {
        /// The run's name.
        run: String,
    },
    /// Nothing: this crossing's run is under way.
    AlreadyRunning {
        /// The run's name.
        run: String,
    },
    /// Nothing: this crossing's run has ended well since the pointer was read. What is pending now is for the next count.
    AlreadyFrozen {
        /// The run's name.
        run: String,
    },
    /// Nothing yet: the last attempt failed and the next one waits.
    BackingOff {
        /// The next attempt's name.
        run: String,
        /// When it may start.
        until: Millis,
    },
}

impl Decision {
    /// The decision's name, as in logs and answers.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::BelowThreshold => "below_threshold",
            Self::Inspect { .. } => "inspect",
            Self::Start { .. } => "start",
            Self::AlreadyRunning { .. } => "already_running",
            Self::AlreadyFrozen { .. } => "already_frozen",
            Self::BackingOff { .. } => "backing_off",
        }
    }

    /// The run that the decision is about.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::BelowThreshold => None,
            Self::Inspect { run }
            | Self::Start { run }
            | Self::AlreadyRunning { run }
            | Self::AlreadyFrozen { run }
            | Self::BackingOff { run, .. } => Some(run),
        }
    }
}

/// The name of a crossing's run: `crossing-<number>-attempt-<number>`, attempts counted from 1.
fn run_name(crossing: u64, attempt: usize) -> String {
    format!("crossing-{crossing:06}-attempt-{attempt}")
}

/// Decides on a crossing: `pending` net-new pairs against `threshold`, with what is known of the crossing's attempts so
/// far, in order. The threshold is reached by `>=`, so that no number can be stepped over.
#[must_use]
pub fn decide(pending: u64, threshold: u64, crossing: u64, attempts: &[Attempt], now: Millis) -> Decision {
    if pending < threshold {
        return Decision::BelowThreshold;
    }
    let run = run_name(crossing, attempts.len().max(1));
    let next_run = run_name(crossing, attempts.len() + 1);
    match attempts.last() {
        None => Decision::Inspect { run },
        Some(Attempt::NotStarted) => start_after_backoff(run, attempts, now),
        Some(Attempt::Running) => Decision::AlreadyRunning { run },
        Some(Attempt::Succeeded) => Decision::AlreadyFrozen { run },
        Some(Attempt::Failed { .. }) => Decision::Inspect { run: next_run },
    }
}

fn start_after_backoff(run: String, attempts: &[Attempt], now: Millis) -> Decision {
    let failed = &attempts[..attempts.len() - 1];
    let Some(Attempt::Failed { stopped_at }) = failed.last() else { return Decision::Start { run } };
    let until = stopped_at + backoff(failed.len());
    if now < until { Decision::BackingOff { run, until } } else { Decision::Start { run } }
}

fn backoff(failures: usize) -> Millis {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (FIRST_BACKOFF << doublings).min(LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 5_000;
    const NOW: Millis = 1_000_000_000;

    fn run(attempt: usize) -> String {
        format!("crossing-000007-attempt-{attempt}")
    }

    fn decided(pending: u64, attempts: &[Attempt]) -> Decision {
        decide(pending, T, 7, attempts, NOW)
    }

    #[test]
    fn below_the_threshold_nothing_is_even_inspected() {
        assert_eq!(decided(T - 1, &[]), Decision::BelowThreshold);
    }

    #[test]
    fn at_the_threshold_and_anywhere_above_it_the_run_starts() {
        for pending in [T, T + 1, 10 * T + 3] {
            assert_eq!(decided(pending, &[]), Decision::Inspect { run: run(1) });
            assert_eq!(decided(pending, &[Attempt::NotStarted]), Decision::Start { run: run(1) });
        }
    }

    #[test]
    fn a_run_under_way_or_done_is_left_alone() {
        assert_eq!(decided(T, &[Attempt::Running]), Decision::AlreadyRunning { run: run(1) });
        assert_eq!(decided(T, &[Attempt::Succeeded]), Decision::AlreadyFrozen { run: run(1) });
    }

    #[test]
    fn a_failed_run_is_attempted_again_after_a_wait() {
        let failed = Attempt::Failed { stopped_at: NOW - FIRST_BACKOFF + 1 };
        assert_eq!(decided(T, &[failed]), Decision::Inspect { run: run(2) });
        let waiting = Decision::BackingOff { run: run(2), until: NOW + 1 };
        assert_eq!(decided(T, &[failed, Attempt::NotStarted]), waiting);
        let long_ago = Attempt::Failed { stopped_at: NOW - FIRST_BACKOFF };
        assert_eq!(decided(T, &[long_ago, Attempt::NotStarted]), Decision::Start { run: run(2) });
        assert_eq!(decided(T, &[long_ago, Attempt::Running]), Decision::AlreadyRunning { run: run(2) });
    }

    #[test]
    fn waits_double_up_to_a_day() {
        assert_eq!(backoff(1), FIRST_BACKOFF);
        assert_eq!(backoff(2), 2 * FIRST_BACKOFF);
        assert_eq!(backoff(usize::MAX), LONGEST_BACKOFF);
    }
}
