use flywheel_base::{PolicyError, RuleFile, given_or};
use serde::Deserialize;
use toml::Spanned;

/// The breaker's bounds: the policy's `[breaker]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerBounds {
    /// The fewest events (pairs and quarantined events) that a window needs to be judged.
    pub min_events: u64,
    /// The largest share of events in quarantine.
    pub quarantined_above: f64,
    /// The largest share of pairs by one contributor.
    pub contributor_above: f64,
    /// The largest share of pairs in bursts.
    pub burst_above: f64,
    /// The largest drift.
    pub drift_above: f64,
    /// The hours until an open breaker becomes half-open; 0: it stays open until an operator closes it.
    pub half_open_after_hours: u64,
    /// The most pairs of the sample.
    pub sample_pairs: u64,
}

/// No default was measured on an attack on this system: each is where a healthy product's numbers are not. One diligent editor of
/// a team is no campaign, so contributors count only where a policy sets a bound.
impl Default for BreakerBounds {
    fn default() -> Self {
        Self {
            min_events: 100,
            quarantined_above: 0.5,
            contributor_above: 1.0,
            burst_above: 0.2,
            drift_above: 0.5,
            half_open_after_hours: 24,
            sample_pairs: 500,
        }
    }
}

/// The policy file's `[breaker]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSection {
    min_events: Option<Spanned<u64>>,
    quarantined_above: Option<Spanned<f64>>,
    contributor_above: Option<Spanned<f64>>,
    burst_above: Option<Spanned<f64>>,
    drift_above: Option<Spanned<f64>>,
    half_open_after_hours: Option<Spanned<u64>>,
    sample_pairs: Option<Spanned<u64>>,
}

impl BreakerBounds {
    /// Reads the bounds from the policy file's section. An absent one has its default.
    ///
    /// # Errors
    /// A bound that makes no sense, with its line.
    pub fn of(given: &BreakerSection, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let defaults = Self::default();
        if let Some(pairs) = given.sample_pairs.as_ref().filter(|pairs| *pairs.get_ref() == 0) {
            let message = "sample_pairs must be 1 or more: without a sample a half-open breaker could never close";
            return Err(file.error(&pairs.span(), message));
        }
        let hours = ("half_open_after_hours", given.half_open_after_hours.as_ref());
        file.sensible(
            ("min_events", given.min_events.as_ref()),
            1..=1_000_000_000,
            "a window without events has no shares",
        )?;
        file.sensible(hours, 0..=87_600, "0: not before an operator closes it")?;
        Ok(Self {
            min_events: given_or(given.min_events.as_ref(), defaults.min_events),
            quarantined_above: file.share(given.quarantined_above.as_ref(), defaults.quarantined_above)?,
            contributor_above: file.share(given.contributor_above.as_ref(), defaults.contributor_above)?,
            burst_above: file.share(given.burst_above.as_ref(), defaults.burst_above)?,
            drift_above: file.share(given.drift_above.as_ref(), defaults.drift_above)?,
            half_open_after_hours: given_or(given.half_open_after_hours.as_ref(), defaults.half_open_after_hours),
            sample_pairs: given_or(given.sample_pairs.as_ref(), defaults.sample_pairs),
        })
    }
}
