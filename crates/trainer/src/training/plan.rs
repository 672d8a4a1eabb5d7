use crate::random::order;

/// Selects the rows of each step. The selection depends on the seed and the step's number alone, so a resumed training continues
/// exactly.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) pairs: usize,
    pub(crate) replay: usize,
    pub(crate) rows_a_step: usize,
    pub(crate) epochs: u32,
}

impl Plan {
    fn steps_an_epoch(&self) -> u64 {
        self.pairs.div_ceil(self.rows_a_step) as u64
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps_an_epoch() * u64::from(self.epochs)
    }

    /// Returns the pairs of a step, counted from 1. Each epoch has every pair once, in an order of its own.
    pub(crate) fn pairs_of(&self, step: u64) -> Vec<usize> {
        let (epoch, in_epoch) = ((step - 1) / self.steps_an_epoch(), (step - 1) % self.steps_an_epoch());
        let first = in_epoch as usize * self.rows_a_step;
        let order = order(self.seed, "pairs", epoch, self.pairs);
        order[first..(first + self.rows_a_step).min(self.pairs)].to_vec()
    }

    /// Returns the replay rows of a step: as many as pairs, in turn, in a new order each time round.
    pub(crate) fn replay_of(&self, step: u64) -> Vec<usize> {
        let wanted = self.rows_a_step.min(self.replay);
        let first = (step - 1) * wanted as u64;
        let mut rows = Vec::with_capacity(wanted);
        while rows.len() < wanted {
            let at = first + rows.len() as u64;
            let (round, in_round) = (at / self.replay as u64, (at % self.replay as u64) as usize);
            let order = order(self.seed, "replay", round, self.replay);
            rows.extend(order[in_round..].iter().take(wanted - rows.len()));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { seed: 3, pairs: 10, replay: 6, rows_a_step: 4, epochs: 2 };

    #[test]
    fn every_epoch_has_every_pair_once() {
        assert_eq!(PLAN.steps(), 6);
        let epoch =
            |steps: std::ops::RangeInclusive<u64>| steps.flat_map(|step| PLAN.pairs_of(step)).collect::<Vec<_>>();
        let (first, second) = (epoch(1..=3), epoch(4..=6));
        assert_ne!(first, second);
        for mut epoch in [first, second] {
            epoch.sort_unstable();
            assert!(epoch.into_iter().eq(0..10));
        }
    }

    #[test]
    fn replay_goes_round_and_round() {
        let mut counts = [0; 6];
        (1..=6).flat_map(|step| PLAN.replay_of(step)).for_each(|row| counts[row] += 1);
        assert_eq!(counts, [4; 6]);
        assert!(Plan { replay: 0, ..PLAN }.replay_of(1).is_empty());
        assert_eq!(Plan { replay: 3, ..PLAN }.replay_of(2).len(), 3);
    }
}
