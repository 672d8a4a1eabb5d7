use std::time::Instant;

use flywheel_base::instant::Millis;
use flywheel_lake::{LakeError, ListParts, LoadBreaker, LoadPointer, MoveBreaker, Moved};
use flywheel_log::{Breaker, Decision, KnownRuns, Pointer, Sight, Trigger, decide};
use flywheel_runtime::{Metric, Metrics, millis_since};
use serde::Serialize;

use crate::runs::{DescribeRun, RunInput, RunsError, StartRun, Started};

/// Counts pending pairs and starts runs.
#[derive(Debug)]
pub struct Counter<L, R> {
    lake: L,
    runs: R,
    trigger: Trigger,
    now: fn() -> Millis,
    metrics: Metrics,
}

/// The count and the decision: the function's answer, and its one log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountReport {
    /// The decision, with its reason.
    pub decision: &'static str,
    /// The number of net-new pairs: listed and not yet frozen, or carried over from versions below the threshold. Listed ones may
    /// include duplicates, which the freeze removes.
    pub pending: u64,
    /// The number of pairs that start a run.
    pub threshold: u64,
    /// The number of the current crossing.
    pub crossing: u64,
    /// The run of the decision.
    pub run: Option<String>,
    /// The time at which the decision may change without new events, in milliseconds since the Unix epoch.
    pub until: Option<Millis>,
    /// The number of failed attempts, if the attempts at the last training are spent; else none.
    pub attempts: Option<u64>,
    /// The circuit breaker's state.
    pub breaker: &'static str,
    /// The number of pending parts.
    pub parts: usize,
    /// The number of LIST requests of the count.
    pub list_requests: u64,
}

/// Counting failed. No run was started that the next count would start again: see [`Counter::count`].
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// The lake could not be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Step Functions could not be reached.
    #[error(transparent)]
    Runs(#[from] RunsError),
}

impl<L: ListParts + LoadPointer + LoadBreaker + MoveBreaker, R: DescribeRun + StartRun> Counter<L, R> {
    /// Creates a counter over `lake` that starts `runs` by the rules of `trigger`.
    pub fn new(lake: L, runs: R, trigger: Trigger, now: fn() -> Millis) -> Self {
        Self { lake, runs, trigger, now, metrics: Metrics::default() }
    }

    /// Records with each count if the circuit breaker is open for everybody, and if attempts are spent.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Counts once, and starts the crossing's run if it is due.
    ///
    /// It is idempotent under concurrent calls and crashes: the run's name follows from the pointer, and Step Functions accepts a
    /// name once (see [`flywheel_log::decide`]). After a crash before the start, nothing has happened; after a crash behind it,
    /// the next count finds the run.
    ///
    /// # Errors
    /// If the lake or Step Functions could not be reached. The next count starts afresh.
    pub async fn count(&self) -> Result<CountReport, CountError> {
        let started = Instant::now();
        let breaker = self.breaker_in_time().await?;
        let pointer = self.lake.load_pointer().await?.pointer;
        let listing = self.lake.list_parts(&pointer.watermark.list_after()).await?;
        let pending = pointer.watermark.pending(&listing.parts);
        let decision = self.act(pending.rows, &pointer, &breaker).await?;
        let report = CountReport {
            decision: decision.as_str(),
            pending: pointer.carried_over + pending.rows,
            threshold: self.trigger.goal.threshold,
            crossing: pointer.crossing,
            run: decision.run().map(str::to_owned),
            until: decision.until(),
            attempts: match decision {
                Decision::AttemptsSpent { attempts, .. } => Some(attempts),
                _ => None,
            },
            breaker: breaker.state.as_str(),
            parts: pending.parts.len(),
            list_requests: listing.requests,
        };
        report.log(started);
        self.metrics.record(Metric::BreakerOpen, u64::from(breaker.is_open_for_all()));
        self.metrics.record(Metric::AttemptsSpent, u64::from(report.attempts.is_some()));
        Ok(report)
    }

    /// Returns the circuit breaker after the time that has passed. A concurrent move by another process wins.
    async fn breaker_in_time(&self) -> Result<Breaker, LakeError> {
        loop {
            let loaded = self.lake.load_breaker().await?;
            let Some(later) = loaded.breaker.after_time((self.now)()) else { return Ok(loaded.breaker) };
            if self.lake.move_breaker(&loaded, &later).await? == Moved::Moved {
                return Ok(later);
            }
        }
    }

    /// Asks the core for the next action and carries it out, until none is left.
    async fn act(&self, pending: u64, pointer: &Pointer, breaker: &Breaker) -> Result<Decision, CountError> {
        let mut known = KnownRuns::new();
        loop {
            let sight = Sight { pending, pointer, breaker, now: (self.now)() };
            match decide(&self.trigger, sight, &known) {
                Decision::Inspect { run } => {
                    let attempt = self.runs.describe_run(&run).await?;
                    known.insert(run, attempt);
                }
                Decision::Start { run, crossing } => return self.start(run, crossing, pointer).await,
                settled => return Ok(settled),
            }
        }
    }

    async fn start(&self, run: String, crossing: u64, seen: &Pointer) -> Result<Decision, CountError> {
        // A run may have frozen this crossing during the count and failed later. Then the crossing is over, and another attempt
        // at it would find nothing to do.
        if self.lake.load_pointer().await?.pointer.crossing != seen.crossing {
            return Ok(Decision::AlreadyFrozen { run });
        }
        let input = RunInput { crossing, goal: self.trigger.goal };
        Ok(match self.runs.start_run(&run, input).await? {
            Started::Started => Decision::Start { run, crossing },
            Started::NameIsTaken => Decision::AlreadyRunning { run },
        })
    }
}

impl CountReport {
    fn log(&self, started: Instant) {
        if let (Some(attempts), Some(run)) = (self.attempts, &self.run) {
            tracing::warn!(
                attempts,
                run,
                "no attempt is left for the last training: new pairs or an operator start the next"
            );
        }
        tracing::info!(
            decision = self.decision,
            pending = self.pending,
            threshold = self.threshold,
            crossing = self.crossing,
            run = self.run,
            until = self.until,
            breaker = self.breaker,
            attempts_spent = u8::from(self.attempts.is_some()),
            parts = self.parts,
            list_requests = self.list_requests,
            duration_ms = millis_since(started),
            "pairs counted"
        );
    }
}
