//! The model: two tables of weights, and the sums of a text's features.
//!
//! It is two linear models over the same features, the *heads*: one for abuse, one for other harm (explicit sex,
//! self-harm, threats). Their words have little in common, so that one head for both finds less of either. A hash's
//! weights of both lie side by side: the second head costs no second look-up.

use std::ops::AddAssign;

use super::features::{Sink, each};
use super::language::Evidence;

/// The model's file, written by `training/train.py`. It is used in place: there is nothing to load.
const FILE: &[u8] = include_bytes!("../weights.bin");

/// A signature with the version of the features and of the file. Three numbers of 32 bits for each head follow it.
const SIGNATURE: &[u8; 8] = b"FWTOX\0\0\x02";
const HEADER: usize = SIGNATURE.len() + HEADS * 3 * 4;

const HEADS: usize = 2;
const WORD_BITS: u32 = 17;
const LETTER_BITS: u32 = 18;

/// The value of a step of a weight, for words and for letters; then the bias of a text without any feature.
const WORD_STEPS: [f32; HEADS] = [number(0), number(3)];
const LETTER_STEPS: [f32; HEADS] = [number(1), number(4)];
const BIASES: [f32; HEADS] = [number(2), number(5)];

/// The weights of hashes, in steps, as signed bytes.
static WORDS: [[u8; HEADS]; 1 << WORD_BITS] = table(HEADER);
static LETTERS: [[u8; HEADS]; 1 << LETTER_BITS] = table(HEADER + (HEADS << WORD_BITS));

const _: () = {
    assert!(FILE.len() == HEADER + (HEADS << WORD_BITS) + (HEADS << LETTER_BITS));
    let mut at = 0;
    while at < SIGNATURE.len() {
        assert!(FILE[at] == SIGNATURE[at]);
        at += 1;
    }
};

const fn number(index: usize) -> f32 {
    let at = SIGNATURE.len() + 4 * index;
    f32::from_le_bytes([FILE[at], FILE[at + 1], FILE[at + 2], FILE[at + 3]])
}

const fn table<const LENGTH: usize>(start: usize) -> [[u8; HEADS]; LENGTH] {
    let mut table = [[0; HEADS]; LENGTH];
    let (_, weights) = FILE.split_at(start);
    let (weights, _) = weights.as_chunks();
    let (weights, _) = weights.split_at(LENGTH);
    table.copy_from_slice(weights);
    table
}

/// The log-odds that names and words of anatomy may add to those of the other words. They tip the scales of a text that is
/// nearly abusive, and make no abuse of a clean one.
const MATTERS_ADD: f32 = 1.0;

/// The sums of a text's features. The sums of two texts together are their sums added.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    all: Part,
    /// Of `all`, the features of the words that [`Evidence::hear`] tells.
    matters: Part,
    is_in_matter: bool,
    /// The evidence about its language.
    pub(super) language: Evidence,
}

/// The sums of some of a text's features.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    words: [i32; HEADS],
    word_count: u32,
    letters: [i32; HEADS],
    letter_count: u32,
}

impl Sums {
    /// Sums the features of a text in its plain form.
    pub(super) fn of(plain: &str) -> Self {
        let mut sums = Self::default();
        each(plain, &mut sums);
        sums
    }

    /// Returns the log-odds that the text is abusive or otherwise harmful, from the odds of both heads together.
    pub(super) fn log_odds(&self) -> f32 {
        let all = self.all.log_odds();
        if self.matters.word_count == 0 {
            return all;
        }
        all.min(self.all.without(&self.matters).log_odds() + MATTERS_ADD)
    }
}

impl Part {
    fn log_odds(&self) -> f32 {
        let [abuse, harm] = std::array::from_fn(|head| self.log_odds_of(head));
        abuse.max(harm) + (-(abuse - harm).abs()).exp().ln_1p()
    }

    /// Divides each sum by the root of its count. It is as good as dividing by the features' length, and easier to
    /// combine.
    fn log_odds_of(&self, head: usize) -> f32 {
        let mean = |sum: i32, count: u32| sum as f32 / (count.max(1) as f32).sqrt();
        BIASES[head]
            + WORD_STEPS[head] * mean(self.words[head], self.word_count)
            + LETTER_STEPS[head] * mean(self.letters[head], self.letter_count)
    }

    fn without(&self, matters: &Self) -> Self {
        Self {
            words: std::array::from_fn(|head| self.words[head] - matters.words[head]),
            word_count: self.word_count - matters.word_count,
            letters: std::array::from_fn(|head| self.letters[head] - matters.letters[head]),
            letter_count: self.letter_count - matters.letter_count,
        }
    }

    fn add_word(&mut self, weights: [i32; HEADS]) {
        add(&mut self.words, weights);
        self.word_count += 1;
    }

    fn add_letters(&mut self, weights: [i32; HEADS]) {
        add(&mut self.letters, weights);
        self.letter_count += 1;
    }
}

impl AddAssign<&Self> for Sums {
    fn add_assign(&mut self, other: &Self) {
        self.all += &other.all;
        self.matters += &other.matters;
    }
}

impl AddAssign<&Self> for Part {
    fn add_assign(&mut self, other: &Self) {
        add(&mut self.words, other.words);
        self.word_count += other.word_count;
        add(&mut self.letters, other.letters);
        self.letter_count += other.letter_count;
    }
}

impl Sink for Sums {
    fn word(&mut self, hash: u32) {
        let weights = WORDS[(hash >> (32 - WORD_BITS)) as usize].map(weight);
        self.all.add_word(weights);
        if self.is_in_matter {
            self.matters.add_word(weights);
        }
    }

    fn letters(&mut self, hash: u32) {
        let weights = LETTERS[(hash >> (32 - LETTER_BITS)) as usize].map(weight);
        self.all.add_letters(weights);
        if self.is_in_matter {
            self.matters.add_letters(weights);
        }
    }

    fn heard(&mut self, hash: u64, bytes: usize, wide: usize) {
        self.is_in_matter = self.language.hear(hash, bytes, wide);
    }
}

fn weight(byte: u8) -> i32 {
    i32::from(byte.cast_signed())
}

fn add(sums: &mut [i32; HEADS], weights: [i32; HEADS]) {
    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
}
