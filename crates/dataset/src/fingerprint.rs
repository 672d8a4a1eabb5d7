//! The fingerprint that a row keeps of its texts, so that later versions recognise them without reading them.

use flywheel_text::{
    normal::{key, normalised},
    sketch::{BINS, Sketch},
    tokens::words,
};

/// The fewest words of a text with a sketch. A shorter text has too few 5-grams, and is compared whole.
const FEWEST_WORDS: usize = 50;

/// The first byte of the stored form, its layout number.
const LAYOUT: u8 = 1;

/// A pair's texts: exact keys of each, and sketches of those that are long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub(crate) prompt: u64,
    pub(crate) chosen: u64,
    pub(crate) rejected: u64,
    pub(crate) prompt_sketch: Option<Sketch>,
    pub(crate) chosen_sketch: Option<Sketch>,
    pub(crate) pair_sketch: Option<Sketch>,
}

impl Fingerprint {
    /// Returns the fingerprint of a pair.
    #[must_use]
    pub fn of(prompt: &str, chosen: &str, rejected: &str) -> Self {
        let (prompt, chosen, rejected) = (normalised(prompt), normalised(chosen), normalised(rejected));
        let has_enough = |count: usize| count >= FEWEST_WORDS;
        let (prompt_words, chosen_words) = (word_count(&prompt), word_count(&chosen));
        let sketch = |text: &str, count| has_enough(count).then(|| Sketch::of(text)).flatten();
        Self {
            prompt: key(&prompt),
            chosen: key(&chosen),
            rejected: key(&rejected),
            prompt_sketch: sketch(&prompt, prompt_words),
            chosen_sketch: sketch(&chosen, chosen_words),
            pair_sketch: sketch(&format!("{prompt}\n{chosen}"), prompt_words + chosen_words),
        }
    }

    /// Returns the prompt's key. Two prompts have the same key if and only if their normalised texts are the same.
    #[must_use]
    pub fn prompt_key(prompt: &str) -> Vec<u8> {
        key(&normalised(prompt)).to_be_bytes().to_vec()
    }

    /// Returns the stored form: a layout number, flags for the sketches, three keys, the sketches.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let sketches = [&self.prompt_sketch, &self.chosen_sketch, &self.pair_sketch];
        let flags = sketches.iter().zip(0..).fold(0, |flags, (sketch, bit)| flags | u8::from(sketch.is_some()) << bit);
        let mut bytes = vec![LAYOUT, flags];
        [self.prompt, self.chosen, self.rejected].iter().for_each(|key| bytes.extend(key.to_be_bytes()));
        sketches.into_iter().flatten().for_each(|sketch| bytes.extend(sketch.bytes()));
        bytes
    }

    /// Reads the stored form; `None` if it is not exactly one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[LAYOUT, flags], rest) = bytes.split_first_chunk()? else { return None };
        let (keys, mut rest) = rest.split_first_chunk::<24>()?;
        let key = |at: usize| flywheel_text::normal::first_eight(&keys[at..at + 8]);
        let mut sketch = |bit: u8| {
            if flags & 1 << bit == 0 {
                return Some(None);
            }
            let (bytes, after) = rest.split_at_checked(BINS)?;
            rest = after;
            Sketch::from_bytes(bytes).map(Some)
        };
        let (prompt_sketch, chosen_sketch, pair_sketch) = (sketch(0)?, sketch(1)?, sketch(2)?);
        let is_whole = rest.is_empty() && flags < 8;
        is_whole.then(|| Self {
            prompt: key(0),
            chosen: key(8),
            rejected: key(16),
            prompt_sketch,
            chosen_sketch,
            pair_sketch,
        })
    }

    /// Returns `true` if two pairs are near duplicates.
    ///
    /// Prompt and chosen text together have to be similar, and the chosen texts alone, too. Under a long prompt, such as an app's
    /// instructions or an article, all pairs are similar, however different the answers.
    pub(crate) fn is_near_duplicate(&self, other: &Self, from: f64) -> bool {
        if (self.prompt, self.chosen) == (other.prompt, other.chosen) {
            return true;
        }
        let are_near = |left: &Option<Sketch>, right: &Option<Sketch>| {
            left.as_ref().zip(right.as_ref()).is_some_and(|(left, right)| left.similarity(right) >= from)
        };
        are_near(&self.pair_sketch, &other.pair_sketch)
            && (self.chosen == other.chosen || are_near(&self.chosen_sketch, &other.chosen_sketch))
    }
}

fn word_count(text: &str) -> usize {
    words(text).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn long(seed: &str) -> String {
        (0..60).map(|word| format!("{seed}{} ", word * 7_919 % 997)).collect()
    }

    fn near(left: (&str, &str), right: (&str, &str)) -> bool {
        Fingerprint::of(left.0, left.1, "r").is_near_duplicate(&Fingerprint::of(right.0, right.1, "r"), 0.8)
    }

    #[test]
    fn short_pairs_are_compared_whole() {
        assert!(near(("Say hi", "Hello  there"), ("say HI", "hello there")));
        assert!(!near(("Say hi", "Hello there"), ("Say hi", "Hello there!")));
    }

    #[test]
    fn long_pairs_are_near_if_little_differs() {
        let text = long("word");
        assert!(near(("Say hi", &text), ("Say hello", &format!("{text} indeed"))));
        assert!(!near(("Say hi", &text), ("Say hi", &long("other"))));
    }

    #[test]
    fn under_one_long_prompt_different_answers_are_different_pairs() {
        let instructions = long("instruction");
        assert!(!near((&instructions, "Pay in May."), (&instructions, "Pay in June.")));
        assert!(near((&instructions, "Pay in May."), (&format!("{instructions} please"), "pay in may.")));
    }

    proptest! {
        #[test]
        fn the_stored_form_reads_back_and_nothing_else_does(prompt in "\\PC{0,9}|([a-z]{1,6} ){60,90}", chosen in "\\PC{0,9}|([a-z]{1,6} ){60,90}", cut in 0..400_usize) {
            let fingerprint = Fingerprint::of(&prompt, &chosen, "r");
            let bytes = fingerprint.to_bytes();
            if cut < bytes.len() {
                prop_assert_eq!(Fingerprint::from_bytes(&bytes[..cut]), None);
            }
            prop_assert_eq!(Fingerprint::from_bytes(&[bytes.as_slice(), &[0]].concat()), None);
            prop_assert_eq!(Fingerprint::from_bytes(&bytes), Some(fingerprint));
        }
    }
}
