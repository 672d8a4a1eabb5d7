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

/// How many names there are: 513, which neither 2 nor 5 divides, so that as many tasks as there are get to every name in turn.
pub(super) const NAMES: usize = FIRST.len() * SECOND.len();

/// The name of something in the warehouse, in its two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(usize);

impl Name {
    /// The `number`th name in an order of its own for each purpose; after the last comes the first again.
    pub(super) fn of(seed: u64, purpose: &str, number: usize) -> Self {
        let mut random = Random::new(seed, purpose, 0);
        // Neither 3 nor 19 divides it, and nothing else divides the number of names: multiples of it come to every name.
        let stride = 57 * random.below(NAMES / 57) + 1;
        Self((random.below(NAMES) + stride * (number % NAMES)) % NAMES)
    }

    /// As an identifier: `amber_lot`.
    pub(super) fn identifier(self) -> String {
        format!("{}_{}", FIRST[self.0 / SECOND.len()], SECOND[self.0 % SECOND.len()])
    }

    /// As one says it: `amber lot`.
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
