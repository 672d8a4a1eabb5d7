use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::arguments::LakeArguments;
use crate::marked::{visible, visible_json};
use crate::{Failure, Outcome};

/// Prints a command's result as one JSON object or as text, safe to show on a terminal.
pub(crate) fn print<R: Serialize>(
    on: &LakeArguments,
    report: &R,
    text: impl FnOnce(&R) -> String,
) -> Result<Outcome, Failure> {
    print_styled(on, report, |report| visible(&text(report)))
}

/// Prints the same with a text that has colours, and whose values are safe to show already.
pub(crate) fn print_styled<R: Serialize>(
    on: &LakeArguments,
    report: &R,
    text: impl FnOnce(&R) -> String,
) -> Result<Outcome, Failure> {
    let text = if on.json { visible_json(&serde_json::to_string(report)?) + "\n" } else { text(report) };
    let mut output = stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(Outcome::AllGood)
}

/// Reports the progress of long work on standard error, if that is a terminal.
pub(crate) struct Told {
    told: Instant,
    is_watched: bool,
}

/// The time before the first report. Shorter work reports nothing.
const INTERVAL: Duration = Duration::from_millis(300);

impl Told {
    pub(crate) fn new() -> Self {
        Self { told: Instant::now(), is_watched: stderr().is_terminal() }
    }

    pub(crate) fn tell(&mut self, position: impl FnOnce() -> String) {
        if !self.is_watched || self.told.elapsed() < INTERVAL {
            return;
        }
        self.told = Instant::now();
        // A failed report does not stop the work.
        let _ = write!(stderr(), "\r{}\x1b[K", position());
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if self.is_watched {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
