//! The progress of a training, on standard error.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::progress::{Progress, StepReport};

/// Reports a training's progress: on a terminal in one line that changes, else as a line now and then.
pub(super) struct Told {
    is_watched: bool,
    interval: Duration,
    started: Instant,
    told: Option<Instant>,
}

impl Told {
    pub(super) fn new() -> Self {
        let is_watched = stderr().is_terminal();
        let interval = Duration::from_millis(if is_watched { 100 } else { 2_000 });
        Self { is_watched, interval, started: Instant::now(), told: None }
    }

    pub(super) fn tell(&mut self, progress: &Progress) -> ControlFlow<()> {
        let (text, is_last) = match progress {
            Progress::Note(note) => (note.clone(), true),
            Progress::Measured { done, all } => (format!("measured {done} of {all} answers"), done == all),
            Progress::Step(report) => (self.step(report), report.step == report.steps),
            Progress::Scored { done, all } => (format!("scored {done} of {all} rows"), done == all),
        };
        if !is_last && self.told.is_some_and(|told| told.elapsed() < self.interval) {
            return ControlFlow::Continue(());
        }
        self.told = Some(Instant::now());
        let (start, end) = match (self.is_watched, is_last) {
            (true, false) => ("\r", "\x1b[K"),
            (true, true) => ("\r", "\x1b[K\n"),
            (false, _) => ("", "\n"),
        };
        // A failed report does not stop the training.
        let _ = stderr().write_all(format!("{start}{text}{end}").as_bytes());
        ControlFlow::Continue(())
    }

    fn step(&mut self, report: &StepReport) -> String {
        let StepReport { step, steps, first, losses, .. } = *report;
        if step == first {
            self.started = Instant::now();
        }
        let left = match step - first {
            0 => String::new(),
            done => {
                let seconds = self.started.elapsed().as_secs_f64() / done as f64 * (steps - step) as f64;
                format!(", {seconds:.0} s left")
            }
        };
        let terms = format!("dpo {:.4}, sft {:.4}, replay {:.4}", losses.dpo, losses.sft, losses.replay);
        format!("step {step} of {steps}: loss {:.4} ({terms}){left}", losses.total)
    }
}
