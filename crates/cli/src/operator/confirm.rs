use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};

use crate::Failure;

/// Asks before something is changed. Without a terminal to ask on, it refuses.
pub(crate) fn confirm(question: &str) -> Result<(), Failure> {
    let input = stdin();
    if !input.is_terminal() {
        return Err(Failure::Unusable("nobody can be asked here: pass --yes, or see with --dry-run".to_owned()));
    }
    write!(stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::Unusable("nothing is changed".to_owned()))
}
