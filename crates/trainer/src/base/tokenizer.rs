//! The tokenizer of the tiny base: byte-level BPE, trained on the world's own texts, with ChatML.

use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerBuilder,
};

use crate::failure::{Result, TrainerError};
use crate::random::Random;
use crate::world::{Lesson, lesson};

const VOCABULARY: usize = 768;
/// The number of lessons in its training texts.
const LESSONS: usize = 4_000;

const PADDING: &str = "<|pad|>";
const BEGINNING: &str = "<|im_start|>";
const END: &str = "<|im_end|>";

/// ChatML, as in many models.
const TEMPLATE: &str = "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}\
                        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Trains the tokenizer and returns `tokenizer.json`.
pub(super) fn train(seed: u64) -> Result<String> {
    let failed = |error: tokenizers::Error| TrainerError::Other(format!("cannot learn a tokenizer: {error}"));
    let mut random = Random::new(seed, "tokenizer", 0);
    let texts = (0..LESSONS).flat_map(|_| {
        let Lesson { prompt, answer } = lesson(&mut random);
        // The texts are in the form of a chat, so that beginnings of lines are learnt as such.
        [format!("user\n{prompt}"), format!("assistant\n{answer}")]
    });
    let mut trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(VOCABULARY)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens([PADDING, BEGINNING, END].map(|token| AddedToken::from(token, true)).to_vec())
        .build();
    let mut tokenizer =
        TokenizerBuilder::<BPE, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>::new()
            .with_model(BPE::default())
            .with_pre_tokenizer(Some(ByteLevel::new(false, true, true).into()))
            .with_decoder(Some(ByteLevel::default().into()))
            .build()
            .map_err(failed)?;
    tokenizer.train(&mut trainer, texts).map_err(failed)?;
    tokenizer.to_string(false).map_err(failed)
}

/// Returns `tokenizer_config.json`.
pub(super) fn configuration() -> Value {
    json!({
        "add_prefix_space": false,
        "chat_template": TEMPLATE,
        "clean_up_tokenization_spaces": false,
        "eos_token": END,
        "model_max_length": super::MAX_LENGTH,
        "pad_token": PADDING,
        "tokenizer_class": "PreTrainedTokenizerFast",
    })
}
