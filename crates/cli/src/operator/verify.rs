//! `flywheel verify`: recomputes the versions' records.

use clap::Args;
use flywheel_dataset::Misfit;
use flywheel_lake::LoadPointer as _;
use flywheel_operator::OperatorLake;
use flywheel_table::{Unverifiable, Verified, verify};
use serde::Serialize;

use super::charts::thousands;
use super::choice::{VersionChoice, no_dataset};
use super::output::{Told, print};
use super::unusable;
use crate::arguments::LakeArguments;
use crate::marked::one_line;
use crate::{Failure, Outcome};

pub(crate) const EXAMPLES: &str = "\
Every version is checked: its record and the one before, its files, its rows by digest, ids and statistics, the parts of the log that
went into it. The digest of the newest record stands for all of them: who keeps it elsewhere can tell whether all were changed together.
Cost: everything is read once, the consumed parts of the log included; memory grows with the largest version and all ids.
Exit code: 0 if everything fits, 1 if something does not (the first such thing is named), 2 if it could not be read.

Examples:
  flywheel verify --lake s3://my-lake
  flywheel verify --expect-digest \"$(cat digest-of-last-month)\"";

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    on: LakeArguments,
    /// The digest that the newest version's record must have
    #[arg(long, value_name = "DIGEST")]
    expect_digest: Option<String>,
}

#[derive(Serialize)]
struct Report {
    lake: String,
    fits: bool,
    #[serde(flatten)]
    verified: Option<Checked>,
    misfit: Option<Named>,
}

#[derive(Serialize)]
struct Checked {
    versions: u64,
    /// The number of them that operators made.
    amended: u64,
    rows: u64,
    /// The number of rows and lines that were erased and cannot be recomputed.
    erased: u64,
    parts: u64,
    held: u64,
    /// The number of waiting pairs after the newest version.
    waiting: u64,
    digest: Option<String>,
}

/// The first mismatch.
#[derive(Serialize)]
struct Named {
    version: Option<u64>,
    what: String,
}

pub(crate) async fn run(arguments: &VerifyArguments) -> Result<Outcome, Failure> {
    let VerifyArguments { on, expect_digest } = arguments;
    let lake = OperatorLake::open(&on.lake).await?;
    // A lake without a dataset is refused: it would pass with nothing verified. If the pointer stands at a version, it is lost.
    if VersionChoice::Latest.find(lake.dataset()).await?.is_none() {
        let pointer = lake.load_pointer().await.map_err(unusable)?.pointer;
        if pointer.version() == 0 {
            return Err(no_dataset(&on.lake));
        }
    }
    let mut told = Told::new();
    let tell = |verified: &Verified, newest: u64| {
        told.tell(|| format!("{} of {newest} versions, {} rows", verified.versions, thousands(verified.rows)));
    };
    let verified = verify(lake.dataset(), &lake, tell).await;
    drop(told);
    let (verified, misfit) = match verified {
        Ok(verified) => {
            let misfit = unexpected(expect_digest.as_deref(), verified.digest.as_deref());
            (Some(verified), misfit)
        }
        Err(Unverifiable::Misfit(Misfit { version, what })) => (None, Some(Named { version: Some(version), what })),
        Err(Unverifiable::Lake(error)) => return Err(unusable(error)),
        Err(Unverifiable::Dataset(error)) => return Err(unusable(error)),
    };
    let fits = misfit.is_none();
    let verified = verified.map(|verified| {
        let Verified { versions, amended, rows, erased, parts, held, waiting, digest } = verified;
        Checked { versions, amended, rows, erased, parts, held, waiting, digest }
    });
    print(on, &Report { lake: on.lake.to_string(), fits, verified, misfit }, as_text)?;
    Ok(if fits { Outcome::AllGood } else { Outcome::SomeBad })
}

fn unexpected(expected: Option<&str>, digest: Option<&str>) -> Option<Named> {
    let expected = expected.filter(|expected| Some(*expected) != digest)?;
    let digest = digest.unwrap_or("that of no record");
    Some(Named { version: None, what: format!("the newest record's digest is {digest}, not {expected}") })
}

fn as_text(report: &Report) -> String {
    let Report { lake, verified, misfit, .. } = report;
    let mut text = String::new();
    if let Some(Checked { versions, amended, rows, erased, parts, held, waiting, digest }) = verified {
        let [rows, parts, held, waiting, erased] = [*rows, *parts, *held, *waiting, *erased].map(thousands);
        let digest = digest.as_deref().unwrap_or("none");
        text = format!(
            "{lake}: {versions} versions, {amended} of them by operators, with {rows} rows, {parts} parts of the log, {held} quarantined pairs, {waiting} that wait\n\
             {erased} rows and lines were erased, and what is left of their objects fits\ndigest {}\n",
            one_line(digest)
        );
    }
    match misfit {
        None => text + "everything fits\n",
        Some(Named { version, what }) => {
            let version = version.map(|version| format!("version {version}: ")).unwrap_or_default();
            format!("{text}does not fit: {version}{}\n", one_line(what))
        }
    }
}
