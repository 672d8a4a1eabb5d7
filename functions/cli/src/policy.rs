//! Policies from files.

use std::path::Path;

use flywheel_core::Policy;

use crate::Failure;

/// The policy in a file, or the default if none is named.
pub(crate) fn read(path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let failure = |cause: &dyn std::fmt::Display| Failure::Unusable(format!("{}: {cause}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failure(&error))?;
    Policy::parse(&text).map_err(|error| failure(&error))
}
