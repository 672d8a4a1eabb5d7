//! `flywheel`: curation on this machine, by the same core as in the cloud.

use std::process::ExitCode;

fn main() -> ExitCode {
    flywheel_cli::run()
}
