//! The policy as a file in TOML. What it leaves out has its default; what it says must be right to the letter.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::Policy;
use crate::verdict::Route;

/// Why a policy file is refused, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy line {line}: {message}")]
pub struct PolicyError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    similarity: Similarity,
    routes: Routes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Similarity {
    trivial_above: Option<Spanned<f64>>,
    rewrite_below: Option<Spanned<f64>>,
    max_steps: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Routes {
    trivial: Option<Destination>,
    rewrite: Option<Destination>,
    too_long_to_compare: Option<Destination>,
}

/// Where a policy may send an event. `deny_unknown_fields` has no say in values, the variants do.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Destination {
    Gold,
    Review,
    Dropped,
}

impl From<Destination> for Route {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Gold => Self::Gold,
            Destination::Review => Self::Review,
            Destination::Dropped => Self::Dropped,
        }
    }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// An unknown key, a value of the wrong type or out of bounds, or thresholds that contradict each other; with the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let File { similarity, routes } = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, &span));
            PolicyError { line, message: error.message().to_owned() }
        })?;
        let defaults = Self::default();
        let trivial_above = share(text, similarity.trivial_above.as_ref(), defaults.trivial_above)?;
        let rewrite_below = share(text, similarity.rewrite_below.as_ref(), defaults.rewrite_below)?;
        if rewrite_below >= trivial_above {
            let spans = [&similarity.rewrite_below, &similarity.trivial_above].into_iter().flatten();
            let line = spans.map(|value| line_of(text, &value.span())).max().unwrap_or(1);
            let message = format!(
                "rewrite_below ({rewrite_below}) must be less than trivial_above ({trivial_above}): nothing could be gold"
            );
            return Err(PolicyError { line, message });
        }
        let route = |given: Option<Destination>, default| given.map_or(default, Route::from);
        Ok(Self {
            trivial_above,
            rewrite_below,
            max_similarity_steps: similarity.max_steps.map_or(defaults.max_similarity_steps, Spanned::into_inner),
            trivial: route(routes.trivial, defaults.trivial),
            rewrite: route(routes.rewrite, defaults.rewrite),
            too_long_to_compare: route(routes.too_long_to_compare, defaults.too_long_to_compare),
        })
    }
}

/// A share of a text: within 0 and 1. A 95 that means percent is refused, not taken for "never".
fn share(text: &str, given: Option<&Spanned<f64>>, default: f64) -> Result<f64, PolicyError> {
    let Some(given) = given else { return Ok(default) };
    let value = *given.get_ref();
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let message = format!("{value} is no share of a text: give it between 0.0 and 1.0");
    Err(PolicyError { line: line_of(text, &given.span()), message })
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../../infra/policy.toml");

    fn refused(text: &str) -> (usize, String) {
        let error = Policy::parse(text).unwrap_err();
        (error.line, error.message)
    }

    #[test]
    fn the_shipped_file_says_what_the_defaults_say() {
        assert_eq!(Policy::parse(SHIPPED), Ok(Policy::default()));
        assert_eq!(Policy::parse(""), Ok(Policy::default()));
    }

    #[test]
    fn what_is_said_is_taken_and_the_rest_is_default() {
        let policy = Policy::parse("[similarity]\ntrivial_above = 0.9\n[routes]\nrewrite = \"review\"\n").unwrap();
        assert_eq!(policy, Policy { trivial_above: 0.9, rewrite: Route::Review, ..Policy::default() });
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, line, part) in [
            ("\n[similarity]\ntrivial = 0.9\n", 3, "unknown field `trivial`"),
            ("[similarty]\n", 1, "unknown field `similarty`"),
            ("[similarity]\ntrivial_above = \"0.9\"\n", 2, "invalid type"),
            ("[similarity]\n\ntrivial_above = 95.0\n", 3, "between 0.0 and 1.0"),
            ("[similarity]\nrewrite_below = nan\n", 2, "between 0.0 and 1.0"),
            ("[similarity]\nmax_steps = -1\n", 2, "invalid value"),
            ("[similarity]\ntrivial_above = 0.3\nrewrite_below = 0.4\n", 3, "must be less than"),
            ("[routes]\ntrivial = \"bin\"\n", 2, "unknown variant `bin`"),
            ("[routes]\nunchanged = \"gold\"\n", 2, "unknown field `unchanged`"),
            ("[routes\n", 1, ""),
        ] {
            let (at, message) = refused(text);
            assert!(at == line && message.contains(part), "{text:?}: line {at}: {message}");
        }
    }

    #[test]
    fn the_hash_follows_the_rules_and_not_the_words() {
        let hash = |text| Policy::parse(text).unwrap().hash();
        let default = hash("");
        assert_eq!(hash("# other words\n[similarity]\ntrivial_above = 0.95\n"), default);
        let changed = [
            hash("[similarity]\ntrivial_above = 0.9"),
            hash("[similarity]\nrewrite_below = 0.2"),
            hash("[similarity]\nmax_steps = 1"),
            hash("[routes]\ntrivial = \"review\""),
            hash("[routes]\nrewrite = \"review\""),
            hash("[routes]\ntoo_long_to_compare = \"dropped\""),
        ];
        for (index, hash) in changed.iter().enumerate() {
            assert!(*hash != default && !changed[..index].contains(hash));
        }
    }
}
