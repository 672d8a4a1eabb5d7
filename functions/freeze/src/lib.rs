//! Freezes pending parts as an immutable version of the dataset: the first task of the fine-tuning workflow.

mod failure;
mod freezer;
mod part_lines;
mod window;

pub use freezer::{FreezeError, FreezeRequest, Freezer};
pub use part_lines::CorruptPart;
