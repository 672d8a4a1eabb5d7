use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::recipe::Recipe;
use super::sha256::Sha256Hex;
use super::unusable::{Unusable, parse};

/// The key of the object that names the base to train from. An operator puts it there.
pub const BASE_KEY: &str = "models/base.json";

/// A base model: a folder in the layout of Hugging Face.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFiles {
    /// Its name, for people.
    pub id: String,
    /// Its folder in the lake's bucket, with `/` at its end.
    pub prefix: String,
    /// The hashes of its files, by name: the weights, the configuration, the tokenizer with its chat template.
    pub files: BTreeMap<String, Sha256Hex>,
}

/// The base to train from, and its recipe.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BaseModel {
    /// The model.
    #[serde(flatten)]
    pub model: ModelFiles,
    /// The base's changes to the default recipe.
    #[serde(default)]
    pub recipe: Recipe,
}

impl BaseModel {
    /// Reads `models/base.json`.
    ///
    /// # Errors
    /// If it is invalid.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let base: Self = parse(BASE_KEY, text)?;
        base.model.check(BASE_KEY)?;
        base.recipe.check(BASE_KEY)?;
        Ok(base)
    }
}

impl ModelFiles {
    pub(super) fn check(&self, file: &str) -> Result<(), Unusable> {
        let wrong = |problem: &str| Err(Unusable::new(file, problem));
        if self.id.is_empty() {
            return wrong("id: may not be empty");
        }
        if !is_folder(&self.prefix) {
            return wrong("prefix: expected a folder of the bucket, such as models/base/tiny/");
        }
        if self.files.is_empty() || !self.files.keys().all(|name| is_file_name(name)) {
            return wrong("files: expected the hash of each file by its name, without folders");
        }
        Ok(())
    }
}

/// Returns `true` if the key is a prefix up to and with a `/`, and has no part that a file system would take for another folder.
pub(super) fn is_folder(prefix: &str) -> bool {
    prefix.strip_suffix('/').is_some_and(|folders| folders.split('/').all(is_file_name))
}

pub(super) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(prefix: &str, file: &str, rest: &str) -> Result<BaseModel, Unusable> {
        let hash = Sha256Hex::of(b"");
        BaseModel::parse(&format!(r#"{{"id":"tiny","prefix":"{prefix}","files":{{"{file}":"{hash}"}}{rest}}}"#))
    }

    #[test]
    fn a_base_brings_what_it_needs_otherwise() {
        let plain = base("models/tiny/", "model.safetensors", r#","added_later":1"#).unwrap();
        assert_eq!((plain.model.id.as_str(), plain.recipe), ("tiny", Recipe::default()));
        let own = base("models/tiny/", "m", r#","recipe":{"training":{"learning_rate":0.001},"seed":7}"#).unwrap();
        assert_eq!((own.recipe.training.learning_rate, own.recipe.training.epochs, own.recipe.seed), (0.001, 2, 7));
    }

    #[test]
    fn what_is_no_base_is_refused_by_name() {
        for (prefix, file, rest, part) in [
            ("models/tiny", "m", "", "prefix"),
            ("/models/", "m", "", "prefix"),
            ("models/../", "m", "", "prefix"),
            ("models/tiny/", "a/m", "", "files"),
            ("models/tiny/", "m", r#","recipe":{"lora":{"rank":0}}"#, "lora.rank"),
            ("models/tiny/", "m", r#","recipe":{"rank":8}"#, "unknown"),
        ] {
            let error = base(prefix, file, rest).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(BaseModel::parse(r#"{"id":"tiny","prefix":"a/","files":{}}"#).is_err());
    }
}
