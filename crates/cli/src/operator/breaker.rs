//! `flywheel breaker`: shows and moves the circuit breaker.

use std::fmt::Write as _;

use flywheel_base::instant::rfc3339;
use flywheel_lake::{LoadBreaker as _, LoadedBreaker, MoveBreaker as _, Moved};
use flywheel_log::{AlreadyThere, Breaker, BreakerChange, BreakerState, Cause};
use flywheel_runtime::now;
use serde::Serialize;

use super::confirm::confirm;
use super::lake::{LakeLocation, OperatorLake, unusable};
use super::output::print;
use super::visible;
use crate::arguments::{BreakerCommand, ChangeArguments, LakeArguments};
use crate::{Failure, Outcome};

/// The number of changes shown as text; JSON has them all.
const SHOWN_CHANGES: usize = 10;

/// The command's report, printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    changed: bool,
    dry_run: bool,
    #[serde(flatten)]
    breaker: &'r Breaker,
}

pub(crate) fn run(command: &BreakerCommand) -> Result<Outcome, Failure> {
    super::run(async {
        match command {
            BreakerCommand::Status(arguments) => status(arguments).await,
            BreakerCommand::Open(arguments) => {
                let warning = "Nothing is trained, and new gold is quarantined, until an operator closes it.";
                change(arguments, "Open", warning, Breaker::opened_by_hand).await
            }
            BreakerCommand::Close(arguments) => {
                let warning = "Training goes on with what is written from now on.";
                change(arguments, "Close", warning, Breaker::closed_by_hand).await
            }
        }
    })
}

async fn status(arguments: &LakeArguments) -> Result<Outcome, Failure> {
    let lake = OperatorLake::open(&arguments.lake).await?;
    let LoadedBreaker { breaker, .. } = lake.load_breaker().await.map_err(unusable)?;
    say(arguments, &breaker, false, false)
}

type Move = fn(&Breaker, &str, &str, u64) -> Result<Breaker, AlreadyThere>;

async fn change(arguments: &ChangeArguments, verb: &str, warning: &str, moved: Move) -> Result<Outcome, Failure> {
    let ChangeArguments { on, why, by, dry_run, yes } = arguments;
    let lake = OperatorLake::open(&on.lake).await?;
    let loaded = lake.load_breaker().await.map_err(unusable)?;
    let next = moved(&loaded.breaker, by, why, now()).map_err(unusable)?;
    if *dry_run {
        return say(on, &next, false, true);
    }
    if !yes {
        confirm(&format!("{verb} the breaker of {}? {warning}", on.lake))?;
    }
    match lake.move_breaker(&loaded, &next).await.map_err(unusable)? {
        Moved::Moved => say(on, &next, true, false),
        Moved::WasMovedBefore => Err(Failure::Unusable(
            "another operator or a function moved the breaker just now: look at it again".to_owned(),
        )),
    }
}

fn say(on: &LakeArguments, breaker: &Breaker, changed: bool, dry_run: bool) -> Result<Outcome, Failure> {
    print(on, &Report { lake: on.lake.to_string(), changed, dry_run, breaker }, |report| {
        let note = if report.dry_run { "would be: " } else { "" };
        format!("{note}{}", as_text(&on.lake, report.breaker))
    })
}

fn as_text(lake: &LakeLocation, breaker: &Breaker) -> String {
    let since = breaker.changes.last().map(|change| format!(" since {}", rfc3339(change.at))).unwrap_or_default();
    let until = match (breaker.state, breaker.half_open_at) {
        (BreakerState::Open, Some(at)) => format!(", lets a sample through from {}", rfc3339(at)),
        (BreakerState::Open, None) => ", until an operator closes it".to_owned(),
        (BreakerState::HalfOpen, _) => ", the next freeze takes a sample".to_owned(),
        (BreakerState::Closed, _) => String::new(),
    };
    let mut text = format!("breaker of {lake}: {}{since}{until}\n", breaker.state);
    for change in breaker.changes.iter().rev().take(SHOWN_CHANGES) {
        let BreakerChange { number, at, from, to, cause } = change;
        let _ = writeln!(text, "  {number:>4}  {}  {from} → {to}: {}", rfc3339(*at), because(cause));
    }
    text
}

fn because(cause: &Cause) -> String {
    match cause {
        Cause::BeyondBounds { crossing, exceeded } => {
            let each = exceeded
                .iter()
                .map(|exceeded| format!("{} {:.2} is above {:.2}", exceeded.signal, exceeded.value, exceeded.bound));
            format!("at crossing {crossing}, {}", each.collect::<Vec<_>>().join(", "))
        }
        Cause::SoundSample { crossing, pairs } => {
            format!("at crossing {crossing}, a sample of {pairs} pairs was sound")
        }
        Cause::TimePassed => "it was open for long enough".to_owned(),
        // Free text by other operators must not act on this terminal.
        Cause::ByHand { who, why } => format!("{}: {}", visible(who), visible(why)),
    }
}
