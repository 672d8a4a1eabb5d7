//! How probable a model finds answers.

use candle_core::{Device, Tensor};

use crate::data::Sequence;
use crate::model::{Llama, log_softmax};

type Result<T> = candle_core::Result<T>;

/// The most tokens, padding included, that go through a model at once where nothing is learnt. It bounds the memory that this takes.
const TOKENS_AT_ONCE: usize = 2_048;

/// `Σ ln p(token)` over each answer's tokens, in nats, as a vector of f32 with one entry a sequence.
///
/// Sequences are padded at their end, where no position looks. Logits are computed only of the positions that predict an answer's token:
/// of a large vocabulary they take more memory than all else.
pub(crate) fn log_probabilities(model: &Llama, sequences: &[&Sequence]) -> Result<Tensor> {
    let longest = sequences.iter().map(|sequence| sequence.tokens.len() - 1).max().unwrap_or_default();
    let mut tokens = vec![0_u32; sequences.len() * longest];
    let (mut positions, mut targets, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for (row, sequence) in sequences.iter().enumerate() {
        let inputs = &sequence.tokens[..sequence.tokens.len() - 1];
        tokens[row * longest..][..inputs.len()].copy_from_slice(inputs);
        for position in sequence.prompt_tokens - 1..inputs.len() {
            positions.push((row * longest + position) as u32);
            targets.push(sequence.tokens[position + 1]);
            owners.push(row);
        }
    }
    let count = targets.len();
    let tokens = Tensor::from_vec(tokens, (sequences.len(), longest), &Device::Cpu)?;
    let hidden = model.hidden(&tokens, None)?.index_select(&Tensor::from_vec(positions, count, &Device::Cpu)?, 0)?;
    let of_all = log_softmax(&model.logits(&hidden)?)?;
    let of_targets = of_all.gather(&Tensor::from_vec(targets, (count, 1), &Device::Cpu)?, 1)?;
    let mut belongs = vec![0.0_f32; sequences.len() * count];
    owners.into_iter().enumerate().for_each(|(token, row)| belongs[row * count + token] = 1.0);
    Tensor::from_vec(belongs, (sequences.len(), count), &Device::Cpu)?.matmul(&of_targets)?.squeeze(1)
}

/// The same of any number of sequences, where nothing is to be learnt from them.
pub(crate) fn measure(model: &Llama, sequences: &[&Sequence]) -> Result<Vec<f32>> {
    let mut measured = Vec::with_capacity(sequences.len());
    let mut rest = sequences;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(how_many_at_once(rest));
        measured.extend(log_probabilities(model, now)?.to_vec1::<f32>()?);
        rest = later;
    }
    Ok(measured)
}

/// As many of the first sequences as may go together; at least one.
fn how_many_at_once(sequences: &[&Sequence]) -> usize {
    let mut longest = 0;
    let fits = |(count, sequence): (usize, &&Sequence)| {
        longest = longest.max(sequence.tokens.len());
        (count + 1) * longest <= TOKENS_AT_ONCE
    };
    sequences.iter().enumerate().map(fits).take_while(|fits| *fits).count().max(1)
}
