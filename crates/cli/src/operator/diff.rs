//! `flywheel diff`: compares two versions.

use std::fmt::Write as _;
use std::io::stdout;

use clap::Args;
use flywheel_dataset::{Changed, Statistics};
use flywheel_operator::OperatorLake;
use flywheel_table::{Compared, TableVersion, compare};
use serde::Serialize;

use super::charts::{rows_of, thousands};
use super::choice::VersionChoice;
use super::output::{Told, print_styled};
use super::show::{PAIR_COLUMNS, ShownPair};
use super::unusable;
use crate::arguments::LakeArguments;
use crate::marked::Style;
use crate::{Failure, Outcome};

pub(crate) const EXAMPLES: &str = "\
Changed: a pair whose place another one of the same prompt took, as a correction does.
Cost: the data files that only one of the versions has are read; for the statistics those that both have, too, each once. Memory grows
with the ids of the former, and not with texts. --quick leaves the statistics out, and costs what differs.
Exit code: 0 if they are compared, 2 if not.

Examples:
  flywheel diff 6 7 --lake s3://my-lake
  flywheel diff 2026-11-01 latest --quick
  flywheel diff 6 7 --pairs 1000000 --json | jq -r '.added[].pair_id'";

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The one version
    #[arg(value_name = "VERSION|DATE|latest")]
    from: VersionChoice,
    /// The other
    #[arg(value_name = "VERSION|DATE|latest")]
    to: VersionChoice,
    /// Show so many of the pairs that were added, removed and changed
    #[arg(long, value_name = "N", default_value_t = 3)]
    pairs: usize,
    /// No statistics
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    on: LakeArguments,
}

/// The difference, printed as JSON.
#[derive(Serialize)]
struct Report {
    lake: String,
    from: u64,
    to: u64,
    pairs: [Option<u64>; 2],
    added_pairs: usize,
    removed_pairs: usize,
    changed_pairs: usize,
    added: Vec<ShownPair>,
    removed: Vec<ShownPair>,
    changed: Vec<ShownChange>,
    statistics: Option<[Statistics; 2]>,
}

#[derive(Serialize)]
struct ShownChange {
    from: ShownPair,
    to: ShownPair,
}

pub(crate) async fn run(arguments: &DiffArguments) -> Result<Outcome, Failure> {
    let DiffArguments { from, to, pairs, quick, on } = arguments;
    let lake = OperatorLake::open(&on.lake).await?;
    let from = from.open(lake.dataset(), &on.lake).await?;
    let to = to.open(lake.dataset(), &on.lake).await?;
    let mut told = Told::new();
    let tell = |rows: u64| told.tell(|| format!("{} rows compared", thousands(rows)));
    let compared = compare([&from, &to], !quick, tell).await.map_err(unusable)?;
    drop(told);
    let difference = &compared.difference;
    let first = |ids: &[String]| ids.iter().take(*pairs).cloned().collect::<Vec<_>>();
    let report = Report {
        lake: on.lake.to_string(),
        from: from.number(),
        to: to.number(),
        pairs: [from.pairs().await.map_err(unusable)?, to.pairs().await.map_err(unusable)?],
        added_pairs: difference.added.len(),
        removed_pairs: difference.removed.len(),
        changed_pairs: difference.changed.len(),
        added: shown(&compared, &to, &first(&difference.added)).await?,
        removed: shown(&compared, &from, &first(&difference.removed)).await?,
        changed: changes(&compared, &to, difference.changed.iter().take(*pairs)).await?,
        statistics: compared.statistics.clone(),
    };
    print_styled(on, &report, as_text)
}

async fn shown(compared: &Compared, version: &TableVersion, ids: &[String]) -> Result<Vec<ShownPair>, Failure> {
    let rows = compared.pairs(version, ids, &PAIR_COLUMNS).await.map_err(unusable)?;
    rows.iter().map(|row| Ok(serde_json::from_str(row)?)).collect()
}

async fn changes(
    compared: &Compared,
    version: &TableVersion,
    changed: impl Iterator<Item = &Changed> + Clone,
) -> Result<Vec<ShownChange>, Failure> {
    let ids: Vec<_> = changed.clone().flat_map(|changed| [changed.from.clone(), changed.to.clone()]).collect();
    let mut pairs = shown(compared, version, &ids).await?;
    let mut take = |id: &str| {
        let place = pairs.iter().position(|pair| pair.pair_id == id);
        place.map(|place| pairs.swap_remove(place))
    };
    let changes = changed.filter_map(|changed| {
        let (from, to) = take(&changed.from).zip(take(&changed.to))?;
        Some(ShownChange { from, to })
    });
    Ok(changes.collect())
}

fn as_text(report: &Report) -> String {
    let style = Style::of(&stdout());
    let Report { lake, from, to, pairs, added_pairs, removed_pairs, changed_pairs, .. } = report;
    let [before, after] = pairs.map(|pairs| pairs.map_or_else(|| "?".to_owned(), thousands));
    let mut text = format!("version {from} → {to} of {lake}: {before} → {after} pairs\n");
    let _ = writeln!(text, "{added_pairs} added, {removed_pairs} removed, {changed_pairs} changed");
    if let Some([first, second]) = &report.statistics {
        let (first, second) = (rows_of(first), rows_of(second));
        let _ = writeln!(text, "\n  {:<28} {:>22} {:>22}", "", format!("version {from}"), format!("version {to}"));
        let of = |rows: &[(String, String)], name: &str| {
            rows.iter().find(|(other, _)| other == name).map_or_else(|| "–".to_owned(), |(_, value)| value.clone())
        };
        let only_second = second.iter().filter(|(name, _)| first.iter().all(|(other, _)| other != name));
        for (name, _) in first.iter().chain(only_second) {
            let _ = writeln!(text, "  {name:<28} {:>22} {:>22}", of(&first, name), of(&second, name));
        }
    }
    for (what, pairs, all) in [("added", &report.added, added_pairs), ("removed", &report.removed, removed_pairs)] {
        if !pairs.is_empty() {
            let _ = writeln!(text, "\n{what}, {} of {all}:\n", pairs.len());
            pairs.iter().for_each(|pair| text.push_str(&pair.as_text(style)));
        }
    }
    if !report.changed.is_empty() {
        let _ = writeln!(text, "\nchanged, {} of {changed_pairs}:\n", report.changed.len());
        report.changed.iter().for_each(|change| text.push_str(&change.from.changed_to(&change.to, style)));
    }
    text
}
