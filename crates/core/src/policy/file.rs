//! The policy as a file in TOML. What it leaves out has its default; what it says must be right to the letter.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Action, Policy};
use crate::breaker::BreakerBounds;
use crate::dataset::DatasetRules;
use crate::gate::GateBounds;
use crate::judge::JudgeLimits;
use crate::reason::Reason;
use crate::reasoning::Think;
use crate::route::Route;
use crate::sampling::Sampling;

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
    reasoning: Reasoning,
    audit: Audit,
    limits: Limits,
    sampling: SamplingRates,
    judges: Judges,
    dataset: Dataset,
    breaker: BreakerSection,
    gate: Gate,
    rollback: Rollback,
    routes: BTreeMap<Spanned<String>, Destination>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Similarity {
    trivial_above: Option<Spanned<f64>>,
    rewrite_below: Option<Spanned<f64>>,
    local_correction_below: Option<Spanned<f64>>,
    likely_rewrite_below: Option<Spanned<f64>>,
    kept_from: Option<Spanned<f64>>,
    max_steps: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Reasoning {
    think: Option<Think>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Audit {
    toxic_above: Option<Spanned<f64>>,
    grounded_above_chars: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    min_chars: Option<Spanned<usize>>,
    max_chars: Option<Spanned<usize>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SamplingRates {
    thumbs_up: Option<Spanned<f64>>,
    stars: Option<Spanned<f64>>,
    accept: Option<Spanned<f64>>,
    salt: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Judges {
    max_calls: Option<usize>,
    max_seconds: Option<u64>,
    at_once: Option<Spanned<usize>>,
    max_chars: Option<usize>,
    severity_from: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Dataset {
    near_duplicate_from: Option<Spanned<f64>>,
    max_contributor_share: Option<Spanned<f64>>,
    min_pairs_per_contributor: Option<Spanned<u64>>,
    max_pairs_per_contributor: Option<Spanned<u64>>,
    max_unattributed_share: Option<Spanned<f64>>,
    max_tenant_share: Option<Spanned<f64>>,
    max_waiting_per_contributor: Option<u64>,
    min_contributors: Option<u64>,
    max_edits_per_output: Option<Spanned<u64>>,
    burst_pairs: Option<Spanned<u64>>,
    burst_factor: Option<Spanned<f64>>,
    burst_contributors: Option<Spanned<u64>>,
    burst_small_batch: Option<u64>,
    burst_habit_share: Option<Spanned<f64>>,
    max_similarity_drift: Option<Spanned<f64>>,
    max_length_drift: Option<Spanned<f64>>,
    max_mix_drift: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct BreakerSection {
    min_events: Option<u64>,
    quarantined_above: Option<Spanned<f64>>,
    contributor_above: Option<Spanned<f64>>,
    burst_above: Option<Spanned<f64>>,
    drift_above: Option<Spanned<f64>>,
    half_open_after_hours: Option<u64>,
    sample_pairs: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Gate {
    min_held_out: Option<Spanned<u64>>,
    min_replay: Option<Spanned<u64>>,
    learned_from: Option<Spanned<f64>>,
    chosen_gain_from: Option<Spanned<f64>>,
    replay_loss_to: Option<Spanned<f64>>,
    wins_from: Option<Spanned<f64>>,
    tie_within: Option<Spanned<f64>>,
    review_within: Option<Spanned<f64>>,
    violations_to: Option<Spanned<f64>>,
    length_within: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Rollback {
    demotes: Option<bool>,
}

/// What a policy may say of a finding. `deny_unknown_fields` has no say in values, the variants do.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Destination {
    Off,
    Gold,
    Review,
    Quarantine,
    Dropped,
}

impl From<Destination> for Action {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Off => Self::Off,
            Destination::Gold => Self::Send(Route::Gold),
            Destination::Review => Self::Send(Route::Review),
            Destination::Quarantine => Self::Send(Route::Quarantine),
            Destination::Dropped => Self::Send(Route::Dropped),
        }
    }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// An unknown key, a value of the wrong type or out of bounds, or thresholds that contradict each other; with the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let File { similarity, reasoning, audit, limits, sampling, judges, dataset, breaker, gate, rollback, routes } =
            toml::from_str(text).map_err(|error| {
                let line = error.span().map_or(1, |span| line_of(text, &span));
                PolicyError { line, message: error.message().to_owned() }
            })?;
        let defaults = Self::default();
        let policy = Self {
            trivial_above: share(text, similarity.trivial_above.as_ref(), defaults.trivial_above)?,
            rewrite_below: share(text, similarity.rewrite_below.as_ref(), defaults.rewrite_below)?,
            local_correction_below: share(
                text,
                similarity.local_correction_below.as_ref(),
                defaults.local_correction_below,
            )?,
            max_similarity_steps: similarity.max_steps.unwrap_or(defaults.max_similarity_steps),
            likely_rewrite_below: share(text, similarity.likely_rewrite_below.as_ref(), defaults.likely_rewrite_below)?,
            kept_from: share(text, similarity.kept_from.as_ref(), defaults.kept_from)?,
            think: reasoning.think.unwrap_or(defaults.think),
            toxic_above: share(text, audit.toxic_above.as_ref(), defaults.toxic_above)?,
            grounded_above_chars: audit.grounded_above_chars.unwrap_or(defaults.grounded_above_chars),
            min_chars: limits.min_chars.as_ref().map_or(defaults.min_chars, |value| *value.get_ref()),
            max_chars: limits.max_chars.as_ref().map_or(defaults.max_chars, |value| *value.get_ref()),
            sampling: sampling_of(text, sampling, defaults.sampling)?,
            judges: judge_limits(text, &judges)?,
            dataset: dataset_rules(text, &dataset)?,
            breaker: breaker_bounds(text, &breaker)?,
            gate: gate_bounds(text, &gate)?,
            rollback_demotes: rollback.demotes.unwrap_or(defaults.rollback_demotes),
            actions: actions(text, &routes, defaults.actions)?,
        };
        let (low, high) = (policy.rewrite_below, policy.trivial_above);
        if low >= high {
            let spans = [&similarity.rewrite_below, &similarity.trivial_above].into_iter().flatten().map(Spanned::span);
            let message =
                format!("rewrite_below ({low}) must be less than trivial_above ({high}): nothing could be gold");
            return Err(PolicyError { line: last_line_of(text, spans), message });
        }
        let (low, high) = (policy.min_chars, policy.max_chars);
        if low > high {
            let spans = [&limits.min_chars, &limits.max_chars].into_iter().flatten().map(Spanned::span);
            let message = format!("min_chars ({low}) must not be more than max_chars ({high}): nothing could be gold");
            return Err(PolicyError { line: last_line_of(text, spans), message });
        }
        Ok(policy)
    }
}

fn actions(
    text: &str,
    routes: &BTreeMap<Spanned<String>, Destination>,
    mut actions: [Action; Reason::ALL.len()],
) -> Result<[Action; Reason::ALL.len()], PolicyError> {
    for (code, destination) in routes {
        let error = |message| PolicyError { line: line_of(text, &code.span()), message };
        let Some(reason) = Reason::ALL.into_iter().find(|reason| reason.as_str() == code.get_ref()) else {
            let known: Vec<_> =
                Reason::ALL.into_iter().filter(|reason| reason.is_policy()).map(Reason::as_str).collect();
            return Err(error(format!("unknown finding `{}`, expected one of {}", code.get_ref(), known.join(", "))));
        };
        if !reason.is_policy() {
            let route = reason.default_route().as_str();
            return Err(error(format!("`{}` always goes to {route}; no policy decides on it", reason.as_str())));
        }
        let action = Action::from(*destination);
        if reason == Reason::TooLongToCompare && matches!(action, Action::Off | Action::Send(Route::Gold)) {
            return Err(error("`too_long_to_compare` cannot pass: a pair in gold has its similarity".to_owned()));
        }
        // Every other route writes the texts, and the lake keeps what it is given.
        if reason == Reason::Secret && !matches!(action, Action::Off | Action::Send(Route::Dropped)) {
            let message =
                "`secret` can only be dropped, or off: any other route would write the credential to the lake";
            return Err(error(message.to_owned()));
        }
        actions[reason as usize] = action;
    }
    Ok(actions)
}

fn sampling_of(text: &str, given: SamplingRates, defaults: Sampling) -> Result<Sampling, PolicyError> {
    Ok(Sampling {
        thumbs_up: share(text, given.thumbs_up.as_ref(), defaults.thumbs_up)?,
        stars: share(text, given.stars.as_ref(), defaults.stars)?,
        accept: share(text, given.accept.as_ref(), defaults.accept)?,
        salt: given.salt.unwrap_or(defaults.salt),
    })
}

fn judge_limits(text: &str, given: &Judges) -> Result<JudgeLimits, PolicyError> {
    let defaults = JudgeLimits::default();
    if let Some(at_once) = given.at_once.as_ref().filter(|at_once| *at_once.get_ref() == 0) {
        let message = "at_once must be 1 or more; judges are switched off by the deployment's parameters".to_owned();
        return Err(PolicyError { line: line_of(text, &at_once.span()), message });
    }
    Ok(JudgeLimits {
        max_calls: given.max_calls.unwrap_or(defaults.max_calls),
        max_seconds: given.max_seconds.unwrap_or(defaults.max_seconds),
        at_once: given.at_once.as_ref().map_or(defaults.at_once, |value| *value.get_ref()),
        max_chars: given.max_chars.unwrap_or(defaults.max_chars),
        severity_from: share(text, given.severity_from.as_ref(), defaults.severity_from)?,
    })
}

fn dataset_rules(text: &str, given: &Dataset) -> Result<DatasetRules, PolicyError> {
    let defaults = DatasetRules::default();
    let number =
        |given: &Option<Spanned<f64>>, least: f64, default: f64| at_least(text, given.as_ref(), least, default);
    let count = |given: &Option<Spanned<u64>>, least: u64, default: u64| at_least(text, given.as_ref(), least, default);
    Ok(DatasetRules {
        // No share: above 1 it is switched off.
        near_duplicate_from: number(&given.near_duplicate_from, 0.5, defaults.near_duplicate_from)?,
        max_contributor_share: share(text, given.max_contributor_share.as_ref(), defaults.max_contributor_share)?,
        min_pairs_per_contributor: count(&given.min_pairs_per_contributor, 1, defaults.min_pairs_per_contributor)?,
        max_pairs_per_contributor: count(&given.max_pairs_per_contributor, 1, defaults.max_pairs_per_contributor)?,
        max_unattributed_share: share(text, given.max_unattributed_share.as_ref(), defaults.max_unattributed_share)?,
        max_tenant_share: number(&given.max_tenant_share, 0.01, defaults.max_tenant_share)
            .and_then(|_| share(text, given.max_tenant_share.as_ref(), defaults.max_tenant_share))?,
        max_waiting_per_contributor: given.max_waiting_per_contributor.unwrap_or(defaults.max_waiting_per_contributor),
        min_contributors: given.min_contributors.unwrap_or(defaults.min_contributors),
        max_edits_per_output: count(&given.max_edits_per_output, 1, defaults.max_edits_per_output)?,
        burst_pairs: count(&given.burst_pairs, 2, defaults.burst_pairs)?,
        burst_factor: number(&given.burst_factor, 1.0, defaults.burst_factor)?,
        burst_contributors: count(&given.burst_contributors, 2, defaults.burst_contributors)?,
        burst_small_batch: given.burst_small_batch.unwrap_or(defaults.burst_small_batch),
        burst_habit_share: share(text, given.burst_habit_share.as_ref(), defaults.burst_habit_share)?,
        max_similarity_drift: number(&given.max_similarity_drift, 0.0, defaults.max_similarity_drift)?,
        max_length_drift: number(&given.max_length_drift, 0.0, defaults.max_length_drift)?,
        max_mix_drift: share(text, given.max_mix_drift.as_ref(), defaults.max_mix_drift)?,
    })
}

fn at_least<N: PartialOrd + Copy + std::fmt::Display>(
    text: &str,
    given: Option<&Spanned<N>>,
    least: N,
    default: N,
) -> Result<N, PolicyError> {
    let Some(given) = given else { return Ok(default) };
    let value = *given.get_ref();
    // Not `<`: a value that is no number is not at least anything.
    if value >= least {
        return Ok(value);
    }
    Err(PolicyError {
        line: line_of(text, &given.span()),
        message: format!("{value} is too little: give {least} or more"),
    })
}

fn breaker_bounds(text: &str, given: &BreakerSection) -> Result<BreakerBounds, PolicyError> {
    let defaults = BreakerBounds::default();
    if let Some(pairs) = given.sample_pairs.as_ref().filter(|pairs| *pairs.get_ref() == 0) {
        let message =
            "sample_pairs must be 1 or more: without a sample a half-open breaker could never close".to_owned();
        return Err(PolicyError { line: line_of(text, &pairs.span()), message });
    }
    Ok(BreakerBounds {
        min_events: given.min_events.unwrap_or(defaults.min_events),
        quarantined_above: share(text, given.quarantined_above.as_ref(), defaults.quarantined_above)?,
        contributor_above: share(text, given.contributor_above.as_ref(), defaults.contributor_above)?,
        burst_above: share(text, given.burst_above.as_ref(), defaults.burst_above)?,
        drift_above: share(text, given.drift_above.as_ref(), defaults.drift_above)?,
        half_open_after_hours: given.half_open_after_hours.unwrap_or(defaults.half_open_after_hours),
        sample_pairs: given.sample_pairs.as_ref().map_or(defaults.sample_pairs, |pairs| *pairs.get_ref()),
    })
}

fn gate_bounds(text: &str, given: &Gate) -> Result<GateBounds, PolicyError> {
    let defaults = GateBounds::default();
    Ok(GateBounds {
        // Of nothing, nothing can be said: no policy can have it.
        min_held_out: at_least(text, given.min_held_out.as_ref(), 1, defaults.min_held_out)?,
        min_replay: at_least(text, given.min_replay.as_ref(), 1, defaults.min_replay)?,
        learned_from: share(text, given.learned_from.as_ref(), defaults.learned_from)?,
        chosen_gain_from: nats(text, given.chosen_gain_from.as_ref(), defaults.chosen_gain_from)?,
        replay_loss_to: nats(text, given.replay_loss_to.as_ref(), defaults.replay_loss_to)?,
        wins_from: share(text, given.wins_from.as_ref(), defaults.wins_from)?,
        tie_within: share(text, given.tie_within.as_ref(), defaults.tie_within)?,
        review_within: share(text, given.review_within.as_ref(), defaults.review_within)?,
        violations_to: share(text, given.violations_to.as_ref(), defaults.violations_to)?,
        length_within: share(text, given.length_within.as_ref(), defaults.length_within)?,
    })
}

/// Nats a token: within -10 and 10. Beyond that, and for what is no number, nothing would be compared.
fn nats(text: &str, given: Option<&Spanned<f64>>, default: f64) -> Result<f64, PolicyError> {
    let Some(given) = given else { return Ok(default) };
    let value = *given.get_ref();
    if (-10.0..=10.0).contains(&value) {
        return Ok(value);
    }
    let message = format!("{value} is no bound in nats a token: give it between -10.0 and 10.0");
    Err(PolicyError { line: line_of(text, &given.span()), message })
}

/// A share, of a text or of a scale: within 0 and 1. A 95 that means percent is refused, not taken for "never".
fn share(text: &str, given: Option<&Spanned<f64>>, default: f64) -> Result<f64, PolicyError> {
    let Some(given) = given else { return Ok(default) };
    let value = *given.get_ref();
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let message = format!("{value} is no share: give it between 0.0 and 1.0");
    Err(PolicyError { line: line_of(text, &given.span()), message })
}

/// Of two contradicting values, the one that comes second is taken to be the mistake.
fn last_line_of(text: &str, spans: impl Iterator<Item = Range<usize>>) -> usize {
    spans.map(|span| line_of(text, &span)).max().unwrap_or(1)
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
        assert_eq!((policy.trivial_above, policy.rewrite_below), (0.9, Policy::default().rewrite_below));
        assert_eq!(policy.route_of(Reason::Rewrite), Some(Route::Review));
        assert_eq!(policy.route_of(Reason::Trivial), Some(Route::Dropped));
        assert_eq!(Policy::parse("[routes]\ntoxic = \"off\"").unwrap().route_of(Reason::Toxic), None);
        assert_eq!(Policy::parse("[routes]\nsecret = \"off\"").unwrap().route_of(Reason::Secret), None);
        assert_eq!(
            Policy::parse("[routes]\nsecret = \"dropped\"").unwrap().route_of(Reason::Secret),
            Some(Route::Dropped)
        );
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
            ("[similarity]\nlocal_correction_below = 95.0\n", 2, "between 0.0 and 1.0"),
            ("[similarity]\ntrivial_above = 0.3\nrewrite_below = 0.4\n", 3, "must be less than"),
            ("[routes]\ntrivial = \"bin\"\n", 2, "unknown variant `bin`"),
            ("[routes]\n\nunchanged = \"gold\"\n", 3, "always goes to dropped"),
            ("[routes]\ndisliked = \"gold\"\n", 2, "always goes to review"),
            ("[routes]\ntrivial = \"replay\"\n", 2, "unknown variant `replay`"),
            ("[sampling]\naccept = 1.5\n", 2, "between 0.0 and 1.0"),
            ("[sampling]\nrate = 0.01\n", 2, "unknown field `rate`"),
            ("[routes]\nfunny = \"gold\"\n", 2, "unknown finding `funny`"),
            ("[similarity]\nkept_from = 80\n", 2, "between 0.0 and 1.0"),
            ("[reasoning]\n\nthink = \"drop\"\n", 3, "unknown variant `drop`"),
            ("[reasoning]\nstrip = true\n", 2, "unknown field `strip`"),
            ("[routes]\nno_answer = \"gold\"\n", 2, "always goes to dropped"),
            ("[limits]\nmin_chars = 10\nmax_chars = 9\n", 3, "must not be more"),
            ("[routes]\ntoo_long_to_compare = \"gold\"\n", 2, "cannot pass"),
            ("[limits]\nmax_chars = -9\n", 2, "invalid value"),
            ("[routes]\n\nsecret = \"quarantine\"\n", 3, "can only be dropped"),
            ("[routes]\nsecret = \"review\"\n", 2, "can only be dropped"),
            ("[routes]\nsecret = \"gold\"\n", 2, "can only be dropped"),
            ("[audit]\ntoxic_above = 2.0\n", 2, "between 0.0 and 1.0"),
            ("[judges]\nat_once = 0\n", 2, "1 or more"),
            ("[judges]\nseverity_from = 4.0\n", 2, "between 0.0 and 1.0"),
            ("[dataset]\nmax_pairs_per_contributor = 0\n", 2, "1 or more"),
            ("[dataset]\nmin_pairs_per_contributor = 0\n", 2, "1 or more"),
            ("[dataset]\nmax_contributor_share = 1.5\n", 2, "between 0.0 and 1.0"),
            ("[dataset]\nmax_waiting_per_contributor = -1\n", 2, "invalid value"),
            ("[dataset]\nburst_contributors = 1\n", 2, "2 or more"),
            ("[dataset]\nburst_habit_share = 2.0\n", 2, "between 0.0 and 1.0"),
            ("[dataset]\n\nmax_tenant_share = 20.0\n", 3, "between 0.0 and 1.0"),
            ("[dataset]\nmax_tenant_share = 0.0\n", 2, "0.01 or more"),
            ("[dataset]\nburst_factor = nan\n", 2, "1 or more"),
            ("[dataset]\nburst_pairs = 1\n", 2, "2 or more"),
            ("[dataset]\nnear_duplicate_from = 0.2\n", 2, "0.5 or more"),
            ("[dataset]\nmax_pairs = 5\n", 2, "unknown field `max_pairs`"),
            ("[breaker]\n\nburst_above = 20.0\n", 3, "between 0.0 and 1.0"),
            ("[breaker]\nsample_pairs = 0\n", 2, "1 or more"),
            ("[breaker]\nmin_events = -1\n", 2, "invalid value"),
            ("[breaker]\nreject_above = 0.5\n", 2, "unknown field `reject_above`"),
            ("[gate]\n\nlearned_from = 60.0\n", 3, "between 0.0 and 1.0"),
            ("[gate]\nmin_held_out = 0\n", 2, "1 or more"),
            ("[gate]\nreplay_loss_to = inf\n", 2, "nats a token"),
            ("[gate]\nchosen_gain_from = nan\n", 2, "nats a token"),
            ("[gate]\nwins = 0.5\n", 2, "unknown field `wins`"),
            ("[rollback]\n\ndemotes = \"yes\"\n", 3, "invalid type"),
            ("[rollback]\ndemote = true\n", 2, "unknown field `demote`"),
            ("[judges]\nmodel = \"x\"\n", 2, "unknown field `model`"),
            ("[judges]\nmax_seconds = \"20s\"\n", 2, "invalid type"),
            ("[limits]\nmin_chars = 1.5\n", 2, "invalid type"),
            ("[limits]\r\nmax_chars = 0\r\n", 2, "must not be more"),
            ("[audit]\ntoxic_above = 0.5\ntoxic_above = 0.6\n", 3, "duplicate key"),
            ("[routes]\ntoxic = true\n", 2, "wanted string"),
            ("[routes]\ntoxic = [\"review\", \"gold\"]\n", 2, "wanted string"),
            ("toxic_above = 0.5\n", 1, "unknown field `toxic_above`"),
            ("[similarity]\ntrivial_above = 0.05\n", 2, "must be less than"),
            ("[routes\n", 1, ""),
        ] {
            let (at, message) = refused(text);
            assert!(at == line && message.contains(part), "{text:?}: line {at}: {message}");
        }
    }

    #[test]
    fn each_finding_has_its_place_in_the_file_and_in_the_hash() {
        let default = Policy::default();
        for reason in Reason::ALL.into_iter().filter(|reason| reason.is_policy()) {
            let code = reason.as_str();
            assert!(
                SHIPPED.lines().any(|line| line.starts_with(&format!("{code} = "))),
                "{code} is not in policy.toml"
            );
            // What each of them may be, and none of them is.
            let route = if default.route_of(reason) == Some(Route::Dropped) { "off" } else { "dropped" };
            let route = if reason == Reason::TooLongToCompare { "quarantine" } else { route };
            let policy = Policy::parse(&format!("[routes]\n{code} = \"{route}\"")).unwrap();
            assert_ne!(policy.hash(), default.hash(), "{code}");
        }
    }

    #[test]
    fn the_breakers_bounds_are_taken_and_change_no_lines_hash() {
        let policy = Policy::parse("[breaker]\nburst_above = 0.3\nhalf_open_after_hours = 0\n").unwrap();
        assert_eq!((policy.breaker.burst_above, policy.breaker.half_open_after_hours), (0.3, 0));
        assert_eq!(policy.breaker.min_events, BreakerBounds::default().min_events);
        assert_eq!(policy.hash(), Policy::default().hash());
    }

    #[test]
    fn the_gates_bounds_are_taken_and_change_no_lines_hash() {
        let policy = Policy::parse("[gate]\nmin_held_out = 40\nchosen_gain_from = -0.1\n").unwrap();
        assert_eq!((policy.gate.min_held_out, policy.gate.chosen_gain_from), (40, -0.1));
        assert_eq!(policy.gate.min_replay, GateBounds::default().min_replay);
        assert_eq!(policy.hash(), Policy::default().hash());
    }

    #[test]
    fn what_a_rollback_does_to_adapters_is_taken_and_changes_no_lines_hash() {
        let policy = Policy::parse("[rollback]\ndemotes = false\n").unwrap();
        assert_eq!((policy.rollback_demotes, policy.hash()), (false, Policy::default().hash()));
        assert_eq!(Policy::parse("[rollback]\n"), Ok(Policy::default()));
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
            hash("[similarity]\nlocal_correction_below = 0.9"),
            hash("[routes]\ntrivial = \"review\""),
            hash("[routes]\nrewrite = \"review\""),
            hash("[routes]\ntoo_long_to_compare = \"dropped\""),
            hash("[routes]\ntoxic = \"off\""),
            hash("[similarity]\nlikely_rewrite_below = 0.1"),
            hash("[similarity]\nkept_from = 0.7"),
            hash("[reasoning]\nthink = \"keep\""),
            hash("[audit]\ntoxic_above = 0.9"),
            hash("[audit]\ngrounded_above_chars = 9"),
            hash("[limits]\nmin_chars = 9"),
            hash("[limits]\nmax_chars = 9"),
            hash("[sampling]\nthumbs_up = 0.9"),
            hash("[sampling]\nstars = 0.9"),
            hash("[sampling]\naccept = 0.9"),
            hash("[sampling]\nsalt = \"other\""),
            hash("[judges]\nmax_calls = 9"),
            hash("[judges]\nmax_seconds = 9"),
            hash("[judges]\nat_once = 9"),
            hash("[judges]\nmax_chars = 9"),
            hash("[judges]\nseverity_from = 0.9"),
            hash("[routes]\nunjudged = \"review\""),
        ];
        for (index, hash) in changed.iter().enumerate() {
            assert!(*hash != default && !changed[..index].contains(hash));
        }
    }
}
