//! The common part of the commands that commit a version by hand.

use std::fmt::Write as _;

use flywheel_dataset::Amendment;
use flywheel_runtime::now;
use flywheel_table::{Amender, NewVersion, Request, Wish};
use serde::Serialize;

use super::confirm::confirm;
use super::demotion::{self, LiveMove};
use super::lake::{OperatorLake, unusable};
use super::output;
use super::trained_on::{TrainedRun, runs_with};
use crate::arguments::ChangeArguments;
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

/// The treatment of adapters that were trained on removed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adapters {
    /// Their runs are reported.
    AreNamed,
    /// Their runs are reported, and no adapter of a rolled-back version stays or becomes live.
    AreTakenBack,
}

/// The changes of such a command, actual or in a dry run.
#[derive(Default)]
struct Changes {
    version: Option<NewVersion>,
    live: Option<LiveMove>,
    runs: Vec<TrainedRun>,
}

/// Shows the changes, asks, and carries them out: first the dataset, then the live adapter.
///
/// # Why a crash in between leaves no rolled-back adapter live
/// The dataset's records are authoritative: from the commit on they name the rolled-back versions for ever. Running the command
/// again finds the requested rows in the dataset and reads the remaining work on the live adapter from the records. That work is
/// one conditional write of a pointer that then knows the rolled-back versions, so it is idempotent. A run may have become live
/// on a rolled-back version until then; the write moves it off again. In the other order, a rollback that could not be carried
/// out would have removed an adapter whose data stayed.
pub(crate) async fn amend(
    lake: &OperatorLake,
    wish: Wish,
    change: &ChangeArguments,
    adapters: Adapters,
) -> Result<Outcome, Failure> {
    let amender = Amender::new(lake, lake.dataset(), now);
    let went_back_to = match (&wish, adapters) {
        (Wish::RollBackTo(to), Adapters::AreTakenBack) => Some(*to),
        _ => None,
    };
    let verb = if matches!(wish, Wish::RollBackTo(_)) { "Roll back" } else { "Take them out" };
    let request = Request { wish, by: change.by.clone(), why: change.why.clone() };
    let mut changes = Changes { version: amender.plan(&request).await.map_err(unusable)?, ..Changes::default() };
    if let Some(to) = went_back_to {
        let taken_back = demotion::taken_back(&amender, to, changes.version.as_ref()).await?;
        changes.live = demotion::plan(lake, &taken_back, change).await?;
    }
    if let Some(planned) = &changes.version {
        changes.runs = runs_with(lake, &amender, &planned.removed).await?;
    }
    if change.dry_run || changes.are_none() {
        return changes.print(change, false);
    }
    if !change.yes {
        confirm(&format!("{}{verb}?", changes.as_text(change, "would be")))?;
    }
    // There may be more rows now than were shown. The request covers them, too.
    changes.version = amender.amend(&request).await.map_err(unusable)?;
    if let Some(to) = went_back_to {
        let unfinished = |failure| {
            unusable(format_args!("the dataset is rolled back, and what is live is not: {failure}: run this again"))
        };
        let taken_back = demotion::taken_back(&amender, to, changes.version.as_ref()).await.map_err(unfinished)?;
        changes.live = demotion::demote_rolled_back(lake, &taken_back, change).await.map_err(unfinished)?;
    }
    changes.print(change, !changes.are_none())
}

impl Changes {
    fn are_none(&self) -> bool {
        self.version.is_none() && self.live.is_none()
    }

    fn print(&self, change: &ChangeArguments, changed: bool) -> Result<Outcome, Failure> {
        let record = self.version.as_ref().map(|version| &version.record);
        let report = Report {
            lake: change.on.lake.to_string(),
            changed,
            dry_run: change.dry_run,
            version: record.map(|record| record.version),
            amendment: record.and_then(|record| record.amendment.as_ref()),
            rows: record.map(|record| record.statistics.rows),
            net_new: self.version.as_ref().map(|version| version.pointer.carried_over),
            digest: record.filter(|_| changed).map(|record| record.digest.as_str()),
            runs: &self.runs,
            live: self.live.as_ref(),
        };
        let is = if changed { "is" } else { "would be" };
        output::print(&change.on, &report, |_| self.as_text(change, is))
    }

    fn as_text(&self, change: &ChangeArguments, is: &str) -> String {
        let nothing =
            || "nothing to change in the dataset: these are the rows that the newest version has\n".to_owned();
        let mut text = self.version.as_ref().map_or_else(nothing, |version| said_of(version, change, is));
        for run in &self.runs {
            let pairs = run.pairs.map_or("an unknown number".to_owned(), |pairs| pairs.to_string());
            let _ =
                writeln!(text, "  run {} was given version {}, with {pairs} of the rows that go", run.run, run.version);
        }
        text + &self.live.as_ref().map(|live| live.as_text(is)).unwrap_or_default()
    }
}

fn said_of(version: &NewVersion, change: &ChangeArguments, is: &str) -> String {
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
