//! The choices of an import that a file does not contain.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// The choices of one import. The default takes what is certain and names the rest.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The project in the tool. It goes into the ids of events, so that equal ids of two projects differ. It takes the
    /// place of a project that the records name.
    pub project: Option<String>,
    /// The field with the prompt: a path with dots, below the tool's input.
    pub prompt: Option<String>,
    /// The field with the model's text: a path with dots, below the tool's output or data.
    pub output: Option<String>,
    /// The names of scores, questions or controls whose texts are corrected outputs.
    pub edits: BTreeSet<String>,
    /// The names of scores, questions or controls to leave out.
    pub ignored: BTreeSet<String>,
    /// The scales of numeric scores, by name.
    pub scales: BTreeMap<String, Scale>,
}

/// The worst and the best value of a numeric score. The worst may be the larger one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub(crate) worst: f64,
    pub(crate) best: f64,
}

impl Scale {
    /// The scale of one to five stars.
    pub(crate) const STARS: Self = Self { worst: 1.0, best: 5.0 };

    /// Creates a scale from finite, different ends.
    #[must_use]
    pub fn new(worst: f64, best: f64) -> Option<Self> {
        let is_scale = worst.is_finite() && best.is_finite() && (best - worst).abs() > f64::EPSILON;
        is_scale.then_some(Self { worst, best })
    }
}

impl FromStr for Scale {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ends = text.split_once("..").and_then(|(worst, best)| Some((worst.parse().ok()?, best.parse().ok()?)));
        ends.and_then(|(worst, best)| Self::new(worst, best)).ok_or("give the worst and the best value, such as 1..5")
    }
}
