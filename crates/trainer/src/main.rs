//! `flywheel-trainer`: trains an adapter, and makes a base to try it on.

use std::process::ExitCode;

fn main() -> ExitCode {
    flywheel_trainer::run_command()
}
