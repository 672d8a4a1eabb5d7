//! The trainer's errors.

use std::path::{Path, PathBuf};

/// An error of the trainer. No message holds a user's text.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// A file is invalid or asks for something that is not supported. The message names the field, and the fix if there is one.
    #[error("{}: {problem}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A loss or gradient is infinite or NaN.
    #[error("{what} of step {step} is not finite: lower training.learning_rate or training.max_gradient_norm")]
    NotFinite {
        /// `loss` or `gradient`.
        what: &'static str,
        /// The step, counted from 1.
        step: u64,
    },
    /// The observer ended the training. The last checkpoint is kept.
    #[error("cancelled at step {step}")]
    Cancelled {
        /// The number of steps that were done.
        step: u64,
    },
    /// A tensor operation failed.
    #[error("cannot compute: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Any other error, as a sentence.
    #[error("{0}")]
    Other(String),
}

/// The result of the trainer's functions.
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
