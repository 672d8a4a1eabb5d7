//! `flywheel show`: shows one version and its record.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::stdout;
use std::pin::pin;

use clap::Args;
use flywheel_base::instant::rfc3339;
use flywheel_dataset::{Amendment, Drift, VersionRecord};
use flywheel_log::FreezeReport;
use flywheel_operator::OperatorLake;
use flywheel_table::{TableVersion, VersionCommit};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::charts::{rows_of, thousands};
use super::choice::VersionChoice;
use super::output::print_styled;
use super::unusable;
use crate::arguments::LakeArguments;
use crate::marked::{Marked, Style, diff, indented, one_line};
use crate::{Failure, Outcome};

pub(crate) const EXAMPLES: &str = "\
A date names the newest version that was committed by then (a day: by its end, in UTC).
Cost: loading the table; for a date a request for each halving of the versions; for pairs the version's first data files.
Exit code: 0 if it is shown, 2 if not.

Examples:
  flywheel show latest --lake s3://my-lake
  flywheel show 2026-11-22 --pairs 5
  flywheel show 7 --json | jq .record.statistics";

/// The columns of a pair that are shown.
pub(super) const PAIR_COLUMNS: [&str; 5] = ["pair_id", "prompt", "chosen", "rejected", "contributor"];

/// The number of characters of a prompt that are shown.
const PROMPT_CHARS: usize = 200;

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// Which version
    #[arg(value_name = "VERSION|DATE|latest")]
    version: VersionChoice,
    /// Show so many of the pairs that it added, as word by word changes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pairs: usize,
    #[command(flatten)]
    on: LakeArguments,
}

/// A version, printed as JSON.
#[derive(Serialize)]
struct Report {
    lake: String,
    version: u64,
    committed_at: Option<String>,
    operation: Option<String>,
    pairs: Option<u64>,
    freeze: Option<FreezeReport>,
    record: Option<VersionRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<ShownPair>,
}

/// The shown fields of a pair.
#[derive(Serialize, Deserialize)]
pub(super) struct ShownPair {
    pub(super) pair_id: String,
    prompt: String,
    chosen: String,
    rejected: String,
    #[serde(default)]
    contributor: Option<String>,
}

pub(crate) async fn run(arguments: &ShowArguments) -> Result<Outcome, Failure> {
    let ShowArguments { version, pairs, on } = arguments;
    let lake = OperatorLake::open(&on.lake).await?;
    let version = version.open(lake.dataset(), &on.lake).await?;
    let commit = version.commit().await.map_err(unusable)?;
    let commit = commit.ok_or_else(|| unusable(format_args!("the commit of version {} is gone", version.number())))?;
    let VersionCommit { number, committed_at, operation, pairs: of_version, records } = commit;
    let (freeze, record) = records.map(|records| (records.pointer.last_freeze, records.version)).unwrap_or_default();
    let report = Report {
        lake: on.lake.to_string(),
        version: number,
        committed_at: committed_at.map(rfc3339),
        operation,
        pairs: of_version,
        freeze,
        record,
        examples: examples(&version, *pairs).await?,
    };
    print_styled(on, &report, as_text)
}

async fn examples(version: &TableVersion, most: usize) -> Result<Vec<ShownPair>, Failure> {
    let mut examples = Vec::new();
    let mut rows = pin!(version.added_rows(&PAIR_COLUMNS));
    while examples.len() < most {
        let Some(row) = rows.try_next().await.map_err(unusable)? else { break };
        examples.push(serde_json::from_str(&row)?);
    }
    Ok(examples)
}

impl ShownPair {
    pub(super) fn as_text(&self, style: &Style) -> String {
        let Self { pair_id, prompt, chosen, rejected, contributor } = self;
        let end = prompt.char_indices().nth(PROMPT_CHARS).map_or(prompt.len(), |(end, _)| end);
        let cut = if end < prompt.len() { "…" } else { "" };
        let by = contributor.as_deref().map_or(Cow::Borrowed(""), |by| Cow::Owned(format!(", by {}", one_line(by))));
        let changes = diff(&Marked::plain(rejected, style), &Marked::plain(chosen, style), style);
        format!("pair {}{by}\n  prompt: {}{cut}\n{}\n", one_line(pair_id), one_line(&prompt[..end]), indented(&changes))
    }

    /// Returns the changes from this pair's chosen text to another's.
    pub(super) fn changed_to(&self, other: &Self, style: &Style) -> String {
        let changes = diff(&Marked::plain(&self.chosen, style), &Marked::plain(&other.chosen, style), style);
        let (from, to) = (one_line(&self.pair_id), one_line(&other.pair_id));
        format!("pair {from} → {to}\n{}\n", indented(&changes))
    }
}

fn as_text(report: &Report) -> String {
    let Report { lake, version, committed_at, operation, pairs, freeze, record, examples } = report;
    let committed = committed_at.as_deref().unwrap_or("an unknown time");
    let pairs = pairs.map_or_else(|| "?".to_owned(), thousands);
    let mut text = format!("version {version} of {lake}, committed at {committed}: {pairs} pairs\n");
    match record {
        Some(record) => in_words(record, freeze.as_ref(), &mut text),
        None => {
            let operation = operation.as_deref().unwrap_or("unknown");
            let _ = writeln!(text, "no freeze made it, so it has no record of its own ({})", one_line(operation));
        }
    }
    if !examples.is_empty() {
        let style = Style::of(&stdout());
        let _ = writeln!(text, "\n{} of the pairs that it added:\n", examples.len());
        examples.iter().for_each(|pair| text.push_str(&pair.as_text(style)));
    }
    text
}

fn in_words(record: &VersionRecord, freeze: Option<&FreezeReport>, text: &mut String) {
    let VersionRecord { crossing, previous, consumed, counts, rules, held, bursts, statistics, drift, .. } = record;
    if let Some(Amendment { operation, by, why, removed, added, withdrawn, .. }) = &record.amendment {
        let operation = serde_json::to_string(operation).unwrap_or_default();
        let _ = writeln!(text, "{} made it: {}\n  {}", one_line(by), one_line(why), one_line(&operation));
        let _ = writeln!(text, "  {} rows went, {} came back", thousands(*removed), thousands(*added));
        let _ = writeln!(text, "  {} pairs that waited went", thousands(*withdrawn));
    }
    let _ = writeln!(
        text,
        "crossing {crossing} took {} lines of {} parts: {} entered, {} were there already, {} repeated others in other words, {} are quarantined, {} wait",
        thousands(consumed.lines),
        thousands(consumed.parts),
        thousands(counts.entered),
        thousands(counts.duplicates),
        thousands(counts.near_duplicates),
        thousands(counts.held),
        thousands(record.waiting_pairs())
    );
    for (hold, pairs) in &counts.held_for {
        let hold = serde_json::to_value(hold).ok();
        let hold = hold.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown");
        let _ = writeln!(text, "  quarantined for {hold}: {}", thousands(*pairs));
    }
    for (cap, pairs) in &counts.waiting_for {
        let cap = serde_json::to_value(cap).ok();
        let cap = cap.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown");
        let _ = writeln!(text, "  wait for a later version, {cap}: {}", thousands(*pairs));
    }
    if let Some(held) = held {
        let _ = writeln!(text, "  they are in {}", one_line(&held.key));
    }
    for burst in bursts {
        let _ = writeln!(text, "  a burst: {}", one_line(&serde_json::to_string(burst).unwrap_or_default()));
    }
    if let Some(freeze) = freeze {
        let then = if freeze.trainable { "a training run was due" } else { "not enough to train on" };
        let _ = writeln!(text, "net-new pairs since the last training: {}, {then}", thousands(freeze.net_new));
    }
    let whole = if record.amendment.is_some() { "all of it" } else { "what it added" };
    let _ = writeln!(text, "\n{whole} is made of");
    for (name, value) in rows_of(statistics) {
        let _ = writeln!(text, "  {name:<24} {value}");
    }
    match drift {
        None => text.push_str("  drift                    too few pairs to tell, here or in the version before\n"),
        Some(drift) => text.push_str(&drift_in_words(drift)),
    }
    text.push_str("\nwhat that means for training\n");
    for implication in &record.implications {
        let _ = writeln!(text, "  {}", one_line(implication));
    }
    if record.implications.is_empty() {
        text.push_str("  nothing in particular\n");
    }
    let before = previous.as_deref().map_or("it is the first", |digest| digest);
    let _ = writeln!(
        text,
        "\nrules {}, digest {}\nbefore it: {}",
        one_line(rules),
        one_line(&record.digest),
        one_line(before)
    );
}

fn drift_in_words(drift: &Drift) -> String {
    let Drift { similarity_psi, log_length_ratio, scripts, tags, beyond } = drift;
    let beyond = if beyond.is_empty() { "within bounds".to_owned() } else { format!("beyond: {}", beyond.join(", ")) };
    format!(
        "  drift                    similarity PSI {similarity_psi:.3}, length {log_length_ratio:+.3}, scripts {scripts:.3}, tags {tags:.3}; {}\n",
        one_line(&beyond)
    )
}
