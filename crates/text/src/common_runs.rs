//! Common runs of two sequences: the items that stand in both, in the same order.
//!
//! Equal ends are common first. Between them the search looks for pairs of neighbouring items that stand in both
//! sequences. It chains them into the longest sequence that is in order in both (J. W. Hunt and T. G. Szymanski, 1977).
//! Then the runs grow into the gaps between them. A pair with many places in the right sequence does not say where it
//! belongs, and is skipped. That bounds the time to `n log n`, and can only miss something.

/// A run of items in both sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Its start in the left sequence.
    pub(crate) left: usize,
    /// Its start in the right one.
    pub(crate) right: usize,
    /// Its number of items; 1 or more.
    pub length: usize,
}

/// The number of items that must be neighbours in both sequences. Single items are common by chance.
const PAIR: usize = 2;

/// The maximum number of places of a pair in the right sequence.
const MOST_PLACES: usize = 4;

/// Returns the common runs, in order and without overlaps in both sequences.
pub fn common_runs(left: &[u64], right: &[u64]) -> Vec<Run> {
    let prefix = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let (left_rest, right_rest) = (&left[prefix..], &right[prefix..]);
    let ends = left_rest.iter().rev().zip(right_rest.iter().rev());
    let suffix = ends.take_while(|(left, right)| left == right).count();
    let mut runs = Runs(Vec::new());
    runs.add(Run { left: 0, right: 0, length: prefix });
    let middles = (&left_rest[..left_rest.len() - suffix], &right_rest[..right_rest.len() - suffix]);
    for (left, right) in longest_chain(middles.0, middles.1) {
        runs.add(Run { left: prefix + left, right: prefix + right, length: PAIR });
    }
    runs.add(Run { left: left.len() - suffix, right: right.len() - suffix, length: suffix });
    runs.grow(left, right);
    runs.0
}

struct Runs(Vec<Run>);

impl Runs {
    /// Adds a run that begins behind the last one's beginning. An overlap with the last one is cut off.
    fn add(&mut self, run: Run) {
        let mut cut = 0;
        if let Some(last) = self.0.last_mut() {
            let is_continued = run.left + last.right == run.right + last.left && run.left <= last.left + last.length;
            if is_continued {
                last.length = last.length.max(run.left + run.length - last.left);
                return;
            }
            let overlap = |last_start: usize, start: usize| (last_start + last.length).saturating_sub(start);
            cut = overlap(last.left, run.left).max(overlap(last.right, run.right));
        }
        if cut < run.length {
            self.0.push(Run { left: run.left + cut, right: run.right + cut, length: run.length - cut });
        }
    }

    /// Extends each run forwards, and then backwards, as far as items are equal and belong to no other run.
    fn grow(&mut self, left: &[u64], right: &[u64]) {
        for index in 0..self.0.len() {
            let next = self.0.get(index + 1).map_or((left.len(), right.len()), |next| (next.left, next.right));
            let run = &mut self.0[index];
            let between = left[run.left + run.length..next.0].iter().zip(&right[run.right + run.length..next.1]);
            run.length += between.take_while(|(left, right)| left == right).count();
        }
        for index in 0..self.0.len() {
            let before = index.checked_sub(1).map_or((0, 0), |index| {
                let before = self.0[index];
                (before.left + before.length, before.right + before.length)
            });
            let run = &mut self.0[index];
            let between = left[before.0..run.left].iter().rev().zip(right[before.1..run.right].iter().rev());
            let longer = between.take_while(|(left, right)| left == right).count();
            *run = Run { left: run.left - longer, right: run.right - longer, length: run.length + longer };
        }
    }
}

/// One place of a left pair in the right sequence.
struct Link {
    left: u32,
    right: u32,
    /// The previous link in the longest chain that ends here, or [`NONE`].
    before: u32,
}

const NONE: u32 = u32::MAX;

/// Returns the longest chain of pairs that stand in both sequences in the same order, as places of their first items.
fn longest_chain(left: &[u64], right: &[u64]) -> Vec<(usize, usize)> {
    if left.len() < PAIR || right.len() < PAIR {
        return Vec::new();
    }
    let mut places: Vec<(u64, u32)> =
        right.windows(PAIR).zip(0..).map(|(pair, place)| (hash_of_pair(pair), place)).collect();
    places.sort_unstable();
    let mut links: Vec<Link> = Vec::new();
    // For each length of chain, the last link of the chain that ends first in the right sequence.
    let mut ends: Vec<u32> = Vec::new();
    for (pair, place) in left.windows(PAIR).zip(0..) {
        let hash = hash_of_pair(pair);
        let first = places.partition_point(|(other, _)| *other < hash);
        let is_same = |(_, place): &&(u64, u32)| right[*place as usize..].starts_with(pair);
        let found = places[first..].iter().take(MOST_PLACES + 1).take_while(is_same).count();
        if found > MOST_PLACES {
            continue;
        }
        // The last place first, so that one pair does not chain with itself.
        for &(_, right_place) in places[first..first + found].iter().rev() {
            let shorter = ends.partition_point(|end| links[*end as usize].right < right_place);
            let before = shorter.checked_sub(1).map_or(NONE, |index| ends[index]);
            let link = links.len() as u32;
            links.push(Link { left: place, right: right_place, before });
            match ends.get_mut(shorter) {
                Some(end) => *end = link,
                None => ends.push(link),
            }
        }
    }
    let mut chain = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied().unwrap_or(NONE);
    while let Some(link) = links.get(next as usize) {
        chain.push((link.left as usize, link.right as usize));
        next = link.before;
    }
    chain.reverse();
    chain
}

fn hash_of_pair(pair: &[u64]) -> u64 {
    pair.iter().fold(0, |hash: u64, item| (hash.rotate_left(26) ^ item).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(words: &str) -> Vec<u64> {
        words.split_whitespace().map(|word| word.bytes().fold(7, |hash, byte| hash * 31 + u64::from(byte))).collect()
    }

    /// Returns the runs as words of the left sequence.
    fn runs(left: &str, right: &str) -> Vec<String> {
        let words: Vec<&str> = left.split_whitespace().collect();
        let runs = common_runs(&items(left), &items(right));
        runs.iter().map(|run| words[run.left..run.left + run.length].join(" ")).collect()
    }

    #[test]
    fn what_is_kept_in_order_is_found() {
        assert_eq!(runs("a b c d e f", "a b c d e f"), ["a b c d e f"]);
        assert_eq!(runs("a b x c d e y f", "a b c d e f"), ["a b", "c d e", "f"]);
        assert_eq!(runs("c d e", "a b c d e f"), ["c d e"]);
        assert_eq!(
            runs("the cat sat on the mat", "so the cat that sat on the old mat"),
            ["the cat", "sat on the", "mat"]
        );
    }

    #[test]
    fn what_is_out_of_order_counts_once_and_single_items_inside_do_not() {
        assert_eq!(runs("a b c d e x f g", "f g 1 a b c d e 2"), ["a b c d e"]);
        assert_eq!(runs("1 a 2 b 3", "4 a 5 b 6"), [""; 0]);
        assert_eq!(runs("", "a"), [""; 0]);
    }

    #[test]
    fn repetition_is_no_trap() {
        assert_eq!(runs("a a a a a a", "a a a"), ["a a a"]);
        let (left, right) = (vec![1; 200_000], [vec![2], vec![1; 200_000], vec![3]].concat());
        assert_eq!(common_runs(&left, &right), []);
    }

    proptest! {
        #[test]
        fn runs_are_common_in_order_and_apart(
            left in prop::collection::vec(0..6_u64, 0..60), right in prop::collection::vec(0..6_u64, 0..60),
        ) {
            let (mut left_end, mut right_end) = (0, 0);
            for run in common_runs(&left, &right) {
                prop_assert!(run.length > 0 && run.left >= left_end && run.right >= right_end);
                (left_end, right_end) = (run.left + run.length, run.right + run.length);
                prop_assert_eq!(&left[run.left..left_end], &right[run.right..right_end]);
            }
        }

        #[test]
        fn of_distinct_items_a_part_is_found_whole(
            keep in prop::collection::vec((any::<bool>(), 2..5_usize), 1..20),
        ) {
            let (mut whole, mut part, mut next) = (Vec::new(), Vec::new(), 0_u64);
            for (is_kept, length) in keep {
                for _ in 0..length {
                    whole.push(next);
                    if is_kept {
                        part.push(next);
                    }
                    next += 1;
                }
            }
            let found: usize = common_runs(&part, &whole).iter().map(|run| run.length).sum();
            prop_assert_eq!(found, part.len());
        }
    }
}
