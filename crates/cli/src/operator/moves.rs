//! The common part of the commands that show a small state of the lake, and move it: the circuit breaker and the live adapter.

use std::fmt::Display;

use flywheel_operator::{LakeLocation, MoveError, OperatorLake, PlannedMove, State};
use serde::Serialize;

use super::confirm::confirm;
use super::output::print;
use super::unusable;
use crate::arguments::{ChangeArguments, LakeArguments};
use crate::{Failure, Outcome};

/// The number of changes shown as text; JSON has them all.
pub(crate) const SHOWN_CHANGES: usize = 10;

/// The commands' report, printed as JSON.
#[derive(Serialize)]
struct Report<'r, S> {
    lake: String,
    changed: bool,
    dry_run: bool,
    #[serde(flatten)]
    state: &'r S,
}

type AsText<S> = fn(&LakeLocation, &S) -> String;

/// Shows the state.
pub(crate) async fn show<S>(on: &LakeArguments, as_text: AsText<S>) -> Result<Outcome, Failure>
where
    S: State<OperatorLake> + Serialize,
{
    let loaded = S::load(&OperatorLake::open(&on.lake).await?).await.map_err(unusable)?;
    say(on, S::of(&loaded), (false, false), as_text)
}

/// Plans a move of the state, asks, and has it carried out.
pub(crate) async fn change<S, R: Display>(
    change: &ChangeArguments,
    question: &str,
    next: impl FnOnce(&S) -> Result<S, R>,
    as_text: AsText<S>,
) -> Result<Outcome, Failure>
where
    S: State<OperatorLake> + Serialize,
{
    let ChangeArguments { on, dry_run, yes, .. } = change;
    let lake = OperatorLake::open(&on.lake).await?;
    let planned = PlannedMove::plan(&lake, next).await.map_err(unusable)?;
    if *dry_run {
        return say(on, &planned.to, (false, true), as_text);
    }
    if !yes {
        confirm(question)?;
    }
    let moved = planned.carry_out(&lake).await.map_err(|error: MoveError<R>| unusable(error))?;
    say(on, &moved, (true, false), as_text)
}

fn say<S: Serialize>(
    on: &LakeArguments,
    state: &S,
    (changed, dry_run): (bool, bool),
    as_text: AsText<S>,
) -> Result<Outcome, Failure> {
    print(on, &Report { lake: on.lake.to_string(), changed, dry_run, state }, |report| {
        let note = if report.dry_run { "would be: " } else { "" };
        format!("{note}{}", as_text(&on.lake, report.state))
    })
}
