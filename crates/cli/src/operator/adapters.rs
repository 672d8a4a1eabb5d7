//! `flywheel adapters` and `flywheel demote`: show the live adapter and its predecessors, and make one of them live again.

use std::fmt::Write as _;

use flywheel_base::instant::rfc3339;
use flywheel_lake::{LoadLive as _, LoadedLive, MoveLive as _, Moved};
use flywheel_runtime::now;
use flywheel_training::{LiveCause, LiveChange, LiveModel};
use serde::Serialize;

use super::confirm::confirm;
use super::lake::{LakeLocation, OperatorLake, unusable};
use super::output::print;
use super::visible;
use crate::arguments::{ChangeArguments, DemoteArguments, DemoteTo, LakeArguments};
use crate::{Failure, Outcome};

/// The number of changes shown as text; JSON has them all.
const SHOWN_CHANGES: usize = 10;

/// The commands' report, printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    changed: bool,
    dry_run: bool,
    #[serde(flatten)]
    live: &'r LiveModel,
}

pub(crate) async fn list(arguments: &LakeArguments) -> Result<Outcome, Failure> {
    let lake = OperatorLake::open(&arguments.lake).await?;
    let LoadedLive { live, .. } = lake.load_live().await.map_err(unusable)?;
    say(arguments, &live, false, false)
}

pub(crate) async fn demote(arguments: &DemoteArguments) -> Result<Outcome, Failure> {
    let DemoteArguments { to, change } = arguments;
    let ChangeArguments { on, why, by, dry_run, yes } = change;
    let lake = OperatorLake::open(&on.lake).await?;
    let loaded = lake.load_live().await.map_err(unusable)?;
    let run = match to {
        DemoteTo::Base => None,
        DemoteTo::Run(run) => Some(run),
    };
    let next = loaded.live.demoted(run, by, why, now()).map_err(unusable)?;
    if *dry_run {
        return say(on, &next, false, true);
    }
    if !yes {
        let question =
            format!("Make {to} live in {}? Runs that were measured against what is live now are superseded.", on.lake);
        confirm(&question)?;
    }
    match lake.move_live(&loaded, &next).await.map_err(unusable)? {
        Moved::Moved => say(on, &next, true, false),
        Moved::WasMovedBefore => Err(Failure::Unusable(
            "another operator or a function changed the live adapter just now: look at it again".to_owned(),
        )),
    }
}

fn say(on: &LakeArguments, live: &LiveModel, changed: bool, dry_run: bool) -> Result<Outcome, Failure> {
    print(on, &Report { lake: on.lake.to_string(), changed, dry_run, live }, |report| {
        let note = if report.dry_run { "would be: " } else { "" };
        format!("{note}{}", as_text(&on.lake, report.live))
    })
}

fn as_text(lake: &LakeLocation, live: &LiveModel) -> String {
    let mut text = match &live.adapter {
        Some(adapter) => format!("live in {lake}: {adapter}\n  {}  sha256 {}\n", adapter.prefix, adapter.sha256),
        None => format!("live in {lake}: the bare base\n"),
    };
    for versions in &live.taken_back {
        let _ = writeln!(text, "  rolled back: dataset {versions}; no run on them becomes live");
    }
    for change in live.changes.iter().rev().take(SHOWN_CHANGES) {
        let LiveChange { number, at, to, cause } = change;
        let to = to.as_ref().map_or_else(|| "the bare base".to_owned(), ToString::to_string);
        let _ = writeln!(text, "  {number:>4}  {}  → {to}: {}", rfc3339(*at), because(cause));
    }
    text
}

fn because(cause: &LiveCause) -> String {
    match cause {
        LiveCause::Gate => "the gate".to_owned(),
        LiveCause::Review { who, why } => format!("reviewed by {}: {}", visible(who), visible(why)),
        LiveCause::ByHand { who, why } => format!("{}: {}", visible(who), visible(why)),
    }
}
