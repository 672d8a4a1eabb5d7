//! The common part of the commands that commit a version by hand.

use std::fmt::Write as _;

use flywheel_dataset::Amendment;
use flywheel_operator::{
    Adapters, Changes, LiveMove, NewVersion, OperatorLake, Request, TrainedRun, Wish, carry_out_amendment,
    plan_amendment,
};
use flywheel_runtime::now;
use flywheel_training::RunName;
use serde::Serialize;

use super::confirm::confirm;
use super::{output, unusable};
use crate::arguments::ChangeArguments;
use crate::marked::one_line;
use crate::{Failure, Outcome};

/// The report of such a command, printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    changed: bool,
    dry_run: bool,
    /// The new version; none if there was nothing to change.
    version: Option<u64>,
    #[serde(flatten)]
    amendment: Option<&'r Amendment>,
    /// The number of its rows.
    rows: Option<u64>,
    /// The number of its rows that count towards the next training.
    net_new: Option<u64>,
    /// The digest of its record.
    digest: Option<&'r str>,
    runs: &'r [TrainedRun],
    /// The move of the live adapter; none if it stays.
    live: Option<&'r LiveMove>,
}

/// Shows the changes, asks, and has them carried out.
pub(crate) async fn amend(
    lake: &OperatorLake,
    wish: Wish,
    change: &ChangeArguments,
    adapters: Adapters,
) -> Result<Outcome, Failure> {
    let verb = if matches!(wish, Wish::RollBackTo(_)) { "Roll back" } else { "Take them out" };
    let request = Request { wish, by: change.by.clone(), why: change.why.clone() };
    let planned = plan_amendment(lake, lake.dataset(), &request, adapters, now).await.map_err(unusable)?;
    if change.dry_run || planned.are_none() {
        return print(&planned, change, false);
    }
    if !change.yes {
        confirm(&format!("{}{verb}?", as_text(&planned, change, "would be")))?;
    }
    let made = carry_out_amendment(lake, lake.dataset(), &request, (planned, adapters), now).await;
    let made = made.map_err(unusable)?;
    print(&made, change, !made.are_none())
}

fn print(changes: &Changes, change: &ChangeArguments, changed: bool) -> Result<Outcome, Failure> {
    let record = changes.version.as_ref().map(|version| &version.record);
    let report = Report {
        lake: change.on.lake.to_string(),
        changed,
        dry_run: change.dry_run,
        version: record.map(|record| record.version),
        amendment: record.and_then(|record| record.amendment.as_ref()),
        rows: record.map(|record| record.statistics.rows),
        net_new: changes.version.as_ref().map(|version| version.pointer.carried_over),
        digest: record.filter(|_| changed).map(|record| record.digest.as_str()),
        runs: &changes.runs,
        live: changes.live.as_ref(),
    };
    let is = if changed { "is" } else { "would be" };
    output::print(&change.on, &report, |_| as_text(changes, change, is))
}

fn as_text(changes: &Changes, change: &ChangeArguments, is: &str) -> String {
    let nothing = || "nothing to change in the dataset: these are the rows that the newest version has\n".to_owned();
    let mut text = changes.version.as_ref().map_or_else(nothing, |version| version_in_words(version, change, is));
    for TrainedRun { run, version, pairs } in &changes.runs {
        let _ = match version {
            Some(version) => {
                let pairs = pairs.map_or("an unknown number".to_owned(), |pairs| pairs.to_string());
                writeln!(text, "  run {} was given version {version}, with {pairs} of the rows that go", one_line(run))
            }
            None => writeln!(text, "  run {} was given an unknown version: its run.json is damaged", one_line(run)),
        };
    }
    text + &changes.live.as_ref().map(|live| live_in_words(live, is)).unwrap_or_default()
}

fn version_in_words(version: &NewVersion, change: &ChangeArguments, is: &str) -> String {
    let NewVersion { record, pointer, .. } = version;
    let amended = record.amendment.as_ref();
    let (operation, removed, added, withdrawn) = amended.map_or(("", 0, 0, 0), |amendment| {
        (amendment.operation.as_str(), amendment.removed, amendment.added, amendment.withdrawn)
    });
    format!(
        "version {} of {} {is} a {operation}: {} rows, {removed} gone, {added} back; {withdrawn} pairs that waited go; {} count towards the next training\n",
        record.version, change.on.lake, record.statistics.rows, pointer.carried_over
    )
}

fn live_in_words(live: &LiveMove, is: &str) -> String {
    let named = |run: &Option<RunName>| run.as_ref().map_or_else(|| "the bare base".to_owned(), RunName::to_string);
    let (from, to) = (named(&live.from), named(&live.to));
    let mut text = if from == to {
        format!("  {to} {is} live as before\n")
    } else {
        format!("  {to} {is} live instead of {from}, which was trained on what is rolled back\n")
    };
    for versions in &live.taken_back {
        let _ = writeln!(text, "  no run on dataset {versions} becomes live");
    }
    text
}
