use std::error::Error;

/// Formats an error with the chain of its causes in one line. The SDK's own message is only "service error", and its debug output
/// is pages long.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn every_cause_is_named_from_the_outermost_to_the_first() {
        let error = Layer("service error", Some(Box::new(Layer("access denied", None))));
        assert_eq!(causes(&error), "service error: access denied");
    }
}
