//! Sampling of liked outputs. The sample depends on nothing but the event and the policy.

use flywheel_base::{PolicyError, RuleFile, digest::FieldDigest};
use serde::Deserialize;
use toml::Spanned;

/// The shares of liked outputs that become replay lines. Most outputs are liked, and training on all of them would be
/// training on the model's own words.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// The share of thumbs-up.
    pub thumbs_up: f64,
    /// The share of four and five stars, in forms, too.
    pub stars: f64,
    /// The share of accepted outputs.
    pub accept: f64,
    /// The salt. Another salt draws another sample.
    pub salt: String,
}

/// Strata of events with the same share. Each is sampled on its own, so that a flood in one does not thin out another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stratum {
    ThumbsUp,
    Stars,
    Accept,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { thumbs_up: 0.01, stars: 0.01, accept: 0.01, salt: "flywheel".to_owned() }
    }
}

/// The policy file's `[sampling]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingSection {
    thumbs_up: Option<Spanned<f64>>,
    stars: Option<Spanned<f64>>,
    accept: Option<Spanned<f64>>,
    salt: Option<Spanned<String>>,
}

impl Sampling {
    /// Reads the rules from the policy file's section. An absent one has its default.
    ///
    /// # Errors
    /// A share outside 0 to 1, or an empty salt, with its line.
    pub fn of(given: SamplingSection, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let defaults = Self::default();
        if let Some(salt) = given.salt.as_ref().filter(|salt| salt.get_ref().trim().is_empty()) {
            let message = "salt is empty: give a text that clients do not know, or their ids choose the sample";
            return Err(file.error(&salt.span(), message));
        }
        Ok(Self {
            thumbs_up: file.share(given.thumbs_up.as_ref(), defaults.thumbs_up)?,
            stars: file.share(given.stars.as_ref(), defaults.stars)?,
            accept: file.share(given.accept.as_ref(), defaults.accept)?,
            salt: given.salt.map_or(defaults.salt, Spanned::into_inner),
        })
    }

    /// Returns `true` for an event in the sample. The result for an event is always the same, whatever the caller and
    /// the number of deliveries. At a higher rate the sample holds all that it held at a lower one.
    pub(crate) fn takes(&self, stratum: Stratum, event_id: &str) -> bool {
        let (name, rate) = match stratum {
            Stratum::ThumbsUp => ("thumbs_up", self.thumbs_up),
            Stratum::Stars => ("stars", self.stars),
            Stratum::Accept => ("accept", self.accept),
        };
        let digest = FieldDigest::new("flywheel sample 1").text(&self.salt).text(name).text(event_id).finish();
        let [a, b, c, d, ..] = digest;
        // In 0.0..1.0, so that 0.0 takes none and 1.0 takes all.
        f64::from(u32::from_be_bytes([a, b, c, d])) / 4_294_967_296.0 < rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRATA: [Stratum; 3] = [Stratum::ThumbsUp, Stratum::Stars, Stratum::Accept];
    const EVENTS: usize = 100_000;

    fn at(rate: f64, salt: &str) -> Sampling {
        Sampling { thumbs_up: rate, stars: rate, accept: rate, salt: salt.to_owned() }
    }

    /// Returns the events in the sample. Their ids have three forms: counted, random-looking, and with a common end.
    fn sample(sampling: &Sampling, stratum: Stratum) -> Vec<usize> {
        let id = |index: usize| match index % 3 {
            0 => format!("event-{index}"),
            1 => FieldDigest::new("test").text(&index.to_string()).hex(),
            _ => format!("{index}@tenant-a"),
        };
        (0..EVENTS).filter(|index| sampling.takes(stratum, &id(*index))).collect()
    }

    #[test]
    fn every_stratum_is_sampled_at_its_rate_and_on_its_own() {
        for rate in [0.01, 0.2] {
            // Five standard deviations of a binomial distribution; the sample is fixed, so this never fails by chance.
            let (mean, deviation) = (EVENTS as f64 * rate, (EVENTS as f64 * rate * (1.0 - rate)).sqrt());
            let samples = STRATA.map(|stratum| sample(&at(rate, "a"), stratum));
            for sample in &samples {
                assert!((sample.len() as f64 - mean).abs() < 5.0 * deviation, "{} at {rate}", sample.len());
            }
            for (one, other) in [(0, 1), (1, 2), (0, 2)] {
                let both =
                    samples[one].iter().filter(|event| samples[other].binary_search(event).is_ok()).count() as f64;
                let expected = mean * rate;
                assert!((both - expected).abs() < 5.0 * expected.sqrt() + 1.0, "{both} in both at {rate}");
            }
        }
    }

    #[test]
    fn a_sample_is_the_same_every_time_grows_with_the_rate_and_changes_with_the_salt() {
        let one = sample(&at(0.01, "a"), Stratum::Accept);
        assert_eq!(sample(&at(0.01, "a"), Stratum::Accept), one);
        let larger = sample(&at(0.05, "a"), Stratum::Accept);
        assert!(one.iter().all(|event| larger.binary_search(event).is_ok()));
        let other = sample(&at(0.01, "b"), Stratum::Accept);
        assert!(other.iter().filter(|event| one.binary_search(event).is_ok()).count() < one.len() / 10);
    }

    #[test]
    fn none_and_all_are_rates_too() {
        assert!(sample(&at(0.0, "a"), Stratum::Stars).is_empty());
        assert_eq!(sample(&at(1.0, "a"), Stratum::Stars).len(), EVENTS);
    }
}
