//! The model: two tables of weights, and what a text's features add up to.

use std::ops::AddAssign;

use super::features::{Sink, each};
use super::language::Evidence;

/// Written by `toxicity/train.py`. Used where it is, as it is: there is nothing to load.
const FILE: &[u8] = include_bytes!("../../../toxicity/weights.bin");

/// A signature with the version of the features, then three numbers of 32 bits.
const SIGNATURE: &[u8; 8] = b"FWTOX\0\0\x01";
const HEADER: usize = SIGNATURE.len() + 3 * 4;

const WORD_BITS: u32 = 17;
const LETTER_BITS: u32 = 18;

/// What a whole table's steps are worth; then what a text without any feature has.
const WORD_STEP: f32 = number(0);
const LETTER_STEP: f32 = number(1);
const BIAS: f32 = number(2);

/// Weights of hashes, in steps, as signed bytes.
static WORDS: [u8; 1 << WORD_BITS] = table(HEADER);
static LETTERS: [u8; 1 << LETTER_BITS] = table(HEADER + (1 << WORD_BITS));

const _: () = {
    assert!(FILE.len() == HEADER + (1 << WORD_BITS) + (1 << LETTER_BITS));
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

const fn table<const LENGTH: usize>(start: usize) -> [u8; LENGTH] {
    let mut table = [0; LENGTH];
    let (_, weights) = FILE.split_at(start);
    let (weights, _) = weights.split_at(LENGTH);
    table.copy_from_slice(weights);
    table
}

/// What a text's features add up to. Those of two texts together are theirs added.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    words: i32,
    word_count: u32,
    letters: i32,
    letter_count: u32,
    /// What was heard of its language.
    pub(super) language: Evidence,
}

impl Sums {
    /// Of a text in its plain form.
    pub(super) fn of(plain: &str) -> Self {
        let mut sums = Self::default();
        each(plain, &mut sums);
        sums
    }

    /// The logarithm of the odds that the text is abusive. Sums are over the root of their number: as good as dividing by the
    /// features' length, and as easily put together.
    pub(super) fn log_odds(&self) -> f32 {
        let mean = |sum: i32, count: u32| sum as f32 / (count.max(1) as f32).sqrt();
        BIAS + WORD_STEP * mean(self.words, self.word_count) + LETTER_STEP * mean(self.letters, self.letter_count)
    }
}

impl AddAssign<&Self> for Sums {
    fn add_assign(&mut self, other: &Self) {
        self.words += other.words;
        self.word_count += other.word_count;
        self.letters += other.letters;
        self.letter_count += other.letter_count;
    }
}

impl Sink for Sums {
    fn word(&mut self, hash: u32) {
        self.words += i32::from(WORDS[(hash >> (32 - WORD_BITS)) as usize].cast_signed());
        self.word_count += 1;
    }

    fn letters(&mut self, hash: u32) {
        self.letters += i32::from(LETTERS[(hash >> (32 - LETTER_BITS)) as usize].cast_signed());
        self.letter_count += 1;
    }

    fn heard(&mut self, hash: u64, bytes: usize, wide: usize) {
        self.language.hear(hash, bytes, wide);
    }
}
