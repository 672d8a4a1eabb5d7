use candle_core::Tensor;

/// The keys and values of earlier tokens, so that each token goes through the model once.
#[derive(Default)]
pub(crate) struct Cache {
    /// For each layer `(batch, key_value_heads, positions, head_width)`, keys and values.
    layers: Vec<(Tensor, Tensor)>,
}

impl Cache {
    /// Returns the number of cached tokens.
    pub(super) fn positions(&self) -> candle_core::Result<usize> {
        self.layers.first().map_or(Ok(0), |(keys, _)| keys.dim(2))
    }

    /// Adds the newest keys and values of a layer and returns all of that layer's.
    pub(super) fn extend(
        &mut self,
        layer: usize,
        keys: Tensor,
        values: Tensor,
    ) -> candle_core::Result<(Tensor, Tensor)> {
        let all = match self.layers.get(layer) {
            None => (keys, values),
            Some((before, values_before)) => {
                (Tensor::cat(&[before, &keys], 2)?, Tensor::cat(&[values_before, &values], 2)?)
            }
        };
        if layer == self.layers.len() {
            self.layers.push(all.clone());
        } else {
            self.layers[layer] = all.clone();
        }
        Ok(all)
    }
}
