//! Submissions from clients, and the events in them.

pub(crate) mod contributor;
pub(crate) mod edit_event;
pub(crate) mod feedback;
pub(crate) mod prompt;
pub(crate) mod revision;
pub(crate) mod sampling;
pub(crate) mod submission;
