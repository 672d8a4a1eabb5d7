//! The share of the model's words that the user kept.
//!
//! Characters say little about how far apart prose is: unrelated texts share 16–34 % of them. None of a set of
//! unrelated pairs fell below the gate's 10 %. They share hardly any words. The number stands beside every edit. A low
//! one is only a hint of a rewrite, because good edits score 0, too.

use flywheel_base::{Reason, Share};
use flywheel_text::tokens::exact_hash;

use super::changed::{Changed, Middle};
use super::finding::Findings;
use crate::AuditRules;

/// Records the word similarity, and a [`Reason::LikelyRewrite`] where it is low; its score is the similarity.
pub(super) fn inspect(changed: &Changed<'_>, rules: &AuditRules, findings: &mut Findings) {
    let Some((common, all)) = common_of_all(changed) else { return };
    let similarity = common as f32 / all as f32;
    findings.scores.word_similarity = Some(similarity);
    if Share::new(common as u64, all as u64).compared_to(rules.likely_rewrite_below).is_lt() {
        findings.add(Reason::LikelyRewrite, similarity, None);
    }
}

/// Returns Dice's coefficient of the two multisets of words, as written: twice the words in common, and all words.
/// `None` without words.
fn common_of_all(changed: &Changed<'_>) -> Option<(usize, usize)> {
    let common = 2 * (changed.common_words + kept(&changed.rejected, &changed.chosen));
    let all = 2 * changed.common_words + changed.rejected.words.len() + changed.chosen.words.len();
    (all > 0).then_some((common, all))
}

/// Counts the words that two middles have in common.
fn kept(left: &Middle<'_>, right: &Middle<'_>) -> usize {
    if left.words.is_empty() || right.words.is_empty() {
        return 0;
    }
    let places = (2 * left.words.len()).next_power_of_two();
    if places <= Tally::SMALL {
        return Tally(&mut [Place::default(); Tally::SMALL]).kept(left, right);
    }
    Tally(&mut vec![Place::default(); places]).kept(left, right)
}

/// A multiset of words, known by 31 bits of their hash. A word's place is searched in a few places only. Words made to
/// collide there cost their author a part of the score, and cost no time.
struct Tally<'s>(&'s mut [Place]);

#[derive(Clone, Copy, Default)]
struct Place {
    /// 0 if the place is free.
    word: u32,
    count: u32,
}

impl Tally<'_> {
    /// The size of a table that fits on the stack, and suffices for most edits.
    const SMALL: usize = 256;
    const REACH: usize = 16;

    fn kept(mut self, left: &Middle<'_>, right: &Middle<'_>) -> usize {
        left.words.iter().for_each(|word| self.put(exact_hash(left.text, word.clone())));
        right.words.iter().filter(|word| self.take(exact_hash(right.text, (*word).clone()))).count()
    }

    fn put(&mut self, hash: u64) {
        if let Some(place) = self.place(hash, true) {
            place.count += 1;
        }
    }

    /// Removes one, and returns `true` if there was one.
    fn take(&mut self, hash: u64) -> bool {
        let Some(place) = self.place(hash, false).filter(|place| place.count > 0) else { return false };
        place.count -= 1;
        true
    }

    fn place(&mut self, hash: u64, claims_free: bool) -> Option<&mut Place> {
        let (word, mask) = (hash as u32 | 1, self.0.len() - 1);
        let first = (hash >> 33) as usize;
        for step in 0..Self::REACH {
            let index = (first + step) & mask;
            if self.0[index].word == word || self.0[index].word == 0 && claims_free {
                self.0[index].word = word;
                return Some(&mut self.0[index]);
            }
            if self.0[index].word == 0 {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::Texts;
    use super::*;
    use flywheel_text::tokens::words;
    use proptest::prelude::*;

    fn found(rejected: &str, chosen: &str) -> Findings {
        let mut findings = Findings::default();
        inspect(&Changed::new(Texts { prompt: "", chosen, rejected }), &AuditRules::default(), &mut findings);
        findings
    }

    fn similarity_of(rejected: &str, chosen: &str) -> Option<f32> {
        found(rejected, chosen).scores.word_similarity
    }

    #[test]
    fn it_is_the_share_of_words_in_common() {
        assert_eq!(similarity_of("pay within 30 days", "pay within 14 days"), Some(0.75));
        assert_eq!(similarity_of("one two", "two one"), Some(1.0));
        assert_eq!(similarity_of("no no no yes", "no"), Some(0.4));
        assert_eq!(similarity_of("keep this", "keep, (this)!"), Some(1.0));
        assert_eq!(similarity_of("the", "The"), Some(0.0));
        assert_eq!(similarity_of("今日は晴れ", "今日は雨"), Some(2.0 / 3.0));
    }

    #[test]
    fn without_words_nothing_is_said() {
        assert_eq!(similarity_of("+", "-"), None);
        assert!(found("+", "-").list.is_empty());
    }

    #[test]
    fn hardly_a_word_kept_is_a_likely_rewrite() {
        let found = found("Bananas ripen faster in a paper bag.", "We moved our office across town last spring.");
        assert_eq!(found.list.len(), 1);
        assert_eq!((found.list[0].reason, found.list[0].score), (Reason::LikelyRewrite, 0.0));
    }

    #[test]
    fn one_kept_word_in_ten_is_not() {
        assert!(found("a b c d e f g h i j", "a q r s t u v w x y").list.is_empty());
    }

    #[test]
    fn exactly_the_policys_share_of_words_is_no_likely_rewrite() {
        // In single precision 7/10 is a hair below 0.7.
        let texts = Texts { prompt: "", chosen: "a b c d e f g x y z", rejected: "a b c d e f g u v w" };
        for (below, is_found) in [(0.7, false), (0.71, true)] {
            let mut findings = Findings::default();
            let rules = AuditRules::parse(&format!("[similarity]\nlikely_rewrite_below = {below}\n")).unwrap();
            inspect(&Changed::new(texts), &rules, &mut findings);
            assert_eq!(findings.has(Reason::LikelyRewrite), is_found);
        }
    }

    fn oracle(left: &str, right: &str) -> Option<f32> {
        let mut rest: Vec<_> = words(left).map(|word| &left[word]).collect();
        let all = rest.len() + words(right).count();
        let mut kept = 0;
        for word in words(right).map(|word| &right[word]) {
            if let Some(index) = rest.iter().position(|other| *other == word) {
                rest.swap_remove(index);
                kept += 1;
            }
        }
        (all > 0).then(|| (2 * kept) as f32 / all as f32)
    }

    proptest! {
        #[test]
        fn it_is_what_comparing_word_by_word_says(left in "([ab]{1,3}[ ,.é]){0,60}", right in "([ab]{1,3}[ ,.é]){0,60}") {
            prop_assert_eq!(similarity_of(&left, &right), oracle(&left, &right));
        }

        #[test]
        fn long_texts_are_no_exception(left in "([a-f]{1,4} ){200,400}", right in "([a-f]{1,4} ){200,400}") {
            prop_assert_eq!(similarity_of(&left, &right), oracle(&left, &right));
        }

        #[test]
        fn no_text_is_too_odd(left in "\\PC{0,40}", right in "\\PC{0,40}") {
            prop_assert!(similarity_of(&left, &right).is_none_or(|share| (0.0..=1.0).contains(&share)));
        }
    }
}
