use candle_core::quantized::gguf_file::Content;
use serde_json::{Value, json};

use super::metadata::Metadata;
use super::tensors::HEAD;
use super::vocabulary::Vocabulary;

/// The supported keys of `llama.*` that determine the model's computation.
const KNOWN: [&str; 12] = [
    "llama.attention.head_count",
    "llama.attention.head_count_kv",
    "llama.attention.key_length",
    "llama.attention.layer_norm_rms_epsilon",
    "llama.attention.value_length",
    "llama.block_count",
    "llama.context_length",
    "llama.embedding_length",
    "llama.feed_forward_length",
    "llama.rope.dimension_count",
    "llama.rope.freq_base",
    "llama.vocab_size",
];

/// llama.cpp's default for a missing key.
const DEFAULT_THETA: f64 = 10_000.0;

/// Returns `config.json`. `Err` names the key that is invalid or not supported.
pub(super) fn of(metadata: &Metadata<'_>, vocabulary: &Vocabulary<'_>, content: &Content) -> Result<Value, String> {
    let architecture = metadata.needed("general.architecture", Metadata::text)?;
    if architecture != "llama" {
        return Err(format!("general.architecture: `{architecture}` is not supported, `llama` is"));
    }
    if let Some(key) = metadata.keys("llama.").into_iter().find(|key| !KNOWN.contains(key)) {
        return Err(format!("{key}: is not supported"));
    }
    let size = |key: &str| metadata.needed(key, Metadata::size);
    let (hidden, heads) = (size("llama.embedding_length")?, size("llama.attention.head_count")?);
    let head_width = metadata.size("llama.attention.key_length")?.unwrap_or(hidden / heads.max(1));
    let same = [
        ("llama.attention.value_length", head_width, "the width of a head, as of keys"),
        ("llama.rope.dimension_count", head_width, "the width of a head: all of it has to be rotated"),
        ("llama.vocab_size", vocabulary.size(), "the number of tokenizer.ggml.tokens"),
    ];
    for (key, expected, what) in same {
        if metadata.size(key)?.is_some_and(|size| size != expected) {
            return Err(format!("{key}: expected {expected}, {what}"));
        }
    }
    Ok(json!({
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": false,
        "bos_token_id": vocabulary.beginning,
        "eos_token_id": vocabulary.end,
        "head_dim": head_width,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "intermediate_size": size("llama.feed_forward_length")?,
        "max_position_embeddings": size("llama.context_length")?,
        "mlp_bias": false,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": size("llama.block_count")?,
        "num_key_value_heads": metadata.size("llama.attention.head_count_kv")?.unwrap_or(heads),
        "rms_norm_eps": metadata.needed("llama.attention.layer_norm_rms_epsilon", Metadata::number)?,
        "rope_theta": metadata.number("llama.rope.freq_base")?.unwrap_or(DEFAULT_THETA),
        "tie_word_embeddings": !content.tensor_infos.contains_key(HEAD),
        "torch_dtype": "float32",
        "vocab_size": vocabulary.size(),
    }))
}
