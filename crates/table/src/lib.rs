//! The dataset: a Delta Lake table of preference pairs whose versions are immutable and explain themselves.
//!
//! `freeze` commits versions, and operators read, compare, verify and export them. The core decides which rows they have.

mod amendable;
mod amender;
mod dataset;
mod delta_dataset;
mod erased;
mod eraser;
mod net_new;
mod parquet_lines;
mod unfinished;
mod verify;

pub use amendable::{Amendable, Rows};
pub use amender::{AmendError, Amender, NewVersion, Request, Wish};
pub use dataset::{Dataset, DatasetError, Loaded, Records};
pub use delta_dataset::{Compared, DeltaDataset, InvalidLocation, TableVersion, VersionCommit, compare};
pub use eraser::{EraseError, Eraser, Erasure};
pub use net_new::net_new_without;
pub use parquet_lines::ParquetLines;
pub use unfinished::finish;
pub use verify::{Unverifiable, Verified, verify};
