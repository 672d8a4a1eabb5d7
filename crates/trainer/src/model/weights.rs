//! A model's weights by their names in `model.safetensors`.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use super::config::Config;

/// Named tensors in f32, with the shapes of a configuration.
pub(crate) struct Weights(BTreeMap<String, Tensor>);

pub(super) const EMBEDDING: &str = "model.embed_tokens.weight";
pub(super) const NORM: &str = "model.norm.weight";
pub(super) const HEAD: &str = "lm_head.weight";

impl Weights {
    /// Reads a safetensors file's bytes. `Err` says why they are invalid.
    pub(crate) fn read(bytes: &[u8], config: &Config) -> Result<Self, String> {
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|error| error.to_string())?;
        let as_f32 = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?));
        let tensors = tensors.into_iter().map(as_f32).collect::<candle_core::Result<_>>();
        Self::new(tensors.map_err(|error| error.to_string())?, config)
    }

    /// Takes tensors with the configuration's names and shapes: all of them, and no others that could have a meaning.
    pub(crate) fn new(mut tensors: BTreeMap<String, Tensor>, config: &Config) -> Result<Self, String> {
        let mut weights = BTreeMap::new();
        for (name, shape) in shapes(config) {
            let tensor = tensors.remove(&name).ok_or_else(|| format!("lacks the tensor {name}"))?;
            if tensor.dims() != shape {
                return Err(format!("{name}: its shape is {:?}, and by config.json {shape:?}", tensor.dims()));
            }
            weights.insert(name, tensor);
        }
        // Some files repeat the tied output layer, and older ones have the rotary frequencies.
        tensors.retain(|name, _| !(name == HEAD && config.tied_embeddings || name.ends_with("rotary_emb.inv_freq")));
        match tensors.keys().next() {
            Some(name) => Err(format!("{name}: config.json does not account for this tensor")),
            None => Ok(Self(weights)),
        }
    }

    pub(super) fn get(&self, name: &str) -> candle_core::Result<Tensor> {
        self.0.get(name).cloned().ok_or_else(|| candle_core::Error::msg(format!("no tensor {name}")))
    }
}

/// Returns the name and shape of every tensor of such a model, in order.
pub(crate) fn shapes(config: &Config) -> Vec<(String, Vec<usize>)> {
    let hidden = config.hidden;
    let mut shapes = vec![(EMBEDDING.to_owned(), vec![config.vocabulary, hidden]), (NORM.to_owned(), vec![hidden])];
    if !config.tied_embeddings {
        shapes.push((HEAD.to_owned(), vec![config.vocabulary, hidden]));
    }
    for layer in 0..config.layers {
        shapes.extend(
            ["input_layernorm", "post_attention_layernorm"]
                .map(|norm| (format!("model.layers.{layer}.{norm}.weight"), vec![hidden])),
        );
        shapes.extend(
            linear_shapes(config, layer)
                .into_iter()
                .map(|(module, (out, input))| (format!("{module}.weight"), vec![out, input])),
        );
    }
    shapes
}

/// Returns the linear layers of a decoder layer: each one's module, and its width out and in.
pub(crate) fn linear_shapes(config: &Config, layer: usize) -> Vec<(String, (usize, usize))> {
    let Config { hidden, intermediate, heads, key_value_heads, head_width, .. } = *config;
    let (queries, keys) = (heads * head_width, key_value_heads * head_width);
    let shapes = [
        ("self_attn.q_proj", (queries, hidden)),
        ("self_attn.k_proj", (keys, hidden)),
        ("self_attn.v_proj", (keys, hidden)),
        ("self_attn.o_proj", (hidden, queries)),
        ("mlp.gate_proj", (intermediate, hidden)),
        ("mlp.up_proj", (intermediate, hidden)),
        ("mlp.down_proj", (hidden, intermediate)),
    ];
    shapes.map(|(module, shape)| (format!("model.layers.{layer}.{module}"), shape)).into()
}
