//! Special and added tokens. `tokenizer.json` has them; `tokenizer_config.json` may name others, or the same ones with other
//! properties; older bases have separate files for them. They are read in the same order as in transformers.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenizers::{AddedToken, Tokenizer};

/// The names that every tokenizer may have, in order. A base may have others that end in `_token`.
const NAMES: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

pub(super) struct SpecialTokens {
    /// The tokens with a name.
    named: Vec<(String, AddedToken)>,
    /// The tokens with an id and no name, by id.
    numbered: BTreeMap<u32, AddedToken>,
    /// The tokens with neither.
    extra: Vec<AddedToken>,
}

impl SpecialTokens {
    /// Reads the tokens; a missing file is null. `defaults` are the names from the tokenizer's class.
    pub(super) fn of(
        config: &Value,
        special_tokens_map: &Value,
        added_tokens: &Value,
        tokenizer: &Value,
        defaults: &[(&str, &str)],
    ) -> Self {
        let decoder = config["added_tokens_decoder"].as_object();
        // The other files are older than this one entry.
        let older = if decoder.is_some() { &Value::Null } else { special_tokens_map };
        let of = |name: &str| older.get(name).or_else(|| config.get(name));
        let extra = of("extra_special_tokens").or_else(|| of("additional_special_tokens")).and_then(Value::as_array);
        let extra: Vec<AddedToken> = extra.into_iter().flatten().filter_map(token).collect();

        let mut named: Vec<(String, AddedToken)> = Vec::new();
        let keys =
            |file: &'_ Value| file.as_object().into_iter().flat_map(|file| file.keys().cloned()).collect::<Vec<_>>();
        let others = [keys(config), keys(older)].concat();
        for name in
            NAMES.map(str::to_owned).into_iter().chain(others.into_iter().filter(|name| name.ends_with("_token")))
        {
            let default = || defaults.iter().find(|(known, _)| *known == name).map(|(_, text)| Value::from(*text));
            let value = of(&name).cloned().or_else(default);
            if let Some(token) =
                value.as_ref().and_then(token).filter(|_| named.iter().all(|(known, _)| *known != name))
            {
                named.push((name, token));
            }
        }

        let numbered: BTreeMap<u32, AddedToken> = match decoder {
            Some(decoder) => {
                decoder.iter().filter_map(|(number, value)| Some((number.parse().ok()?, token(value)?))).collect()
            }
            None => {
                let is_special =
                    |text: &str| named.iter().map(|(_, token)| token).chain(&extra).any(|token| token.content == text);
                let added = added_tokens.as_object().into_iter().flatten();
                let added = added
                    .filter_map(|(text, number)| Some((number_of(number)?, AddedToken::from(text, is_special(text)))));
                let written = tokenizer["added_tokens"].as_array().into_iter().flatten();
                added.chain(written.filter_map(|value| Some((number_of(&value["id"])?, token(value)?)))).collect()
            }
        };
        // The entry with an id has the token's properties.
        for (_, token) in &mut named {
            if let Some(known) = numbered.values().find(|known| known.content == token.content) {
                *token = known.clone();
            }
        }
        Self { named, numbered, extra }
    }

    /// Adds tokens that the tokenizer lacks or has with other properties.
    pub(super) fn add_to(&self, tokenizer: &mut Tokenizer) -> tokenizers::Result<()> {
        let known: Vec<AddedToken> = tokenizer.get_added_tokens_decoder().into_values().collect();
        let mut added: Vec<AddedToken> =
            self.numbered.values().filter(|token| !known.iter().any(|known| is_same(known, token))).cloned().collect();
        for token in self.named.iter().map(|(_, token)| token).chain(&self.extra) {
            if !known.iter().chain(&added).any(|known| known.content == token.content) {
                added.push(token.clone());
            }
        }
        for token in &mut added {
            token.special |= self.named.iter().any(|(_, named)| named.content == token.content);
        }
        tokenizer.add_tokens(added).map(|_| ())
    }

    /// Returns the named tokens as texts.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        self.named.iter().map(|(name, token)| (name.clone(), token.content.clone())).collect()
    }
}

fn number_of(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// Reads a token written as a text, or as an object with its properties.
fn token(value: &Value) -> Option<AddedToken> {
    if let Some(text) = value.as_str() {
        return Some(AddedToken::from(text, true));
    }
    let text = value["content"].as_str()?;
    let is = |property: &str| value[property] == true;
    let special = value["special"].as_bool().unwrap_or(false);
    Some(AddedToken {
        content: text.to_owned(),
        single_word: is("single_word"),
        lstrip: is("lstrip"),
        rstrip: is("rstrip"),
        normalized: value["normalized"].as_bool().unwrap_or(!special),
        special,
    })
}

/// Compares all properties; tokenizers compares the text alone.
fn is_same(left: &AddedToken, right: &AddedToken) -> bool {
    let properties =
        |token: &AddedToken| (token.single_word, token.lstrip, token.rstrip, token.normalized, token.special);
    left.content == right.content && properties(left) == properties(right)
}
