//! The differences between the pairs of two versions.

use std::collections::HashMap;

use flywheel_text::normal::{key, normalised};

/// Compares the pairs of two versions by their ids: first all of the one, then all of the other. Rows that both versions share
/// may be skipped. It remembers ids, and no texts.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Pairs of the first version that have not appeared in the second yet, with their place and prompt.
    only_first: HashMap<Box<str>, (usize, u64)>,
    /// Pairs of the second version that the first lacks, with their prompts.
    only_second: Vec<(Box<str>, u64)>,
}

/// The differences between two versions, each list in the order of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Pairs of the second version that the first lacks.
    pub added: Vec<String>,
    /// Pairs of the first version that the second lacks.
    pub removed: Vec<String>,
    /// Pairs that another pair of the same prompt replaced, as a correction does.
    pub changed: Vec<Changed>,
}

/// A pair and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The pair of the first version.
    pub from: String,
    /// The pair of the second version.
    pub to: String,
}

impl Comparison {
    /// Takes a pair of the first version.
    pub fn first(&mut self, pair_id: &str, prompt: &str) {
        let place = self.only_first.len();
        self.only_first.insert(pair_id.into(), (place, prompt_key(prompt)));
    }

    /// Takes a pair of the second version.
    pub fn second(&mut self, pair_id: &str, prompt: &str) {
        if self.only_first.remove(pair_id).is_none() {
            self.only_second.push((pair_id.into(), prompt_key(prompt)));
        }
    }

    /// Returns the differences. A removed pair and an added one of the same prompt are one change, matched in order.
    #[must_use]
    pub fn finish(self) -> Difference {
        let mut removed: Vec<_> = self.only_first.into_iter().collect();
        removed.sort_unstable_by_key(|(_, (place, _))| *place);
        let mut of_prompt: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, (_, (_, prompt))) in removed.iter().enumerate().rev() {
            of_prompt.entry(*prompt).or_default().push(index);
        }
        let mut replaced = vec![false; removed.len()];
        let mut difference = Difference::default();
        for (pair_id, prompt) in self.only_second {
            match of_prompt.get_mut(&prompt).and_then(Vec::pop) {
                None => difference.added.push(pair_id.into()),
                Some(index) => {
                    replaced[index] = true;
                    difference.changed.push(Changed { from: removed[index].0.to_string(), to: pair_id.into() });
                }
            }
        }
        let gone = removed.into_iter().zip(replaced).filter(|(_, is_replaced)| !is_replaced);
        difference.removed = gone.map(|((pair_id, _), _)| pair_id.into()).collect();
        difference
    }
}

fn prompt_key(prompt: &str) -> u64 {
    key(&normalised(prompt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn compared(first: &[(&str, &str)], second: &[(&str, &str)]) -> Difference {
        let mut comparison = Comparison::default();
        first.iter().for_each(|(pair, prompt)| comparison.first(pair, prompt));
        second.iter().for_each(|(pair, prompt)| comparison.second(pair, prompt));
        comparison.finish()
    }

    #[test]
    fn pairs_are_added_removed_or_changed() {
        let first = [("a", "p"), ("b", "q"), ("c", "r"), ("d", "s")];
        let second = [("d", "s"), ("e", "Q "), ("f", "t"), ("a", "p")];
        let changed = vec![Changed { from: "b".to_owned(), to: "e".to_owned() }];
        let expected = Difference { added: vec!["f".to_owned()], removed: vec!["c".to_owned()], changed };
        assert_eq!(compared(&first, &second), expected);
        assert_eq!(compared(&first, &first), Difference::default());
    }

    #[test]
    fn of_one_prompt_the_first_takes_the_place_of_the_first() {
        let difference = compared(&[("a", "p"), ("b", "p")], &[("c", "p")]);
        assert_eq!(difference.changed, [Changed { from: "a".to_owned(), to: "c".to_owned() }]);
        assert_eq!(difference.removed, ["b"]);
    }

    proptest! {
        #[test]
        fn every_pair_is_accounted_for_once(
            first in prop::collection::btree_set((0..40_u8, 0..4_u8), 0..30),
            second in prop::collection::btree_set((0..40_u8, 0..4_u8), 0..30),
        ) {
            let rows = |of: &BTreeSet<(u8, u8)>| of.iter().map(|(id, prompt)| (format!("{id}.{prompt}"), prompt.to_string())).collect::<Vec<_>>();
            let (first, second) = (rows(&first), rows(&second));
            let mut comparison = Comparison::default();
            first.iter().for_each(|(pair, prompt)| comparison.first(pair, prompt));
            second.iter().for_each(|(pair, prompt)| comparison.second(pair, prompt));
            let Difference { added, removed, changed } = comparison.finish();
            let ids = |of: &[(String, String)]| of.iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>();
            let (first, second) = (ids(&first), ids(&second));
            let gone: BTreeSet<_> = removed.iter().chain(changed.iter().map(|changed| &changed.from)).cloned().collect();
            let come: BTreeSet<_> = added.iter().chain(changed.iter().map(|changed| &changed.to)).cloned().collect();
            prop_assert_eq!(&gone, &first.difference(&second).cloned().collect());
            prop_assert_eq!(&come, &second.difference(&first).cloned().collect());
            prop_assert_eq!((gone.len(), come.len()), (removed.len() + changed.len(), added.len() + changed.len()));
            let prompt = |id: &String| id.split_once('.').unwrap().1.to_owned();
            prop_assert!(changed.iter().all(|changed| prompt(&changed.from) == prompt(&changed.to)));
        }
    }
}
