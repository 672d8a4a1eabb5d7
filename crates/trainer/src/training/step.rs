//! Computes one step: the loss of its rows, and the gradients.

use candle_core::{Device, Tensor};
use flywheel_training::Objective;

use super::optimiser::{AdamW, Gradients};
use super::scalar;
use crate::data::{PairSequences, Sequence};
use crate::failure::Result;
use crate::log_probability::{log_probabilities, measure};
use crate::model::Llama;
use crate::objective::{Losses, dpo_losses};
use crate::progress::{Observer, Progress};
use crate::workers::Workers;

/// The most pairs, or replay rows, that one thread puts through the model together: few, so that all threads have work.
const ROWS_AT_ONCE: usize = 4;

/// The training rows, in batches that fit into memory.
pub(crate) struct Batches<'r> {
    pub(crate) pairs: &'r [PairSequences],
    pub(crate) replay: &'r [Sequence],
    /// `ln π₀(y_w|x) − ln π₀(y_l|x)` of each pair.
    pub(crate) reference_margins: Vec<f32>,
    pub(crate) objective: Objective,
    /// The most pairs, or replay rows, that may go through the model together.
    pub(crate) rows_a_batch: usize,
    pub(crate) workers: Workers,
}

/// Computes the base's margin of each pair, once, for it does not change.
pub(crate) fn reference_margins(
    base: &Llama,
    pairs: &[PairSequences],
    objective: &Objective,
    workers: Workers,
    observer: &mut Observer<'_>,
) -> Result<Vec<f32>> {
    if objective.dpo == 0.0 {
        return Ok(vec![0.0; pairs.len()]);
    }
    let sequences: Vec<&Sequence> = pairs.iter().flat_map(|pair| [&pair.chosen, &pair.rejected]).collect();
    let (mut done, all) = (0, sequences.len());
    let measured = measure(base, &sequences, workers, |more| {
        done += more;
        observer.tell(&Progress::Measured { done, all }, 0)
    })?;
    Ok(measured.chunks_exact(2).map(|pair| pair[0] - pair[1]).collect())
}

/// The rows of a step that one thread takes at a time.
enum Part<'r> {
    Pairs(&'r [usize]),
    Replay(&'r [usize]),
}

impl Batches<'_> {
    /// Returns the gradients and the loss of a step with these pairs and replay rows.
    pub(crate) fn step(
        &self,
        model: &Llama,
        optimiser: &AdamW,
        pairs: &[usize],
        replay: &[usize],
    ) -> Result<(Gradients, Losses)> {
        let at_once = self.rows_a_batch.min(ROWS_AT_ONCE);
        let parts: Vec<Part<'_>> =
            pairs.chunks(at_once).map(Part::Pairs).chain(replay.chunks(at_once).map(Part::Replay)).collect();
        let chosen_tokens: usize = pairs.iter().map(|pair| self.pairs[*pair].chosen.completion_tokens()).sum();
        let replay_tokens: usize = replay.iter().map(|row| self.replay[*row].completion_tokens()).sum();
        let weights = &self.objective;
        let done = self.workers.map(&parts, |part| match part {
            Part::Pairs(batch) => {
                let (dpo, sft) = self.pair_terms(model, batch)?;
                let (dpo, sft) = ((dpo / pairs.len() as f64)?, (sft / chosen_tokens as f64)?);
                let gradients = Gradients::of(&((&dpo * weights.dpo)? + (&sft * weights.sft)?)?, optimiser)?;
                Ok((gradients, Losses { dpo: scalar(&dpo)?, sft: scalar(&sft)?, ..Losses::default() }))
            }
            Part::Replay(batch) => {
                let rows: Vec<&Sequence> = batch.iter().map(|row| &self.replay[*row]).collect();
                let nll = (log_probabilities(model, &rows)?.sum_all()?.neg()? / replay_tokens as f64)?;
                let gradients = Gradients::of(&(&nll * weights.replay)?, optimiser)?;
                Ok((gradients, Losses { replay: scalar(&nll)?, ..Losses::default() }))
            }
        })?;
        let (mut gradients, mut losses) = (Gradients::default(), Losses::default());
        for (of_part, part) in done {
            gradients = gradients.plus(of_part)?;
            losses.dpo += part.dpo;
            losses.sft += part.sft;
            losses.replay += part.replay;
        }
        losses.total = weights.dpo * losses.dpo + weights.sft * losses.sft + weights.replay * losses.replay;
        Ok((gradients, losses))
    }

    /// Returns the number of tokens in such a step's sequences.
    pub(crate) fn tokens(&self, pairs: &[usize], replay: &[usize]) -> usize {
        let of_pair = |pair: &PairSequences| {
            let rejected = if self.objective.dpo == 0.0 { 0 } else { pair.rejected.tokens.len() };
            pair.chosen.tokens.len() + rejected
        };
        let of_pairs: usize = pairs.iter().map(|pair| of_pair(&self.pairs[*pair])).sum();
        of_pairs + replay.iter().map(|row| self.replay[*row].tokens.len()).sum::<usize>()
    }

    /// Returns sums over a batch of pairs: of the DPO losses, and of the chosen answers' negative log-likelihoods.
    fn pair_terms(&self, model: &Llama, batch: &[usize]) -> Result<(Tensor, Tensor)> {
        let chosen = batch.iter().map(|pair| &self.pairs[*pair].chosen);
        if self.objective.dpo == 0.0 {
            let nll = log_probabilities(model, &chosen.collect::<Vec<_>>())?.sum_all()?.neg()?;
            return Ok((nll.zeros_like()?, nll));
        }
        let both: Vec<&Sequence> = chosen.chain(batch.iter().map(|pair| &self.pairs[*pair].rejected)).collect();
        let measured = log_probabilities(model, &both)?;
        let (chosen, rejected) = (measured.narrow(0, 0, batch.len())?, measured.narrow(0, batch.len(), batch.len())?);
        let margins: Vec<f32> = batch.iter().map(|pair| self.reference_margins[*pair]).collect();
        let margins = Tensor::from_vec(margins, batch.len(), &Device::Cpu)?;
        let dpo = dpo_losses(&chosen, &rejected, &margins, self.objective.beta)?.sum_all()?;
        Ok((dpo, chosen.sum_all()?.neg()?))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::adapter::TrainableAdapter;
    use crate::testing;

    struct Trial {
        adapter: TrainableAdapter,
        model: Llama,
        pairs: Vec<PairSequences>,
        replay: Vec<Sequence>,
        margins: Vec<f32>,
    }

    /// Returns an adapter that has been trained for a while.
    fn trial() -> Trial {
        let adapter = TrainableAdapter::new(&testing::config(), 2, 4.0, 1).unwrap();
        for (number, (_, parameter)) in adapter.parameters().iter().enumerate() {
            let values = Tensor::from_vec(
                (0..parameter.elem_count()).map(|index| 0.3 * ((number * 31 + index) as f32).sin()).collect::<Vec<_>>(),
                parameter.dims(),
                &Device::Cpu,
            );
            parameter.set(&values.unwrap()).unwrap();
        }
        let model = testing::model(&adapter.projections());
        let pairs = testing::pairs(6);
        let margins = reference_margins(
            &testing::model(&Default::default()),
            &pairs,
            &Objective::default(),
            workers(1),
            &mut Observer::new(&mut |_| ControlFlow::Continue(())),
        )
        .unwrap();
        let replay = (0..5).map(|seed| testing::sequence(seed + 50, 4, 3)).collect();
        Trial { adapter, model, pairs, replay, margins }
    }

    fn workers(count: usize) -> Workers {
        Workers::new(std::num::NonZeroUsize::new(count))
    }

    impl Trial {
        fn batches(&self, objective: Objective, rows_a_batch: usize, threads: usize) -> Batches<'_> {
            Batches {
                pairs: &self.pairs,
                replay: &self.replay,
                reference_margins: self.margins.clone(),
                objective,
                rows_a_batch,
                workers: workers(threads),
            }
        }

        fn step(&self, objective: Objective, rows_a_batch: usize, threads: usize) -> (Gradients, Losses) {
            let batches = self.batches(objective, rows_a_batch, threads);
            let optimiser = AdamW::new(self.adapter.parameters(), 0.0).unwrap();
            batches.step(&self.model, &optimiser, &[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4]).unwrap()
        }
    }

    const ALL: Objective = Objective { dpo: 1.0, sft: 0.7, replay: 0.5, beta: 0.3 };

    /// Finds operations without a backward pass: each parameter is nudged, and the loss must change as its gradient says.
    #[test]
    fn gradients_are_what_nudging_each_parameter_finds() {
        let trial = trial();
        let (gradients, _) = trial.step(ALL, 4, 1);
        for ((name, parameter), gradient) in trial.adapter.parameters().iter().zip(gradients.tensors()) {
            let gradient = gradient.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let values = parameter.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            for index in [0, values.len() / 2, values.len() - 1] {
                let loss_at = |nudge: f32| {
                    let mut nudged = values.clone();
                    nudged[index] += nudge;
                    parameter.set(&Tensor::from_vec(nudged, parameter.dims(), &Device::Cpu).unwrap()).unwrap();
                    trial.step(ALL, 4, 1).1.total
                };
                let slope = (loss_at(2e-2) - loss_at(-2e-2)) / 4e-2;
                loss_at(0.0);
                let gradient = f64::from(gradient[index]);
                assert!(
                    (slope - gradient).abs() < 2e-3 + 2e-2 * gradient.abs(),
                    "{name} {index}: {slope} and {gradient}"
                );
            }
        }
    }

    #[test]
    fn a_step_does_not_depend_on_how_it_is_cut_and_its_bits_not_on_threads() {
        let trial = trial();
        let numbers = |(gradients, losses): (Gradients, Losses)| {
            let tensors =
                gradients.tensors().map(|gradient| gradient.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap());
            (tensors.collect::<Vec<_>>().concat(), losses)
        };
        let (whole, losses) = numbers(trial.step(ALL, 3, 1));
        for (rows, threads) in [(3, 2), (3, 5)] {
            assert_eq!(numbers(trial.step(ALL, rows, threads)), (whole.clone(), losses));
        }
        let (cut, cut_losses) = numbers(trial.step(ALL, 1, 1));
        assert!((cut_losses.total - losses.total).abs() < 1e-5);
        assert!(whole.iter().zip(&cut).all(|(left, right)| (left - right).abs() < 1e-5));
    }

    #[test]
    fn the_losses_are_those_of_the_log_probabilities() {
        let trial = trial();
        let (_, losses) = trial.step(ALL, 4, 1);
        let logp =
            |sequence: &Sequence| f64::from(measure(&trial.model, &[sequence], workers(1), |_| Ok(())).unwrap()[0]);
        let dpo = trial.pairs.iter().zip(&trial.margins).map(|(pair, margin)| {
            let z = ALL.beta * (logp(&pair.chosen) - logp(&pair.rejected) - f64::from(*margin));
            (1.0 + (-z).exp()).ln()
        });
        assert!((losses.dpo - dpo.sum::<f64>() / 6.0).abs() < 1e-5);
        let sft = trial.pairs.iter().map(|pair| -logp(&pair.chosen)).sum::<f64>() / 24.0;
        let replay = trial.replay.iter().map(|row| -logp(row)).sum::<f64>() / 15.0;
        assert!((losses.sft - sft).abs() < 1e-5 && (losses.replay - replay).abs() < 1e-5);
        assert!((losses.total - (losses.dpo + 0.7 * sft + 0.5 * replay)).abs() < 1e-5);
    }

    #[test]
    fn without_dpo_the_rejected_answers_are_not_even_looked_at() {
        let mut trial = trial();
        let (_, with_dpo) = trial.step(ALL, 4, 1);
        // Prompts of 3 and 4 tokens, chosen answers of 4, rejected answers of 2, 3 and 4; replay rows of 7.
        let all = [0, 1, 2, 3, 4, 5];
        assert_eq!(trial.batches(ALL, 4, 1).tokens(&all, &[0, 4]), 2 * 21 + 24 + 18 + 2 * 7);
        assert_eq!(trial.batches(Objective { dpo: 0.0, ..ALL }, 4, 1).tokens(&all, &[0]), 21 + 24 + 7);
        trial.pairs.iter_mut().for_each(|pair| pair.rejected.tokens.clear());
        let (_, losses) = trial.step(Objective { dpo: 0.0, ..ALL }, 4, 1);
        assert!((losses.sft - with_dpo.sft).abs() < 1e-6 && losses.dpo == 0.0);
    }
}
