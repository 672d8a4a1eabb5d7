//! The dataset: a Delta Lake table of preference pairs whose versions are immutable and explain themselves.
//!
//! `freeze` commits versions, people read, compare and verify them; what they are made of is decided in the core.

mod dataset;
mod delta_dataset;
mod verify;

pub use dataset::{Dataset, DatasetError, Loaded, Records};
pub use delta_dataset::{Compared, DeltaDataset, InvalidLocation, TableVersion, VersionCommit, compare};
pub use verify::{Unverifiable, Verified, verify};
