//! Abuse in what the user added.

mod features;
#[cfg(feature = "toxicity-training")]
pub(crate) mod training;
