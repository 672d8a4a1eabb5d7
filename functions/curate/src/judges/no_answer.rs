/// The reason why a judge gave no opinion. It never has the service's own words: error messages may quote the request.
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
    /// The answer was invalid.
    #[error("unreadable answer")]
    Unreadable,
    /// The question could not be sent.
    #[error("not asked")]
    NotAsked,
    /// A panic in this program.
    #[error("panicked")]
    Panicked,
}
