use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{AddedToken, Tokenizer};

use super::metadata::Metadata;

// Kinds of tokens, by llama.cpp's numbers.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// The rule that cuts a text into pieces. Tokens are merged within a piece.
#[derive(Clone, Copy)]
enum PreTokenizer {
    /// The pattern of GPT-2.
    Gpt2,
    /// The pattern of GPT-2, after each digit is cut off.
    Smollm,
}

/// A byte-level BPE vocabulary. `Err` names the key that is invalid or not supported.
pub(super) struct Vocabulary<'f> {
    tokens: Vec<&'f str>,
    kinds: Vec<i32>,
    merges: Vec<(String, String)>,
    pre_tokenizer: PreTokenizer,
    /// The token that ends an answer.
    pub(super) end: u32,
    pub(super) beginning: Option<u32>,
    padding: Option<u32>,
}

impl<'f> Vocabulary<'f> {
    pub(super) fn of(metadata: &Metadata<'f>) -> Result<Self, String> {
        let model = metadata.needed("tokenizer.ggml.model", Metadata::text)?;
        if model != "gpt2" {
            return Err(format!("tokenizer.ggml.model: `{model}` is not supported, `gpt2` is"));
        }
        let pre_tokenizer = match metadata.needed("tokenizer.ggml.pre", Metadata::text)? {
            "gpt-2" => PreTokenizer::Gpt2,
            "smollm" => PreTokenizer::Smollm,
            other => {
                return Err(format!("tokenizer.ggml.pre: `{other}` is not supported, `gpt-2` and `smollm` are"));
            }
        };
        if metadata.flag("tokenizer.ggml.add_space_prefix")? {
            return Err("tokenizer.ggml.add_space_prefix: is not supported".to_owned());
        }
        let tokens = metadata.needed("tokenizer.ggml.tokens", Metadata::texts)?;
        let is_token = |id: &u32| (*id as usize) < tokens.len();
        let id = |key: &str| {
            let Some(id) = metadata.size(key)? else { return Ok(None) };
            let id = u32::try_from(id).ok().filter(is_token).ok_or_else(|| format!("{key}: there is no token {id}"))?;
            Ok::<_, String>(Some(id))
        };
        let end = id("tokenizer.ggml.eos_token_id")?.ok_or("tokenizer.ggml.eos_token_id: is needed")?;
        if id("tokenizer.ggml.eot_token_id")?.is_some_and(|turn| turn != end) {
            return Err("tokenizer.ggml.eot_token_id: has to be tokenizer.ggml.eos_token_id".to_owned());
        }
        let (beginning, padding) = (id("tokenizer.ggml.bos_token_id")?, id("tokenizer.ggml.padding_token_id")?);
        let (kinds, merges) = (kinds(metadata, &tokens)?, merges(metadata, &tokens)?);
        Ok(Self { tokens, kinds, merges, pre_tokenizer, end, beginning, padding })
    }

    pub(super) fn size(&self) -> usize {
        self.tokens.len()
    }

    /// Returns `tokenizer.json`.
    pub(super) fn tokenizer(&self) -> Result<String, String> {
        let failed = |error: tokenizers::Error| format!("tokenizer.ggml.tokens: {error}");
        let vocabulary: Vocab = self.tokens.iter().map(|token| (*token).to_owned()).zip(0..).collect();
        let bpe = BPE::builder().vocab_and_merges(vocabulary, self.merges.clone()).build().map_err(failed)?;
        // No space before the first word, and the pattern of GPT-2.
        let bytes = ByteLevel::new(false, true, true);
        let pre_tokenizer: PreTokenizerWrapper = match self.pre_tokenizer {
            PreTokenizer::Gpt2 => bytes.into(),
            PreTokenizer::Smollm => Sequence::new(vec![Digits::new(true).into(), bytes.into()]).into(),
        };
        let mut tokenizer = Tokenizer::new(bpe);
        tokenizer.with_pre_tokenizer(Some(pre_tokenizer)).with_decoder(Some(ByteLevel::default()));
        let of_kind = |kind: i32| {
            let tokens = self.tokens.iter().zip(&self.kinds).filter(move |(_, found)| **found == kind);
            tokens.map(move |(token, _)| AddedToken::from(*token, kind == CONTROL).normalized(false))
        };
        tokenizer.add_special_tokens(of_kind(CONTROL)).map_err(failed)?;
        tokenizer.add_tokens(of_kind(USER_DEFINED)).map_err(failed)?;
        tokenizer.to_string(false).map_err(failed)
    }

    /// Returns `tokenizer_config.json`.
    pub(super) fn configuration(&self, metadata: &Metadata<'_>, max_length: usize) -> Result<Value, String> {
        let text = |id: u32| self.tokens.get(id as usize);
        Ok(json!({
            "add_prefix_space": false,
            "bos_token": self.beginning.and_then(text),
            "chat_template": metadata.needed("tokenizer.chat_template", Metadata::text)?,
            "clean_up_tokenization_spaces": false,
            "eos_token": text(self.end),
            "model_max_length": max_length,
            "pad_token": self.padding.and_then(text),
            "tokenizer_class": "PreTrainedTokenizerFast",
        }))
    }
}

fn kinds(metadata: &Metadata<'_>, tokens: &[&str]) -> Result<Vec<i32>, String> {
    let key = "tokenizer.ggml.token_type";
    let kinds = metadata.needed(key, Metadata::numbers)?;
    if kinds.len() != tokens.len() {
        return Err(format!("{key}: has {} entries, and there are {} tokens", kinds.len(), tokens.len()));
    }
    let known = [NORMAL, CONTROL, USER_DEFINED, UNUSED];
    match kinds.iter().find(|kind| !known.contains(kind)) {
        Some(kind) => Err(format!("{key}: {kind} is not supported")),
        None => Ok(kinds),
    }
}

/// Returns the merges. Each must make a token: `tokenizers` crashes on others.
fn merges(metadata: &Metadata<'_>, tokens: &[&str]) -> Result<Vec<(String, String)>, String> {
    let known: BTreeSet<&str> = tokens.iter().copied().collect();
    if known.len() != tokens.len() {
        return Err("tokenizer.ggml.tokens: has a token twice".to_owned());
    }
    let key = "tokenizer.ggml.merges";
    let merge = |(index, merge): (usize, &str)| {
        let (left, right) = merge.split_once(' ').ok_or_else(|| format!("{key}: entry {index} is no pair"))?;
        if [left, right, &format!("{left}{right}")].iter().all(|token| known.contains(token)) {
            return Ok((left.to_owned(), right.to_owned()));
        }
        Err(format!("{key}: entry {index} is not of tokens"))
    };
    metadata.needed(key, Metadata::texts)?.into_iter().enumerate().map(merge).collect()
}
