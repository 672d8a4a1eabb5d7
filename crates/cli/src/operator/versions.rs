//! `flywheel versions`: the dataset's versions, newest first.

use std::fmt::Write as _;

use clap::Args;
use flywheel_base::instant::rfc3339;
use flywheel_dataset::{Amendment, VersionRecord};
use flywheel_operator::OperatorLake;
use flywheel_table::VersionCommit;
use serde::Serialize;

use super::charts::thousands;
use super::choice::VersionChoice;
use super::output::print;
use super::unusable;
use crate::arguments::LakeArguments;
use crate::marked::one_line;
use crate::{Failure, Outcome};

pub(crate) const EXAMPLES: &str = "\
Pairs: what the version has. Added, train, heldout: what it brought in, and held: what it held back.
Cost: one request for each version that is shown, and those of loading the table once or twice; nothing else is read.
Exit code: 0 if they are listed, 2 if not.

Examples:
  flywheel versions --lake s3://my-lake
  flywheel versions --all --json | jq -r '.versions[] | [.version, .digest] | @tsv'";

/// The number of digits of a digest shown as text; JSON has them all.
const SHOWN_DIGITS: usize = 12;

#[derive(Debug, Args)]
pub(crate) struct VersionsArguments {
    #[command(flatten)]
    on: LakeArguments,
    /// Show so many of the newest
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u64,
    /// Show all of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

#[derive(Serialize)]
struct Report {
    lake: String,
    /// The newest version's number.
    newest: u64,
    versions: Vec<VersionLine>,
}

/// A version in short, printed as JSON.
#[derive(Serialize)]
struct VersionLine {
    version: u64,
    committed_at: Option<String>,
    operation: Option<String>,
    pairs: Option<u64>,
    /// The following fields are null in versions that no freeze made.
    added: Option<u64>,
    train: Option<u64>,
    heldout: Option<u64>,
    held: Option<u64>,
    digest: Option<String>,
    /// The operation of a version that an operator made.
    amendment: Option<Amendment>,
    implications: Vec<String>,
}

pub(crate) async fn run(arguments: &VersionsArguments) -> Result<Outcome, Failure> {
    let VersionsArguments { on, limit, all } = arguments;
    let lake = OperatorLake::open(&on.lake).await?;
    let newest = VersionChoice::Latest.open(lake.dataset(), &on.lake).await?;
    let most = if *all { u64::MAX } else { *limit };
    let versions = newest.history(most).await.map_err(unusable)?;
    let versions = versions.into_iter().map(VersionLine::of).collect();
    print(on, &Report { lake: on.lake.to_string(), newest: newest.number(), versions }, as_text)
}

impl VersionLine {
    fn of(commit: VersionCommit) -> Self {
        let VersionCommit { number, committed_at, operation, pairs, records } = commit;
        let record = records.and_then(|records| records.version);
        let of = |count: fn(&VersionRecord) -> u64| record.as_ref().map(count);
        Self {
            version: number,
            committed_at: committed_at.map(rfc3339),
            operation,
            pairs,
            added: of(|record| record.amendment.as_ref().map_or(record.statistics.rows, |amendment| amendment.added)),
            train: of(|record| record.statistics.train),
            heldout: of(|record| record.statistics.held_out),
            held: of(|record| record.counts.held),
            digest: record.as_ref().map(|record| record.digest.clone()),
            amendment: record.as_ref().and_then(|record| record.amendment.clone()),
            // Only the codes; `show` explains them.
            implications: record
                .map(|record| record.implications)
                .unwrap_or_default()
                .iter()
                .map(|said| code(said))
                .collect(),
        }
    }
}

fn code(implication: &str) -> String {
    implication.split(':').next().unwrap_or_default().to_owned()
}

fn as_text(report: &Report) -> String {
    let Report { lake, newest, versions } = report;
    let mut text = format!("dataset of {lake}: version {newest} is the newest\n");
    let _ = writeln!(
        text,
        "{:>7}  {:<20}  {:>9}  {:>8}  {:>8}  {:>7}  {:>6}  {:<SHOWN_DIGITS$}  implies",
        "version", "committed", "pairs", "added", "train", "heldout", "held", "digest"
    );
    for version in versions {
        let number = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), thousands);
        let committed = version.committed_at.as_deref().map_or("–", |at| &at[..at.len().min(19)]);
        let digest = version.digest.as_deref().map_or("–", |digest| digest.get(..SHOWN_DIGITS).unwrap_or(digest));
        let implies = match (&version.amendment, &version.digest) {
            (Some(Amendment { operation, by, why, .. }), _) => format!("({} by {by}: {why})", operation.as_str()),
            (None, Some(_)) => version.implications.join(", "),
            (None, None) => format!("({})", version.operation.as_deref().unwrap_or("unknown")),
        };
        let _ = writeln!(
            text,
            "{:>7}  {:<20}  {:>9}  {:>8}  {:>8}  {:>7}  {:>6}  {:<SHOWN_DIGITS$}  {}",
            version.version,
            one_line(&format!("{committed}Z")),
            number(version.pairs),
            number(version.added),
            number(version.train),
            number(version.heldout),
            number(version.held),
            one_line(digest),
            one_line(&implies)
        );
    }
    let shown = versions.len() as u64;
    if shown <= *newest {
        let _ = writeln!(text, "{} older ones: --limit N, or --all", newest + 1 - shown);
    }
    text
}
