//! Causal self-attention with grouped key and value heads (Ainslie et al. 2023).

use candle_core::{Device, Tensor};

use super::cache::Cache;
use super::config::Config;
use super::constant::plus;
use super::linear::Linear;
use super::rotary::Rotation;
use super::softmax::softmax;

type Result<T> = candle_core::Result<T>;

pub(super) struct Attention {
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) output: Linear,
}

/// The state that all layers of one pass share.
pub(super) struct Pass {
    batch: usize,
    positions: usize,
    rotation: Rotation,
    /// 0 where a position may attend, minus infinity where it may not; `None` for the last position, which attends everywhere.
    mask: Option<Tensor>,
}

impl Pass {
    /// Creates a pass of `positions` positions after `before` positions in the cache.
    pub(super) fn new(config: &Config, batch: usize, before: usize, positions: usize) -> Result<Self> {
        let rotation = Rotation::new(config, before, positions);
        let mask = (positions > 1).then(|| causal_mask(before, positions)).transpose()?;
        Ok(Self { batch, positions, rotation, mask })
    }
}

fn causal_mask(before: usize, positions: usize) -> Result<Tensor> {
    let may_look = |from: usize, to: usize| to <= before + from;
    let mask: Vec<f32> = (0..positions)
        .flat_map(|from| {
            (0..before + positions).map(move |to| if may_look(from, to) { 0.0 } else { f32::NEG_INFINITY })
        })
        .collect();
    Tensor::from_vec(mask, (positions, before + positions), &Device::Cpu)
}

impl Attention {
    /// Maps `(batch · positions, hidden)` to the same shape.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        pass: &Pass,
        config: &Config,
        cache: Option<(&mut Cache, usize)>,
    ) -> Result<Tensor> {
        let split = |y: Tensor, heads: usize| -> Result<Tensor> {
            y.reshape((pass.batch, pass.positions, heads, config.head_width))?.transpose(1, 2)?.contiguous()
        };
        let queries = pass.rotation.apply(&split(self.query.forward(x)?, config.heads)?)?;
        let keys = pass.rotation.apply(&split(self.key.forward(x)?, config.key_value_heads)?)?;
        let values = split(self.value.forward(x)?, config.key_value_heads)?;
        let (keys, values) = match cache {
            Some((cache, layer)) => cache.extend(layer, keys, values)?,
            None => (keys, values),
        };
        let (keys, values) = (for_each_query_head(&keys, config)?, for_each_query_head(&values, config)?);
        let scores = (queries.matmul(&keys.t()?)? / (config.head_width as f64).sqrt())?;
        let scores = match &pass.mask {
            Some(mask) => plus(&scores, mask)?,
            None => scores,
        };
        let mixed = softmax(&scores)?.matmul(&values)?;
        let width = config.heads * config.head_width;
        self.output.forward(&mixed.transpose(1, 2)?.reshape((pass.batch * pass.positions, width))?)
    }
}

/// Repeats each key or value head for the query heads that it serves.
fn for_each_query_head(heads: &Tensor, config: &Config) -> Result<Tensor> {
    let served = config.heads / config.key_value_heads;
    if served == 1 {
        return Ok(heads.clone());
    }
    let (batch, count, positions, width) = heads.dims4()?;
    heads.unsqueeze(2)?.expand((batch, count, served, positions, width))?.reshape((
        batch,
        config.heads,
        positions,
        width,
    ))
}
