//! Brings messages to the queue: packs them into calls, sends the calls, and sends again what was not taken.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use tokio::time::{Instant, sleep, timeout_at};

use crate::edit_queue::{EditQueue, Entry, MAX_CALL_BYTES, MAX_ENTRIES};

/// The number of times that a message is sent before the client is told that it was not accepted.
const ATTEMPTS: u32 = 3;

/// The wait before what was not taken is sent again; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Calls under way at once: 500 events are 50 calls, and one after the other would take seconds.
const CONCURRENT_CALLS: usize = 8;

/// The time limit of the answer, with or without all results: it must come before the function's own time is up, which would
/// leave the client without an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// The result of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The queue has it.
    Taken,
    /// The queue will never take it.
    Refused,
    /// The queue may or may not have it. The client has to send it again; its id makes that safe.
    Unknown,
}

/// Delivers messages, and answers what became of each, in order.
pub(crate) async fn deliver(queue: &impl EditQueue, messages: &[&str]) -> Vec<Delivery> {
    let entries = messages.iter().enumerate().map(|(number, message)| Entry { number, message });
    let calls = pack(entries.collect());
    let mut deliveries = vec![Delivery::Unknown; messages.len()];
    let mut outcomes = stream::iter(calls).map(|call| deliver_call(queue, call)).buffer_unordered(CONCURRENT_CALLS);
    let deadline = Instant::now() + ANSWER_WITHIN;
    while let Ok(Some(outcome)) = timeout_at(deadline, outcomes.next()).await {
        for (number, delivery) in outcome {
            deliveries[number] = delivery;
        }
    }
    deliveries
}

/// Sends one call until everything in it is taken or given up.
async fn deliver_call(queue: &impl EditQueue, mut left: Vec<Entry<'_>>) -> Vec<(usize, Delivery)> {
    let mut settled = Vec::new();
    let mut wait = FIRST_WAIT;
    for attempt in 1..=ATTEMPTS {
        match queue.send(&left).await {
            Ok(faults) => {
                for entry in std::mem::take(&mut left) {
                    match faults.iter().find(|fault| fault.number == entry.number) {
                        None => settled.push((entry.number, Delivery::Taken)),
                        Some(fault) if fault.is_permanent => settled.push((entry.number, Delivery::Refused)),
                        Some(_) => left.push(entry),
                    }
                }
            }
            Err(error) => tracing::warn!(attempt, %error, "edits not queued"),
        }
        if left.is_empty() || attempt == ATTEMPTS {
            break;
        }
        sleep(wait).await;
        wait *= 2;
    }
    // What is left stays unknown.
    settled
}

/// Packs messages into as few calls as their order allows.
fn pack(entries: Vec<Entry<'_>>) -> Vec<Vec<Entry<'_>>> {
    let mut calls: Vec<Vec<Entry<'_>>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let fits =
            |call: &&mut Vec<Entry<'_>>| call.len() < MAX_ENTRIES && bytes + entry.message.len() <= MAX_CALL_BYTES;
        match calls.last_mut().filter(fits) {
            Some(call) => {
                bytes += entry.message.len();
                call.push(entry);
            }
            None => {
                bytes = entry.message.len();
                calls.push(vec![entry]);
            }
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::edit_queue::{EntryFault, QueueError};

    /// A queue that answers each call as the script says (then takes everything), and remembers what it was sent.
    #[derive(Default)]
    struct ScriptedQueue {
        answers: Mutex<Vec<Result<Vec<EntryFault>, QueueError>>>,
        calls: Mutex<Vec<Vec<usize>>>,
    }

    impl EditQueue for ScriptedQueue {
        async fn send(&self, entries: &[Entry<'_>]) -> Result<Vec<EntryFault>, QueueError> {
            self.calls.lock().unwrap().push(entries.iter().map(|entry| entry.number).collect());
            let mut answers = self.answers.lock().unwrap();
            if answers.is_empty() { Ok(Vec::new()) } else { answers.remove(0) }
        }
    }

    fn scripted(answers: Vec<Result<Vec<EntryFault>, QueueError>>) -> ScriptedQueue {
        ScriptedQueue { answers: Mutex::new(answers), ..ScriptedQueue::default() }
    }

    fn fault(number: usize, is_permanent: bool) -> EntryFault {
        EntryFault { number, is_permanent }
    }

    fn unreachable() -> Result<Vec<EntryFault>, QueueError> {
        Err(QueueError("time-out".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_not_taken_is_sent_again() {
        let queue = scripted(vec![Ok(vec![fault(1, false)])]);
        let deliveries = deliver(&queue, &["a", "b", "c"]).await;
        assert_eq!(deliveries, [Delivery::Taken; 3]);
        assert_eq!(*queue.calls.lock().unwrap(), [vec![0, 1, 2], vec![1]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_at_fault_is_not_sent_again() {
        let queue = scripted(vec![Ok(vec![fault(0, true)])]);
        assert_eq!(deliver(&queue, &["a", "b"]).await, [Delivery::Refused, Delivery::Taken]);
        assert_eq!(queue.calls.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_stays_away_is_given_up() {
        let queue = scripted((0..3).map(|_| unreachable()).collect());
        assert_eq!(deliver(&queue, &["a", "b"]).await, [Delivery::Unknown; 2]);
        assert_eq!(queue.calls.lock().unwrap().len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_comes_back_is_enough() {
        let queue = scripted(vec![unreachable(), unreachable()]);
        assert_eq!(deliver(&queue, &["a"]).await, [Delivery::Taken]);
    }

    /// Takes the first call and never answers another.
    #[derive(Default)]
    struct HangingQueue(Mutex<bool>);

    impl EditQueue for HangingQueue {
        async fn send(&self, _: &[Entry<'_>]) -> Result<Vec<EntryFault>, QueueError> {
            let hangs = std::mem::replace(&mut *self.0.lock().unwrap(), true);
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok(Vec::new())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_hangs_does_not_keep_the_client_waiting() {
        let started = Instant::now();
        let deliveries = deliver(&HangingQueue::default(), &["a"; 11]).await;
        assert_eq!(deliveries[..10], [Delivery::Taken; 10]);
        assert_eq!(deliveries[10], Delivery::Unknown);
        assert_eq!(started.elapsed(), ANSWER_WITHIN);
    }

    #[test]
    fn calls_are_packed_by_number_and_by_bytes() {
        let half = "x".repeat(MAX_CALL_BYTES / 2);
        let lengths = |messages: &[&str]| {
            let entries = messages.iter().enumerate().map(|(number, message)| Entry { number, message }).collect();
            pack(entries).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&["a"; 25]), [10, 10, 5]);
        assert_eq!(lengths(&[&half, &half, "a"]), [2, 1]);
        assert_eq!(lengths(&[&half, "a", &half]), [2, 1]);
        assert_eq!(lengths(&[]), [0; 0]);
    }
}
