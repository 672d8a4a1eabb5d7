//! `POST /v1/edits` and `/v1/feedback`: takes events at the front door and answers once the queue has them.

mod authentication;
mod delivery;
mod edit_queue;
mod handler;
mod response;
mod sqs_edit_queue;

pub use authentication::{Authentication, InvalidKeys};
pub use edit_queue::{EditQueue, Entry, EntryFault, QueueError};
pub use handler::Ingest;
pub use sqs_edit_queue::SqsEditQueue;
