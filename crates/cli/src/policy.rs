//! Reads policies from files.

use std::path::Path;

use flywheel_base::PolicyError;
use flywheel_policy::Policy;

use crate::Failure;

/// Reads the policy in a file, or returns the default if none is named. Errors name file and line.
pub(crate) fn read(path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Unusable(format!("cannot read the policy {name}: {error}")))?;
    Policy::parse(&text)
        .map_err(|PolicyError { line, message }| Failure::Unusable(format!("{name}:{line}: {}", message.trim_end())))
}
