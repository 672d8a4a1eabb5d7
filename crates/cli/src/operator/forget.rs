//! `flywheel forget`: erases one contributor's texts everywhere.

use std::fmt::Write as _;

use flywheel_operator::{Eraser, Erasure, OperatorLake, TrainedRun, runs_with};
use flywheel_runtime::now;
use serde::Serialize;

use super::confirm::confirm;
use super::contributor::pseudonym;
use super::{output, unusable};
use crate::arguments::{ChangeArguments, ForgetArguments};
use crate::marked::one_line;
use crate::{Failure, Outcome};

/// The command's report, printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    changed: bool,
    dry_run: bool,
    /// The version that records the erasure, without naming the contributor.
    version: Option<u64>,
    /// The digest of its record.
    digest: Option<&'r str>,
    /// The number of erased lines of the log.
    lines: u64,
    /// The number of erased rows of data files, over all versions.
    rows: u64,
    /// The number of parts, data files, and objects of quarantined or waiting pairs that were replaced or deleted.
    objects: u64,
    /// The files of runs from which copies were erased.
    copies: &'r [String],
    /// The objects with unreadable lines, which are erased, too.
    unreadable: &'r [String],
    /// The runs that were trained on erased rows.
    runs: &'r [TrainedRun],
}

pub(crate) fn run(arguments: &ForgetArguments) -> Result<Outcome, Failure> {
    let ForgetArguments { by, change } = arguments;
    let Some(contributor) = pseudonym(by)? else {
        return Err(unusable("say whom to forget: --contributor or --contributor-id"));
    };
    super::run(async {
        let lake = OperatorLake::open(&change.on.lake).await?;
        let eraser = Eraser::new(&lake, lake.dataset(), now);
        let planned = eraser.plan(&contributor).await.map_err(unusable)?;
        let runs = runs_with(&lake, lake.dataset(), &planned.ids.pairs).await.map_err(unusable)?;
        if change.dry_run {
            return print(change, &planned, &runs, false);
        }
        if !change.yes {
            confirm(&format!("{}Erase it for good?", as_text(change, &planned, &runs, "would be")))?;
        }
        // This runs even if nothing was found: it deletes what an interrupted erasure has left.
        let erased = eraser.erase(&contributor, &change.by, &change.why).await.map_err(unusable)?;
        let changed = erased.objects > 0 || erased.record.is_some() || !erased.unreadable.is_empty();
        print(change, &erased, &runs, changed)
    })
}

fn print(change: &ChangeArguments, erasure: &Erasure, runs: &[TrainedRun], changed: bool) -> Result<Outcome, Failure> {
    let report = Report {
        lake: change.on.lake.to_string(),
        changed,
        dry_run: change.dry_run,
        version: erasure.record.as_ref().map(|record| record.version),
        digest: erasure.record.as_ref().map(|record| record.digest.as_str()),
        lines: erasure.lines,
        rows: erasure.rows,
        objects: erasure.objects,
        copies: &erasure.copies,
        unreadable: &erasure.unreadable,
        runs,
    };
    let are = if change.dry_run { "would be" } else { "are" };
    output::print(&change.on, &report, |_| as_text(change, erasure, runs, are))
}

fn as_text(change: &ChangeArguments, erasure: &Erasure, runs: &[TrainedRun], are: &str) -> String {
    let mut text = format!(
        "{} lines of the log and {} rows of the dataset's files {are} erased from {}, in {} objects\n",
        erasure.lines, erasure.rows, change.on.lake, erasure.objects
    );
    if let Some(record) = &erasure.record {
        let _ = writeln!(text, "version {} says so, and not whose they were", record.version);
    }
    for copy in &erasure.copies {
        let _ = writeln!(text, "  copies {are} erased from {}", one_line(copy));
    }
    for key in &erasure.unreadable {
        let _ = writeln!(text, "  what cannot be read in {} {are} erased, too: it may be theirs", one_line(key));
    }
    for TrainedRun { run, version, pairs } in runs {
        let _ = match version {
            Some(version) => {
                let pairs = pairs.map_or("an unknown number".to_owned(), |pairs| pairs.to_string());
                let run = one_line(run);
                writeln!(
                    text,
                    "  run {run} was trained on version {version}, with {pairs} of the rows: retire its adapter"
                )
            }
            None => writeln!(
                text,
                "  run {} was trained on an unknown version: its run.json is damaged. Retire its adapter",
                one_line(run)
            ),
        };
    }
    text
}
