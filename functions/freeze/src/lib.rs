//! Freezes pending parts into an immutable version of the dataset: the first task of the fine-tuning workflow.

mod dataset;
mod delta_dataset;
mod failure;
mod freezer;
mod part_lines;
mod verify;
mod window;

pub use dataset::{Dataset, DatasetError, Loaded, Records};
pub use delta_dataset::{DeltaDataset, InvalidLocation, TableVersion};
pub use freezer::{Crossing, FreezeError, Freezer};
pub use part_lines::CorruptPart;
pub use verify::{Unverifiable, Verified, verify};
