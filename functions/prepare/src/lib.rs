//! Prepares a training run: pins the dataset version, and writes all that a trainer reads into the run's folder.
//!
//! | file | does |
//! |---|---|
//! | `preparer` | the order of things, and why it may be done again at any point |
//! | `pairs` | the dataset version's rows, to train on and to measure on |
//! | `replay` | the log's liked outputs, likewise |
//! | `spool` | files on their way into the lake, so that memory does not grow with them |

mod failure;
mod pairs;
mod preparer;
mod replay;
mod spool;

pub use preparer::{PrepareError, Prepared, Preparer, Readiness, RunRequest};
