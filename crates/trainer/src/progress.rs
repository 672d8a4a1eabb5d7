//! What a training says while it goes on, and how it is told to stop.

use std::ops::ControlFlow;

use crate::failure::{Result, TrainerError};
use crate::objective::Losses;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Worth knowing.
    Note(String),
    /// The base has measured so many of so many answers to train on.
    Measured {
        /// Answers done.
        done: usize,
        /// All answers.
        all: usize,
    },
    /// A step is done.
    Step(StepReport),
    /// So many of so many held-out rows are scored, by incumbent or candidate.
    Scored {
        /// Rows done.
        done: usize,
        /// All rows, of both models.
        all: usize,
    },
}

/// A step that is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Its number, from 1.
    pub step: u64,
    /// The number of the last.
    pub steps: u64,
    /// The first that this process did.
    pub first: u64,
    /// Its loss, before it.
    pub losses: Losses,
    /// Its learning rate.
    pub learning_rate: f64,
    /// The norm of its gradients, before clipping.
    pub gradient_norm: f64,
}

/// Whoever is told, and may answer that it is enough.
pub struct Observer<'o> {
    observe: &'o mut dyn FnMut(&Progress) -> ControlFlow<()>,
}

impl<'o> Observer<'o> {
    /// Calls this with everything that happens, between two steps or scored batches: what it does there, such as a heartbeat, holds the
    /// training up. After [`ControlFlow::Break`] the training ends as [`TrainerError::Cancelled`].
    pub fn new(observe: &'o mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        Self { observe }
    }

    pub(crate) fn tell(&mut self, progress: &Progress, step: u64) -> Result<()> {
        match (self.observe)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(TrainerError::Cancelled { step }),
        }
    }
}
