use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use flywheel_curation::{CONTROL, Case, JudgeLimits, Opinion, caught_control};
use flywheel_runtime::{Metric, Metrics};
use futures::future::join_all;
use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::time::{Instant, timeout, timeout_at};

use super::judge::Judge;
use super::no_answer::NoAnswer;

/// The time limit of one call. A judgement is a few tokens and takes a second or two.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The time reserved for writing the parts after judging: a lake's call with all its attempts takes at most 25 s, and curation
/// itself a few.
const WRITING_TIME: Duration = Duration::from_secs(30);

/// The judges of a deployment; none by default.
#[derive(Debug)]
pub struct Panel {
    judges: Vec<Box<dyn Judge>>,
    limits: JudgeLimits,
    metrics: Metrics,
}

/// One judge's opinions on a batch.
struct Session {
    opinions: Vec<Vec<Opinion>>,
    asked: usize,
    unanswered: usize,
    /// The first reason for a missing answer.
    cause: Option<NoAnswer>,
}

impl Panel {
    /// Creates a panel without judges.
    #[must_use]
    pub fn new(limits: JudgeLimits) -> Self {
        Self { judges: Vec::new(), limits, metrics: Metrics::default() }
    }

    /// Records the number of unjudged events.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Adds a judge.
    #[must_use]
    pub fn with(mut self, judge: impl Judge + 'static) -> Self {
        self.judges.push(Box::new(judge));
        self
    }

    /// Returns `true` if there is no judge.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.judges.is_empty()
    }

    /// Returns all judges' opinions on each case, in the cases' order, before `deadline` less the time for writing. Each case has
    /// at least one opinion by each judge.
    pub async fn opinions(&self, cases: &[Case<'_>], deadline: Instant) -> Vec<Vec<Opinion>> {
        let mut opinions = vec![Vec::new(); cases.len()];
        if self.judges.is_empty() || cases.is_empty() {
            return opinions;
        }
        let now = Instant::now();
        let latest = deadline.checked_sub(WRITING_TIME).unwrap_or(now);
        let deadline = latest.min(now + Duration::from_secs(self.limits.max_seconds));
        for session in join_all(self.judges.iter().map(|judge| self.hear(judge.as_ref(), cases, deadline))).await {
            for (all, said) in opinions.iter_mut().zip(session.opinions) {
                all.extend(said);
            }
        }
        opinions
    }

    /// Asks one judge about all cases, if it recognises the control as unsafe.
    async fn hear(&self, judge: &dyn Judge, cases: &[Case<'_>], deadline: Instant) -> Session {
        let mut session =
            Session { opinions: vec![vec![Opinion::Unsure]; cases.len()], asked: 0, unanswered: 0, cause: None };
        let control_holds = self.limits.max_calls > 0 && control_holds(judge, deadline, &mut session).await;
        if control_holds {
            self.ask_all(judge, cases, deadline, &mut session).await;
        }
        let unjudged = session.unjudged();
        if unjudged > 0 {
            self.metrics.record(Metric::Unjudged, unjudged as u64);
        }
        session.log(judge, control_holds);
        session
    }

    async fn ask_all(&self, judge: &dyn Judge, cases: &[Case<'_>], deadline: Instant, session: &mut Session) {
        let is_short = |(_, case): &(usize, &Case<'_>)| case.chars() <= self.limits.max_chars;
        let cases = cases.iter().enumerate().filter(is_short).take(self.limits.max_calls - 1);
        let answers = cases.map(|(index, case)| async move { (index, ask(judge, case).await) });
        let mut answers = pin!(stream::iter(answers).buffer_unordered(self.limits.at_once));
        // At the deadline, unfinished calls are dropped and no more are started.
        while let Ok(Some((index, answer))) = timeout_at(deadline, answers.next()).await {
            session.note(&answer);
            if let (Ok(answer), Some(opinions)) = (answer, session.opinions.get_mut(index)) {
                *opinions = answer;
            }
        }
    }
}

async fn control_holds(judge: &dyn Judge, deadline: Instant, session: &mut Session) -> bool {
    let answer = timeout_at(deadline, ask(judge, &CONTROL)).await.unwrap_or(Err(NoAnswer::TimedOut));
    session.note(&answer);
    answer.is_ok_and(|opinions| caught_control(&opinions))
}

/// Asks one question and turns every failure into a reason.
async fn ask(judge: &dyn Judge, case: &Case<'_>) -> Result<Vec<Opinion>, NoAnswer> {
    // A panic in a judge must not fail the batch.
    let answer = AssertUnwindSafe(timeout(CALL_TIMEOUT, judge.opine(case))).catch_unwind().await;
    let opinions = answer.map_err(|_| NoAnswer::Panicked)?.map_err(|_| NoAnswer::TimedOut)??;
    if opinions.is_empty() { Err(NoAnswer::Unreadable) } else { Ok(opinions) }
}

impl Session {
    fn note(&mut self, answer: &Result<Vec<Opinion>, NoAnswer>) {
        self.asked += 1;
        if let Err(cause) = answer {
            self.unanswered += 1;
            self.cause.get_or_insert_with(|| cause.clone());
        }
    }

    /// Returns the number of cases with an opinion of a kind.
    fn count(&self, is_of_kind: fn(&Opinion) -> bool) -> usize {
        self.opinions.iter().filter(|said| said.iter().any(is_of_kind)).count()
    }

    fn unjudged(&self) -> usize {
        self.count(|opinion| *opinion == Opinion::Unsure)
    }

    fn log(&self, judge: &dyn Judge, control_holds: bool) {
        let unjudged = self.unjudged();
        let lowered = self.count(|opinion| !matches!(opinion, Opinion::Unsure | Opinion::Pass));
        let Self { asked, unanswered, opinions, .. } = self;
        let (judge, cases) = (judge.kind(), opinions.len());
        let cause = self.cause.as_ref().map(tracing::field::display);
        if control_holds && unjudged == 0 {
            tracing::info!(judge, cases, asked, lowered, "judge heard");
        } else {
            tracing::warn!(
                judge,
                cases,
                asked,
                lowered,
                unjudged,
                unanswered,
                control_holds,
                cause,
                "judge not heard on all"
            );
        }
    }
}
