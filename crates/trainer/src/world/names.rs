use crate::random::Random;

const FIRST: [&str; 27] = [
    "amber", "ash", "birch", "bright", "cedar", "clear", "cold", "copper", "coral", "deep", "dusk", "early", "east",
    "fern", "grey", "iron", "ivory", "jade", "late", "maple", "north", "pine", "quiet", "river", "silver", "slate",
    "west",
];
const SECOND: [&str; 19] = [
    "bay", "box", "crate", "deck", "dock", "door", "floor", "gate", "hall", "lane", "line", "lot", "rack", "ramp",
    "row", "shed", "stack", "tray", "yard",
];

/// The number of names: 513. Neither 2 nor 5 divides it, so that all tasks reach every name in turn.
pub(super) const NAMES: usize = FIRST.len() * SECOND.len();

/// The name of an object in the warehouse, in two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(usize);

impl Name {
    /// Returns the `number`th name in a separate order for each purpose; after the last one the first comes again.
    pub(super) fn of(seed: u64, purpose: &str, number: usize) -> Self {
        let mut random = Random::new(seed, purpose, 0);
        // The stride is coprime to 3 and 19, the prime factors of the number of names, so its multiples reach every name.
        let stride = 57 * random.below(NAMES / 57) + 1;
        Self((random.below(NAMES) + stride * (number % NAMES)) % NAMES)
    }

    /// Returns the name as an identifier: `amber_lot`.
    pub(super) fn identifier(self) -> String {
        format!("{}_{}", FIRST[self.0 / SECOND.len()], SECOND[self.0 % SECOND.len()])
    }

    /// Returns the name in words: `amber lot`.
    pub(super) fn spoken(self) -> String {
        format!("{} {}", FIRST[self.0 / SECOND.len()], SECOND[self.0 % SECOND.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_every_name_once() {
        for seed in 0..20 {
            let mut names: Vec<usize> = (0..NAMES).map(|number| Name::of(seed, "test", number).0).collect();
            assert_eq!(Name::of(seed, "test", NAMES + 5).0, names[5]);
            names.sort_unstable();
            assert!(names.into_iter().eq(0..NAMES));
        }
    }
}
