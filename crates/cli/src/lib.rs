//! The command-line program: it applies `curate`'s rules to files, explains them, and operates the lake.
//!
//! Each command has a file. The commands on files share `input` (bounded chunks of lines), `ordered` (all cores, one order) and
//! `policy`, and need no network. `import` reads other tools' exports, and may send them. The commands on a lake are in `operator`.

mod arguments;
mod earlier;
mod explain;
mod import;
mod input;
mod last_texts;
mod marked;
mod operator;
mod ordered;
mod pairs;
mod policy;
mod progress;
mod reasons;
mod replay;
mod schema;
mod summary;
mod worker;

use std::io::{ErrorKind, Write as _, stderr};
use std::process::ExitCode;

use clap::Parser as _;
use flywheel_operator::OpenError;
use flywheel_training::ReviewDecision;

use arguments::{Arguments, Command};
use marked::visible;

/// The reason why a command gave up.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A file is invalid; the message names it.
    #[error("{0}")]
    Unusable(String),
    /// The output's reader has closed it, as `head` does.
    #[error("output closed")]
    OutputClosed,
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
    /// A value cannot be written as JSON, or has an unexpected shape.
    #[error("cannot write the output: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe { Self::OutputClosed } else { Self::Output(error) }
    }
}

/// The result of a command that was carried out: all lines or versions are valid, or some are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    AllGood,
    SomeBad,
}

/// Runs the command in the process's arguments. Returns exit code 0 for success, 1 for an invalid event or a failed verification,
/// and 2 for a command that could not be carried out.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let outcome = match arguments.command {
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Pairs(arguments) => pairs::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Schema => schema::run(),
        Command::Status(arguments) => operator::run(operator::status::run(&arguments)),
        Command::Versions(arguments) => operator::run(operator::versions::run(&arguments)),
        Command::Show(arguments) => operator::run(operator::show::run(&arguments)),
        Command::Diff(arguments) => operator::run(operator::diff::run(&arguments)),
        Command::Verify(arguments) => operator::run(operator::verify::run(&arguments)),
        Command::Export(arguments) => operator::run(operator::export::run(&arguments)),
        Command::Breaker { command } => operator::breaker(&command),
        Command::Rollback(arguments) => operator::rollback(&arguments),
        Command::Exclude(arguments) => operator::exclude(&arguments),
        Command::Forget(arguments) => operator::forget(&arguments),
        Command::Release(arguments) => operator::held::release(&arguments),
        Command::Adapters(arguments) => operator::run(operator::adapters::list(&arguments)),
        Command::Promote(arguments) => operator::run(operator::review::answer(&arguments, ReviewDecision::Promote)),
        Command::Reject(arguments) => match arguments.of_run() {
            Ok(run) => operator::run(operator::review::answer(&run, ReviewDecision::Reject)),
            Err(held) => operator::held::reject(&held),
        },
        Command::Demote(arguments) => operator::run(operator::adapters::demote(&arguments)),
    };
    match outcome {
        Ok(Outcome::AllGood) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Ok(Outcome::SomeBad) => ExitCode::from(1),
        Err(failure) => {
            // If standard error fails, too, there is no channel left.
            let _ = writeln!(stderr(), "flywheel: {}", visible(&failure.to_string()));
            ExitCode::from(2)
        }
    }
}

/// Prints the help, or the fault in the arguments. A fault quotes them, so it is made safe to show.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let _ = write!(stderr(), "{}", visible(&error.render().to_string()));
    ExitCode::from(2)
}
