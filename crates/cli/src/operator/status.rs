//! `flywheel status`: shows the state of the lake.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use flywheel_base::{
    Route,
    instant::{Millis, day, rfc3339},
};
use flywheel_dataset::{Caps, Shortfall};
use flywheel_lake::{ListParts as _, ListRoute as _, LoadBreaker as _, LoadPointer as _, ReadPart as _};
use flywheel_log::{BreakerState, FreezeReport, ListedPart, PartName, Trainings};
use flywheel_operator::OperatorLake;
use flywheel_runtime::now;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::charts::{bar, sparkline, thousands};
use super::last_run::LastRun;
use super::output::print;
use super::unusable;
use crate::arguments::LakeArguments;
use crate::marked::one_line;
use crate::{Failure, Outcome};

pub(crate) const EXAMPLES: &str = "\
Pending is what the counter counts: pairs that were curated and not frozen, duplicates among them not yet removed, and what was carried over.
Routes are counted by the names of parts, up to 50,000 parts a route and day. Reasons are read: of the newest parts outside gold, 500
at most and 64 MB at most, of the last --reason-days.
Lines that were delivered twice count twice.
Cost: one LIST for each 1,000 pending parts, and one for the files of the last training's runs; for each of the --days at least one LIST a route, and at most 50; 500 GETs at most; those of
loading the table.
Exit code: 0 if it could be seen, 2 if not.

Examples:
  flywheel status --lake s3://my-lake
  flywheel status --days 60 --reason-days 0
  flywheel status --json | jq '.pending.pairs / .pending.threshold'";

const DAY: Millis = 24 * 60 * 60 * 1000;

/// The most parts of one route and day that are counted, and the most requests for it.
const MOST_PARTS_A_DAY: u64 = 50_000;

/// The most parts that are read for reasons, and their bytes together.
const MOST_PARTS_READ: usize = 500;
const MOST_BYTES_READ: u64 = 64 * 1024 * 1024;

/// The number of requests under way at the same time.
const CONCURRENT_REQUESTS: usize = 16;
const CONCURRENT_READS: usize = 4;

const BAR_CELLS: usize = 30;

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    on: LakeArguments,
    /// New pairs that start a run, as the deployment's parameter `Threshold` [default: that of the last freeze]
    #[arg(long, value_name = "PAIRS", env = "FLYWHEEL_THRESHOLD")]
    threshold: Option<u64>,
    /// Count routes over so many days, today included
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
    /// Read reasons of so many days, today included; 0: none
    #[arg(long, value_name = "N", default_value_t = 3)]
    reason_days: u64,
}

/// The state of the lake, printed as JSON.
#[derive(Serialize)]
struct Report {
    lake: String,
    at: String,
    pending: Pending,
    breaker: BreakerLine,
    last_freeze: Option<FreezeReport>,
    trainings: Trainings,
    /// The newest attempt at the last training; none if none is due or it wrote no file.
    run: Option<LastRun>,
    last_version: Option<VersionLine>,
    /// The reason why caps keep the threshold out of reach; none if they do not.
    shortfall: Option<Shortfall>,
    routes: Routes,
    reasons: Reasons,
    list_requests: u64,
    get_requests: u64,
}

#[derive(Serialize)]
struct Pending {
    pairs: u64,
    carried_over: u64,
    /// The given threshold, or that of the last freeze; none before the first freeze.
    threshold: Option<u64>,
    parts: usize,
    crossing: u64,
}

#[derive(Serialize)]
struct BreakerLine {
    state: BreakerState,
    since: Option<String>,
}

#[derive(Serialize)]
struct VersionLine {
    version: u64,
    committed_at: Option<String>,
    pairs: Option<u64>,
    digest: Option<String>,
    /// The result of the caps in the last freeze that recorded it.
    caps: Option<Caps>,
}

/// Counts by day, oldest first.
#[derive(Serialize)]
struct Routes {
    days: Vec<String>,
    rows: BTreeMap<&'static str, Vec<u64>>,
    /// `true` if every part was counted.
    complete: bool,
}

#[derive(Default, Serialize)]
struct Reasons {
    days: Vec<String>,
    rows: BTreeMap<String, Vec<u64>>,
    parts_read: usize,
    /// The number of listed parts of those days.
    parts: usize,
}

/// The listing of one route and day.
struct Listed {
    route: Route,
    day: usize,
    parts: Vec<ListedPart>,
    requests: u64,
}

#[derive(Deserialize)]
struct ReasonLine<'l> {
    #[serde(borrow)]
    reasons: Vec<Cow<'l, str>>,
}

pub(crate) async fn run(arguments: &StatusArguments) -> Result<Outcome, Failure> {
    let StatusArguments { on, threshold, days, reason_days } = arguments;
    let lake = OperatorLake::open(&on.lake).await?;
    let now = now();
    let pointer = lake.load_pointer().await.map_err(unusable)?.pointer;
    let breaker = lake.load_breaker().await.map_err(unusable)?.breaker;
    let listing = lake.list_parts(&pointer.watermark.list_after()).await.map_err(unusable)?;
    let pending = pointer.watermark.pending(&listing.parts);
    let starts = day_starts(now, *days);
    let listed = list(&lake, &starts).await?;
    let first_day = starts.len().saturating_sub(usize::try_from(*reason_days).unwrap_or(usize::MAX));
    let reasons = reasons(&lake, &listed, &starts[first_day..], first_day).await?;
    let last_version = last_version(&lake).await?;
    let caps = last_version.as_ref().and_then(|version| version.caps);
    let threshold = threshold.or_else(|| pointer.last_freeze.as_ref()?.threshold);
    let shortfall = pointer.last_freeze.as_ref().zip(caps).and_then(|(freeze, caps)| {
        let FreezeReport { rows, waiting, .. } = freeze;
        caps.shortfall(threshold?, *rows, *waiting)
    });
    let lists_of_runs = u64::from(pointer.is_training_due());
    let report = Report {
        lake: on.lake.to_string(),
        at: rfc3339(now),
        pending: Pending {
            pairs: pointer.carried_over + pending.rows,
            carried_over: pointer.carried_over,
            threshold,
            parts: pending.parts.len(),
            crossing: pointer.crossing,
        },
        breaker: BreakerLine { state: breaker.state, since: breaker.changes.last().map(|change| rfc3339(change.at)) },
        run: LastRun::of(&lake, pointer.last_freeze.as_ref()).await.map_err(unusable)?,
        last_freeze: pointer.last_freeze,
        trainings: pointer.trainings,
        last_version,
        shortfall,
        list_requests: listing.requests + lists_of_runs + listed.iter().map(|listed| listed.requests).sum::<u64>(),
        get_requests: 2 + reasons.parts_read as u64,
        routes: routes(&listed, &starts),
        reasons,
    };
    print(on, &report, as_text)
}

/// Returns the start of each of the last days, oldest first.
fn day_starts(now: Millis, days: u64) -> Vec<Millis> {
    let today = now - now % DAY;
    (0..days).rev().map(|ago| today.saturating_sub(ago * DAY)).collect()
}

/// Lists the parts of every route and day.
async fn list(lake: &OperatorLake, starts: &[Millis]) -> Result<Vec<Listed>, Failure> {
    let wanted = starts.iter().enumerate().flat_map(|(day, start)| Route::ALL.map(|route| (day, *start, route)));
    let list = |(day, start, route): (usize, Millis, Route)| async move {
        let listing = lake.list_route(route, start..=start + DAY - 1, MOST_PARTS_A_DAY).await?;
        Ok(Listed { route, day, parts: listing.parts, requests: listing.requests })
    };
    let listed = stream::iter(wanted).map(list).buffered(CONCURRENT_REQUESTS).try_collect::<Vec<_>>();
    listed.await.map_err(|error: flywheel_lake::LakeError| unusable(error))
}

fn routes(listed: &[Listed], starts: &[Millis]) -> Routes {
    let mut rows: BTreeMap<&str, Vec<u64>> =
        Route::ALL.iter().map(|route| (route.as_str(), vec![0; starts.len()])).collect();
    for Listed { route, day, parts, .. } in listed {
        if let Some(counts) = rows.get_mut(route.as_str()) {
            counts[*day] = parts.iter().map(|part| part.name.rows).sum();
        }
    }
    let complete = listed.iter().all(|listed| (listed.parts.len() as u64) < MOST_PARTS_A_DAY);
    Routes { days: starts.iter().copied().map(day).collect(), rows, complete }
}

/// A part to read for its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReasonPart<'l> {
    name: &'l PartName,
    bytes: u64,
    route: Route,
    /// The day's index from the first day with reasons.
    day: usize,
}

/// Returns the newest parts within the bounds.
fn newest_within(mut parts: Vec<ReasonPart<'_>>, most: usize, most_bytes: u64) -> Vec<ReasonPart<'_>> {
    parts.sort_by_key(|part| std::cmp::Reverse(part.name.written_at));
    let mut bytes = 0;
    let within = parts.into_iter().take(most).take_while(|part| {
        bytes += part.bytes;
        bytes <= most_bytes
    });
    within.collect()
}

/// Reads the reasons in the newest parts outside gold, up to the bounds.
async fn reasons(
    lake: &OperatorLake,
    listed: &[Listed],
    starts: &[Millis],
    first_day: usize,
) -> Result<Reasons, Failure> {
    let of_days = listed.iter().filter(|listed| listed.route != Route::Gold && listed.day >= first_day);
    let parts: Vec<_> = of_days
        .flat_map(|listed| {
            let (route, day) = (listed.route, listed.day - first_day);
            listed.parts.iter().map(move |part| ReasonPart { name: &part.name, bytes: part.bytes, route, day })
        })
        .collect();
    let days = starts.iter().copied().map(day).collect();
    let mut reasons = Reasons { days, parts: parts.len(), ..Reasons::default() };
    let read = |part: ReasonPart<'_>| {
        let key = part.name.key(part.route);
        async move {
            match lake.read_part(&key).await {
                Ok(body) => Ok(Some((key, body, part.day))),
                // The object expired after it was listed.
                Err(error) if error.is_missing() => Ok(None),
                Err(error) => Err(error),
            }
        }
    };
    let within = newest_within(parts, MOST_PARTS_READ, MOST_BYTES_READ);
    let mut bodies = stream::iter(within).map(read).buffered(CONCURRENT_READS);
    while let Some(body) = bodies.try_next().await.map_err(unusable)? {
        let Some((key, body, day)) = body else { continue };
        reasons.parts_read += 1;
        for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: ReasonLine<'_> = serde_json::from_slice(line)
                .map_err(|_| unusable(format_args!("{key} has a line that is none of the lake's")))?;
            for reason in line.reasons {
                reasons.rows.entry(reason.into_owned()).or_insert_with(|| vec![0; starts.len()])[day] += 1;
            }
        }
    }
    Ok(reasons)
}

async fn last_version(lake: &OperatorLake) -> Result<Option<VersionLine>, Failure> {
    let Some(version) = lake.dataset().open_version(None).await.map_err(unusable)? else { return Ok(None) };
    let commit = version.commit().await.map_err(unusable)?;
    let (committed_at, record) = commit
        .map(|commit| (commit.committed_at, commit.records.and_then(|records| records.version)))
        .unwrap_or_default();
    Ok(Some(VersionLine {
        version: version.number(),
        committed_at: committed_at.map(rfc3339),
        pairs: version.pairs().await.map_err(unusable)?,
        caps: record.as_ref().and_then(|record| record.caps),
        digest: record.map(|record| record.digest),
    }))
}

fn as_text(report: &Report) -> String {
    let Report { lake, at, pending, breaker, last_freeze, trainings, last_version, .. } = report;
    let Report { shortfall, routes, reasons, .. } = report;
    let Pending { pairs, carried_over, threshold, .. } = pending;
    let mut text = format!("{lake} at {at}\n\n");
    let carried =
        if *carried_over > 0 { format!(", {} of them carried over", thousands(*carried_over)) } else { String::new() };
    let _ = match threshold {
        Some(threshold) => writeln!(
            text,
            "pending   {} {} of {} pairs{carried}",
            bar(*pairs, *threshold, BAR_CELLS),
            thousands(*pairs),
            thousands(*threshold)
        ),
        None => writeln!(text, "pending   {} pairs{carried} (give the threshold by --threshold)", thousands(*pairs)),
    };
    let since = breaker.since.as_deref().map(|since| format!(" since {since}")).unwrap_or_default();
    let _ = writeln!(text, "breaker   {}{since}", breaker.state);
    let freeze = last_freeze.as_ref().map_or_else(|| "none yet".to_owned(), freeze_in_words);
    let _ = writeln!(text, "freeze    {freeze}");
    let training = trainings.last_at.map_or_else(
        || "none was due yet".to_owned(),
        |last| format!("last due at {}, {} in {}", rfc3339(last), trainings.runs, one_line(&trainings.month)),
    );
    let _ = writeln!(text, "training  {training}");
    if let Some(run) = &report.run {
        let _ = writeln!(text, "run       {}", run.in_words());
    }
    let version = last_version.as_ref().map_or_else(|| "no dataset yet".to_owned(), version_in_words);
    let _ = writeln!(text, "version   {version}");
    if let Some(shortfall) = shortfall {
        let _ = writeln!(text, "caps      {}", shortfall_in_words(shortfall));
    }

    let _ = writeln!(text, "\nevents by route, {}", span(&routes.days));
    for (route, counts) in Route::ALL.iter().filter_map(|route| routes.rows.get_key_value(route.as_str())) {
        let _ = writeln!(text, "  {route:<24} {} {:>10}", sparkline(counts), thousands(counts.iter().sum()));
    }
    if !routes.complete {
        let _ = writeln!(text, "  not all: of a route and day, only the first {} parts", thousands(MOST_PARTS_A_DAY));
    }
    if !reasons.days.is_empty() {
        let read = if reasons.parts_read == reasons.parts {
            format!("all {} parts outside gold", reasons.parts)
        } else {
            format!("the newest {} of {} parts outside gold", reasons.parts_read, reasons.parts)
        };
        let _ = writeln!(text, "\nreasons, {} ({read})", span(&reasons.days));
        let mut rows: Vec<_> =
            reasons.rows.iter().map(|(name, counts)| (counts.iter().sum::<u64>(), name, counts)).collect();
        rows.sort_by(|(a, a_name, _), (b, b_name, _)| b.cmp(a).then(a_name.cmp(b_name)));
        for (sum, name, counts) in rows {
            let _ = writeln!(text, "  {:<24} {} {:>10}", one_line(name), sparkline(counts), thousands(sum));
        }
    }
    let _ = writeln!(
        text,
        "\n{} LIST and {} GET requests, and those of loading the table",
        report.list_requests, report.get_requests
    );
    text
}

fn span(days: &[String]) -> String {
    match days {
        [] => String::new(),
        [day] => day.clone(),
        [first, .., last] => format!("{first} … {last}"),
    }
}

fn freeze_in_words(freeze: &FreezeReport) -> String {
    let FreezeReport { crossing, version, rows, held, waiting, trainable, .. } = freeze;
    let left_out = freeze.duplicates + freeze.near_duplicates;
    let then = if *trainable { "training due" } else { "not enough to train on" };
    format!(
        "crossing {crossing} → version {version}: {} entered, {} repeated others, {} quarantined, {} wait; {then}",
        thousands(*rows),
        thousands(left_out),
        thousands(*held),
        thousands(*waiting)
    )
}

fn shortfall_in_words(shortfall: &Shortfall) -> String {
    let Shortfall { threshold, entered, over, caps, edits, contributors_needed } = shortfall;
    let [threshold, entered, over, contributors] = [*threshold, *entered, *over, caps.contributors].map(thousands);
    let each = caps.per_contributor.map_or_else(|| "all".to_owned(), thousands);
    let when = match edits {
        Some(edits) => format!("a run takes about {} edits like these", thousands(*edits)),
        None => "no number of edits like these starts a run".to_owned(),
    };
    let fix = match contributors_needed {
        Some(needed) => format!(
            "Remove max_pairs_per_contributor from [dataset] in the policy, lower the threshold, or have {} contributors",
            thousands(*needed)
        ),
        None => "Have more people edit, raise [dataset] max_contributor_share, max_unattributed_share or max_tenant_share in the \
                 policy, or lower the threshold"
            .to_owned(),
    };
    format!(
        "the threshold of {threshold} is out of reach: {entered} pairs entered and {over} wait, over a cap\n          \
         {contributors} contributors may have {each} pairs each; {when}\n          {fix}"
    )
}

fn version_in_words(version: &VersionLine) -> String {
    let VersionLine { version, committed_at, pairs, digest, .. } = version;
    let pairs = pairs.map_or_else(|| "?".to_owned(), thousands);
    let digest = digest.as_deref().map(|digest| format!(", digest {}", one_line(digest))).unwrap_or_default();
    format!("{version}, committed at {}: {pairs} pairs{digest}", committed_at.as_deref().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_base::instant::until;

    #[test]
    fn reasons_are_read_of_the_newest_parts_within_the_bounds() {
        let names = [3, 1, 4, 2].map(|written_at| PartName { written_at, digest: "0".repeat(32), rows: 1 });
        let parts = || names.iter().map(|name| ReasonPart { name, bytes: 10, route: Route::Review, day: 0 }).collect();
        let read = |most, bytes| {
            newest_within(parts(), most, bytes).iter().map(|part| part.name.written_at).collect::<Vec<_>>()
        };
        assert_eq!((read(9, 99), read(2, 99)), (vec![4, 3, 2, 1], vec![4, 3]));
        assert_eq!((read(9, 30), read(9, 9)), (vec![4, 3, 2], vec![]));
    }

    #[test]
    fn a_threshold_that_caps_keep_out_of_reach_is_said_in_words_with_the_fix() {
        let caps = Caps { contributors: 20, is_attributed: true, per_contributor: Some(5), absolute: Some(5) };
        let text = shortfall_in_words(&caps.shortfall(5_000, 100, 4_900).unwrap());
        for said in [
            "5,000 is out of reach: 100 pairs entered and 4,900 wait",
            "20 contributors may have 5 pairs each",
            "127,500 edits",
        ] {
            assert!(text.contains(said), "{text}");
        }
        assert!(text.contains("Remove max_pairs_per_contributor") && text.contains("1,000 contributors"), "{text}");
        let caps = Caps { absolute: None, ..caps };
        assert!(shortfall_in_words(&caps.shortfall(5_000, 100, 4_900).unwrap()).contains("max_contributor_share"));
    }

    #[test]
    fn days_begin_at_midnight_utc() {
        let starts: Vec<_> = day_starts(1_795_342_830_007, 3).into_iter().map(rfc3339).collect();
        assert_eq!(starts, ["2026-11-20", "2026-11-21", "2026-11-22"].map(|day| format!("{day}T00:00:00.000Z")));
        assert_eq!(until("2026-11-22"), day_starts(1_795_342_830_007, 1).first().map(|start| start + DAY - 1));
    }
}
