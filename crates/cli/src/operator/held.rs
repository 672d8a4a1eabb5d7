//! `flywheel release` and `flywheel reject`: an operator's decision about quarantined and reviewed events.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::io::{Read as _, stdin};
use std::path::Path;

use flywheel_base::{Route, instant::Millis};
use flywheel_curation::{CuratedEvent, Curator};
use flywheel_dataset::{DECISIONS_PREFIX, Decisions, HeldDecision, HeldLine, HeldSelection, reviewed_part};
use flywheel_event::ContributorKey;
use flywheel_lake::{ListKeys as _, ListRoute as _, LoadPointer as _, ReadPart as _, WritePart as _};
use flywheel_runtime::{Settings, now};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::confirm::confirm;
use super::contributor::{pseudonym, pseudonym_of};
use super::lake::{OperatorLake, unusable};
use super::output;
use crate::arguments::{ChangeArguments, HeldArguments, RejectArguments, ReleaseArguments};
use crate::{Failure, Outcome, policy};

/// The most lines of one part, and the most events of one record.
const LINES_A_PART: usize = 1_000;

const CONCURRENT_READS: usize = 16;

/// The longest corrected text in bytes: the same as an event's limit.
const MOST_BYTES: u64 = 1024 * 1024;

/// The report of such a command, printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    changed: bool,
    dry_run: bool,
    decision: HeldDecision,
    events: Vec<&'r str>,
    /// Matching events that cannot be released, with the reason.
    left: BTreeMap<&'r str, String>,
    /// The written parts.
    parts: Vec<String>,
    /// The id of the edit that carries the corrected text.
    correction: Option<&'r str>,
}

/// The planned writes: for each event a line and its route, and the parts of each thousand events.
struct Plan {
    decision: HeldDecision,
    lines: BTreeMap<String, (Route, String)>,
    left: BTreeMap<String, String>,
    correction: Option<CuratedEvent>,
}

pub(crate) fn release(arguments: &ReleaseArguments) -> Result<Outcome, Failure> {
    let ReleaseArguments { held, correct, policy, change } = arguments;
    decide(held, change, async |found: Vec<HeldLine>, selection: &HeldSelection<'_>| match correct {
        None => released(found, selection, reviewer(change)),
        Some(file) => corrected(found, &read_text(file)?, policy.as_deref(), change),
    })
}

pub(crate) fn reject(arguments: &RejectArguments) -> Result<Outcome, Failure> {
    decide(&arguments.held, &arguments.change, async |found: Vec<HeldLine>, _: &HeldSelection<'_>| {
        let decision = HeldDecision::Rejected;
        let line = |held: HeldLine| Some((held.event_id.clone(), (Route::Dropped, held.dropped(decision)?)));
        let lines = found.into_iter().filter_map(line).collect();
        Ok(Plan { decision, lines, left: BTreeMap::new(), correction: None })
    })
}

/// Finds the selected events, shows the decision, asks, and writes it.
///
/// # Why a decision takes effect once
/// A decision consists of lines, in parts, and a record that names the events. The record is written last. A crash before it
/// leaves no decision: the next attempt decides again and writes the lines again. A line that comes twice counts once, by its
/// event and its pair. Once the record is there, the events are not found any more.
fn decide(
    held: &HeldArguments,
    change: &ChangeArguments,
    plan: impl AsyncFnOnce(Vec<HeldLine>, &HeldSelection<'_>) -> Result<Plan, Failure>,
) -> Result<Outcome, Failure> {
    let by = pseudonym(&held.by)?;
    let selection = HeldSelection {
        events: &held.event,
        pairs: &held.pair,
        contributor: by.as_deref().map(Into::into),
        reason: held.reason.as_deref(),
        from: held.window.and_then(|window| window.from),
        until: held.window.and_then(|window| window.until),
    };
    if selection == HeldSelection::default() {
        let hint = "say which: --event, --pair, --contributor, --contributor-id, --window or --reason";
        return Err(Failure::Unusable(hint.to_owned()));
    }
    super::run(async {
        let lake = OperatorLake::open(&change.on.lake).await?;
        let decided = decided_events(&lake).await?;
        let found = find(&lake, &selection).await?;
        all_are_there(&selection, &found, &decided)?;
        let open = found.into_iter().filter(|held| !decided.contains(&held.event_id)).collect();
        let plan = plan(open, &selection).await?;
        if change.dry_run || plan.lines.is_empty() {
            return print(change, &plan, &[], false);
        }
        if !change.yes {
            confirm(&format!("{}Do it?", as_text(change, &plan, false)))?;
        }
        let parts = carry_out(&lake, change, &plan).await?;
        print(change, &plan, &parts, true)
    })
}

fn reviewer(change: &ChangeArguments) -> Option<String> {
    // Without a key this lake has no pseudonyms. The record has the operator's name.
    pseudonym_of(&change.by).ok()
}

fn released(found: Vec<HeldLine>, selection: &HeldSelection<'_>, reviewer: Option<String>) -> Result<Plan, Failure> {
    let (mut lines, mut left) = (BTreeMap::new(), BTreeMap::new());
    for held in found {
        match held.released(reviewer.as_deref()) {
            Ok(line) => drop(lines.insert(held.event_id, line)),
            // Of many selected events the others are released. An event named by id must succeed.
            Err(error) if selection.names_some() => {
                return Err(Failure::Unusable(format!("{} cannot be released: {error}", held.event_id)));
            }
            Err(error) => drop(left.insert(held.event_id, error.to_string())),
        }
    }
    Ok(Plan { decision: HeldDecision::Released, lines, left, correction: None })
}

fn corrected(
    found: Vec<HeldLine>,
    text: &str,
    policy_file: Option<&Path>,
    change: &ChangeArguments,
) -> Result<Plan, Failure> {
    let decision = HeldDecision::Corrected;
    let one = <[HeldLine; 1]>::try_from(found);
    let [held] = match one {
        Ok(one) => one,
        Err(found) if found.is_empty() => {
            return Ok(Plan { decision, lines: BTreeMap::new(), left: BTreeMap::new(), correction: None });
        }
        Err(_) => return Err(Failure::Unusable("one text corrects one event: name it with --event".to_owned())),
    };
    let key = Settings::from_env().optional("FLYWHEEL_CONTRIBUTOR_KEY").and_then(ContributorKey::new);
    let message = held.correction(text, reviewer(change).as_deref());
    let message = message.ok_or_else(|| Failure::Unusable("there is no output that could be corrected".to_owned()))?;
    let edit = Curator::new(policy::read(policy_file)?, key).curate(&message, now());
    let edit = edit.map_err(|refusal| Failure::Unusable(format!("the corrected text is no edit: {refusal}")))?;
    if edit.verdict.route != Route::Gold {
        let reasons: Vec<_> = edit.verdict.reasons.iter().map(|reason| reason.as_str()).collect();
        let (route, reasons) = (edit.verdict.route.as_str(), reasons.join(", "));
        let what = format!("the corrected text would be in {route} itself, for {reasons}: see `flywheel explain`");
        return Err(Failure::Unusable(what));
    }
    let lines = held.dropped(decision).map(|line| (held.event_id, (Route::Dropped, line))).into_iter().collect();
    Ok(Plan { decision, lines, left: BTreeMap::new(), correction: Some(edit) })
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

/// Returns the events that an operator has decided about.
async fn decided_events(lake: &OperatorLake) -> Result<HashSet<String>, Failure> {
    let keys = lake.list_keys(DECISIONS_PREFIX).await.map_err(unusable)?;
    let read = |key: String| async move {
        let record = lake.read_part(&key).await.map_err(unusable)?;
        let record = serde_json::from_slice::<Decisions>(&record);
        record.map_err(|error| Failure::Unusable(format!("{key} is damaged: {error}")))
    };
    let records = stream::iter(keys).map(read).buffer_unordered(CONCURRENT_READS);
    let records: Vec<_> = records.try_collect().await?;
    Ok(records.into_iter().flat_map(|record| record.events).collect())
}

/// Returns the matching events, each by its latest line.
async fn find(lake: &OperatorLake, selection: &HeldSelection<'_>) -> Result<Vec<HeldLine>, Failure> {
    let mut found: BTreeMap<String, (Millis, HeldLine)> = BTreeMap::new();
    for route in [Route::Review, Route::Quarantine] {
        // A part is written after its lines were curated.
        let within = selection.from.unwrap_or(0)..=Millis::MAX;
        let listing = lake.list_route(route, within, u64::MAX).await.map_err(unusable)?;
        let read = |name: flywheel_log::PartName| async move {
            let key = name.key(route);
            let body = lake.read_part(&key).await.map_err(unusable)?;
            Ok::<_, Failure>((name.written_at, key, body))
        };
        let names = listing.parts.into_iter().map(|part| part.name);
        let mut parts = stream::iter(names).map(read).buffered(CONCURRENT_READS);
        while let Some((written_at, key, body)) = parts.try_next().await? {
            let body = std::str::from_utf8(&body).map_err(|_| Failure::Unusable(format!("{key} is not UTF-8")))?;
            for (index, line) in body.split_terminator('\n').enumerate() {
                let held = HeldLine::parse(line)
                    .ok_or_else(|| Failure::Unusable(format!("{key}: line {} lacks a column", index + 1)))?;
                if selection.has(&held) && found.get(&held.event_id).is_none_or(|(at, _)| *at <= written_at) {
                    found.insert(held.event_id.clone(), (written_at, held));
                }
            }
        }
    }
    Ok(found.into_values().map(|(_, held)| held).collect())
}

fn all_are_there(selection: &HeldSelection<'_>, found: &[HeldLine], decided: &HashSet<String>) -> Result<(), Failure> {
    let has_event = |event: &&String| found.iter().any(|held| held.event_id == **event) || decided.contains(*event);
    let has_pair = |pair: &&String| found.iter().any(|held| held.pair_id() == Some(pair.as_str()));
    let missing = selection.events.iter().find(|event| !has_event(event));
    match missing.or_else(|| selection.pairs.iter().find(|pair| !has_pair(pair))) {
        None => Ok(()),
        Some(missing) => Err(Failure::Unusable(format!("{missing} is not held: neither in review nor in quarantine"))),
    }
}

async fn carry_out(lake: &OperatorLake, change: &ChangeArguments, plan: &Plan) -> Result<Vec<String>, Failure> {
    let pointer = lake.load_pointer().await.map_err(unusable)?.pointer;
    let at = now();
    // This machine's clock may be wrong. A part before this time is never consumed, for the log is frozen up to it.
    let written_at = at.max(pointer.watermark.consumed_until());
    let mut written = Vec::new();
    let lines: Vec<_> = plan.lines.iter().collect();
    for lines in lines.chunks(LINES_A_PART) {
        let events: BTreeSet<String> = lines.iter().map(|(event, _)| (*event).clone()).collect();
        let mut parts = Vec::new();
        if let Some(edit) = &plan.correction {
            let part = reviewed_part(plan.decision, Route::Gold, written_at, &events).key(Route::Gold);
            lake.write_part(&part, format!("{}\n", edit.line)).await.map_err(unusable)?;
            parts.push(part);
        }
        for route in Route::ALL {
            let of_route: Vec<_> = lines.iter().filter(|(_, (to, _))| *to == route).collect();
            if of_route.is_empty() {
                continue;
            }
            let events = of_route.iter().map(|(event, _)| (*event).clone()).collect();
            let part = reviewed_part(plan.decision, route, written_at, &events).key(route);
            let body: String = of_route.iter().flat_map(|(_, (_, line))| [line.as_str(), "\n"]).collect();
            lake.write_part(&part, body).await.map_err(unusable)?;
            parts.push(part);
        }
        written.extend(parts.iter().cloned());
        let (by, why) = (change.by.clone(), change.why.clone());
        let record = Decisions { decision: plan.decision, by, why, at, events, parts };
        lake.write_part(&record.key(), serde_json::to_string(&record)?).await.map_err(unusable)?;
    }
    Ok(written)
}

fn print(change: &ChangeArguments, plan: &Plan, parts: &[String], changed: bool) -> Result<Outcome, Failure> {
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

fn as_text(change: &ChangeArguments, plan: &Plan, changed: bool) -> String {
    /// The number of events shown as text; JSON has them all.
    const SHOWN: usize = 20;
    let is = if changed { "are" } else { "would be" };
    if plan.lines.is_empty() && plan.left.is_empty() {
        return "nothing to decide: none of these is quarantined or in review, or all are decided already\n".to_owned();
    }
    let mut text = format!("{} held events of {} {is} {}\n", plan.lines.len(), change.on.lake, plan.decision.as_str());
    for (event, (route, _)) in plan.lines.iter().take(SHOWN) {
        let _ = writeln!(text, "  {} → {}", super::visible(event), route.as_str());
    }
    for (event, why) in plan.left.iter().take(SHOWN) {
        let _ = writeln!(text, "  {} stays held: {why}", super::visible(event));
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
