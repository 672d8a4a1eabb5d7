//! Greedy answers.

use std::collections::BTreeMap;

use candle_core::{D, Device, Tensor};

use crate::model::{Cache, Llama};

type Result<T> = candle_core::Result<T>;

/// Prompts of one length that are answered together.
const AT_ONCE: usize = 32;

/// Where an answer ends.
pub(crate) struct Limits<'l> {
    pub(crate) max_new_tokens: usize,
    pub(crate) end_tokens: &'l [u32],
    /// The longest sequence that the model was made for.
    pub(crate) max_positions: usize,
}

/// The most probable next token, again and again: each prompt's answer, in order, without the token that ended it.
///
/// Prompts of the same length go through the model together, so that none needs padding. `progress` is told how many are done.
pub(crate) fn generate<E: From<candle_core::Error>>(
    model: &Llama,
    prompts: &[&[u32]],
    limits: &Limits<'_>,
    mut progress: impl FnMut(usize) -> std::result::Result<(), E>,
) -> std::result::Result<Vec<Vec<u32>>, E> {
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    prompts.iter().enumerate().for_each(|(index, prompt)| by_length.entry(prompt.len()).or_default().push(index));
    let mut answers = vec![Vec::new(); prompts.len()];
    for (length, indices) in by_length {
        for together in indices.chunks(AT_ONCE) {
            let tokens: Vec<u32> = together.iter().flat_map(|index| prompts[*index]).copied().collect();
            let tokens = Tensor::from_vec(tokens, (together.len(), length), &Device::Cpu)?;
            let made = answers_to(model, tokens, limits)?;
            together.iter().zip(made).for_each(|(index, answer)| answers[*index] = answer);
            progress(together.len())?;
        }
    }
    Ok(answers)
}

fn answers_to(model: &Llama, mut tokens: Tensor, limits: &Limits<'_>) -> Result<Vec<Vec<u32>>> {
    let (count, prompt_length) = tokens.dims2()?;
    let room = limits.max_positions.saturating_sub(prompt_length).min(limits.max_new_tokens);
    let (mut answers, mut is_done) = (vec![Vec::new(); count], vec![false; count]);
    let mut cache = Cache::default();
    for _ in 0..room {
        let positions = tokens.dim(1)?;
        let hidden = model.hidden(&tokens, Some(&mut cache))?.reshape((count, positions, ()))?;
        let last = hidden.narrow(1, positions - 1, 1)?.squeeze(1)?.contiguous()?;
        let next = model.logits(&last)?.argmax(D::Minus1)?;
        for ((answer, is_done), token) in answers.iter_mut().zip(&mut is_done).zip(next.to_vec1::<u32>()?) {
            *is_done |= limits.end_tokens.contains(&token);
            if !*is_done {
                answer.push(token);
            }
        }
        if is_done.iter().all(|is_done| *is_done) {
            break;
        }
        tokens = next.unsqueeze(1)?;
    }
    Ok(answers)
}
