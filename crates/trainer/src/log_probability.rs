//! Computes the log-probabilities of answers.

use candle_core::{Device, Tensor};

use crate::data::Sequence;
use crate::failure::Result;
use crate::model::{Llama, log_softmax};
use crate::workers::Workers;

/// The most tokens, padding included, that go through a model at once without training. It bounds the memory of each thread.
const TOKENS_AT_ONCE: usize = 1_024;

/// Returns `Σ ln p(token)` over each answer's tokens, in nats, as a vector of f32 with one entry a sequence.
///
/// Sequences are padded at their end, to which no position attends. Logits are computed only for the positions that predict an
/// answer's token: with a large vocabulary they take more memory than all else.
pub(crate) fn log_probabilities(model: &Llama, sequences: &[&Sequence]) -> candle_core::Result<Tensor> {
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

/// Returns the same for any number of sequences, without gradients. `progress` receives the number of newly done sequences.
pub(crate) fn measure(
    model: &Llama,
    sequences: &[&Sequence],
    workers: Workers,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<f32>> {
    let (mut parts, mut rest) = (Vec::new(), sequences);
    while !rest.is_empty() {
        let (part, later) = rest.split_at(how_many_at_once(rest));
        parts.push(part);
        rest = later;
    }
    let mut measured = Vec::with_capacity(sequences.len());
    for parts in parts.chunks(workers.count()) {
        let of_parts = workers.map(parts, |part| Ok(log_probabilities(model, part)?.to_vec1::<f32>()?))?;
        measured.extend(of_parts.into_iter().flatten());
        progress(parts.iter().map(|part| part.len()).sum())?;
    }
    Ok(measured)
}

/// Returns the number of first sequences that may go together; at least one.
fn how_many_at_once(sequences: &[&Sequence]) -> usize {
    let mut longest = 0;
    let fits = |(count, sequence): (usize, &&Sequence)| {
        longest = longest.max(sequence.tokens.len());
        (count + 1) * longest <= TOKENS_AT_ONCE
    };
    sequences.iter().enumerate().map(fits).take_while(|fits| *fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn they_are_the_sums_over_the_answers_tokens_one_by_one() {
        let model = testing::model(&Default::default());
        let sequences = [testing::sequence(1, 3, 4), testing::sequence(2, 1, 1), testing::sequence(3, 6, 2)];
        let together = measure(&model, &sequences.iter().collect::<Vec<_>>(), Workers::new(None), |_| Ok(())).unwrap();
        for (sequence, together) in sequences.iter().zip(together) {
            let tokens = Tensor::new(sequence.tokens.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
            let logits = model.logits(&model.hidden(&tokens, None).unwrap()).unwrap().to_vec2::<f32>().unwrap();
            let expected: f64 = (sequence.prompt_tokens..sequence.tokens.len())
                .map(|position| {
                    let logits: Vec<f64> = logits[position - 1].iter().map(|logit| f64::from(*logit)).collect();
                    logits[sequence.tokens[position] as usize]
                        - logits.iter().map(|logit| logit.exp()).sum::<f64>().ln()
                })
                .sum();
            assert!((f64::from(together) - expected).abs() < 1e-4, "{together} and {expected}");
        }
    }

    #[test]
    fn a_sequence_longer_than_the_bound_goes_alone() {
        let (long, short) = (testing::sequence(1, 10, TOKENS_AT_ONCE), testing::sequence(2, 2, 2));
        assert_eq!(how_many_at_once(&[&long, &short]), 1);
        assert_eq!(how_many_at_once(&[&short; 1_000]), TOKENS_AT_ONCE / 4);
    }
}
