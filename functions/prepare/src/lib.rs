//! Prepares a training run: pins the dataset version and writes the trainer's input into the run's folder.
//!
//! | file | subject |
//! |---|---|
//! | `preparer` | the order of the writes, and why each may be repeated |
//! | `pairs` | the dataset version's rows, for training and for evaluation |
//! | `replay` | the log's liked outputs, likewise |
//! | `spool` | temporary files for the lake, so that memory does not grow with them |

mod failure;
mod pairs;
mod preparer;
mod replay;
mod spool;

pub use preparer::{PrepareError, Prepared, Preparer, Readiness, RunRequest};
