//! A base's tokenizer as transformers builds it from the base's files, which may differ from `tokenizer.json`.
//!
//! | file | subject |
//! |---|---|
//! | `class` | rebuilds `tokenizer.json` by the class that a base names |
//! | `special` | special and added tokens, which several files name |

mod class;
mod special;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer;

use crate::failure::{Result, TrainerError};
use class::Class;
use special::SpecialTokens;

/// The files of a base's tokenizer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TokenizerFiles<'f> {
    /// `tokenizer.json`.
    pub(crate) tokenizer: &'f str,
    /// `tokenizer_config.json`.
    pub(crate) config: &'f str,
    /// `special_tokens_map.json`, in older bases.
    pub(crate) special_tokens_map: Option<&'f str>,
    /// `added_tokens.json`, in older bases.
    pub(crate) added_tokens: Option<&'f str>,
    /// `chat_template.jinja`, which takes precedence over the template in `tokenizer_config.json`.
    pub(crate) chat_template: Option<&'f str>,
    /// `model_type` of `config.json`.
    pub(crate) model_type: &'f str,
    /// `tokenizer_class` of `config.json`, for a `tokenizer_config.json` without one.
    pub(crate) tokenizer_class: Option<&'f str>,
}

/// A tokenizer with the other settings of its files.
pub(crate) struct Loaded {
    pub(crate) tokenizer: Tokenizer,
    /// The named special tokens, such as `bos_token`: templates use them.
    pub(crate) named: BTreeMap<String, String>,
    pub(crate) config: Value,
}

impl TokenizerFiles<'_> {
    /// Builds the tokenizer. `folder` is the files' location, for messages.
    pub(crate) fn load(&self, folder: &Path) -> Result<Loaded> {
        let refuse = |file: &str, problem: String| TrainerError::unusable(&folder.join(file), problem);
        // Messages by serde and tokenizers are about a file's structure.
        let parse = |file: &str, text: &str| {
            serde_json::from_str::<Value>(text).map_err(|error| refuse(file, error.to_string()))
        };
        let optional = |file: &str, text: Option<&str>| text.map_or(Ok(Value::Null), |text| parse(file, text));
        let config = parse("tokenizer_config.json", self.config)?;
        let written = parse("tokenizer.json", self.tokenizer)?;
        let special_tokens_map = optional("special_tokens_map.json", self.special_tokens_map)?;
        let added_tokens = optional("added_tokens.json", self.added_tokens)?;

        let class = config["tokenizer_class"].as_str().or(self.tokenizer_class);
        let class = Class::of(class, self.model_type, self.tokenizer);
        let class = class.map_err(|problem| refuse("tokenizer_config.json", problem))?;
        let special = SpecialTokens::of(&config, &special_tokens_map, &added_tokens, &written, class.default_tokens());
        let rebuilt = class.rebuilt(&written, &config).map_err(|problem| refuse("tokenizer.json", problem))?;
        let failed = |error: tokenizers::Error| refuse("tokenizer.json", error.to_string());
        let made = rebuilt.map_or_else(|| self.tokenizer.parse(), |rebuilt| rebuilt.to_string().parse());
        let mut tokenizer: Tokenizer = made.map_err(failed)?;
        special.add_to(&mut tokenizer).map_err(failed)?;
        tokenizer.set_encode_special_tokens(config["split_special_tokens"] == true);
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(failed)?;
        Ok(Loaded { tokenizer, named: special.texts(), config })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokenizers by transformers, written by `infra/trainer/golden_templates.py`.
    #[derive(serde::Deserialize)]
    struct Golden {
        texts: Vec<String>,
        /// Each `tokenizer.json` by base.
        written: BTreeMap<String, String>,
        bases: Vec<Base>,
    }

    #[derive(serde::Deserialize)]
    struct Base {
        name: String,
        model_type: String,
        tokenizer_class: Option<String>,
        written: String,
        files: BTreeMap<String, String>,
        named: BTreeMap<String, String>,
        tokens: Vec<Vec<u32>>,
        decoded: Vec<String>,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../../tests/golden/tokenizers.json")).unwrap()
    }

    fn load(golden: &Golden, base: &Base) -> Loaded {
        let file = |name: &str| base.files.get(name).map(String::as_str);
        let files = TokenizerFiles {
            tokenizer: &golden.written[&base.written],
            config: file("tokenizer_config.json").unwrap(),
            special_tokens_map: file("special_tokens_map.json"),
            added_tokens: file("added_tokens.json"),
            chat_template: None,
            model_type: &base.model_type,
            tokenizer_class: base.tokenizer_class.as_deref(),
        };
        files.load(Path::new("base")).unwrap()
    }

    #[test]
    fn every_base_has_the_tokens_that_transformers_gives_it() {
        let golden = golden();
        for base in &golden.bases {
            let Loaded { tokenizer, named, .. } = load(&golden, base);
            assert_eq!(named, base.named, "{}", base.name);
            for ((text, tokens), decoded) in golden.texts.iter().zip(&base.tokens).zip(&base.decoded) {
                let found = tokenizer.encode(text.as_str(), false).unwrap();
                assert_eq!(found.get_ids(), tokens, "{}: {text:?} is {:?}", base.name, found.get_tokens());
                assert_eq!(&tokenizer.decode(tokens, true).unwrap(), decoded, "{}: {text:?}", base.name);
            }
        }
        assert_eq!(golden.bases.len(), 20);
    }

    #[test]
    fn after_a_special_token_llama_2_has_no_space_and_a_base_as_written_has_one() {
        let golden = golden();
        let tokens = |name: &str| {
            let base = golden.bases.iter().find(|base| base.name == name).unwrap();
            load(&golden, base).tokenizer.encode("<s>[INST] say", false).unwrap().get_tokens()[..2].to_vec()
        };
        assert_eq!(tokens("llama 2"), ["<s>", "["]);
        for name in ["llama 2, legacy", "sentencepiece as written", "mistral"] {
            assert!(tokens(name)[1].starts_with('▁'), "{name}: {:?}", tokens(name));
        }
    }

    #[test]
    fn a_class_that_is_not_known_is_refused_by_name_and_so_is_a_model_that_does_not_go_with_it() {
        let golden = golden();
        let problem = |tokenizer: &str, class: &str| {
            let config = format!(r#"{{"tokenizer_class": "{class}"}}"#);
            let files = TokenizerFiles { tokenizer, config: &config, model_type: "llama", ..TokenizerFiles::default() };
            files.load(Path::new("base")).map(|_| ()).unwrap_err().to_string()
        };
        for class in ["CodeLlamaTokenizer", "GemmaTokenizerFast", "Qwen2Tokenizer", "OwnTokenizer"] {
            let problem = problem(&golden.written["pieces"], class);
            let expected = format!("base/tokenizer_config.json: tokenizer_class: `{class}` is not supported");
            assert!(problem.starts_with(&expected), "{problem}");
        }
        let unigram = r#"{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]}}"#;
        let problem = problem(unigram, "LlamaTokenizer");
        assert!(problem.starts_with("base/tokenizer.json: model.type: `\"Unigram\"` is not supported"), "{problem}");
    }
}
