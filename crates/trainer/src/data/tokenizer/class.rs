//! The tokenizer classes of transformers. Since version 5, it builds some tokenizers from the code of their class. It then reads
//! only the vocabulary, the merges and the added tokens from `tokenizer.json`, and not `normalizer`, `pre_tokenizer` or
//! `decoder`.
//!
//! For a base of the Llama 2 family this gives another tokenizer: with `legacy: false`, no `▁` is written after a special token.
//! Servers that load it by transformers tokenize prompts in this way, and so does `infra/trainer`. An unknown class is refused by
//! its name.

use serde_json::{Value, json};

/// The source of the tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `tokenizer.json`, unchanged.
    AsWritten,
    /// `LlamaTokenizer`: SentencePiece's BPE with byte fallback.
    Llama,
    /// `GPT2Tokenizer`: byte-level BPE. Further rules, such as one digit a token, are lost.
    Gpt2,
}

impl Class {
    /// Returns the class that transformers takes for a `tokenizer_class`. `Err` names an unsupported one.
    pub(super) fn of(name: Option<&str>, model_type: &str, tokenizer_json: &str) -> Result<Self, String> {
        let Some(name) = name else { return Ok(Self::AsWritten) };
        match name.strip_suffix("Fast").unwrap_or(name) {
            "PreTrainedTokenizer" | "TokenizersBackend" | "PythonBackend" => Ok(Self::AsWritten),
            // transformers has no class of its own for this kind of model, whatever the files name.
            _ if model_type == "mistral" => Ok(Self::AsWritten),
            // Many bases of the Llama 3 family name this class, which cannot be right for them.
            "LlamaTokenizer" if tokenizer_json.contains("\"ByteLevel\"") => Ok(Self::AsWritten),
            "LlamaTokenizer" => Ok(Self::Llama),
            "GPT2Tokenizer" => Ok(Self::Gpt2),
            _ => Err(format!(
                "tokenizer_class: `{name}` is not supported: transformers builds it from code of its own. `LlamaTokenizer` and \
                 `GPT2Tokenizer` are, and `PreTrainedTokenizerFast`, which takes tokenizer.json as it is"
            )),
        }
    }

    /// Returns the named tokens for a `tokenizer_config.json` that does not name them.
    pub(super) fn default_tokens(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::AsWritten => &[],
            Self::Llama => &[("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")],
            Self::Gpt2 => {
                &[("bos_token", "<|endoftext|>"), ("eos_token", "<|endoftext|>"), ("unk_token", "<|endoftext|>")]
            }
        }
    }

    /// Returns `tokenizer.json` as the class rebuilds it; none if it stays unchanged.
    pub(super) fn rebuilt(self, written: &Value, config: &Value) -> Result<Option<Value>, String> {
        if self == Self::AsWritten {
            return Ok(None);
        }
        let model = &written["model"];
        if model["type"] != "BPE" || !model["vocab"].is_object() {
            return Err(format!("model.type: `{}` is not supported for its tokenizer_class, `BPE` is", model["type"]));
        }
        let is_llama = self == Self::Llama;
        let model = json!({
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": is_llama, "byte_fallback": is_llama, "ignore_merges": false,
            "vocab": model["vocab"], "merges": model["merges"],
        });
        let (pre_tokenizer, decoder) = if is_llama { llama(config) } else { gpt2(config) };
        Ok(Some(json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
            "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": decoder, "model": model,
        })))
    }
}

fn llama(config: &Value) -> (Value, Value) {
    let has_prefix = config["add_prefix_space"] != false;
    let scheme = match (has_prefix, config["legacy"] == true) {
        (true, true) => "always",
        (true, false) => "first",
        (false, _) => "never",
    };
    let mut decoders = vec![
        json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
        json!({"type": "ByteFallback"}),
        json!({"type": "Fuse"}),
    ];
    if has_prefix {
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    (
        json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": false}),
        json!({"type": "Sequence", "decoders": decoders}),
    )
}

fn gpt2(config: &Value) -> (Value, Value) {
    let bytes = |prefix: bool| json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": true});
    (bytes(config["add_prefix_space"] == true), bytes(true))
}
