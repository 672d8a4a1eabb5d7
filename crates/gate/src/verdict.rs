use std::collections::BTreeMap;
use std::fmt;

use flywheel_training::{Incumbent, LeftOut, LiveAdapter, RunDescription, RunName, RunReport, Trainer};
use serde::{Deserialize, Serialize};

use super::bounds::GateBounds;
use super::criterion::{Criterion, Limit, Standing};
use super::evidence::{Evidence, Means};

/// The decision about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It becomes live.
    Promote,
    /// An operator decides.
    Review,
    /// It does not become live.
    Reject,
}

impl Ruling {
    /// Returns the ruling's name, as in the workflow and in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Review => "review",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The gate's decision and its reasons: `verdict.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateVerdict {
    /// The run.
    pub run: RunName,
    /// The decision about its adapter.
    pub ruling: Ruling,
    /// The reasons, of each criterion that does not hold.
    pub reasons: Vec<String>,
    /// The candidate.
    pub candidate: VerdictCandidate,
    /// The incumbent that it was compared with; none: the bare base.
    pub incumbent: Option<Incumbent>,
    /// Held-out pairs whose texts are the same tokens to the models. G0 to G4 leave them out, because they show no preference. An
    /// older verdict has none.
    #[serde(default)]
    pub equal_pairs: u64,
    /// Each criterion, with its numbers and bounds.
    pub criteria: Vec<Criterion>,
    /// Means of the measures, for people.
    pub means: Means,
    /// The policy's bounds.
    pub bounds: GateBounds,
}

/// The judged candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictCandidate {
    /// The adapter, as it becomes live; none: its report cannot be read, so it cannot be promoted.
    pub adapter: Option<LiveAdapter>,
    /// The trainer.
    pub trainer: Option<Trainer>,
    /// The duration of the training, in seconds, by the trainer's own account.
    pub seconds: Option<f64>,
    /// Training rows that were truncated, by the trainer's own account.
    pub truncated: Option<u64>,
    /// Training rows that were left out, by the trainer's own account.
    pub dropped: Option<u64>,
    /// The same by reason. An older verdict has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<LeftOut, u64>,
}

impl GateVerdict {
    /// Folds the criteria into a ruling: the worst of them decides.
    pub(super) fn fold(
        (description, report, output_folder): (&RunDescription, Option<&RunReport>, &str),
        criteria: Vec<Criterion>,
        bounds: GateBounds,
        evidence: &Evidence,
    ) -> Self {
        let worst = criteria.iter().map(|criterion| criterion.standing).max().unwrap_or(Standing::Fails);
        let ruling = match worst {
            Standing::Holds => Ruling::Promote,
            Standing::Open => Ruling::Review,
            Standing::Fails => Ruling::Reject,
        };
        let told = criteria.iter().filter(|criterion| criterion.standing != Standing::Holds);
        let reasons = told.flat_map(|criterion| {
            let said = |reason: &String| format!("{} {}: {reason}", criterion.id, criterion.name);
            criterion.reasons.iter().map(said).collect::<Vec<_>>()
        });
        let candidate = VerdictCandidate {
            adapter: report.map(|report| LiveAdapter {
                adapter: description.run.clone(),
                prefix: output_folder.to_owned(),
                sha256: report.adapter_sha256.clone(),
                config_sha256: report.config_sha256.clone(),
                base: description.base.id.clone(),
                dataset: description.dataset.clone(),
            }),
            trainer: report.map(|report| report.trainer.clone()),
            seconds: report.map(|report| report.seconds),
            truncated: report.map(|report| report.truncated),
            dropped: report.map(|report| report.dropped),
            left_out: report.map(|report| report.left_out.clone()).unwrap_or_default(),
        };
        Self {
            run: description.run.clone(),
            ruling,
            reasons: reasons.collect(),
            candidate,
            incumbent: description.incumbent.clone(),
            equal_pairs: evidence.equal_pairs(),
            criteria,
            means: evidence.means(),
            bounds,
        }
    }

    /// Returns a criterion's standing, by its id; `None` if there is no such criterion.
    #[must_use]
    pub fn standing(&self, id: &str) -> Option<Standing> {
        self.criteria.iter().find(|criterion| criterion.id == id).map(|criterion| criterion.standing)
    }
}

/// Writes the ruling, a line for each number, and the reasons, for people.
impl fmt::Display for GateVerdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let against = self.incumbent.as_ref().map_or("the bare base", |incumbent| incumbent.adapter.as_str());
        writeln!(formatter, "{}: {} (against {against})", self.run, self.ruling)?;
        for criterion in &self.criteria {
            for measure in &criterion.measures {
                let holds = match (measure.holds(), criterion.standing) {
                    (true, _) => "✓",
                    (false, Standing::Open) => "?",
                    (false, _) => "✗",
                };
                let value = measure.value.map_or_else(|| "–".to_owned(), short);
                let limit = if measure.limit == Limit::AtLeast { "≥" } else { "≤" };
                let (id, name, bound) = (&criterion.id, &measure.name, short(measure.bound));
                writeln!(formatter, "  {holds} {id}  {name:<62} {value:>10} {limit} {bound}")?;
            }
        }
        if self.equal_pairs > 0 {
            let (count, meaning) = (self.equal_pairs, LeftOut::Equal.meaning());
            writeln!(formatter, "  {count} held-out pairs are left out: {meaning}")?;
        }
        self.reasons.iter().try_for_each(|reason| writeln!(formatter, "  {reason}"))
    }
}

/// Formats a number with at most four digits after the point.
fn short(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number}") } else { format!("{number:.4}") }
}
