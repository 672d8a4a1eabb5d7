use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

/// The function's environment. A missing or invalid setting fails the start of the sandbox, with its name in the error.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    variables: HashMap<String, String>,
}

/// A setting is missing or cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The variable is not set, or is empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// The variable's value is invalid. (The value is not shown: it may be a secret.)
    #[error("environment variable {name}: {reason}")]
    Invalid {
        /// The variable's name.
        name: &'static str,
        /// The reason.
        reason: String,
    },
}

impl Settings {
    /// Reads the process' environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self { variables: std::env::vars().collect() }
    }

    /// Uses the given variables instead.
    #[must_use]
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self { variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into() }
    }

    /// Returns a variable that may be missing. An empty one counts as missing: a template has no other way to leave it out.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns a required variable.
    ///
    /// # Errors
    /// If it is missing.
    pub fn required(&self, name: &'static str) -> Result<&str, SettingError> {
        self.optional(name).ok_or(SettingError::Missing(name))
    }

    /// Returns a required variable, parsed.
    ///
    /// # Errors
    /// If it is missing or does not parse.
    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, SettingError> {
        let value = self.required(name)?;
        value.parse().map_err(|error: T::Err| SettingError::Invalid { name, reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_missing() {
        let settings = Settings::of([("EMPTY", ""), ("SET", "7")]);
        assert_eq!(settings.required("EMPTY"), Err(SettingError::Missing("EMPTY")));
        assert_eq!(settings.required("ABSENT"), Err(SettingError::Missing("ABSENT")));
        assert_eq!(settings.parsed::<u64>("SET"), Ok(7));
    }

    #[test]
    fn an_error_names_the_variable_and_not_its_value() {
        let error = Settings::of([("KEY", "secret")]).parsed::<u64>("KEY").unwrap_err();
        assert_eq!(error.to_string(), "environment variable KEY: invalid digit found in string");
    }
}
