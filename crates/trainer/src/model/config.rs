//! Reads `config.json` of a Llama-style model and refuses unsupported settings.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Result, TrainerError};

/// The shape of a Llama-style model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    /// `llama` or `mistral`.
    pub(crate) model_type: String,
    /// The tokenizer's class, for a `tokenizer_config.json` without one.
    pub(crate) tokenizer_class: Option<String>,
    /// Width of the residual stream.
    pub(crate) hidden: usize,
    /// Width of the feed-forward layers.
    pub(crate) intermediate: usize,
    /// The number of tokens in the vocabulary.
    pub(crate) vocabulary: usize,
    /// The number of decoder layers.
    pub(crate) layers: usize,
    /// The number of query heads.
    pub(crate) heads: usize,
    /// The number of key and value heads; each serves `heads / key_value_heads` query heads.
    pub(crate) key_value_heads: usize,
    /// Width of a head.
    pub(crate) head_width: usize,
    /// The longest sequence, in tokens.
    pub(crate) max_positions: usize,
    /// Base of the rotary embedding's wavelengths.
    pub(crate) rope_theta: f64,
    /// The term that keeps RMSNorm from dividing by zero.
    pub(crate) norm_epsilon: f64,
    /// `true` if the embedding is also the output layer.
    pub(crate) tied_embeddings: bool,
    /// Tokens that end a text.
    pub(crate) end_tokens: Vec<u32>,
}

#[derive(Deserialize)]
struct Fields {
    model_type: String,
    hidden_size: usize,
    intermediate_size: usize,
    vocab_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(default = "llama_positions")]
    max_position_embeddings: usize,
    rope_theta: Option<f64>,
    rope_parameters: Option<Value>,
    rope_scaling: Option<Value>,
    #[serde(default = "llama_epsilon")]
    rms_norm_eps: f64,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default = "silu")]
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    sliding_window: Option<Value>,
    quantization_config: Option<Value>,
    eos_token_id: Option<Value>,
    tokenizer_class: Option<String>,
}

// The defaults of Hugging Face's Llama configuration.
fn llama_positions() -> usize {
    2048
}

fn llama_epsilon() -> f64 {
    1e-6
}

fn silu() -> String {
    "silu".to_owned()
}

const DEFAULT_THETA: f64 = 10_000.0;

impl Config {
    /// Reads `config.json` from its text; `path` is for messages.
    ///
    /// # Errors
    /// If it is not a configuration of a Llama-style model, or one that is not supported. The error names the field.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        let refuse = |problem: String| TrainerError::unusable(path, problem);
        let fields: Fields = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        refuse_unsupported(&fields).map_err(refuse)?;
        let heads = fields.num_attention_heads;
        let key_value_heads = fields.num_key_value_heads.unwrap_or(heads);
        let config = Self {
            hidden: fields.hidden_size,
            intermediate: fields.intermediate_size,
            vocabulary: fields.vocab_size,
            layers: fields.num_hidden_layers,
            heads,
            key_value_heads,
            head_width: fields.head_dim.unwrap_or(fields.hidden_size / heads.max(1)),
            max_positions: fields.max_position_embeddings,
            rope_theta: theta(&fields).map_err(refuse)?,
            norm_epsilon: fields.rms_norm_eps,
            tied_embeddings: fields.tie_word_embeddings,
            end_tokens: end_tokens(fields.eos_token_id.as_ref()).map_err(refuse)?,
            model_type: fields.model_type,
            tokenizer_class: fields.tokenizer_class,
        };
        config.check().map_err(refuse)?;
        Ok(config)
    }

    fn check(&self) -> std::result::Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden),
            ("intermediate_size", self.intermediate),
            ("vocab_size", self.vocabulary),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("num_key_value_heads", self.key_value_heads),
            ("max_position_embeddings", self.max_positions),
        ];
        if let Some((field, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(format!("{field}: has to be positive"));
        }
        if !self.heads.is_multiple_of(self.key_value_heads) {
            return Err("num_key_value_heads: has to divide num_attention_heads".to_owned());
        }
        if self.head_width == 0 || !self.head_width.is_multiple_of(2) {
            return Err("head_dim: has to be even, for the rotary embedding".to_owned());
        }
        Ok(())
    }
}

fn refuse_unsupported(fields: &Fields) -> std::result::Result<(), String> {
    if !matches!(fields.model_type.as_str(), "llama" | "mistral") {
        return Err(format!("model_type: `{}` is not supported, `llama` and `mistral` are", fields.model_type));
    }
    if fields.hidden_act != "silu" {
        return Err(format!("hidden_act: `{}` is not supported, `silu` is", fields.hidden_act));
    }
    let scales_rope = fields.rope_scaling.as_ref().is_some_and(|scaling| rope_type(scaling) != Some("default"));
    let is_set = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
    let unsupported = [
        ("attention_bias", fields.attention_bias),
        ("mlp_bias", fields.mlp_bias),
        ("rope_scaling", is_set(&fields.rope_scaling) && scales_rope),
        ("sliding_window", is_set(&fields.sliding_window)),
        ("quantization_config", is_set(&fields.quantization_config)),
    ];
    match unsupported.iter().find(|(_, is_there)| *is_there) {
        Some((field, _)) => Err(format!("{field}: is not supported")),
        None => Ok(()),
    }
}

fn rope_type(parameters: &Value) -> Option<&str> {
    parameters.get("rope_type").or_else(|| parameters.get("type"))?.as_str()
}

/// Reads the base of the wavelengths. Newer configurations have it in `rope_parameters`, older ones beside the other fields.
fn theta(fields: &Fields) -> std::result::Result<f64, String> {
    let parameters = fields.rope_parameters.as_ref().filter(|parameters| !parameters.is_null());
    if let Some(kind) = parameters.and_then(rope_type).filter(|kind| *kind != "default") {
        return Err(format!("rope_parameters.rope_type: `{kind}` is not supported, `default` is"));
    }
    let newer = parameters.and_then(|parameters| parameters.get("rope_theta")).and_then(Value::as_f64);
    let theta = newer.or(fields.rope_theta).unwrap_or(DEFAULT_THETA);
    if theta > 1.0 && theta.is_finite() { Ok(theta) } else { Err("rope_theta: has to be above 1".to_owned()) }
}

fn end_tokens(value: Option<&Value>) -> std::result::Result<Vec<u32>, String> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    let tokens = match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(id).collect(),
        Some(one) => id(one).map(|id| vec![id]),
    };
    tokens.ok_or_else(|| "eos_token_id: has to be a token's number, or a list of them".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tiny() -> Value {
        json!({
            "model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "vocab_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "rope_theta": 100_000.0,
            "tie_word_embeddings": true, "eos_token_id": [2, 7],
        })
    }

    fn parsed(config: &Value) -> Result<Config> {
        Config::parse(&config.to_string(), Path::new("config.json"))
    }

    fn with(field: &str, value: Value) -> Value {
        let mut config = tiny();
        config[field] = value;
        config
    }

    #[test]
    fn a_configuration_is_read() {
        let config = parsed(&tiny()).unwrap();
        assert_eq!((config.head_width, config.key_value_heads, config.max_positions), (2, 2, 2048));
        assert_eq!((config.rope_theta, config.norm_epsilon), (1e5, 1e-5));
        assert_eq!(config.end_tokens, [2, 7]);
        assert!(config.tied_embeddings);
    }

    #[test]
    fn theta_is_where_newer_configurations_have_it() {
        let newer = with("rope_parameters", json!({"rope_theta": 5e5, "rope_type": "default"}));
        assert_eq!(parsed(&newer).unwrap().rope_theta, 5e5);
        assert!(parsed(&with("rope_scaling", Value::Null)).is_ok());
    }

    #[test]
    fn what_it_cannot_do_is_refused_by_name() {
        let cases = [
            ("model_type", json!("gpt2")),
            ("hidden_act", json!("gelu")),
            ("attention_bias", json!(true)),
            ("mlp_bias", json!(true)),
            ("rope_scaling", json!({"rope_type": "llama3", "factor": 8.0})),
            ("rope_parameters", json!({"rope_type": "yarn"})),
            ("rope_theta", json!(0.0)),
            ("sliding_window", json!(4096)),
            ("quantization_config", json!({"bits": 4})),
            ("num_key_value_heads", json!(3)),
            ("head_dim", json!(3)),
            ("hidden_size", json!(0)),
            ("eos_token_id", json!("</s>")),
        ];
        for (field, value) in cases {
            let message = parsed(&with(field, value)).unwrap_err().to_string();
            assert!(message.starts_with(&format!("config.json: {field}")), "{message}");
        }
        let mut lacking = tiny();
        lacking.as_object_mut().unwrap().remove("vocab_size");
        assert!(parsed(&lacking).unwrap_err().to_string().contains("vocab_size"));
    }
}
