//! A model's folder in the layout of Hugging Face.

use std::collections::BTreeMap;
use std::path::Path;

use flywheel_training::Sha256Hex;

use crate::adapter::Adapter;
use crate::data::{ChatTokenizer, Today, TokenizerFiles};
use crate::failure::{Result, TrainerError};
use crate::files::{self, Hashed};
use crate::model::{Config, Llama, Weights};

pub(crate) const CONFIG: &str = "config.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";
pub(crate) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// The chat template in newer folders.
const CHAT_TEMPLATE: &str = "chat_template.jinja";
/// The special tokens in older folders.
const SPECIAL_TOKENS_MAP: &str = "special_tokens_map.json";
const ADDED_TOKENS: &str = "added_tokens.json";

/// A base model, loaded.
pub(crate) struct ModelFolder {
    pub(crate) config: Config,
    pub(crate) weights: Weights,
    pub(crate) tokenizer: ChatTokenizer,
    /// The digests of its files as they were read.
    pub(crate) files: BTreeMap<String, Sha256Hex>,
}

impl ModelFolder {
    /// Loads a folder without a digest check. `today` is the date for its chat template.
    pub(crate) fn load(folder: &Path, today: Today) -> Result<Self> {
        let mut names = vec![CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG];
        names.extend(
            [CHAT_TEMPLATE, SPECIAL_TOKENS_MAP, ADDED_TOKENS].iter().filter(|name| folder.join(name).is_file()),
        );
        let files = names
            .into_iter()
            .map(|name| Ok((name.to_owned(), files::read(&folder.join(name))?)))
            .collect::<Result<_>>()?;
        Self::from_files(&files, today, folder)
    }

    /// Loads a folder and checks its files against their expected digests. Other files in it are ignored.
    pub(crate) fn load_verified(folder: &Path, expected: &BTreeMap<String, Sha256Hex>, today: Today) -> Result<Self> {
        if let Some(name) =
            [CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG].into_iter().find(|name| !expected.contains_key(*name))
        {
            return Err(TrainerError::Other(format!("run.json: base.files: {name} is missing")));
        }
        let read = |(name, sha256): (&String, &Sha256Hex)| {
            let path = folder.join(name);
            let content = files::read(&path)?;
            content.verify(sha256, &path)?;
            Ok((name.clone(), content))
        };
        Self::from_files(&expected.iter().map(read).collect::<Result<_>>()?, today, folder)
    }

    /// Loads a model from a folder's files by name.
    pub(crate) fn from_files(files: &BTreeMap<String, Hashed>, today: Today, folder: &Path) -> Result<Self> {
        let text = |name: &str| files.get(name).map_or(Ok(None), |file| file.text(&folder.join(name)).map(Some));
        let bytes = |name: &str| files.get(name).map_or(&[][..], |file| &file.bytes);
        let config = Config::parse(text(CONFIG)?.unwrap_or_default(), &folder.join(CONFIG))?;
        let weights = Weights::read(bytes(WEIGHTS), &config);
        let weights = weights.map_err(|problem| TrainerError::unusable(&folder.join(WEIGHTS), problem))?;
        let tokenizer = TokenizerFiles {
            tokenizer: text(TOKENIZER)?.unwrap_or_default(),
            config: text(TOKENIZER_CONFIG)?.unwrap_or_default(),
            special_tokens_map: text(SPECIAL_TOKENS_MAP)?,
            added_tokens: text(ADDED_TOKENS)?,
            chat_template: text(CHAT_TEMPLATE)?,
            model_type: &config.model_type,
            tokenizer_class: config.tokenizer_class.as_deref(),
        };
        let tokenizer = ChatTokenizer::new(&tokenizer, today, folder)?;
        if tokenizer.largest_token() as usize >= config.vocabulary {
            let problem = format!(
                "has a token {}, and config.json's vocab_size is {}",
                tokenizer.largest_token(),
                config.vocabulary
            );
            return Err(TrainerError::unusable(&folder.join(TOKENIZER), problem));
        }
        let files = files.iter().map(|(name, file)| (name.clone(), file.sha256.clone())).collect();
        Ok(Self { config, weights, tokenizer, files })
    }

    /// Returns the model with an adapter, or the bare base.
    pub(crate) fn model(&self, adapter: Option<&Adapter>) -> Result<Llama> {
        let projections = adapter.map(Adapter::projections).unwrap_or_default();
        Ok(Llama::new(&self.config, &self.weights, &projections)?)
    }

    /// Returns the tokens that end an answer.
    pub(crate) fn end_tokens(&self) -> Vec<u32> {
        let mut tokens = self.config.end_tokens.clone();
        tokens.push(self.tokenizer.end_token());
        tokens
    }
}
