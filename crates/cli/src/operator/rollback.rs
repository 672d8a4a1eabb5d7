//! `flywheel rollback`: commits the rows of an older version again. Unless the policy says otherwise, an adapter from before the
//! rolled-back versions becomes live.

use std::str::FromStr;

use flywheel_base::instant::{Millis, until};
use flywheel_operator::{Adapters, OperatorLake, Wish};

use super::amendment::amend;
use super::unusable;
use crate::arguments::RollbackArguments;
use crate::{Failure, Outcome, policy};

/// A version by its number or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Number(u64),
    At(Millis),
}

/// The text is not a version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a version's number, a day such as 2026-11-22, or an instant in RFC 3339")]
pub(crate) struct NoTarget;

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let number = text.parse().ok().map(Self::Number);
        number.or_else(|| until(text).map(Self::At)).ok_or(NoTarget)
    }
}

pub(crate) fn run(arguments: &RollbackArguments) -> Result<Outcome, Failure> {
    let policy = policy::read(arguments.policy.as_deref())?;
    super::run(async {
        let lake = OperatorLake::open(&arguments.change.on.lake).await?;
        let to = match arguments.to {
            Target::Number(number) => number,
            Target::At(time) => {
                let newest = lake.dataset().open_version(None).await.map_err(unusable)?;
                let newest = newest.ok_or_else(|| unusable("there is no dataset yet: nothing was frozen"))?;
                let found = newest.newest_by(time).await.map_err(unusable)?;
                found.ok_or_else(|| unusable("there was no version by then"))?
            }
        };
        let adapters = if policy.rollback_demotes { Adapters::AreDemoted } else { Adapters::AreNamed };
        amend(&lake, Wish::RollBackTo(to), &arguments.change, adapters).await
    })
}
