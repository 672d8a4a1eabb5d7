//! `flywheel breaker`: shows and moves the circuit breaker.

use std::fmt::Write as _;

use flywheel_base::instant::rfc3339;
use flywheel_log::{AlreadyThere, Breaker, BreakerChange, BreakerState, Cause};
use flywheel_operator::LakeLocation;
use flywheel_runtime::now;

use super::moves::{SHOWN_CHANGES, change, show};
use crate::arguments::{BreakerCommand, ChangeArguments};
use crate::marked::one_line;
use crate::{Failure, Outcome};

pub(crate) fn run(command: &BreakerCommand) -> Result<Outcome, Failure> {
    super::run(async {
        match command {
            BreakerCommand::Status(arguments) => show(arguments, as_text).await,
            BreakerCommand::Open(arguments) => {
                let warning = "Nothing is trained, and new gold is quarantined, until an operator closes it.";
                moved(arguments, "Open", warning, Breaker::opened_by_hand).await
            }
            BreakerCommand::Close(arguments) => {
                let warning = "Training goes on with what is written from now on.";
                moved(arguments, "Close", warning, Breaker::closed_by_hand).await
            }
        }
    })
}

type Move = fn(&Breaker, &str, &str, u64) -> Result<Breaker, AlreadyThere>;

async fn moved(arguments: &ChangeArguments, verb: &str, warning: &str, to: Move) -> Result<Outcome, Failure> {
    let question = format!("{verb} the breaker of {}? {warning}", arguments.on.lake);
    let next = |breaker: &Breaker| to(breaker, &arguments.by, &arguments.why, now());
    change(arguments, &question, next, as_text).await
}

fn as_text(lake: &LakeLocation, breaker: &Breaker) -> String {
    let since = breaker.changes.last().map(|change| format!(" since {}", rfc3339(change.at))).unwrap_or_default();
    let until = match (breaker.state, breaker.half_open_at) {
        (BreakerState::Open, Some(at)) if !breaker.is_open_for_all() => {
            format!(" for some senders, closes at {}", rfc3339(at))
        }
        (BreakerState::Open, Some(at)) => format!(", lets a sample through from {}", rfc3339(at)),
        (BreakerState::Open, None) => ", until an operator closes it".to_owned(),
        (BreakerState::HalfOpen, _) => ", the next freeze takes a sample".to_owned(),
        (BreakerState::Closed, _) => String::new(),
    };
    let mut text = format!("breaker of {lake}: {}{since}{until}\n", breaker.state);
    for change in breaker.changes.iter().rev().take(SHOWN_CHANGES) {
        let BreakerChange { number, at, from, to, cause, sender } = change;
        let whose = sender.as_ref().map(|sender| format!(" for {}", one_line(&sender.to_string()))).unwrap_or_default();
        let _ = writeln!(text, "  {number:>4}  {}  {from} → {to}{whose}: {}", rfc3339(*at), because(cause));
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
        Cause::ByHand { who, why } => format!("{}: {}", one_line(who), one_line(why)),
    }
}
