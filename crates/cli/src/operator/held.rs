//! `flywheel release` and `flywheel reject`: an operator's decision about quarantined and reviewed events.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, stdin};
use std::path::Path;

use flywheel_curation::Curator;
use flywheel_dataset::{QuarantineSelection, ReviewDecision};
use flywheel_event::ContributorKey;
use flywheel_operator::{OpenEvents, OperatorLake, QuarantinePlan, open_events};
use flywheel_runtime::{Settings, now};
use serde::Serialize;

use super::confirm::confirm;
use super::contributor::{pseudonym, pseudonym_of};
use super::{output, unusable};
use crate::arguments::{ChangeArguments, QuarantineArguments, RejectArguments, ReleaseArguments};
use crate::marked::one_line;
use crate::{Failure, Outcome, policy};

/// The longest corrected text in bytes: the same as an event's limit.
const MOST_BYTES: u64 = 1024 * 1024;

/// The report of such a command, printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    changed: bool,
    dry_run: bool,
    decision: ReviewDecision,
    events: Vec<&'r str>,
    /// Matching events that cannot be released, with the reason.
    left: BTreeMap<&'r str, String>,
    /// The written parts.
    parts: Vec<String>,
    /// The id of the edit that carries the corrected text.
    correction: Option<&'r str>,
}

pub(crate) fn release(arguments: &ReleaseArguments) -> Result<Outcome, Failure> {
    let ReleaseArguments { held, correct, policy, change } = arguments;
    decide(held, change, |found, selection| {
        let reviewer = reviewer(change);
        let plan = match correct {
            None => QuarantinePlan::release(found, selection, reviewer.as_deref()),
            Some(file) => {
                let key = Settings::from_env().optional("FLYWHEEL_CONTRIBUTOR_KEY").and_then(ContributorKey::new);
                let curator = Curator::new(policy::read(policy.as_deref())?, key);
                QuarantinePlan::correct(found, &read_text(file)?, reviewer.as_deref(), &curator, now())
            }
        };
        plan.map_err(unusable)
    })
}

pub(crate) fn reject(arguments: &RejectArguments) -> Result<Outcome, Failure> {
    decide(&arguments.held, &arguments.change, |found, _| Ok(QuarantinePlan::reject(found)))
}

/// Finds the selected events, shows the decision, asks, and has it written.
fn decide(
    held: &QuarantineArguments,
    change: &ChangeArguments,
    plan: impl FnOnce(OpenEvents, &QuarantineSelection<'_>) -> Result<QuarantinePlan, Failure>,
) -> Result<Outcome, Failure> {
    let by = pseudonym(&held.by)?;
    let selection = QuarantineSelection {
        events: &held.event,
        pairs: &held.pair,
        contributor: by.as_deref().map(Into::into),
        reason: held.reason.as_deref(),
        from: held.window.and_then(|window| window.from),
        until: held.window.and_then(|window| window.until),
    };
    if selection == QuarantineSelection::default() {
        let hint = "say which: --event, --pair, --contributor, --contributor-id, --window or --reason";
        return Err(Failure::Unusable(hint.to_owned()));
    }
    super::run(async {
        let lake = OperatorLake::open(&change.on.lake).await?;
        let plan = plan(open_events(&lake, &selection).await.map_err(unusable)?, &selection)?;
        if change.dry_run || plan.lines.is_empty() {
            return print(change, &plan, &[], false);
        }
        if !change.yes {
            confirm(&format!("{}Do it?", as_text(change, &plan, false)))?;
        }
        let parts = plan.carry_out(&lake, &change.by, &change.why, now()).await.map_err(unusable)?;
        print(change, &plan, &parts, true)
    })
}

fn reviewer(change: &ChangeArguments) -> Option<String> {
    // Without a key this lake has no pseudonyms. The record has the operator's name.
    pseudonym_of(&change.by).ok()
}

fn read_text(file: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::Unusable(format!("cannot read {}: {error}", file.display()));
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => stdin().take(MOST_BYTES + 1).read_to_string(&mut text),
        _ => std::fs::File::open(file).map_err(failed)?.take(MOST_BYTES + 1).read_to_string(&mut text),
    };
    match read.map_err(failed)? as u64 {
        0..=MOST_BYTES => Ok(text),
        _ => Err(Failure::Unusable(format!("{} is larger than an event may be", file.display()))),
    }
}

fn print(change: &ChangeArguments, plan: &QuarantinePlan, parts: &[String], changed: bool) -> Result<Outcome, Failure> {
    let report = Report {
        lake: change.on.lake.to_string(),
        changed,
        dry_run: change.dry_run,
        decision: plan.decision,
        events: plan.lines.keys().map(String::as_str).collect(),
        left: plan.left.iter().map(|(event, why)| (event.as_str(), why.clone())).collect(),
        parts: parts.to_vec(),
        correction: plan.correction.as_ref().map(|edit| edit.event_id.as_str()),
    };
    output::print(&change.on, &report, |_| as_text(change, plan, changed))
}

fn as_text(change: &ChangeArguments, plan: &QuarantinePlan, changed: bool) -> String {
    /// The number of events shown as text; JSON has them all.
    const SHOWN: usize = 20;
    let is = if changed { "are" } else { "would be" };
    if plan.lines.is_empty() && plan.left.is_empty() {
        return "nothing to decide: none of these is quarantined or in review, or all are decided already\n".to_owned();
    }
    let mut text = format!("{} events of {} {is} {}\n", plan.lines.len(), change.on.lake, plan.decision.as_str());
    for (event, (route, _)) in plan.lines.iter().take(SHOWN) {
        let _ = writeln!(text, "  {} → {}", one_line(event), route.as_str());
    }
    for (event, why) in plan.left.iter().take(SHOWN) {
        let _ = writeln!(text, "  {} stays where it is: {}", one_line(event), one_line(why));
    }
    let more = plan.lines.len().saturating_sub(SHOWN) + plan.left.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    if let Some(edit) = &plan.correction {
        let _ = writeln!(text, "  its place takes {}, which the next freeze audits as any edit", edit.event_id);
    }
    text
}
