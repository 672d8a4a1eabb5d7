use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsMessage};
use flywheel_base::{
    Refusal, Route,
    instant::{Micros, Millis},
};
use flywheel_curation::{AuditedEvent, Batch, Curator, Opinion, Part};
use flywheel_lake::WritePart;
use flywheel_runtime::millis_since;
use futures::future::join_all;

use crate::judges::Panel;

/// The longest time of any invocation.
const LONGEST_INVOCATION: Duration = Duration::from_secs(15 * 60);

/// Curates batches of messages.
#[derive(Debug)]
pub struct Curate<L> {
    curator: Curator,
    lake: L,
    now: fn() -> Millis,
    panel: Option<Panel>,
}

/// A message without an id failed. It cannot be reported alone: an empty id in the answer would silently fail the whole batch. So
/// the batch fails with this error.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message without an id cannot be returned to the queue alone")]
pub struct UnidentifiedMessage;

/// The counts of one invocation, for its one log line.
#[derive(Debug, Default)]
struct Tally {
    unreadable: usize,
    unwritten: usize,
    conflicts: usize,
    rows: [u64; Route::ALL.len()],
}

impl<L: WritePart> Curate<L> {
    /// Creates a handler that curates with `curator` into `lake`; `now` is the clock for the parts' names.
    pub fn new(curator: Curator, lake: L, now: fn() -> Millis) -> Self {
        Self { curator, lake, now, panel: None }
    }

    /// Adds a panel of judges for events that would be gold.
    #[must_use]
    pub fn with_judges(self, panel: Panel) -> Self {
        Self { panel: Some(panel).filter(|panel| !panel.is_empty()), ..self }
    }

    /// Curates one batch without a time limit.
    ///
    /// # Errors
    /// As [`Self::handle_within`].
    pub async fn handle(&self, messages: Vec<SqsMessage>) -> Result<SqsBatchResponse, UnidentifiedMessage> {
        self.handle_within(LONGEST_INVOCATION, messages).await
    }

    /// Curates one batch within the invocation's remaining time. Returns the messages to redeliver: invalid events, and those
    /// whose part could not be written. Each fails alone, or with its part.
    ///
    /// # Errors
    /// If a message without an id fails.
    pub async fn handle_within(
        &self,
        time_left: Duration,
        messages: Vec<SqsMessage>,
    ) -> Result<SqsBatchResponse, UnidentifiedMessage> {
        let started = Instant::now();
        let deadline = tokio::time::Instant::now() + time_left;
        let mut tally = Tally::default();
        let mut batch = Batch::default();
        let mut failed = Vec::new();
        let mut audited = Vec::new();
        for message in &messages {
            let audit = |body| Ok(self.curator.audit(body)?.received_by_default(sent_at(message)));
            match catch_item_failure(message, audit) {
                Some(event) => audited.push((message, event)),
                None => failed.push(message),
            }
        }
        let opinions = self.opinions(&audited, deadline).await;
        for ((message, event), opinions) in audited.into_iter().zip(opinions) {
            match catch_item_failure(message, |_| self.curator.finish(event, &opinions, (self.now)())) {
                Some(event) => batch.add(event, message),
                None => failed.push(message),
            }
        }
        tally.unreadable = failed.len();
        tally.conflicts = batch.conflicts();
        // The parts are named now and not at the start: a part's name must not be much older than its object.
        let parts = batch.into_parts((self.now)());
        for part in self.write(parts, &mut tally).await {
            failed.extend(part.messages);
        }
        tally.log(messages.len(), started);
        failures(&failed)
    }

    /// Returns the judges' opinions on each event; none for events that are not to be gold, or without judges.
    async fn opinions(
        &self,
        audited: &[(&SqsMessage, AuditedEvent<'_>)],
        deadline: tokio::time::Instant,
    ) -> Vec<Vec<Opinion>> {
        let mut opinions = vec![Vec::new(); audited.len()];
        let Some(panel) = &self.panel else { return opinions };
        let asked_about =
            audited.iter().zip(&mut opinions).filter_map(|((_, event), said)| Some((event.case()?, said)));
        let (cases, said): (Vec<_>, Vec<_>) = asked_about.unzip();
        for (said, opinions) in said.into_iter().zip(panel.opinions(&cases, deadline).await) {
            *said = opinions;
        }
        opinions
    }

    /// Writes all parts at once. Returns those that could not be written.
    async fn write<'m>(&self, parts: Vec<Part<&'m SqsMessage>>, tally: &mut Tally) -> Vec<Part<&'m SqsMessage>> {
        let writes = parts.into_iter().map(|mut part| async {
            let key = part.name.key(part.route);
            let written = self.lake.write_part(&key, std::mem::take(&mut part.body)).await;
            (part, written)
        });
        let mut unwritten = Vec::new();
        for (part, written) in join_all(writes).await {
            match written {
                Ok(()) => tally.count(&part),
                Err(error) => {
                    tracing::error!(route = part.route.as_str(), rows = part.name.rows, %error, "part not written");
                    tally.unwritten += part.messages.len();
                    unwritten.push(part);
                }
            }
        }
        unwritten
    }
}

impl Tally {
    fn count<M>(&mut self, part: &Part<M>) {
        for (rows, route) in self.rows.iter_mut().zip(Route::ALL) {
            if route == part.route {
                *rows += part.name.rows;
            }
        }
    }

    fn log(&self, messages: usize, started: Instant) {
        let [gold, replay, signals, review, quarantine, dropped] = self.rows;
        let Self { unreadable, unwritten, conflicts, .. } = self;
        let duration_ms = millis_since(started);
        tracing::info!(
            messages,
            gold,
            replay,
            signals,
            review,
            quarantine,
            dropped,
            unreadable,
            unwritten,
            conflicts,
            duration_ms,
            "batch curated"
        );
    }
}

/// Runs a step of curating a message. The message fails alone: a defect that panics on one message must not fail the other 999
/// repeatedly.
fn catch_item_failure<'m, T>(message: &'m SqsMessage, step: impl FnOnce(&'m str) -> Result<T, Refusal>) -> Option<T> {
    let message_id = message.message_id.as_deref();
    let body = message.body.as_deref().unwrap_or_default();
    match catch_unwind(AssertUnwindSafe(|| step(body))) {
        Ok(Ok(done)) => Some(done),
        Ok(Err(refusal)) => {
            tracing::warn!(message_id, code = refusal.code.as_str(), "message is no event");
            None
        }
        Err(_) => {
            tracing::error!(message_id, "curation panicked");
            None
        }
    }
}

/// Returns the time at which the queue received a message, in microseconds since the epoch. Redeliveries have the same time.
fn sent_at(message: &SqsMessage) -> Option<Micros> {
    message.attributes.get("SentTimestamp")?.parse::<Millis>().ok()?.checked_mul(1_000)
}

fn failures(failed: &[&SqsMessage]) -> Result<SqsBatchResponse, UnidentifiedMessage> {
    let mut response = SqsBatchResponse::default();
    for message in failed {
        let message_id = message.message_id.as_deref().filter(|id| !id.is_empty());
        response.add_failure(message_id.ok_or(UnidentifiedMessage)?);
    }
    Ok(response)
}
