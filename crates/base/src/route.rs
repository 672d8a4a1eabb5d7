use serde::{Serialize, Serializer};

/// The route of an event's one line. Ordered from the freest to the strictest: of several findings the strictest route
/// wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// A preference pair that passed every check.
    Gold,
    /// The sample of outputs that users liked as they were. They are trained along against forgetting.
    Replay,
    /// Weak feedback, for analytics and unpaired training. Never a preference pair.
    Signals,
    /// An operator has to look at it.
    Review,
    /// The audit quarantined it.
    Quarantine,
    /// Not for training: ids and reasons are kept, texts are not.
    Dropped,
}

impl Route {
    /// Every route, in the order in which reports show them.
    pub const ALL: [Self; 6] = [Self::Gold, Self::Replay, Self::Signals, Self::Review, Self::Quarantine, Self::Dropped];

    /// Returns the route's name, as in the lake's partitions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gold => "gold",
            Self::Replay => "replay",
            Self::Signals => "signals",
            Self::Review => "review",
            Self::Quarantine => "quarantine",
            Self::Dropped => "dropped",
        }
    }
}

impl Serialize for Route {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
