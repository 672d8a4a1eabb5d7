use flywheel_base::{
    PolicyError, RuleFile,
    digest::{FieldDigest, hex},
};
use serde::Deserialize;
use toml::Spanned;

/// The rules of a dataset version: the policy's `[dataset]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetRules {
    /// The least similarity of a near duplicate (Jaccard, of character 5-grams). Above 1: only equal texts are duplicates.
    pub near_duplicate_from: f64,
    /// The largest share of a version by one contributor. Few contributors may each have twice an equal share instead.
    pub max_contributor_share: f64,
    /// Pairs that each contributor may have in a version, whatever the share.
    pub min_pairs_per_contributor: u64,
    /// The most pairs of one contributor in one version, instead of a share. `u64::MAX`: the share decides.
    pub max_pairs_per_contributor: u64,
    /// The largest share of pairs without a contributor, where contributors are in use. 1: no cap; 0: no such pair enters,
    /// anywhere.
    pub max_unattributed_share: f64,
    /// The largest share of a version by one tenant, named in the context's entry `tenant`. 1: no cap.
    pub max_tenant_share: f64,
    /// The largest share of a version by one ingest key. 1: no cap.
    pub max_key_share: f64,
    /// The most waiting pairs of one contributor. Older ones go to quarantine.
    pub max_waiting_per_contributor: u64,
    /// The least number of contributors. With fewer, where any are named, the version's record says so.
    pub min_contributors: u64,
    /// The most different edits of one model output that the dataset takes, over all versions.
    pub max_edits_per_output: u64,
    /// The fewest pairs that carry a burst.
    pub burst_pairs: u64,
    /// The factor over the expected number from which on a phrase is a burst.
    pub burst_factor: f64,
    /// The effective number of contributors, or of tenants where they are named, from which on a phrase is a correction.
    pub burst_contributors: u64,
    /// The largest small batch, in pairs. There two contributors suffice, and where none is named, [`Self::burst_habit_share`]
    /// decides.
    pub burst_small_batch: u64,
    /// The share of a small batch without contributors from which on a phrase is a habit.
    pub burst_habit_share: f64,
    /// The largest population stability index of the similarities against the version before.
    pub max_similarity_drift: f64,
    /// The largest change of the mean logarithm of chosen over rejected length.
    pub max_length_drift: f64,
    /// The largest share of pairs that would have to change their script, or their tags, to be as in the version before.
    pub max_mix_drift: f64,
}

impl Default for DatasetRules {
    fn default() -> Self {
        Self {
            near_duplicate_from: 0.8,
            max_contributor_share: 0.02,
            min_pairs_per_contributor: 5,
            max_pairs_per_contributor: u64::MAX,
            max_unattributed_share: 0.25,
            max_tenant_share: 0.2,
            max_key_share: 1.0,
            max_waiting_per_contributor: 1_000,
            min_contributors: 50,
            max_edits_per_output: 5,
            burst_pairs: 8,
            burst_factor: 5.0,
            burst_contributors: 4,
            burst_small_batch: 500,
            burst_habit_share: 0.02,
            max_similarity_drift: 0.25,
            max_length_drift: 0.25,
            max_mix_drift: 0.2,
        }
    }
}

/// The largest number that stands for "no bound". Records store rules as JSON, which has no infinity.
const NO_BOUND: f64 = 1e6;

/// The policy file's `[dataset]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetSection {
    near_duplicate_from: Option<Spanned<f64>>,
    max_contributor_share: Option<Spanned<f64>>,
    min_pairs_per_contributor: Option<Spanned<u64>>,
    max_pairs_per_contributor: Option<Spanned<u64>>,
    max_unattributed_share: Option<Spanned<f64>>,
    max_tenant_share: Option<Spanned<f64>>,
    max_key_share: Option<Spanned<f64>>,
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

impl DatasetRules {
    /// Reads the rules from the policy file's section. An absent one has its default.
    ///
    /// # Errors
    /// A value out of its bounds, with its line.
    pub fn of(given: &DatasetSection, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let defaults = Self::default();
        let number =
            |given: &Option<Spanned<f64>>, least: f64, default: f64| file.at_least(given.as_ref(), least, default);
        let count =
            |given: &Option<Spanned<u64>>, least: u64, default: u64| file.at_least(given.as_ref(), least, default);
        let rules = Self {
            // It is not a share: above 1 it is switched off.
            near_duplicate_from: number(&given.near_duplicate_from, 0.5, defaults.near_duplicate_from)?,
            max_contributor_share: file.share(given.max_contributor_share.as_ref(), defaults.max_contributor_share)?,
            min_pairs_per_contributor: count(&given.min_pairs_per_contributor, 1, defaults.min_pairs_per_contributor)?,
            max_pairs_per_contributor: count(&given.max_pairs_per_contributor, 1, defaults.max_pairs_per_contributor)?,
            max_unattributed_share: file
                .share(given.max_unattributed_share.as_ref(), defaults.max_unattributed_share)?,
            max_tenant_share: number(&given.max_tenant_share, 0.01, defaults.max_tenant_share)
                .and_then(|_| file.share(given.max_tenant_share.as_ref(), defaults.max_tenant_share))?,
            max_key_share: number(&given.max_key_share, 0.01, defaults.max_key_share)
                .and_then(|_| file.share(given.max_key_share.as_ref(), defaults.max_key_share))?,
            max_waiting_per_contributor: given
                .max_waiting_per_contributor
                .unwrap_or(defaults.max_waiting_per_contributor),
            min_contributors: given.min_contributors.unwrap_or(defaults.min_contributors),
            max_edits_per_output: count(&given.max_edits_per_output, 1, defaults.max_edits_per_output)?,
            burst_pairs: count(&given.burst_pairs, 2, defaults.burst_pairs)?,
            burst_factor: number(&given.burst_factor, 1.0, defaults.burst_factor)?,
            burst_contributors: count(&given.burst_contributors, 2, defaults.burst_contributors)?,
            burst_small_batch: given.burst_small_batch.unwrap_or(defaults.burst_small_batch),
            burst_habit_share: file.share(given.burst_habit_share.as_ref(), defaults.burst_habit_share)?,
            max_similarity_drift: number(&given.max_similarity_drift, 0.0, defaults.max_similarity_drift)?,
            max_length_drift: number(&given.max_length_drift, 0.0, defaults.max_length_drift)?,
            max_mix_drift: file.share(given.max_mix_drift.as_ref(), defaults.max_mix_drift)?,
        };
        let sensible = |key: &str, given: &Option<Spanned<f64>>, bounds, why: &str| {
            file.sensible((key, given.as_ref()), bounds, why)
        };
        let off = "a large number switches it off";
        sensible("near_duplicate_from", &given.near_duplicate_from, 0.5..=2.0, "any number above 1 switches it off")?;
        sensible("burst_factor", &given.burst_factor, 1.0..=NO_BOUND, off)?;
        sensible("max_similarity_drift", &given.max_similarity_drift, 0.0..=NO_BOUND, off)?;
        sensible("max_length_drift", &given.max_length_drift, 0.0..=NO_BOUND, off)?;
        Ok(rules)
    }

    /// Returns 16 hexadecimal digits that change whenever a rule does.
    #[must_use]
    pub fn hash(&self) -> String {
        let Self {
            near_duplicate_from,
            max_contributor_share,
            min_pairs_per_contributor,
            max_pairs_per_contributor,
            max_unattributed_share,
            max_tenant_share,
            max_key_share,
            max_waiting_per_contributor,
            min_contributors,
            max_edits_per_output,
            burst_pairs,
            burst_factor,
            burst_contributors,
            burst_small_batch,
            burst_habit_share,
            max_similarity_drift,
            max_length_drift,
            max_mix_drift,
        } = self;
        let rules = format!(
            "{near_duplicate_from} {max_contributor_share} {min_pairs_per_contributor} {max_pairs_per_contributor} \
             {max_unattributed_share} {max_tenant_share} {max_waiting_per_contributor} {min_contributors} \
             {max_edits_per_output} {burst_pairs} {burst_factor} {burst_contributors} {burst_small_batch} \
             {burst_habit_share} {max_similarity_drift} {max_length_drift} {max_mix_drift}"
        );
        let digest = FieldDigest::new("flywheel dataset rules 1").text(&rules);
        // A later rule: where it is off, the hash is the same as before the rule existed.
        let key_share = Some(max_key_share).filter(|share| **share < 1.0);
        let digest = key_share.iter().fold(digest, |digest, share| digest.text(&format!("max_key_share {share}")));
        hex(&digest.finish()[..8])
    }
}
