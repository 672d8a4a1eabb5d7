use serde::{Deserialize, Serialize};

/// Why a pair is held back from the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It carries a phrase that came all at once.
    Burst,
    /// Another pair of the same prompt says the opposite, or the model's output has been edited in too many ways.
    Conflict,
    /// Its prompt is nearly the same as one that is trained on, and as one that is held out.
    SplitConflict,
    /// Its contributor has enough pairs in this version, and more that wait than may wait.
    ContributorCap,
    /// It names no contributor, and of pairs that do not the version has enough, and more wait than may wait.
    UnattributedCap,
    /// Its tenant has its share of this version, and its contributor more pairs that wait than may wait.
    TenantCap,
    /// The circuit breaker is open, or was when it was written, or lets a sample through and this is no part of it.
    BreakerOpen,
}
