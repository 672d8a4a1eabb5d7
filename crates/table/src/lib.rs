//! The dataset: a Delta Lake table of preference pairs whose versions are immutable and explain themselves.
//!
//! `freeze` commits versions, and operators amend, read, compare, verify and export them (`flywheel-operator`). The core decides which
//! rows they have.

mod amendable;
mod beside;
mod dataset;
mod delta_dataset;
mod erased;
mod net_new;
mod parquet_lines;
mod unfinished;
mod verify;

pub use amendable::{Amendable, Rows};
pub use beside::{background_of, waiting_after};
pub use dataset::{Dataset, DatasetError, Loaded, Records};
pub use delta_dataset::{
    Compared, DATASET_PREFIX, DataFileName, DeltaDataset, FileLeft, InvalidLocation, TableVersion, VersionCommit,
    compare,
};
pub use erased::{Erased, Instead};
pub use net_new::net_new_without;
pub use parquet_lines::ParquetLines;
pub use unfinished::{ahead, check_that_none_is_lost, finish};
pub use verify::{Unverifiable, Verified, verify};
