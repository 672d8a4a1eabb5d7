//! Reports a training's progress and takes the request to stop.

use std::ops::ControlFlow;

use crate::failure::{Result, TrainerError};
use crate::objective::Losses;

/// An event of a training.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A remark.
    Note(String),
    /// The base has measured `done` of `all` answers.
    Measured {
        /// The number of answers that are done.
        done: usize,
        /// The number of all answers.
        all: usize,
    },
    /// A step is done.
    Step(StepReport),
    /// The held-out rows are partly scored, by incumbent or candidate.
    Scored {
        /// The number of scored rows.
        done: usize,
        /// The number of all rows, of both models.
        all: usize,
    },
}

/// The report of a finished step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Its number, from 1.
    pub step: u64,
    /// The number of the last.
    pub steps: u64,
    /// The number of the first step in this process.
    pub first: u64,
    /// The loss before the step.
    pub losses: Losses,
    /// Its learning rate.
    pub learning_rate: f64,
    /// The norm of its gradients, before clipping.
    pub gradient_norm: f64,
}

/// Receives progress, and may end the training.
pub struct Observer<'o> {
    observe: &'o mut dyn FnMut(&Progress) -> ControlFlow<()>,
}

impl<'o> Observer<'o> {
    /// Calls `observe` with every event, between two steps or scored batches. It runs in the training's thread, so its time, such
    /// as for a heartbeat, delays the training. After [`ControlFlow::Break`] the training ends as [`TrainerError::Cancelled`].
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
