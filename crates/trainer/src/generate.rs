//! Generates greedy answers.

use std::collections::BTreeMap;

use candle_core::{D, Device, Tensor};

use crate::failure::Result;
use crate::model::{Cache, Llama};
use crate::workers::Workers;

/// The most prompts of one length that are answered together.
const AT_ONCE: usize = 16;

/// The limits of an answer.
pub(crate) struct Limits<'l> {
    pub(crate) max_new_tokens: usize,
    pub(crate) end_tokens: &'l [u32],
    /// The longest sequence that the model was made for.
    pub(crate) max_positions: usize,
}

/// Generates each prompt's answer by taking the most probable token each time, in the prompts' order and without the end token.
///
/// Prompts of the same length go through the model together, so none needs padding. `progress` receives the number of newly done
/// prompts.
pub(crate) fn generate(
    model: &Llama,
    prompts: &[&[u32]],
    limits: &Limits<'_>,
    workers: Workers,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<Vec<u32>>> {
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    prompts.iter().enumerate().for_each(|(index, prompt)| by_length.entry(prompt.len()).or_default().push(index));
    let parts: Vec<&[usize]> = by_length.values().flat_map(|indices| indices.chunks(AT_ONCE)).collect();
    let mut answers = vec![Vec::new(); prompts.len()];
    for parts in parts.chunks(workers.count()) {
        let made = workers.map(parts, |indices| {
            let prompts: Vec<&[u32]> = indices.iter().map(|index| prompts[*index]).collect();
            Ok(answers_to(model, &prompts, limits)?)
        })?;
        parts
            .iter()
            .copied()
            .flatten()
            .zip(made.into_iter().flatten())
            .for_each(|(index, answer)| answers[*index] = answer);
        progress(parts.iter().map(|indices| indices.len()).sum())?;
    }
    Ok(answers)
}

/// Answers prompts of one length.
fn answers_to(model: &Llama, prompts: &[&[u32]], limits: &Limits<'_>) -> candle_core::Result<Vec<Vec<u32>>> {
    let (count, prompt_length) = (prompts.len(), prompts.first().map_or(0, |prompt| prompt.len()));
    let mut tokens = Tensor::from_vec(prompts.concat(), (count, prompt_length), &Device::Cpu)?;
    let room = limits.max_positions.saturating_sub(prompt_length).min(limits.max_new_tokens);
    let (mut answers, mut is_done) = (vec![Vec::new(); count], vec![false; count]);
    let mut cache = Cache::default();
    for _ in 0..room {
        let positions = tokens.dim(1)?;
        let hidden = model.hidden(&tokens, Some(&mut cache))?.reshape((count, positions, ()))?;
        let last = hidden.narrow(1, positions - 1, 1)?.squeeze(1)?.contiguous()?;
        let logits = model.logits(&last)?;
        // Of scores that are no numbers any token is the most probable. It may be one that ends the answer.
        if !logits.sum_all()?.to_scalar::<f32>()?.is_finite() {
            candle_core::bail!("the model's scores of the next token are infinite or no numbers");
        }
        let next = logits.argmax(D::Minus1)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn answers(prompts: &[&[u32]], limits: &Limits<'_>, threads: usize) -> Vec<Vec<u32>> {
        let model = testing::model(&BTreeMap::new());
        let workers = Workers::new(std::num::NonZeroUsize::new(threads));
        generate(&model, prompts, limits, workers, |_| Ok(())).unwrap()
    }

    /// Generates with the whole sequence through the model for every token.
    fn without_cache(prompt: &[u32], count: usize) -> Vec<u32> {
        let model = testing::model(&BTreeMap::new());
        let mut tokens = prompt.to_vec();
        for _ in 0..count {
            let input = Tensor::new(tokens.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
            let logits = model.logits(&model.hidden(&input, None).unwrap()).unwrap().to_vec2::<f32>().unwrap();
            let last = logits.last().unwrap();
            let best = (0..last.len()).max_by(|left, right| last[*left].total_cmp(&last[*right])).unwrap();
            tokens.push(best as u32);
        }
        tokens.split_off(prompt.len())
    }

    #[test]
    fn the_cache_and_the_company_change_nothing() {
        let prompts: [&[u32]; 5] = [&[1, 2, 3], &[4], &[5, 6, 7], &[7, 7, 1], &[9, 0]];
        let limits = Limits { max_new_tokens: 12, end_tokens: &[], max_positions: 64 };
        let expected: Vec<_> = prompts.iter().map(|prompt| without_cache(prompt, 12)).collect();
        assert_eq!(answers(&prompts, &limits, 1), expected);
        assert_eq!(answers(&prompts, &limits, 3), expected);
    }

    #[test]
    fn an_answer_ends_where_it_ends() {
        let free = without_cache(&[1, 2, 3], 12);
        let end = free[4];
        let expected: Vec<u32> = free.iter().copied().take_while(|token| *token != end).collect();
        let limits = Limits { max_new_tokens: 12, end_tokens: &[end], max_positions: 64 };
        assert_eq!(answers(&[&[1, 2, 3]], &limits, 1), [expected]);
        let no_room = Limits { max_new_tokens: 12, end_tokens: &[], max_positions: 5 };
        assert_eq!(answers(&[&[1, 2, 3]], &no_room, 1), [&free[..2]]);
        let none = Limits { max_positions: 2, ..no_room };
        assert_eq!(answers(&[&[1, 2, 3]], &none, 1), [[0_u32; 0]]);
    }
}
