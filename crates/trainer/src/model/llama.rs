use std::collections::BTreeMap;

use candle_core::Tensor;

use super::attention::{Attention, Pass};
use super::cache::Cache;
use super::config::Config;
use super::feed_forward::FeedForward;
use super::linear::{Linear, Projection};
use super::norm::RmsNorm;
use super::weights::{EMBEDDING, HEAD, NORM, Weights};

type Result<T> = candle_core::Result<T>;

/// A decoder-only model.
pub(crate) struct Llama {
    config: Config,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: RmsNorm,
    head: Linear,
}

struct Layer {
    attention_norm: RmsNorm,
    attention: Attention,
    feed_forward_norm: RmsNorm,
    feed_forward: FeedForward,
}

impl Llama {
    /// Builds the model from its weights. A linear layer whose module is among the projections gets that projection.
    pub(crate) fn new(config: &Config, weights: &Weights, projections: &BTreeMap<String, Projection>) -> Result<Self> {
        let norm = |name: &str| Ok::<_, candle_core::Error>(RmsNorm::new(weights.get(name)?, config.norm_epsilon));
        let linear = |module: String| {
            let weight = weights.get(&format!("{module}.weight"))?;
            Ok::<_, candle_core::Error>(Linear::new(weight, projections.get(&module).cloned()))
        };
        let layer = |layer: usize| {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            Ok::<_, candle_core::Error>(Layer {
                attention_norm: norm(&name("input_layernorm.weight"))?,
                attention: Attention {
                    query: linear(name("self_attn.q_proj"))?,
                    key: linear(name("self_attn.k_proj"))?,
                    value: linear(name("self_attn.v_proj"))?,
                    output: linear(name("self_attn.o_proj"))?,
                },
                feed_forward_norm: norm(&name("post_attention_layernorm.weight"))?,
                feed_forward: FeedForward {
                    gate: linear(name("mlp.gate_proj"))?,
                    up: linear(name("mlp.up_proj"))?,
                    down: linear(name("mlp.down_proj"))?,
                },
            })
        };
        let head = if config.tied_embeddings { EMBEDDING } else { HEAD };
        Ok(Self {
            config: config.clone(),
            embedding: weights.get(EMBEDDING)?,
            layers: (0..config.layers).map(layer).collect::<Result<_>>()?,
            norm: norm(NORM)?,
            head: Linear::new(weights.get(head)?, None),
        })
    }

    /// Returns the last hidden states of `(batch, positions)` tokens, as `(batch · positions, hidden)`. With a cache, the tokens
    /// follow the cached ones.
    pub(crate) fn hidden(&self, tokens: &Tensor, mut cache: Option<&mut Cache>) -> Result<Tensor> {
        let (batch, positions) = tokens.dims2()?;
        let before = cache.as_ref().map_or(Ok(0), |cache| cache.positions())?;
        let pass = Pass::new(&self.config, batch, before, positions)?;
        let mut x = self.embedding.index_select(&tokens.flatten_all()?, 0)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let cache = cache.as_deref_mut().map(|cache| (cache, index));
            let attended = layer.attention.forward(&layer.attention_norm.forward(&x)?, &pass, &self.config, cache)?;
            x = (x + attended)?;
            let fed = layer.feed_forward.forward(&layer.feed_forward_norm.forward(&x)?)?;
            x = (x + fed)?;
        }
        self.norm.forward(&x)
    }

    /// Returns the logits of hidden states, `(rows, vocabulary)`.
    pub(crate) fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.head.forward(hidden)
    }
}
