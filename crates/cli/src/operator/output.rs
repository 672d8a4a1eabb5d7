use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::arguments::LakeArguments;
use crate::{Failure, Outcome};

/// Says what a command found: as one JSON object, or as text.
pub(crate) fn print<R: Serialize>(
    on: &LakeArguments,
    report: &R,
    text: impl FnOnce(&R) -> String,
) -> Result<Outcome, Failure> {
    let text = if on.json { serde_json::to_string(report)? + "\n" } else { text(report) };
    let mut output = stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(Outcome::AllGood)
}

/// Tells how far long work has come, on the standard error, where somebody watches.
pub(crate) struct Told {
    told: Instant,
    is_watched: bool,
}

/// Work that takes less is not told of.
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
        // What cannot be told is no reason to stop.
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
