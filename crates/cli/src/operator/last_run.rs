//! The run of the last training that became due, as far as its files in the lake show it.

use flywheel_lake::{LakeError, ListKeys};
use flywheel_log::{FreezeReport, TrainingRules};
use serde::Serialize;

/// The newest attempt at the last training that wrote a file.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LastRun {
    run: String,
    /// The attempt's number, counted from 1. Attempts that failed before their preparation leave no file.
    attempt: u64,
    state: RunState,
}

/// The state of a run, by the last file that it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum RunState {
    /// Its input is being written.
    Preparing,
    /// Its input is there, and no trainer has finished: it is trained, or waits for a trainer.
    WaitsForTrainer,
    /// A trainer has finished.
    Trained,
    /// The gate has judged its adapter.
    Judged,
}

impl LastRun {
    /// Finds the run of the last freeze, if a training became due with it.
    pub(crate) async fn of(lake: &impl ListKeys, last: Option<&FreezeReport>) -> Result<Option<Self>, LakeError> {
        let Some(last) = last.filter(|last| last.trainable) else { return Ok(None) };
        let prefix = format!("runs/crossing-{:06}-attempt-", last.crossing);
        Ok(Self::among(&prefix, &lake.list_keys(&prefix).await?))
    }

    fn among(prefix: &str, keys: &[String]) -> Option<Self> {
        let files = keys.iter().filter_map(|key| {
            let (attempt, file) = key.strip_prefix(prefix)?.split_once('/')?;
            Some((attempt.parse::<u64>().ok()?, RunState::after(file)))
        });
        let (attempt, state) = files.max()?;
        let run = format!("{}{attempt}", prefix.trim_start_matches("runs/"));
        Some(Self { run, attempt, state })
    }

    /// Returns the run in words.
    pub(crate) fn in_words(&self) -> String {
        let state = match self.state {
            RunState::Preparing => "its input is being written",
            RunState::WaitsForTrainer => "it is trained, or waits for a trainer",
            RunState::Trained => "trained, and not judged yet",
            RunState::Judged => "judged: its verdict.json has the ruling",
        };
        let usual = TrainingRules::default().max_attempts;
        let end = if self.attempt >= usual && self.state < RunState::Judged {
            format!(". The policy's [training] max_attempts ({usual} by default) ends its attempts")
        } else {
            String::new()
        };
        format!("{}: {state}{end}", self.run)
    }
}

impl RunState {
    fn after(file: &str) -> Self {
        match file {
            "verdict.json" | "review.json" => Self::Judged,
            "input/run.json" => Self::WaitsForTrainer,
            _ if !file.starts_with("input/") && file.ends_with("/run.json") => Self::Trained,
            _ => Self::Preparing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str]) -> String {
        let prefix = "runs/crossing-000007-attempt-";
        let keys: Vec<_> = files.iter().map(|file| format!("{prefix}{file}")).collect();
        LastRun::among(prefix, &keys).map_or_else(String::new, |run| run.in_words())
    }

    #[test]
    fn the_newest_attempt_is_shown_with_its_last_step() {
        assert_eq!(found(&[]), "");
        let first = ["1/input/run.json", "1/input/train.jsonl"];
        assert_eq!(found(&first), "crossing-000007-attempt-1: it is trained, or waits for a trainer");
        assert!(found(&[&first[..], &["1/output/run.json"]].concat()).ends_with("trained, and not judged yet"));
        assert!(found(&[&first[..], &["1/verdict.json"]].concat()).contains("judged"));
        assert!(
            found(&["9/input/run.json", "10/input/train.jsonl"]).starts_with("crossing-000007-attempt-10: its input")
        );
        assert!(found(&["8/input/run.json"]).ends_with("max_attempts (8 by default) ends its attempts"));
    }
}
