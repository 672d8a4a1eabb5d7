//! `flywheel adapters` and `flywheel demote`: show the live adapter and its predecessors, and make one of them live again.

use std::fmt::Write as _;

use flywheel_base::instant::rfc3339;
use flywheel_operator::LakeLocation;
use flywheel_runtime::now;
use flywheel_training::{LiveCause, LiveChange, LiveModel};

use super::moves::{SHOWN_CHANGES, change, show};
use crate::arguments::{DemoteArguments, DemoteTo, LakeArguments};
use crate::marked::one_line;
use crate::{Failure, Outcome};

pub(crate) async fn list(arguments: &LakeArguments) -> Result<Outcome, Failure> {
    show(arguments, as_text).await
}

pub(crate) async fn demote(arguments: &DemoteArguments) -> Result<Outcome, Failure> {
    let DemoteArguments { to, change: by_hand } = arguments;
    let run = match to {
        DemoteTo::Base => None,
        DemoteTo::Run(run) => Some(run),
    };
    let lake = &by_hand.on.lake;
    let question =
        format!("Make {to} live in {lake}? Runs that were measured against what is live now are superseded.");
    let next = |live: &LiveModel| live.demoted(run, &by_hand.by, &by_hand.why, now());
    change(by_hand, &question, next, as_text).await
}

fn as_text(lake: &LakeLocation, live: &LiveModel) -> String {
    let mut text = match &live.adapter {
        Some(adapter) => {
            format!("live in {lake}: {adapter}\n  {}  sha256 {}\n", one_line(&adapter.prefix), adapter.sha256)
        }
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
        LiveCause::Review { who, why } => format!("reviewed by {}: {}", one_line(who), one_line(why)),
        LiveCause::ByHand { who, why } => format!("{}: {}", one_line(who), one_line(why)),
    }
}
