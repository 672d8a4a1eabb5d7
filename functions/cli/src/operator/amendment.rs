//! What the commands have in common that put a version on top of the dataset.

use std::fmt::Write as _;

use flywheel_core::dataset::Amendment;
use flywheel_dataset::{Amender, NewVersion, Request, Wish};
use flywheel_runtime::now;
use serde::Serialize;

use super::confirm::confirm;
use super::lake::{OperatorLake, unusable};
use super::output;
use super::trained_on::{TrainedRun, runs_with};
use crate::arguments::ChangeArguments;
use crate::{Failure, Outcome};

/// What such a command says, as it is printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    changed: bool,
    dry_run: bool,
    /// The new version; none if there was nothing to change.
    version: Option<u64>,
    #[serde(flatten)]
    amendment: Option<&'r Amendment>,
    /// Rows that it has.
    rows: Option<u64>,
    /// Of them, those that count towards the next training.
    net_new: Option<u64>,
    /// The digest of its record.
    digest: Option<&'r str>,
    runs: &'r [TrainedRun],
}

/// Shows what would change, asks, and does it.
pub(crate) async fn amend(
    lake: &OperatorLake,
    wish: Wish,
    change: &ChangeArguments,
    verb: &str,
) -> Result<Outcome, Failure> {
    let amender = Amender::new(lake, lake.dataset(), now);
    let request = Request { wish, by: change.by.clone(), why: change.why.clone() };
    let Some(planned) = amender.plan(&request).await.map_err(unusable)? else {
        return print(change, None, &[], false);
    };
    let runs = runs_with(lake, &amender, &planned.removed).await?;
    if change.dry_run {
        return print(change, Some(&planned), &runs, false);
    }
    if !change.yes {
        confirm(&format!("{}{verb}?", as_text(change, &planned, &runs, "would be")))?;
    }
    // By now there may be more rows than were shown: what is asked for holds for those as well.
    let made = amender.amend(&request).await.map_err(unusable)?;
    print(change, made.as_ref(), &runs, made.is_some())
}

fn print(
    change: &ChangeArguments,
    version: Option<&NewVersion>,
    runs: &[TrainedRun],
    changed: bool,
) -> Result<Outcome, Failure> {
    let record = version.map(|version| &version.record);
    let report = Report {
        lake: change.on.lake.to_string(),
        changed,
        dry_run: change.dry_run,
        version: record.map(|record| record.version),
        amendment: record.and_then(|record| record.amendment.as_ref()),
        rows: record.map(|record| record.statistics.rows),
        net_new: version.map(|version| version.pointer.carried_over),
        digest: record.filter(|_| changed).map(|record| record.digest.as_str()),
        runs,
    };
    let is = if changed { "is" } else { "would be" };
    let nothing = || "nothing to change: these are the rows that the newest version has\n".to_owned();
    output::print(&change.on, &report, |_| version.map_or_else(nothing, |version| as_text(change, version, runs, is)))
}

fn as_text(change: &ChangeArguments, version: &NewVersion, runs: &[TrainedRun], is: &str) -> String {
    let NewVersion { record, pointer, .. } = version;
    let amended = record.amendment.as_ref();
    let (operation, removed, added) =
        amended.map_or(("", 0, 0), |amendment| (amendment.operation.as_str(), amendment.removed, amendment.added));
    let mut text = format!(
        "version {} of {} {is} a {operation}: {} rows, {removed} gone, {added} back; {} count towards the next training\n",
        record.version, change.on.lake, record.statistics.rows, pointer.carried_over
    );
    for run in runs {
        let pairs = run.pairs.map_or("an unknown number".to_owned(), |pairs| pairs.to_string());
        let _ = writeln!(text, "  run {} was given version {}, with {pairs} of the rows that go", run.run, run.version);
    }
    text
}
