//! Imports a model in one GGUF file, as in llama.cpp, into a folder that can be trained from.
//!
//! | from | to | in |
//! |---|---|---|
//! | the keys of `llama.*` | `config.json` | `configuration` |
//! | quantised tensors | `model.safetensors` | `tensors` |
//! | the keys of `tokenizer.*` | `tokenizer.json`, `tokenizer_config.json` | `vocabulary` |
//!
//! An unknown key that could change the model's computation is refused by its name.

mod configuration;
mod metadata;
mod tensors;
mod vocabulary;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use flywheel_training::Sha256Hex;
use serde_json::Value;

use crate::data::Today;
use crate::failure::{Result, TrainerError};
use crate::files::{self, Hashed};
use crate::model::Config;
use crate::model_folder::{CONFIG, ModelFolder, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS};
use metadata::Metadata;
use vocabulary::Vocabulary;

/// Writes the folder of a GGUF file's model and returns its files' digests. Nothing is written unless the trainer can load all of
/// it.
///
/// # Errors
/// If the file is not a complete GGUF file, or its model is not supported. The error names the key or tensor.
pub(crate) fn import(gguf: &Path, folder: &Path) -> Result<BTreeMap<String, Sha256Hex>> {
    let refuse = |problem: String| TrainerError::unusable(gguf, problem);
    let mut reader = BufReader::new(File::open(gguf).map_err(TrainerError::io(gguf))?);
    let content = Content::read(&mut reader).map_err(|error| refuse(format!("cannot be read as GGUF: {error}")))?;
    let metadata = Metadata(&content.metadata);
    let vocabulary = Vocabulary::of(&metadata).map_err(refuse)?;
    let config_json = configuration::of(&metadata, &vocabulary, &content).map_err(refuse)?;
    let config = Config::parse(&config_json.to_string(), gguf)?;
    let tokenizer_config = vocabulary.configuration(&metadata, config.max_positions).map_err(refuse)?;
    let files = BTreeMap::from([
        (CONFIG.to_owned(), pretty(&config_json)?),
        (WEIGHTS.to_owned(), Hashed::of(tensors::safetensors(&content, &mut reader, &config).map_err(refuse)?)),
        (TOKENIZER.to_owned(), Hashed::of(vocabulary.tokenizer().map_err(refuse)?.into_bytes())),
        (TOKENIZER_CONFIG.to_owned(), pretty(&tokenizer_config)?),
    ]);
    ModelFolder::from_files(&files, Today::default(), folder)?;
    files::create_folder(folder)?;
    for (name, file) in &files {
        files::write(&folder.join(name), &file.bytes)?;
    }
    Ok(files.into_iter().map(|(name, file)| (name, file.sha256)).collect())
}

fn pretty(value: &Value) -> Result<Hashed> {
    serde_json::to_vec_pretty(value).map(Hashed::of).map_err(|error| TrainerError::Other(error.to_string()))
}

#[cfg(test)]
mod tests;
