//! The policy: every rule of a deployment, composed of the rules of its parts. It is one TOML file, or the defaults.

use std::str::FromStr;

use flywheel_audit::{AuditSection, AuditSections, LimitsSection, RoutesSection, SimilaritySection};
use flywheel_base::{PolicyError, RuleFile};
use flywheel_curation::{CurationRules, CurationSections, JudgesSection, ReasoningSection};
use flywheel_dataset::{DatasetRules, DatasetSection};
use flywheel_event::SamplingSection;
use flywheel_gate::{GateBounds, GateSection};
use flywheel_log::{BreakerBounds, BreakerSection, TrainingRules, TrainingSection};
use serde::Deserialize;

/// The rules that decide what becomes training data.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The rules that judge a line. Lines name them by a hash of this part alone.
    pub curation: CurationRules,
    /// The rules of a dataset version. Versions name them by a hash of their own.
    pub dataset: DatasetRules,
    /// The bounds that open the circuit breaker.
    pub breaker: BreakerBounds,
    /// The rules of attempts at a training.
    pub training: TrainingRules,
    /// The bounds that a trained adapter has to reach.
    pub gate: GateBounds,
    /// `true` if a rollback demotes an adapter that was trained on versions it removes, and keeps such adapters from promotion.
    pub rollback_demotes: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            curation: CurationRules::default(),
            dataset: DatasetRules::default(),
            breaker: BreakerBounds::default(),
            training: TrainingRules::default(),
            gate: GateBounds::default(),
            rollback_demotes: true,
        }
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        Self::parse(text)
    }
}

impl From<Policy> for CurationRules {
    fn from(policy: Policy) -> Self {
        policy.curation
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    similarity: SimilaritySection,
    reasoning: ReasoningSection,
    audit: AuditSection,
    limits: LimitsSection,
    sampling: SamplingSection,
    judges: JudgesSection,
    dataset: DatasetSection,
    breaker: BreakerSection,
    training: TrainingSection,
    gate: GateSection,
    rollback: RollbackSection,
    routes: RoutesSection,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RollbackSection {
    demotes: Option<bool>,
}

impl Policy {
    /// Reads a policy file. A rule that it leaves out has its default.
    ///
    /// # Errors
    /// An unknown key, a value of the wrong type or out of bounds, or thresholds that contradict each other; with the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file = RuleFile::new(text);
        let File {
            similarity,
            reasoning,
            audit,
            limits,
            routes,
            sampling,
            judges,
            dataset,
            breaker,
            training,
            gate,
            rollback,
        } = file.read()?;
        let audit = AuditSections { similarity, audit, limits, routes };
        Ok(Self {
            curation: CurationRules::of(CurationSections { audit, reasoning, sampling, judges }, file)?,
            dataset: DatasetRules::of(&dataset, file)?,
            breaker: BreakerBounds::of(&breaker, file)?,
            training: TrainingRules::of(&training, file)?,
            gate: GateBounds::of(&gate, file)?,
            rollback_demotes: rollback.demotes.unwrap_or(Self::default().rollback_demotes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_audit::AuditRules;
    use flywheel_base::{Reason, Route};

    const SHIPPED: &str = include_str!("../../../infra/policy.toml");

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
    fn the_page_for_operators_shows_the_hash_of_the_defaults() {
        let page = include_str!("../../../docs/OPERATE.md");
        assert!(page.contains(&format!("policy {}", CurationRules::default().hash())));
    }

    #[test]
    fn what_is_said_is_taken_and_the_rest_is_default() {
        let policy = Policy::parse("[similarity]\ntrivial_above = 0.9\n[routes]\nrewrite = \"review\"\n").unwrap();
        assert_eq!(
            (policy.curation.audit.trivial_above, policy.curation.audit.rewrite_below),
            (0.9, AuditRules::default().rewrite_below)
        );
        assert_eq!(policy.curation.route_of(Reason::Rewrite), Some(Route::Review));
        assert_eq!(policy.curation.route_of(Reason::Trivial), Some(Route::Dropped));
        assert_eq!(Policy::parse("[routes]\ntoxic = \"off\"").unwrap().curation.route_of(Reason::Toxic), None);
        assert_eq!(Policy::parse("[routes]\nsecret = \"off\"").unwrap().curation.route_of(Reason::Secret), None);
        assert_eq!(
            Policy::parse("[routes]\nsecret = \"dropped\"").unwrap().curation.route_of(Reason::Secret),
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
            ("[dataset]\nmax_key_share = 0.0\n", 2, "0.01 or more"),
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
    fn values_that_make_no_sense_are_refused_by_name_and_with_what_to_give() {
        for (text, line, part) in [
            ("[gate]\nreplay_loss_to = -1.0\n", 2, "replay_loss_to is -1: give 0 to 1"),
            ("[gate]\nreplay_loss_to = 3.0\n", 2, "replay_loss_to is 3: give 0 to 1"),
            ("[gate]\nchosen_gain_from = -5.0\n", 2, "chosen_gain_from is -5: give -1 to 1"),
            ("[gate]\nlearned_from = 1.0\n", 2, "learned_from is 1: give 0 to 0.99"),
            ("[gate]\nwins_from = 1.0\n", 2, "wins_from is 1: give 0 to 0.99"),
            ("[gate]\ntie_within = 1.0\n", 2, "tie_within is 1: give 0 to 0.5"),
            ("[gate]\nreview_within = 0.6\n", 2, "review_within is 0.6: give 0 to 0.5"),
            ("[gate]\nviolations_to = 0.2\n", 2, "violations_to is 0.2: give 0 to 0.1"),
            ("[gate]\nlength_within = 0.0\n", 2, "length_within is 0: give 0.01 to 1"),
            ("[gate]\nmin_held_out = 1001\n", 2, "min_held_out is 1001: give 1 to 1000"),
            ("[gate]\nmin_replay = 1001\n", 2, "min_replay is 1001: give 1 to 1000"),
            ("[sampling]\n\nsalt = \"\"\n", 3, "salt is empty: give a text that clients do not know"),
            ("[sampling]\nsalt = \"  \"\n", 2, "salt is empty"),
            ("[similarity]\nmax_steps = 0\n", 2, "max_steps is 0: give 1 to"),
            ("[limits]\nmax_chars = 9000000000\n", 2, "max_chars is 9000000000: give 1 to 10000000"),
            ("[judges]\nmax_calls = 0\n", 2, "max_calls is 0: give 1 to 10000"),
            ("[judges]\nmax_seconds = 0\n", 2, "max_seconds is 0: give 1 to 900"),
            ("[judges]\nat_once = 5000\n", 2, "at_once is 5000: give 1 to 1000"),
            ("[judges]\nmax_chars = 0\n", 2, "max_chars is 0: give 1 to"),
            ("[judges]\nseverity_from = 0.0\n", 2, "severity_from is 0: give 0.01 to 1"),
            ("[dataset]\nnear_duplicate_from = inf\n", 2, "near_duplicate_from is inf: give 0.5 to 2"),
            ("[dataset]\nburst_factor = inf\n", 2, "burst_factor is inf: give 1 to 1000000"),
            ("[dataset]\nmax_similarity_drift = inf\n", 2, "max_similarity_drift is inf: give 0 to 1000000"),
            ("[dataset]\nmax_length_drift = inf\n", 2, "max_length_drift is inf: give 0 to 1000000"),
            ("[breaker]\nmin_events = 0\n", 2, "min_events is 0: give 1 to"),
            ("[breaker]\nhalf_open_after_hours = 99999999\n", 2, "half_open_after_hours is 99999999: give 0 to 87600"),
            ("[training]\nmax_attempts = 0\n", 2, "1 or more"),
            ("[training]\nmax_attempts = 51\n", 2, "max_attempts is 51: give 1 to 50"),
            ("[training]\nattempts = 3\n", 2, "unknown field `attempts`"),
        ] {
            let (at, message) = refused(text);
            assert!(at == line && message.contains(part), "{text:?}: line {at}: {message}");
        }
        assert_eq!(Policy::parse("[training]\nmax_attempts = 3\n").unwrap().training.max_attempts, 3);
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
            // A valid route for each of them that is not its default.
            let route = if default.curation.route_of(reason) == Some(Route::Dropped) { "off" } else { "dropped" };
            let route = if reason == Reason::TooLongToCompare { "quarantine" } else { route };
            let policy = Policy::parse(&format!("[routes]\n{code} = \"{route}\"")).unwrap();
            assert_ne!(policy.curation.hash(), default.curation.hash(), "{code}");
        }
    }

    #[test]
    fn the_breakers_bounds_are_taken_and_change_no_lines_hash() {
        let policy = Policy::parse("[breaker]\nburst_above = 0.3\nhalf_open_after_hours = 0\n").unwrap();
        assert_eq!((policy.breaker.burst_above, policy.breaker.half_open_after_hours), (0.3, 0));
        assert_eq!(policy.breaker.min_events, BreakerBounds::default().min_events);
        assert_eq!(policy.curation.hash(), Policy::default().curation.hash());
    }

    #[test]
    fn the_gates_bounds_are_taken_and_change_no_lines_hash() {
        let policy = Policy::parse("[gate]\nmin_held_out = 40\nchosen_gain_from = -0.1\n").unwrap();
        assert_eq!((policy.gate.min_held_out, policy.gate.chosen_gain_from), (40, -0.1));
        assert_eq!(policy.gate.min_replay, GateBounds::default().min_replay);
        assert_eq!(policy.curation.hash(), Policy::default().curation.hash());
    }

    #[test]
    fn what_a_rollback_does_to_adapters_is_taken_and_changes_no_lines_hash() {
        let policy = Policy::parse("[rollback]\ndemotes = false\n").unwrap();
        assert_eq!((policy.rollback_demotes, policy.curation.hash()), (false, Policy::default().curation.hash()));
        assert_eq!(Policy::parse("[rollback]\n"), Ok(Policy::default()));
    }

    #[test]
    fn the_hash_follows_the_rules_and_not_the_words() {
        let hash = |text| Policy::parse(text).unwrap().curation.hash();
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
