use serde::{Deserialize, Serialize};

use super::unusable::Unusable;

/// The recipe of a training: the objective and the numbers that go with a base.
///
/// They belong to the base and not to the policy, because a learning rate that is right for one size of model ruins another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// The weights of the loss.
    pub objective: Objective,
    /// The adapter's rank and scale.
    pub lora: Lora,
    /// The optimiser's settings.
    pub training: Training,
    /// The generation of answers to held-out prompts.
    pub generation: Generation,
    /// The seed of everything random.
    pub seed: u64,
}

/// The weights of `dpo · L_DPO + sft · NLL(chosen) + replay · NLL(replay)`.
///
/// Plain DPO only widens the margin, and may do so by making both texts less probable. The second term keeps the user's text
/// probable, the third the outputs that users liked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Objective {
    /// Weight of the sigmoid DPO loss.
    pub dpo: f64,
    /// Weight of the chosen text's negative log-likelihood, per token.
    pub sft: f64,
    /// Weight of liked outputs' negative log-likelihood, per token.
    pub replay: f64,
    /// DPO's β: the weight that keeps the adapter near the base.
    pub beta: f64,
}

impl Default for Objective {
    fn default() -> Self {
        Self { dpo: 1.0, sft: 1.0, replay: 1.0, beta: 0.1 }
    }
}

/// A LoRA adapter on all linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lora {
    /// The adapter's rank.
    pub rank: u32,
    /// The numerator of the scale, which is `alpha / rank`.
    pub alpha: f64,
}

impl Default for Lora {
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0 }
    }
}

/// The optimiser's settings: AdamW, cosine decay after a linear warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// The peak learning rate.
    pub learning_rate: f64,
    /// Passes over the pairs.
    pub epochs: u32,
    /// Rows of one forward pass.
    pub batch_size: u32,
    /// Batches of one step.
    pub accumulation: u32,
    /// The most tokens of prompt and answer together. Longer rows are truncated, and counted.
    pub max_length: u32,
    /// The largest norm of a gradient. Larger ones are scaled down to it.
    pub max_gradient_norm: f64,
    /// Share of the steps in which the learning rate rises.
    pub warmup_share: f64,
}

/// The defaults are for a LoRA adapter on a model of 7 to 8 billion parameters. A small model takes, and needs, a far higher
/// rate.
impl Default for Training {
    fn default() -> Self {
        Self {
            learning_rate: 1e-5,
            epochs: 2,
            batch_size: 2,
            accumulation: 8,
            max_length: 2048,
            max_gradient_norm: 1.0,
            warmup_share: 0.1,
        }
    }
}

/// The generation of answers to held-out prompts: greedy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generation {
    /// The most tokens of an answer.
    pub max_new_tokens: u32,
}

impl Default for Generation {
    fn default() -> Self {
        Self { max_new_tokens: 512 }
    }
}

impl Recipe {
    /// Checks that a training can use these numbers.
    ///
    /// # Errors
    /// The first number that is out of bounds, by name.
    pub fn check(&self, file: &str) -> Result<(), Unusable> {
        let Self { objective, lora, training, generation, seed: _ } = self;
        let positive = |number: f64| number.is_finite() && number > 0.0;
        let weight = |number: f64| number.is_finite() && number >= 0.0;
        let some = |number: u32| number > 0;
        let checks = [
            ("objective.dpo", weight(objective.dpo), "0 or more"),
            ("objective.sft", weight(objective.sft), "0 or more"),
            ("objective.replay", weight(objective.replay), "0 or more"),
            (
                "objective",
                objective.dpo + objective.sft > 0.0,
                "dpo or sft above 0: else nothing is learned from pairs",
            ),
            ("objective.beta", positive(objective.beta), "more than 0"),
            ("lora.rank", some(lora.rank), "1 or more"),
            ("lora.alpha", positive(lora.alpha), "more than 0"),
            ("training.learning_rate", positive(training.learning_rate), "more than 0"),
            ("training.epochs", some(training.epochs), "1 or more"),
            ("training.batch_size", some(training.batch_size), "1 or more"),
            ("training.accumulation", some(training.accumulation), "1 or more"),
            ("training.max_length", training.max_length > 1, "2 or more"),
            ("training.max_gradient_norm", positive(training.max_gradient_norm), "more than 0"),
            ("training.warmup_share", (0.0..1.0).contains(&training.warmup_share), "at least 0 and less than 1"),
            ("generation.max_new_tokens", some(generation.max_new_tokens), "1 or more"),
        ];
        let wrong = checks.into_iter().find(|(_, is_right, _)| !is_right);
        wrong.map_or(Ok(()), |(name, _, wanted)| Err(Unusable::new(file, format!("{name}: give {wanted}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_trained_by_and_what_is_out_of_bounds_is_named() {
        assert_eq!(Recipe::default().check("x"), Ok(()));
        for (text, name) in [
            (r#"{"objective":{"dpo":-1}}"#, "objective.dpo"),
            (r#"{"objective":{"dpo":0,"sft":0}}"#, "objective: give dpo or sft"),
            (r#"{"lora":{"rank":0}}"#, "lora.rank"),
            (r#"{"training":{"learning_rate":0}}"#, "training.learning_rate"),
            (r#"{"training":{"warmup_share":1}}"#, "training.warmup_share"),
            (r#"{"generation":{"max_new_tokens":0}}"#, "generation.max_new_tokens"),
        ] {
            let recipe: Recipe = serde_json::from_str(text).unwrap();
            let error = recipe.check("models/base.json").unwrap_err().to_string();
            assert!(error.starts_with(&format!("models/base.json: {name}")), "{error}");
        }
        assert!(serde_json::from_str::<Recipe>(r#"{"training":{"lr":1}}"#).is_err());
    }
}
