//! The differences of two sequences of lines.

use std::collections::HashMap;
use std::ops::Range;

use super::units::Units;

/// Returns the stretches that differ, in order. Units that occur once in both and keep their order are alike (as in
/// Cohen's patience diff), and so are equal units next to them. The result is not the shortest difference, but it takes
/// `n log n` time, and a brace is never taken for another.
pub(super) fn differences(old: &Units<'_>, new: &Units<'_>) -> Vec<(Range<usize>, Range<usize>)> {
    let (old, new) = (old.hashes.as_slice(), new.hashes.as_slice());
    let ends = std::iter::once((old.len(), new.len()));
    let (mut at_old, mut at_new) = (0, 0);
    let stretch = |(anchor_old, anchor_new): (usize, usize)| {
        let stretch = trimmed(old, at_old..anchor_old, new, at_new..anchor_new);
        (at_old, at_new) = (anchor_old + 1, anchor_new + 1);
        stretch
    };
    let stretches = anchors(old, new).into_iter().chain(ends).map(stretch);
    stretches.filter(|(from, to)| !from.is_empty() || !to.is_empty()).collect()
}

/// Returns a stretch without its common beginning and end.
fn trimmed(old: &[u64], from: Range<usize>, new: &[u64], to: Range<usize>) -> (Range<usize>, Range<usize>) {
    let (left, right) = (&old[from.clone()], &new[to.clone()]);
    let start = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let rest = left[start..].iter().rev().zip(right[start..].iter().rev());
    let end = rest.take_while(|(left, right)| left == right).count();
    (from.start + start..from.end - end, to.start + start..to.end - end)
}

/// Returns pairs of places of units that occur once in both, as many as keep their order.
fn anchors(old: &[u64], new: &[u64]) -> Vec<(usize, usize)> {
    let places_of_new = single(new);
    let places_of_old = single(old);
    let pairs = old.iter().enumerate().filter(|(_, hash)| places_of_old.get(*hash).is_some_and(Option::is_some));
    let pairs = pairs.filter_map(|(at, hash)| places_of_new.get(hash).copied().flatten().map(|place| (at, place)));
    longest_increasing(&pairs.collect::<Vec<_>>())
}

/// Returns the place of each hash that occurs once, and `None` for one that occurs again.
fn single(hashes: &[u64]) -> HashMap<u64, Option<usize>> {
    let mut places = HashMap::with_capacity(hashes.len());
    for (place, hash) in hashes.iter().enumerate() {
        places.entry(*hash).and_modify(|place| *place = None).or_insert(Some(place));
    }
    places
}

/// Returns the longest selection of pairs whose second places increase. The pairs are in order of their first.
fn longest_increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the index of the pair with the smallest second place that ends a selection of that length.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, (_, second)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].1 < *second);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        ends.truncate(ends.len().max(length));
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut chain: Vec<_> =
        std::iter::successors(ends.last().copied(), |index| before[*index]).map(|index| pairs[index]).collect();
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let hashes = |text: &str| text.bytes().map(u64::from).collect::<Vec<_>>();
        let (old, new) = (hashes(old), hashes(new));
        differences(&Units::of_hashes(old), &Units::of_hashes(new))
    }

    #[test]
    fn only_what_differs_is_named() {
        assert_eq!(lines("abc", "abc"), []);
        assert_eq!(lines("abc", "axc"), [(1..2, 1..2)]);
        assert_eq!(lines("a}b}c", "a}x}b}c"), [(2..2, 2..4)]);
        assert_eq!(lines("abcdefgh", "abxdefgyh"), [(2..3, 2..3), (7..7, 7..8)]);
        assert_eq!(lines("", "ab"), [(0..0, 0..2)]);
        let long: String = ('a'..='z').collect();
        let inserted = format!("{}{}{}", &long[..9], "0".repeat(300), &long[9..]);
        assert_eq!(lines(&long, &inserted), [(9..9, 9..309)]);
    }

    #[test]
    fn what_moved_is_taken_out_and_put_in() {
        assert_eq!(lines("abcdef", "acdebf"), [(1..2, 1..1), (5..5, 4..5)]);
    }

    proptest! {
        #[test]
        fn what_lies_between_differences_is_equal(old in "[a-h]{0,40}", new in "[a-h]{0,40}") {
            let (mut at_old, mut at_new) = (0, 0);
            for (from, to) in lines(&old, &new) {
                prop_assert_eq!(&old[at_old..from.start], &new[at_new..to.start]);
                (at_old, at_new) = (from.end, to.end);
            }
            prop_assert_eq!(&old[at_old..], &new[at_new..]);
        }
    }
}
