//! Why the trainer gave up.

use std::path::{Path, PathBuf};

/// What any of it fails with. No message holds a text of a user's.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// A file is not what it should be, or asks for what the trainer does not do. The message names the field, and the fix if there
    /// is one.
    #[error("{}: {problem}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A loss or gradient is infinite or no number.
    #[error("{what} of step {step} is not finite: lower training.learning_rate or training.max_gradient_norm")]
    NotFinite {
        /// `loss` or `gradient`.
        what: &'static str,
        /// The step, counted from 1.
        step: u64,
    },
    /// The observer asked for an end. What the last checkpoint has is kept.
    #[error("cancelled at step {step}")]
    Cancelled {
        /// The steps that were done.
        step: u64,
    },
    /// A computation could not be carried out.
    #[error("cannot compute: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Anything that is said in a sentence.
    #[error("{0}")]
    Other(String),
}

/// What the trainer's functions answer.
pub type Result<T> = std::result::Result<T, TrainerError>;

impl TrainerError {
    pub(crate) fn unusable(path: &Path, problem: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), problem: problem.into() }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
