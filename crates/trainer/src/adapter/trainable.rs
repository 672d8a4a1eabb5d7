use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};

use super::{Adapter, Matrices};
use crate::model::{Config, Projection, linear_shapes};
use crate::random::Random;

type Result<T> = candle_core::Result<T>;

/// An adapter in training.
pub(crate) struct TrainableAdapter {
    rank: usize,
    alpha: f64,
    modules: BTreeMap<String, (Var, Var)>,
}

impl TrainableAdapter {
    /// Creates an adapter without effect: B is zero, and A is uniform within `1 / sqrt(in)`, as in `peft` (He et al. 2015, with a
    /// = sqrt 5).
    pub(crate) fn new(config: &Config, rank: usize, alpha: f64, seed: u64) -> Result<Self> {
        let mut modules = BTreeMap::new();
        for layer in 0..config.layers {
            for (module, (out, input)) in linear_shapes(config, layer) {
                let mut random = Random::new(seed, &module, 0);
                let bound = 1.0 / (input as f64).sqrt();
                let a: Vec<f32> = (0..rank * input).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect();
                let a = Var::from_tensor(&Tensor::from_vec(a, (rank, input), &Device::Cpu)?)?;
                let b = Var::zeros((out, rank), DType::F32, &Device::Cpu)?;
                modules.insert(module, (a, b));
            }
        }
        Ok(Self { rank, alpha, modules })
    }

    /// Continues from another adapter of the same shape. Modules that it lacks stay unchanged.
    pub(crate) fn set(&self, adapter: &Adapter) -> Result<()> {
        for (module, matrices) in &adapter.modules {
            if let Some((a, b)) = self.modules.get(module) {
                a.set(&matrices.a)?;
                b.set(&matrices.b)?;
            }
        }
        Ok(())
    }

    /// Returns the adapter as a model takes it; it follows the training.
    pub(crate) fn projections(&self) -> BTreeMap<String, Projection> {
        let scale = self.alpha / self.rank as f64;
        let projection = |(a, b): &(Var, Var)| Projection { a: a.as_tensor().clone(), b: b.as_tensor().clone(), scale };
        self.modules.iter().map(|(module, matrices)| (module.clone(), projection(matrices))).collect()
    }

    /// Returns the trained parameters by name, always in the same order.
    pub(crate) fn parameters(&self) -> Vec<(String, Var)> {
        let named = |(module, (a, b)): (&String, &(Var, Var))| {
            [(format!("{module}.a"), a.clone()), (format!("{module}.b"), b.clone())]
        };
        self.modules.iter().flat_map(named).collect()
    }

    /// Returns a copy without gradients.
    pub(crate) fn finished(&self) -> Result<Adapter> {
        let copy = |(module, (a, b)): (&String, &(Var, Var))| {
            let matrices = Matrices { a: a.as_tensor().copy()?.detach(), b: b.as_tensor().copy()?.detach() };
            Ok((module.clone(), matrices))
        };
        let modules = self.modules.iter().map(copy).collect::<Result<_>>()?;
        Ok(Adapter { rank: self.rank, alpha: self.alpha, modules })
    }
}
