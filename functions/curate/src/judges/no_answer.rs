/// Why a judge gave no opinion. Nothing here is in the service's own words: its error messages may quote what it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// The service refused, with this code.
    #[error("{0}")]
    Refused(String),
    /// The service could not be reached.
    #[error("not reached")]
    NotReached,
    /// It answered something that is no answer.
    #[error("unreadable answer")]
    Unreadable,
    /// It could not be asked.
    #[error("not asked")]
    NotAsked,
    /// A defect of ours.
    #[error("panicked")]
    Panicked,
}
