//! Adapters in the layout of `peft`: `adapter_config.json` and `adapter_model.safetensors`. `PeftModel.from_pretrained`, vLLM and
//! others load it.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};

use super::{Adapter, Matrices};
use crate::failure::{Result, TrainerError};
use crate::files::{self, Hashed};
use crate::model::{Config, linear_shapes};
use crate::tensor_file;

const ADAPTER_CONFIG: &str = "adapter_config.json";
const ADAPTER_MODEL: &str = "adapter_model.safetensors";

/// An adapter's two files.
pub(crate) struct PeftFiles {
    pub(crate) config: Vec<u8>,
    pub(crate) model: Vec<u8>,
}

impl PeftFiles {
    /// Returns the files of an adapter of the base with this id. Equal adapters give equal bytes.
    pub(crate) fn of(adapter: &Adapter, base_id: &str) -> Result<Self> {
        let mut targets: Vec<&str> = adapter.modules.keys().filter_map(|module| module.rsplit('.').next()).collect();
        targets.sort_unstable();
        targets.dedup();
        let config = json!({
            "base_model_name_or_path": base_id,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "lora_alpha": adapter.alpha,
            "lora_dropout": 0.0,
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": adapter.rank,
            "target_modules": targets,
            "task_type": "CAUSAL_LM",
            "use_dora": false,
            "use_rslora": false,
        });
        let config = serde_json::to_vec_pretty(&config).map_err(|error| TrainerError::Other(error.to_string()))?;
        Ok(Self { config, model: safetensors_of(adapter)? })
    }

    /// Reads both files from a folder.
    pub(crate) fn read(folder: &Path) -> Result<(Hashed, Hashed)> {
        Ok((files::read(&folder.join(ADAPTER_CONFIG))?, files::read(&folder.join(ADAPTER_MODEL))?))
    }
}

fn safetensors_of(adapter: &Adapter) -> Result<Vec<u8>> {
    let named = |(module, matrices): (&String, &Matrices)| {
        [(name_of(module, "A"), matrices.a.clone()), (name_of(module, "B"), matrices.b.clone())]
    };
    let tensors: Vec<_> = adapter.modules.iter().flat_map(named).collect();
    tensor_file::write(&tensors, tensor_file::OF_TORCH)
}

fn name_of(module: &str, letter: &str) -> String {
    format!("base_model.model.{module}.lora_{letter}.weight")
}

impl Adapter {
    /// Loads the adapter in a folder, without a digest to check it against.
    pub(crate) fn load(folder: &Path, config: &Config) -> Result<Self> {
        let (config_file, model_file) = PeftFiles::read(folder)?;
        Self::read(&config_file, &model_file, folder, config)
    }

    /// Reads an adapter for a model of this shape, from the bytes of its files in `folder`.
    ///
    /// # Errors
    /// If the trainer cannot apply this kind of adapter, or it belongs to another model. The error names the field or tensor.
    pub(crate) fn read(config_file: &Hashed, model_file: &Hashed, folder: &Path, config: &Config) -> Result<Self> {
        let path = folder.join(ADAPTER_CONFIG);
        let (rank, alpha) =
            rank_and_alpha(config_file.text(&path)?).map_err(|problem| TrainerError::unusable(&path, problem))?;
        let path = folder.join(ADAPTER_MODEL);
        let refuse = |problem: String| TrainerError::unusable(&path, problem);
        let mut tensors = candle_core::safetensors::load_buffer(&model_file.bytes, &Device::Cpu)
            .map_err(|error| refuse(error.to_string()))?;
        let mut modules = BTreeMap::new();
        for (module, (out, input)) in (0..config.layers).flat_map(|layer| linear_shapes(config, layer)) {
            let mut take = |letter: &str, shape: [usize; 2]| -> Result<Option<Tensor>> {
                let name = name_of(&module, letter);
                let Some(tensor) = tensors.remove(&name) else { return Ok(None) };
                if tensor.dims() != shape {
                    return Err(refuse(format!(
                        "{name}: its shape is {:?}, and for this model {shape:?}",
                        tensor.dims()
                    )));
                }
                let tensor = tensor.to_dtype(DType::F32)?;
                // A model with such a value answers nothing, which would pass for an empty answer.
                if !tensor.flatten_all()?.to_vec1::<f32>()?.iter().all(|value| value.is_finite()) {
                    return Err(refuse(format!("{name}: has a value that is infinite or no number")));
                }
                Ok(Some(tensor))
            };
            match (take("A", [rank, input])?, take("B", [out, rank])?) {
                (Some(a), Some(b)) => _ = modules.insert(module, Matrices { a, b }),
                (None, None) => {}
                _ => return Err(refuse(format!("{module}: has one of lora_A and lora_B, and needs both"))),
            }
        }
        match tensors.keys().next() {
            Some(name) => Err(refuse(format!("{name}: the model has no such linear layer"))),
            None => Ok(Self { rank, alpha, modules }),
        }
    }
}

fn rank_and_alpha(text: &str) -> std::result::Result<(usize, f64), String> {
    let config: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if config["peft_type"] != "LORA" {
        return Err("peft_type: has to be LORA".to_owned());
    }
    let is_off = |value: &Value| matches!(value, Value::Null | Value::Bool(false)) || value == "none";
    let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    let unsupported =
        ["use_dora", "use_rslora", "fan_in_fan_out", "bias", "modules_to_save", "rank_pattern", "alpha_pattern"];
    if let Some(field) = unsupported.iter().find(|field| !is_off(&config[**field]) && !is_empty(&config[**field])) {
        return Err(format!("{field}: is not supported"));
    }
    let rank = config["r"].as_u64().and_then(|rank| usize::try_from(rank).ok()).filter(|rank| *rank > 0);
    let alpha = config["lora_alpha"].as_f64().filter(|alpha| alpha.is_finite());
    Ok((rank.ok_or("r: has to be a positive number")?, alpha.ok_or("lora_alpha: has to be a number")?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::adapter::TrainableAdapter;
    use crate::testing;

    fn files() -> PeftFiles {
        let adapter = TrainableAdapter::new(&testing::config(), 2, 4.0, 1).unwrap();
        PeftFiles::of(&adapter.finished().unwrap(), "base").unwrap()
    }

    fn hashed(bytes: Vec<u8>) -> Hashed {
        Hashed { sha256: flywheel_training::Sha256Hex::of(&bytes), bytes }
    }

    fn read(config: &str, model: Vec<u8>) -> Result<Adapter> {
        Adapter::read(&hashed(config.into()), &hashed(model), Path::new("adapter"), &testing::config())
    }

    #[test]
    fn names_and_shapes_are_those_of_peft() {
        let files = files();
        let tensors = safetensors::SafeTensors::deserialize(&files.model).unwrap();
        assert_eq!(tensors.len(), 2 * 7 * 2);
        let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
        assert_eq!(shape("base_model.model.model.layers.1.self_attn.k_proj.lora_A.weight"), [2, 8]);
        assert_eq!(shape("base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight"), [4, 2]);
        assert_eq!(shape("base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"), [2, 12]);
        let config: Value = serde_json::from_slice(&files.config).unwrap();
        assert_eq!(
            (&config["peft_type"], &config["r"], &config["lora_alpha"]),
            (&json!("LORA"), &json!(2), &json!(4.0))
        );
        let targets: BTreeSet<&str> =
            config["target_modules"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let expected = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"];
        assert_eq!(targets, expected.into());
    }

    #[test]
    fn what_is_written_is_read_again_and_written_the_same() {
        let written = files();
        let adapter = read(std::str::from_utf8(&written.config).unwrap(), written.model.clone()).unwrap();
        let again = PeftFiles::of(&adapter, "base").unwrap();
        assert_eq!((written.model, written.config), (again.model, again.config));
    }

    #[test]
    fn a_new_adapter_changes_nothing_and_another_does() {
        let adapter = TrainableAdapter::new(&testing::config(), 2, 4.0, 1).unwrap();
        let tokens = Tensor::new(&[[1_u32, 2, 3]], &Device::Cpu).unwrap();
        let logits = |adapter: Option<Adapter>| {
            let model = testing::model(&adapter.map(|adapter| adapter.projections()).unwrap_or_default());
            model.logits(&model.hidden(&tokens, None).unwrap()).unwrap().to_vec2::<f32>().unwrap()
        };
        let base = logits(None);
        assert_eq!(logits(Some(adapter.finished().unwrap())), base);
        let (_, b) = &adapter.parameters()[1];
        b.set(&b.ones_like().unwrap()).unwrap();
        assert_ne!(logits(Some(adapter.finished().unwrap())), base);
    }

    #[test]
    fn what_it_cannot_apply_is_refused_by_name() {
        let files = files();
        let config: Value = serde_json::from_slice(&files.config).unwrap();
        for (field, value) in [
            ("use_dora", json!(true)),
            ("use_rslora", json!(true)),
            ("bias", json!("all")),
            ("modules_to_save", json!(["lm_head"])),
            ("rank_pattern", json!({"q_proj": 4})),
            ("peft_type", json!("IA3")),
            ("r", json!(0)),
            ("lora_alpha", Value::Null),
        ] {
            let mut config = config.clone();
            config[field] = value;
            let error = read(&config.to_string(), files.model.clone()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("adapter/adapter_config.json: {field}")), "{error}");
        }
        let mut other_rank = config.clone();
        other_rank["r"] = json!(3);
        assert!(read(&other_rank.to_string(), files.model.clone()).unwrap_err().to_string().contains("shape"));
        for value in [f32::NAN, f32::INFINITY] {
            let adapter = TrainableAdapter::new(&testing::config(), 2, 4.0, 1).unwrap();
            let (_, b) = &adapter.parameters()[1];
            b.set(&(b.ones_like().unwrap() * f64::from(value)).unwrap()).unwrap();
            let files = PeftFiles::of(&adapter.finished().unwrap(), "base").unwrap();
            let error = read(&config.to_string(), files.model).unwrap_err().to_string();
            assert!(error.contains("lora_B.weight: has a value that is infinite or no number"), "{error}");
        }
        let stranger = tensor_file::write(
            &[("base_model.model.lm_head.lora_A.weight".to_owned(), Tensor::new(&[1.0_f32], &Device::Cpu).unwrap())],
            tensor_file::OF_TORCH,
        );
        assert!(read(&config.to_string(), stranger.unwrap()).unwrap_err().to_string().contains("lm_head"));
    }
}
