//! The progress of a run, on standard error.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::time::{Duration, Instant};

const BAR_CELLS: usize = 24;

/// Reports the progress of a run: as a bar on a terminal, else as a line now and then.
#[derive(Debug)]
pub(crate) struct Progress {
    total_bytes: Option<u64>,
    is_watched: bool,
    interval: Duration,
    started: Instant,
    told: Instant,
    bytes: u64,
}

impl Progress {
    /// Creates a progress report. A quiet one prints nothing. Input of unknown size is reported by its amount. If the output
    /// itself is a terminal, no bar is shown.
    pub(crate) fn new(total_bytes: Option<u64>, quiet: bool) -> Self {
        let now = Instant::now();
        let is_watched = stderr().is_terminal();
        let interval = match (quiet || stdout().is_terminal(), is_watched) {
            (true, _) => Duration::MAX,
            (false, true) => Duration::from_millis(100),
            (false, false) => Duration::from_secs(10),
        };
        Self { total_bytes, is_watched, interval, started: now, told: now, bytes: 0 }
    }

    /// Adds to the bytes and events that are done.
    pub(crate) fn advance(&mut self, bytes: u64, events: u64) {
        self.bytes += bytes;
        if self.told.elapsed() < self.interval {
            return;
        }
        self.told = Instant::now();
        let (start, end) = if self.is_watched { ("\r", "\x1b[K") } else { ("", "\n") };
        self.say(&format!("{start}{}{end}", self.position(events)));
    }

    /// Prints another message in the place of the bar.
    pub(crate) fn interrupt(&self, text: &str) {
        if !text.is_empty() {
            self.clear();
            self.say(text);
        }
    }

    /// Clears the bar and returns the total time.
    pub(crate) fn finish(self) -> Duration {
        self.clear();
        self.started.elapsed()
    }

    fn clear(&self) {
        if self.is_watched && self.interval != Duration::MAX {
            self.say("\r\x1b[K");
        }
    }

    fn position(&self, events: u64) -> String {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let Some(total) = self.total_bytes.filter(|total| *total > 0) else {
            return format!("{:.1} MB, {events} events", megabytes(self.bytes));
        };
        let share = (self.bytes as f64 / total as f64).min(1.0);
        let left = self.started.elapsed().as_secs_f64() * (1.0 - share) / share.max(f64::EPSILON);
        let cells = (share * BAR_CELLS as f64) as usize;
        let bar = format!("{}{}", "█".repeat(cells), "░".repeat(BAR_CELLS - cells));
        let percent = 100.0 * share;
        format!("{bar} {percent:.0} % of {:.1} MB, {events} events, {left:.0} s left", megabytes(total))
    }

    fn say(&self, text: &str) {
        // A failed report does not stop the run.
        let _ = stderr().write_all(text.as_bytes());
    }
}
