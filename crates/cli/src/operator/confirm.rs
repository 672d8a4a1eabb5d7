use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};

use crate::Failure;
use crate::marked::visible;

/// Asks before something is changed. Without a terminal to ask on, it refuses.
pub(crate) fn confirm(question: &str) -> Result<(), Failure> {
    let input = stdin();
    if !input.is_terminal() {
        return Err(Failure::Unusable(
            "there is no terminal to ask on: pass --yes, or see the plan with --dry-run".to_owned(),
        ));
    }
    write!(stderr(), "{} [y/N] ", visible(question))?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::Unusable("nothing is changed".to_owned()))
}
