use serde::{Serialize, Serializer};

/// Where an event's one line goes. Ordered from the freest to the strictest: what several findings ask for, the strictest of
/// them gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// A preference pair that passed everything.
    Gold,
    /// The sample of outputs that users liked as they were: trained along, against forgetting.
    Replay,
    /// Weak feedback, for analytics and unpaired training. Never a preference pair.
    Signals,
    /// A person has to look.
    Review,
    /// The audit holds it back.
    Quarantine,
    /// Trains nobody: ids and reasons are kept, texts are not.
    Dropped,
}

impl Route {
    /// Every route, in the order in which reports show them.
    pub const ALL: [Self; 6] = [Self::Gold, Self::Replay, Self::Signals, Self::Review, Self::Quarantine, Self::Dropped];

    /// The route's name, as in the lake's partitions.
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
