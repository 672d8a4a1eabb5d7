use serde::{Deserialize, Serialize};

/// The standing of a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It holds.
    Holds,
    /// An operator has to decide.
    Open,
    /// It does not hold.
    Fails,
}

/// The good side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The value has to reach it.
    AtLeast,
    /// The value may not go beyond it.
    AtMost,
}

/// A number, and its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// The number; none: it could not be measured, which keeps no bound.
    pub value: Option<f64>,
    /// The kind of bound.
    pub limit: Limit,
    /// The bound.
    pub bound: f64,
}

impl Measure {
    pub(super) fn at_least(name: &str, value: Option<f64>, bound: f64) -> Self {
        Self::new(name, value, Limit::AtLeast, bound)
    }

    pub(super) fn at_most(name: &str, value: Option<f64>, bound: f64) -> Self {
        Self::new(name, value, Limit::AtMost, bound)
    }

    fn new(name: &str, value: Option<f64>, limit: Limit, bound: f64) -> Self {
        Self { name: name.to_owned(), value: value.filter(|value| value.is_finite()), limit, bound }
    }

    /// Returns `true` if the bound is kept.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.value.is_some_and(|value| match self.limit {
            Limit::AtLeast => value >= self.bound,
            Limit::AtMost => value <= self.bound,
        })
    }
}

/// The outcome of one criterion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// `G0` to `G5`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its standing.
    pub standing: Standing,
    /// The measures that it rests on.
    pub measures: Vec<Measure>,
    /// The reasons why it does not hold: one sentence each, without any text of a row.
    pub reasons: Vec<String>,
}

impl Criterion {
    /// Returns a criterion that holds if its measures do. Each measure comes with the reason to give if it does not.
    pub(super) fn of(id: &str, name: &str, measures: Vec<(Measure, &str)>) -> Self {
        let failed = measures.iter().filter(|(measure, _)| !measure.holds());
        let reasons: Vec<_> = failed.map(|(measure, meaning)| format!("{}: {meaning}", said(measure))).collect();
        let standing = if reasons.is_empty() { Standing::Holds } else { Standing::Fails };
        let measures = measures.into_iter().map(|(measure, _)| measure).collect();
        Self { id: id.to_owned(), name: name.to_owned(), standing, measures, reasons }
    }
}

fn said(measure: &Measure) -> String {
    let side = match measure.limit {
        Limit::AtLeast => "below",
        Limit::AtMost => "above",
    };
    match measure.value {
        Some(value) => format!("{} is {value:.4}, {side} {}", measure.name, measure.bound),
        None => format!("{} was not measured", measure.name),
    }
}
