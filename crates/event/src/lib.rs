//! Submissions from clients, and the events in them.
//!
//! | from | to | decided in |
//! |---|---|---|
//! | a request's body | events ready for the queue, or a refusal of each invalid one | [`Submission`] |
//! | a message of a chat, in the form of one of several APIs | one form of it | [`ChatMessage`] |
//! | a queue message | an edit with the user's feedback | [`EditEvent`], [`Feedback`] |
//! | a later state of the same output | the state that counts | [`Revision`] |
//! | a contributor's id | a pseudonym | [`ContributorKey`] |

mod contributor;
mod edit_event;
mod feedback;
mod limits;
mod media;
mod message;
mod prompt;
mod revision;
mod sampling;
mod sender;
mod submission;
mod tool;

pub use contributor::ContributorKey;
pub use edit_event::{ContextEntry, EditEvent, Model, OccurredAt, pair_id_of};
pub use feedback::{Feedback, FeedbackKind};
pub use message::ChatMessage;
pub use prompt::Prompt;
pub use revision::{OutputOf, Revision};
pub use sampling::{Sampling, SamplingSection};
pub use sender::{EVENT_KEY, INGEST_KEY, ScopedId};
pub use submission::{Endpoint, MAX_EVENT_BYTES, QueuedEvent, Received, Submission, Submitted};
