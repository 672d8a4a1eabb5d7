//! `flywheel breaker`: see and move the circuit breaker.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};

use flywheel_core::{AlreadyThere, Breaker, BreakerChange, BreakerState, Cause, rfc3339};
use flywheel_lake::{LoadBreaker, LoadedBreaker, MoveBreaker, Moved};
use flywheel_runtime::now;
use serde::Serialize;

use super::confirm::confirm;
use super::lake::{LakeLocation, OperatorLake};
use super::visible;
use crate::arguments::{BreakerCommand, ChangeArguments, LakeArguments};
use crate::{Failure, Outcome};

/// Changes that are shown to people; JSON has them all.
const SHOWN_CHANGES: usize = 10;

/// What the command says, as it is printed as JSON.
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
                let warning = "Nothing is trained, and gold is held back, until somebody closes it.";
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
    let LoadedBreaker { breaker, .. } = load(&lake).await?;
    print(arguments, &breaker, false, false)
}

type Move = fn(&Breaker, &str, &str, u64) -> Result<Breaker, AlreadyThere>;

async fn change(arguments: &ChangeArguments, verb: &str, warning: &str, moved: Move) -> Result<Outcome, Failure> {
    let ChangeArguments { on, why, by, dry_run, yes } = arguments;
    let lake = OperatorLake::open(&on.lake).await?;
    let loaded = load(&lake).await?;
    let next = moved(&loaded.breaker, by, why, now()).map_err(|error| Failure::Unusable(error.to_string()))?;
    if *dry_run {
        return print(on, &next, false, true);
    }
    if !yes {
        confirm(&format!("{verb} the breaker of {}? {warning}", on.lake))?;
    }
    match lake.move_breaker(&loaded, &next).await.map_err(|error| Failure::Unusable(error.to_string()))? {
        Moved::Moved => print(on, &next, true, false),
        Moved::WasMovedBefore => {
            Err(Failure::Unusable("the breaker was moved by somebody else just now: look at it again".to_owned()))
        }
    }
}

async fn load(lake: &OperatorLake) -> Result<LoadedBreaker, Failure> {
    lake.load_breaker().await.map_err(|error| Failure::Unusable(error.to_string()))
}

fn print(arguments: &LakeArguments, breaker: &Breaker, changed: bool, dry_run: bool) -> Result<Outcome, Failure> {
    let text = if arguments.json {
        let report = Report { lake: arguments.lake.to_string(), changed, dry_run, breaker };
        serde_json::to_string(&report)? + "\n"
    } else {
        let note = if dry_run { "would be: " } else { "" };
        format!("{note}{}", as_text(&arguments.lake, breaker))
    };
    let mut output = stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(Outcome::AllGood)
}

fn as_text(lake: &LakeLocation, breaker: &Breaker) -> String {
    let since = breaker.changes.last().map(|change| format!(" since {}", rfc3339(change.at))).unwrap_or_default();
    let until = match (breaker.state, breaker.half_open_at) {
        (BreakerState::Open, Some(at)) => format!(", lets a sample through from {}", rfc3339(at)),
        (BreakerState::Open, None) => ", until somebody closes it".to_owned(),
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
        // Written by people, and read by others on their terminals.
        Cause::ByHand { who, why } => format!("{}: {}", visible(who), visible(why)),
    }
}
