//! The adapter's two files, parsed strictly: a server will load them, so their bytes have to be an adapter of the run's recipe.
//!
//! `safetensors` and `peft` would load more than a run may make: other ranks, tensors beside the adapter, an `auto_mapping` that
//! names Python classes. Here everything that a recipe does not ask for is a problem. The weights are a stream, because they may
//! have gigabytes: memory holds a few times the header, which is at most 16 MiB.
//!
//! The header is parsed here and not by the crate `safetensors`, which wants the whole file in memory and knows nothing of the
//! recipe. The format is its length in eight bytes, a JSON object, and the values one after the other.
//!
//! The base is not read, so its shapes are unknown here. A trainer compares them when it loads the adapter.
//!
//! | file | subject |
//! |---|---|
//! | `config` | `adapter_config.json` |
//! | `header` | names, types, shapes and places of the tensors |
//! | `weights` | `adapter_model.safetensors`, as a stream |
//! | `values` | the values of the tensors, as a stream |

mod config;
mod header;
#[cfg(test)]
pub(super) mod tests;
mod values;
mod weights;

pub(super) use config::AdapterConfig;
pub(super) use weights::{AdapterWeights, WeightsReader};

use flywheel_training::Lora;

/// Returns what two files that are valid alone contradict: each other, or the recipe.
pub(super) fn contradictions(config: &AdapterConfig, weights: &AdapterWeights, recipe: Lora) -> Vec<String> {
    let mut found = Vec::new();
    if config.rank != u64::from(recipe.rank) {
        found.push(format!("r is {}, and lora.rank of the recipe is {}", config.rank, recipe.rank));
    }
    if config.alpha.total_cmp(&recipe.alpha).is_ne() {
        found.push(format!("lora_alpha is {}, and lora.alpha of the recipe is {}", config.alpha, recipe.alpha));
    }
    if weights.rank != u64::from(recipe.rank) {
        found.push(format!("the tensors have rank {}, and lora.rank of the recipe is {}", weights.rank, recipe.rank));
    }
    let untargeted = weights.modules.iter().filter(|module| !config.targets.iter().any(|target| has(module, target)));
    if let Some(module) = untargeted.clone().next() {
        found.push(format!("{} modules are no target_modules, the first is {module}", untargeted.count()));
    }
    let unmade = config.targets.iter().filter(|target| !weights.modules.iter().any(|module| has(module, target)));
    let unmade = unmade.count();
    if unmade > 0 {
        found.push(format!("{unmade} target_modules have no tensors"));
    }
    found
}

/// Returns `true` if a target names a module, as `peft` decides it: by the whole name, or by its end behind a point.
fn has(module: &str, target: &str) -> bool {
    module.strip_suffix(target).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}
