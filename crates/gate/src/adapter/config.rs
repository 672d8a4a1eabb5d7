use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// An adapter's configuration, as far as the weights have to agree with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AdapterConfig {
    pub(super) rank: u64,
    /// The numerator of the scale.
    pub(super) alpha: f64,
    /// The modules that are adapted, as whole names or as their ends.
    pub(super) targets: Vec<String>,
}

/// The accepted value of a key.
#[derive(Clone, Copy)]
enum Accepted {
    /// Exactly this text.
    Is(&'static str),
    /// Read elsewhere.
    Read,
    /// Any text, or null. `base_model_name_or_path` and `revision` name a base: servers must load the run's own base and never
    /// follow them.
    Note,
    /// `true` or `false`: no loader's result depends on it.
    Flag,
    /// Any number: it acts in training only, or beside a key that is off.
    Number,
    /// Null, false, or empty: the key would change what the weights mean, or load code or files.
    Off,
}

/// The keys of `LoraConfig` in peft 0.21, with the values that a recipe leads to.
const KEYS: [(&str, Accepted); 41] = [
    ("peft_type", Accepted::Is("LORA")),
    ("task_type", Accepted::Is("CAUSAL_LM")),
    ("bias", Accepted::Is("none")),
    ("r", Accepted::Read),
    ("lora_alpha", Accepted::Read),
    ("target_modules", Accepted::Read),
    ("base_model_name_or_path", Accepted::Note),
    ("revision", Accepted::Note),
    ("peft_version", Accepted::Note),
    ("megatron_core", Accepted::Note),
    ("inference_mode", Accepted::Flag),
    ("init_lora_weights", Accepted::Flag),
    ("lora_dropout", Accepted::Number),
    ("qalora_group_size", Accepted::Number),
    ("alora_invocation_tokens", Accepted::Off),
    ("alpha_pattern", Accepted::Off),
    ("arrow_config", Accepted::Off),
    ("auto_mapping", Accepted::Off),
    ("corda_config", Accepted::Off),
    ("ensure_weight_tying", Accepted::Off),
    ("eva_config", Accepted::Off),
    ("exclude_modules", Accepted::Off),
    ("fan_in_fan_out", Accepted::Off),
    ("kasa_config", Accepted::Off),
    ("layer_replication", Accepted::Off),
    ("layers_pattern", Accepted::Off),
    ("layers_to_transform", Accepted::Off),
    ("loftq_config", Accepted::Off),
    ("lora_bias", Accepted::Off),
    ("lora_ga_config", Accepted::Off),
    ("megatron_config", Accepted::Off),
    ("modules_to_save", Accepted::Off),
    ("monteclora_config", Accepted::Off),
    ("rank_pattern", Accepted::Off),
    ("target_parameters", Accepted::Off),
    ("trainable_token_indices", Accepted::Off),
    ("use_bdlora", Accepted::Off),
    ("use_dora", Accepted::Off),
    ("use_qalora", Accepted::Off),
    ("use_rslora", Accepted::Off),
    ("velora_config", Accepted::Off),
];

/// The keys that have to be there. The others default to a value that is accepted.
const REQUIRED: [&str; 4] = ["peft_type", "r", "lora_alpha", "target_modules"];

impl AdapterConfig {
    /// The largest configuration: far above any. It bounds the memory that the file takes.
    pub(crate) const MOST_BYTES: usize = 1 << 20;

    /// Reads `adapter_config.json`.
    ///
    /// # Errors
    /// The first fault, with the name of its key and never with its value.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > Self::MOST_BYTES {
            return Err(format!("it has more than {} bytes", Self::MOST_BYTES));
        }
        let Ok(Fields(fields)) = serde_json::from_slice(bytes) else {
            return Err("it is no JSON object, or a key comes twice".to_owned());
        };
        if let Some(missing) = REQUIRED.into_iter().find(|name| !fields.contains_key(*name)) {
            return Err(format!("{missing} is missing"));
        }
        for (name, value) in &fields {
            let known = KEYS.iter().find(|(known, _)| known == name);
            let (_, accepted) = known.ok_or_else(|| format!("{} is no key of a LoRA adapter", named(name)))?;
            if let Some(wanted) = accepted.refuses(value) {
                return Err(format!("{name}: expected {wanted}"));
            }
        }
        let rank = fields["r"].as_u64().filter(|rank| *rank > 0);
        let alpha = fields["lora_alpha"].as_f64().filter(|alpha| alpha.is_finite() && *alpha > 0.0);
        let targets = fields["target_modules"].as_array().and_then(|targets| {
            let text = |target: &Value| target.as_str().filter(|name| !name.is_empty()).map(str::to_owned);
            targets.iter().map(text).collect::<Option<Vec<_>>>().filter(|targets| !targets.is_empty())
        });
        Ok(Self {
            rank: rank.ok_or("r: expected a number above 0")?,
            alpha: alpha.ok_or("lora_alpha: expected a number above 0")?,
            targets: targets.ok_or("target_modules: expected a list of names")?,
        })
    }
}

/// The keys with their values. No key comes twice: readers would differ in which of the two counts.
struct Fields(Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the keys of the configuration")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if fields.insert(name, value).is_some() {
                return Err(M::Error::custom("a key comes twice"));
            }
        }
        Ok(Fields(fields))
    }
}

impl Accepted {
    /// Returns the expected value, if this one is another.
    fn refuses(self, value: &Value) -> Option<&'static str> {
        let (is_right, wanted) = match self {
            Self::Is(text) => (value == text, text),
            Self::Read => (true, ""),
            Self::Note => (value.is_null() || value.is_string(), "a text or null"),
            Self::Flag => (value.is_boolean(), "true or false"),
            Self::Number => (value.is_number(), "a number"),
            Self::Off => (is_off(value), "null, false or nothing in it: no recipe asks for it"),
        };
        (!is_right).then_some(wanted)
    }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Returns the name of an unknown key, if it looks like one. Anything else may be a user's text.
fn named(name: &str) -> &str {
    let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_name { name } else { "a name that is not shown here" }
}
