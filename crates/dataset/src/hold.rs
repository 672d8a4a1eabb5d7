use serde::{Deserialize, Serialize};

/// The reason why a pair is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchReason {
    /// It carries a phrase that is a burst.
    Burst,
    /// Another pair of the same prompt says the opposite, or the model's output has too many different edits.
    Conflict,
    /// Its event's id brought another pair before, from the same sender.
    IdConflict,
    /// Its prompt is a near duplicate of a training prompt and of a held-out one.
    SplitConflict,
    /// Its contributor reached the cap in this version, and has more waiting pairs than may wait.
    ContributorCap,
    /// It names no contributor. The cap of such pairs is reached, and more wait than may wait.
    UnattributedCap,
    /// Its tenant reached its share of this version, and its contributor has more waiting pairs than may wait.
    TenantCap,
    /// Its ingest key reached its share of this version, and its contributor has more waiting pairs than may wait.
    KeyCap,
    /// The circuit breaker is open, or was when the pair was written, or lets through a sample without it.
    BreakerOpen,
}
