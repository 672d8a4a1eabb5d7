//! A model of a few hundred parameters, for tests.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::json;

use crate::data::{PairSequences, Sequence};
use crate::model::{Config, Llama, Projection, Weights, shapes};
use crate::random::Random;

pub(crate) fn config() -> Config {
    let config = json!({
        "model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "vocab_size": 11, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        "max_position_embeddings": 64,
    });
    Config::parse(&config.to_string(), Path::new("config.json")).unwrap()
}

/// Returns random weights, large enough for every part of the model to have an effect.
pub(crate) fn weights(config: &Config) -> Weights {
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let mut random = Random::new(5, &name, 0);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| 0.4 * random.normal() as f32).collect();
        let values = if shape.len() == 1 { values.iter().map(|value| 1.0 + value).collect() } else { values };
        (name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap())
    };
    Weights::new(shapes(config).into_iter().map(tensor).collect(), config).unwrap()
}

pub(crate) fn model(projections: &BTreeMap<String, Projection>) -> Llama {
    Llama::new(&config(), &weights(&config()), projections).unwrap()
}

pub(crate) fn sequence(seed: u64, prompt_tokens: usize, completion_tokens: usize) -> Sequence {
    let mut random = Random::new(seed, "sequence", 0);
    let tokens = (0..prompt_tokens + completion_tokens).map(|_| random.below(11) as u32).collect();
    Sequence { tokens, prompt_tokens }
}

/// Returns pairs of different lengths.
pub(crate) fn pairs(count: u64) -> Vec<PairSequences> {
    let pair = |seed: u64| {
        let (chosen, mut rejected) = (
            sequence(seed, 3 + seed as usize % 2, 4),
            sequence(seed + 100, 3 + seed as usize % 2, 2 + seed as usize % 3),
        );
        rejected.tokens[..chosen.prompt_tokens].copy_from_slice(chosen.prompt());
        PairSequences { chosen, rejected }
    };
    (0..count).map(pair).collect()
}
