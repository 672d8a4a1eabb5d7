use std::time::Instant;

use flywheel_core::{Attempt, Decision, Millis, decide};
use flywheel_lake::{LakeError, ListParts, LoadPointer};
use flywheel_runtime::millis_since;
use serde::Serialize;

use crate::runs::{DescribeRun, RunInput, RunsError, StartRun, Started};

/// Counts, and starts runs.
#[derive(Debug)]
pub struct Counter<L, R> {
    lake: L,
    runs: R,
    threshold: u64,
    now: fn() -> Millis,
}

/// What was counted, and what was decided: the function's answer, and its one log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountReport {
    /// What was done, and why.
    pub decision: &'static str,
    /// Net-new pairs: listed and not yet frozen, and carried over from crossings that shrank. Listed ones may still hold
    /// duplicates, which the freeze removes.
    pub pending: u64,
    /// How many start a run.
    pub threshold: u64,
    /// The number of the crossing that is counted towards.
    pub crossing: u64,
    /// The run that the decision is about.
    pub run: Option<String>,
    /// Pending parts.
    pub parts: usize,
    /// LIST requests that the count took.
    pub list_requests: u64,
}

/// Counting failed. Nothing was started that the next count would start again: see [`Counter::count`].
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// The lake could not be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Step Functions could not be asked.
    #[error(transparent)]
    Runs(#[from] RunsError),
}

impl<L: ListParts + LoadPointer, R: DescribeRun + StartRun> Counter<L, R> {
    /// A counter over `lake` that starts `runs` at `threshold` pairs.
    pub fn new(lake: L, runs: R, threshold: u64, now: fn() -> Millis) -> Self {
        Self { lake, runs, threshold, now }
    }

    /// Counts once, and starts the crossing's run if there is one to start.
    ///
    /// It may be called at any time, any number of times at once, and die at any point: the run's name follows from the
    /// pointer, and Step Functions takes a name once (see [`flywheel_core::decide`]). If it dies before the start, nothing
    /// happened; if after, the next count finds the run.
    ///
    /// # Errors
    /// If the lake or Step Functions could not be asked. The next count starts afresh.
    pub async fn count(&self) -> Result<CountReport, CountError> {
        let started = Instant::now();
        let pointer = self.lake.load_pointer().await?.pointer;
        let listing = self.lake.list_parts(&pointer.watermark.list_after()).await?;
        let pending = pointer.watermark.pending(&listing.parts);
        let net_new = pointer.carried_over + pending.rows;
        let decision = self.act(net_new, pointer.crossing).await?;
        let report = CountReport {
            decision: decision.as_str(),
            pending: net_new,
            threshold: self.threshold,
            crossing: pointer.crossing,
            run: decision.run().map(str::to_owned),
            parts: pending.parts.len(),
            list_requests: listing.requests,
        };
        report.log(started);
        Ok(report)
    }

    /// Asks the core what to do, and does it, until nothing is left to do.
    async fn act(&self, pending: u64, crossing: u64) -> Result<Decision, CountError> {
        let mut attempts: Vec<Attempt> = Vec::new();
        loop {
            match decide(pending, self.threshold, crossing, &attempts, (self.now)()) {
                Decision::Inspect { run } => attempts.push(self.runs.describe_run(&run).await?),
                Decision::Start { run } => return self.start(run, crossing).await,
                settled => return Ok(settled),
            }
        }
    }

    async fn start(&self, run: String, crossing: u64) -> Result<Decision, CountError> {
        // While we counted, a run may have frozen this crossing and failed later. Then the crossing is over, and another
        // attempt at it would find nothing to do.
        if self.lake.load_pointer().await?.pointer.crossing != crossing {
            return Ok(Decision::AlreadyFrozen { run });
        }
        let input = RunInput { crossing, threshold: self.threshold };
        Ok(match self.runs.start_run(&run, input).await? {
            Started::Started => Decision::Start { run },
            Started::NameIsTaken => Decision::AlreadyRunning { run },
        })
    }
}

impl CountReport {
    fn log(&self, started: Instant) {
        tracing::info!(
            decision = self.decision,
            pending = self.pending,
            threshold = self.threshold,
            crossing = self.crossing,
            run = self.run,
            parts = self.parts,
            list_requests = self.list_requests,
            duration_ms = millis_since(started),
            "pairs counted"
        );
    }
}
