use std::collections::BTreeMap;

use flywheel_base::{PolicyError, Reason, Route, RuleFile, given_or};
use serde::Deserialize;
use toml::Spanned;

/// The rules of the audit: the policy's `[similarity]`, `[audit]`, `[limits]` and `[routes]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRules {
    /// An edit more similar to the model's text than this is `trivial`. The product's rule: under 5 % changed.
    pub trivial_above: f64,
    /// An edit less similar than this is a `rewrite`. The product's rule: over 90 % changed.
    pub rewrite_below: f64,
    /// An edit that is `trivial` is a `local_correction` if the place that changed most is less similar than this.
    pub local_correction_below: f64,
    /// The work, in word steps of about 1 ns, that comparing one pair may take before it is `too_long_to_compare`. The
    /// default (about 0.05 s) compares any two texts of up to 50,000 characters, and far longer ones with few edits.
    pub max_similarity_steps: u64,
    /// An edit that shares fewer of its words with the model's text is a `likely_rewrite`.
    pub likely_rewrite_below: f64,
    /// The minimum share of the shorter text's words in the longer one for an edit to be `shortened` or `extended`.
    /// Words count if they stand there in the same order, next to their neighbours.
    pub kept_from: f64,
    /// A sentence with a higher probability of abuse is `toxic`.
    pub toxic_above: f64,
    /// A prompt of more characters that asks for a summary, an extract or an answer from a source is taken to carry it.
    pub grounded_above_chars: usize,
    /// A user's text of fewer characters is `too_short`.
    pub min_chars: usize,
    /// A user's text of more characters is `too_long`.
    pub max_chars: usize,
    actions: [Action; Reason::ALL.len()],
}

/// The effect of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Not looked for, or not recorded.
    Off,
    /// Sends the event to the route. To gold: it is only a tag.
    Send(Route),
}

impl Default for AuditRules {
    fn default() -> Self {
        Self {
            trivial_above: 0.95,
            rewrite_below: 0.10,
            local_correction_below: 0.95,
            max_similarity_steps: 1 << 26,
            likely_rewrite_below: 0.05,
            kept_from: 0.8,
            toxic_above: 0.5,
            grounded_above_chars: 400,
            min_chars: 1,
            max_chars: 200_000,
            actions: Reason::ALL.map(|reason| Action::Send(reason.default_route())),
        }
    }
}

/// The sections of the policy file.
#[cfg_attr(test, derive(Deserialize, Default), serde(deny_unknown_fields, default))]
pub struct AuditSections {
    /// `[similarity]`.
    pub similarity: SimilaritySection,
    /// `[audit]`.
    pub audit: AuditSection,
    /// `[limits]`.
    pub limits: LimitsSection,
    /// `[routes]`.
    pub routes: RoutesSection,
}

/// The policy file's `[similarity]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct SimilaritySection {
    trivial_above: Option<Spanned<f64>>,
    rewrite_below: Option<Spanned<f64>>,
    local_correction_below: Option<Spanned<f64>>,
    likely_rewrite_below: Option<Spanned<f64>>,
    kept_from: Option<Spanned<f64>>,
    max_steps: Option<Spanned<u64>>,
}

/// The policy file's `[audit]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    toxic_above: Option<Spanned<f64>>,
    grounded_above_chars: Option<Spanned<usize>>,
}

/// The policy file's `[limits]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    min_chars: Option<Spanned<usize>>,
    max_chars: Option<Spanned<usize>>,
}

/// The policy file's `[routes]`.
#[derive(Deserialize, Default)]
#[serde(transparent)]
pub struct RoutesSection(BTreeMap<Spanned<String>, Destination>);

/// The destination of a finding. `deny_unknown_fields` does not apply to values; the variants do.
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

impl AuditRules {
    /// Reads the rules from the policy file's sections. An absent one has its default.
    ///
    /// # Errors
    /// A value out of its bounds, rules that contradict each other, or a route that a finding may not take; with the line.
    pub fn of(sections: &AuditSections, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let AuditSections { similarity, audit, limits, routes } = sections;
        let defaults = Self::default();
        let share = |given: &Option<Spanned<f64>>, default| file.share(given.as_ref(), default);
        let rules = Self {
            trivial_above: share(&similarity.trivial_above, defaults.trivial_above)?,
            rewrite_below: share(&similarity.rewrite_below, defaults.rewrite_below)?,
            local_correction_below: share(&similarity.local_correction_below, defaults.local_correction_below)?,
            max_similarity_steps: given_or(similarity.max_steps.as_ref(), defaults.max_similarity_steps),
            likely_rewrite_below: share(&similarity.likely_rewrite_below, defaults.likely_rewrite_below)?,
            kept_from: share(&similarity.kept_from, defaults.kept_from)?,
            toxic_above: share(&audit.toxic_above, defaults.toxic_above)?,
            grounded_above_chars: given_or(audit.grounded_above_chars.as_ref(), defaults.grounded_above_chars),
            min_chars: given_or(limits.min_chars.as_ref(), defaults.min_chars),
            max_chars: given_or(limits.max_chars.as_ref(), defaults.max_chars),
            actions: actions(routes, defaults.actions, file)?,
        };
        let (low, high) = (rules.rewrite_below, rules.trivial_above);
        if low >= high {
            let message =
                format!("rewrite_below ({low}) must be less than trivial_above ({high}): nothing could be gold");
            return Err(file.contradiction([&similarity.rewrite_below, &similarity.trivial_above], &message));
        }
        let (low, high) = (rules.min_chars, rules.max_chars);
        if low > high {
            let message = format!("min_chars ({low}) must not be more than max_chars ({high}): nothing could be gold");
            return Err(file.contradiction([&limits.min_chars, &limits.max_chars], &message));
        }
        let bytes = "an event has about a million bytes at most";
        file.sensible(
            ("max_steps", similarity.max_steps.as_ref()),
            1..=1_000_000_000_000,
            "with 0 no pair is ever compared",
        )?;
        file.sensible(
            ("grounded_above_chars", audit.grounded_above_chars.as_ref()),
            0..=1_000_000_000,
            "no prompt is longer",
        )?;
        file.sensible(("min_chars", limits.min_chars.as_ref()), 0..=1_000_000, bytes)?;
        file.sensible(("max_chars", limits.max_chars.as_ref()), 1..=10_000_000, bytes)?;
        Ok(rules)
    }

    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        let file = RuleFile::new(text);
        Self::of(&file.read()?, file)
    }

    /// Returns the route of a finding, or `None` if it is switched off.
    #[must_use]
    pub fn route_of(&self, reason: Reason) -> Option<Route> {
        match self.actions[reason as usize] {
            Action::Off => None,
            Action::Send(route) => Some(route),
        }
    }
}

fn actions(
    routes: &RoutesSection,
    mut actions: [Action; Reason::ALL.len()],
    file: RuleFile<'_>,
) -> Result<[Action; Reason::ALL.len()], PolicyError> {
    for (code, destination) in &routes.0 {
        let error = |message: &str| Err(file.error(&code.span(), message));
        let Some(reason) = Reason::ALL.into_iter().find(|reason| reason.as_str() == code.get_ref()) else {
            let known: Vec<_> =
                Reason::ALL.into_iter().filter(|reason| reason.is_policy()).map(Reason::as_str).collect();
            return error(&format!("unknown finding `{}`, expected one of {}", code.get_ref(), known.join(", ")));
        };
        if !reason.is_policy() {
            let route = reason.default_route().as_str();
            return error(&format!("`{}` always goes to {route}; no policy decides on it", reason.as_str()));
        }
        let action = Action::from(*destination);
        if reason == Reason::TooLongToCompare && matches!(action, Action::Off | Action::Send(Route::Gold)) {
            return error("`too_long_to_compare` cannot pass: a pair in gold has its similarity");
        }
        // Every other route writes the texts, and the lake keeps them.
        if reason == Reason::Secret && !matches!(action, Action::Off | Action::Send(Route::Dropped)) {
            return error(
                "`secret` can only be dropped, or off: any other route would write the credential to the lake",
            );
        }
        actions[reason as usize] = action;
    }
    Ok(actions)
}
