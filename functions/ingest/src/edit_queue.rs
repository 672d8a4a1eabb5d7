use std::future::Future;

/// Sends messages to the queue: `sqs:SendMessage`, one call at a time.
pub trait EditQueue {
    /// Sends up to 10 messages of up to 1 MiB together, in one call. Answers with those that the queue did *not* take; an
    /// answer without faults means that it has them all.
    fn send(&self, entries: &[Entry<'_>]) -> impl Future<Output = Result<Vec<EntryFault>, QueueError>> + Send;
}

/// The most messages that SQS takes in one call.
pub(crate) const MAX_ENTRIES: usize = 10;

/// The most bytes that SQS takes in one call, all messages together.
pub(crate) const MAX_CALL_BYTES: usize = flywheel_event::MAX_EVENT_BYTES;

/// A message, and the caller's number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'m> {
    /// The number by which a fault names it; unique within a call.
    pub number: usize,
    /// The message's body.
    pub message: &'m str,
}

/// A message that the queue did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryFault {
    /// The entry's number.
    pub number: usize,
    /// `true` if the message itself is at fault and sending it again cannot help.
    pub is_permanent: bool,
}

/// The call failed as a whole; whether the queue took anything is not known.
#[derive(Debug, thiserror::Error)]
#[error("the queue cannot be reached: {0}")]
pub struct QueueError(pub String);
