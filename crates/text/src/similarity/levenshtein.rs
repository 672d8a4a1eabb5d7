//! Exact Levenshtein distance in bit-parallel time, with a bound on the work.
//!
//! The recurrence is Myers' (1999) in Hyyrö's formulation (2003). It keeps a column of the dynamic-programming matrix
//! as vertical differences in {-1, 0, +1}, 64 rows to a machine word. Ukkonen's band (1985) bounds it: a distance of at
//! most `k` never leaves the diagonals that `k` edits can reach. So only the words under those diagonals are computed,
//! and `k` grows until it suffices. Most edits are small, so the first, narrow band mostly suffices.
//!
//! The matrix is computed in stripes of rows, each from left to right, so that its words stay in registers. Along its
//! lowest row a stripe leaves the differences from column to column, from which the next stripe starts ([`Stripe`]).
//!
//! Every value computed in a band is the cost of *some* real edit path, because pure insertions or deletions enter from
//! the cells outside. Hence the result is never below the distance, and equals it as soon as it is at most `k`.

use std::mem::swap;
use std::ops::{Range, RangeInclusive};

use super::stripe::{Carry, LEAD, Stripe, WORD, WORDS};
use super::word::{ROWS, SYMBOLS, distance_of_word};
use crate::common_ends::common_ends;

/// Rows of a stripe.
const HEIGHT: usize = WORDS * WORD;

/// The number of edits that the first band allows beyond the difference in length: half of the shorter text, which most
/// edits stay within. The minimum is the room of a narrow stripe, and the maximum is the cost that a long text with few
/// edits can afford.
const FIRST_BAND: RangeInclusive<usize> = WORD..=8 * WORD;

/// The growth factor of the band. A larger factor would be faster for most texts, and a smaller one for long texts with
/// few edits, far apart.
const WIDENING: usize = 8;

/// The Levenshtein distance of two texts over Unicode scalar values, and the length that normalises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// Insertions, deletions and substitutions of one scalar value each.
    pub edits: usize,
    /// Scalar values in the longer text.
    pub longer: usize,
}

/// Computes the distance. Returns `None` as soon as that would take more than `max_steps` word steps (one step advances
/// 64 rows by one column, about 1 ns) or a table larger than [`MAX_TABLE_WORDS`].
pub fn distance(left: &str, right: &str, max_steps: u64) -> Option<Distance> {
    // Equal ends never change the distance.
    let (prefix, suffix) = common_ends(left, right);
    let common = count_scalars(&left[..prefix]) + count_scalars(&left[left.len() - suffix..]);
    let (left, right) = (&left[prefix..left.len() - suffix], &right[prefix..right.len() - suffix]);
    let (left_length, right_length) = (count_scalars(left), count_scalars(right));
    let edits = distance_of_cores((left, left_length), (right, right_length), max_steps)?;
    Some(Distance { edits, longer: common + left_length.max(right_length) })
}

/// Computes the distance of two texts of known lengths.
fn distance_of_cores(
    (left, left_length): (&str, usize),
    (right, right_length): (&str, usize),
    max_steps: u64,
) -> Option<usize> {
    if left.is_empty() || right.is_empty() {
        return Some(left_length.max(right_length));
    }
    let (pattern, text) = if left_length <= right_length { (left, right) } else { (right, left) };
    let is_ascii = left_length + right_length == left.len() + right.len();
    if is_ascii {
        distance_of_ascii(pattern, text, max_steps)
    } else {
        distance_of_scalars(pattern, (text, left_length.max(right_length)), max_steps)
    }
}

fn distance_of_ascii(pattern: &str, text: &str, max_steps: u64) -> Option<usize> {
    let symbols = text.bytes().map(u32::from);
    distance_of_symbols(pattern.bytes().map(u32::from), (symbols, text.len()), ASCII as usize, max_steps)
}

fn distance_of_scalars(pattern: &str, (text, columns): (&str, usize), max_steps: u64) -> Option<usize> {
    let mut alphabet = Alphabet::empty();
    // Capacity for the number of bytes: growing step by step would cost more than it saves.
    let mut numbers = Vec::with_capacity(pattern.len());
    numbers.extend(pattern.chars().map(|scalar| alphabet.number(scalar)));
    let symbols = text.chars().map(|scalar| alphabet.find(scalar));
    distance_of_symbols(numbers.into_iter(), (symbols, columns), alphabet.size as usize, max_steps)
}

fn distance_of_symbols(
    pattern: impl ExactSizeIterator<Item = u32>,
    (symbols, columns): (impl Iterator<Item = u32>, usize),
    alphabet: usize,
    max_steps: u64,
) -> Option<usize> {
    let rows = pattern.len();
    if rows <= ROWS && alphabet <= SYMBOLS {
        return (columns as u64 <= max_steps).then(|| distance_of_word(pattern, symbols));
    }
    let bits = rows.next_multiple_of(HEIGHT);
    let padding = bits - rows;
    let table_words = alphabet.checked_mul(bits / WORD).filter(|&words| words <= MAX_TABLE_WORDS)?;
    let (mut small, mut large) = ([0_u64; SMALL_TABLE_WORDS], Vec::new());
    let occurrences = match small.get_mut(..table_words) {
        Some(table) => table,
        None => {
            large.resize(table_words, 0);
            &mut large[..]
        }
    };
    for (bit, symbol) in (padding..).zip(pattern) {
        occurrences[bit / WORD * alphabet + symbol as usize] |= 1 << (bit % WORD);
    }
    let mut text = Vec::with_capacity(LEAD + columns + LEAD);
    text.resize(LEAD, 0);
    text.extend(symbols);
    text.resize(LEAD + columns + LEAD, 0);
    Matcher { rows, padding, occurrences, alphabet, text, columns }.distance(max_steps)
}

/// Counts scalar values. Most texts are short or ASCII, where the check is several times faster than counting.
fn count_scalars(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// The scalar values below this are their own numbers in every alphabet.
const ASCII: u32 = 128;

/// The numbers of the scalar values beyond ASCII in a pattern.
///
/// The look-up works like paged memory: a text keeps to a few of the 4,352 blocks of 256 scalar values, and each of
/// those has a page.
struct Alphabet {
    /// One more than the highest number.
    size: u32,
    /// The page of each block, up to the last block with a page. Most texts are in the scripts of the first few.
    page_of_block: Vec<u16>,
    /// The number of each scalar value of a block; [`ABSENT`] if it does not occur. All blocks without any share page
    /// 0.
    pages: Vec<[u32; 256]>,
}

/// The number of every scalar value that is absent from the pattern. No character has it as its own.
const ABSENT: u32 = ASCII;

impl Alphabet {
    fn empty() -> Self {
        Self { size: ABSENT + 1, page_of_block: Vec::new(), pages: vec![[ABSENT; 256]] }
    }

    fn number(&mut self, scalar: char) -> u32 {
        if scalar.is_ascii() {
            return scalar as u32;
        }
        let block = scalar as usize >> 8;
        if block >= self.page_of_block.len() {
            self.page_of_block.resize(block + 1, 0);
        }
        let page = &mut self.page_of_block[block];
        if *page == 0 {
            *page = self.pages.len() as u16;
            self.pages.push([ABSENT; 256]);
        }
        let number = &mut self.pages[usize::from(*page)][scalar as usize & 0xff];
        if *number == ABSENT {
            *number = self.size;
            self.size += 1;
        }
        *number
    }

    fn find(&self, scalar: char) -> u32 {
        if scalar.is_ascii() {
            return scalar as u32;
        }
        let page = self.page_of_block.get(scalar as usize >> 8).copied().unwrap_or(0);
        self.pages[usize::from(page)][scalar as usize & 0xff]
    }
}

/// The maximum size of the occurrence table in words (64 MiB). Otherwise a long text in a script of thousands of
/// characters would multiply both.
const MAX_TABLE_WORDS: usize = 1 << 23;

/// The size of the occurrence table of a one-stripe pattern with few characters beyond ASCII. Most patterns are no
/// longer, and need no heap memory for it.
const SMALL_TABLE_WORDS: usize = WORDS * (ASCII as usize + 32);

/// A pattern (the shorter text, one bit a symbol) and the text to match it against, both over one small alphabet.
struct Matcher<'t> {
    /// The number of symbols in the pattern; never 0.
    rows: usize,
    /// The number of bits without a row. They come first, so that the last row is the last bit of the last stripe.
    padding: usize,
    /// The rows of each symbol: for each word of rows, one word for each symbol of the alphabet.
    occurrences: &'t [u64],
    alphabet: usize,
    /// The text, as symbols, with any [`LEAD`] symbols before and after it.
    text: Vec<u32>,
    columns: usize,
}

impl Matcher<'_> {
    /// Widens the band until it holds the distance.
    fn distance(&self, max_steps: u64) -> Option<usize> {
        let first_band = (self.rows / 2).clamp(*FIRST_BAND.start(), *FIRST_BAND.end());
        let mut limit = self.columns - self.rows + first_band;
        let mut steps_left = max_steps;
        loop {
            let columns: usize = self.band(limit).map(|columns| columns.len()).sum();
            steps_left = steps_left.checked_sub((columns * WORDS) as u64)?;
            let bound = self.distance_within(limit);
            if bound <= limit {
                return Some(bound);
            }
            // `bound` is the cost of a real path, so a band of that width is certain to hold the distance. It is used
            // at once if the next band would be nearly as wide: otherwise two texts with nothing in common took twice
            // the time.
            limit = if bound < 2 * limit * WIDENING { bound } else { limit * WIDENING };
        }
    }

    /// Returns, for each stripe, the columns that a path of at most `limit` edits can pass.
    ///
    /// Such a path must end `surplus` diagonals to the right of its start. Every diagonal beyond that costs one edit
    /// out and one edit back.
    fn band(&self, limit: usize) -> impl Iterator<Item = Range<usize>> {
        let surplus = self.columns - self.rows;
        let (right, left) = ((limit + surplus) / 2, (limit - surplus) / 2);
        let columns = move |first_bit: usize| {
            let start = first_bit.saturating_sub(self.padding + left);
            let end = first_bit + HEIGHT - self.padding + right;
            start..end.min(self.columns)
        };
        (0..self.padding + self.rows).step_by(HEIGHT).map(columns)
    }

    /// Returns the distance if a band for at most `limit` edits holds it, and otherwise an upper bound of it.
    fn distance_within(&self, limit: usize) -> usize {
        // Above the band lies the edge of the matrix, or cells that only insertions enter: one more each column.
        let mut carries = vec![Carry::GROWS; 2 * (self.columns + LEAD)];
        let (mut above, mut below) = carries.split_at_mut(self.columns + LEAD);
        let mut padding = self.padding;
        // The value of the last cell, summed along the path to it. The path goes down the left edge of a stripe, one
        // more each row, and along its lowest row to the start of the next one.
        let mut bound = self.rows;
        let starts_of_next = self.band(limit).skip(1).map(|next| next.start).chain([self.columns]);
        let occurrences = self.occurrences.chunks_exact(WORDS * self.alphabet);
        for ((Range { start, end }, start_of_next), occurrences) in
            self.band(limit).zip(starts_of_next).zip(occurrences)
        {
            let text = &self.text[start..LEAD + end + LEAD];
            Stripe::below(padding).advance(text, occurrences, &above[start..end + LEAD], &mut below[start..end]);
            padding = 0;
            let lowest_row = &below[start..start_of_next];
            let less: u32 = lowest_row.iter().map(|carry| carry.holds + carry.falls).sum();
            bound = bound + lowest_row.len() - less as usize;
            swap(&mut above, &mut below);
        }
        bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AMPLE: u64 = u64::MAX;

    fn edits(left: &str, right: &str) -> Option<usize> {
        distance(left, right, AMPLE).map(|distance| distance.edits)
    }

    #[test]
    fn counts_scalar_values_and_not_bytes() {
        assert_eq!(edits("na\u{ef}ve", "naive"), Some(1));
        assert_eq!(edits("\u{1f469}\u{200d}\u{1f4bb}", "\u{1f469}"), Some(2));
        assert_eq!(edits("", "\u{65e5}\u{672c}"), Some(2));
    }

    #[test]
    fn cuts_common_ends_at_scalar_boundaries_only() {
        // The first and the last bytes of these scalars are equal, the scalars are not.
        assert_eq!(edits("\u{e9}", "\u{e8}"), Some(1));
        assert_eq!(edits("\u{4e00}", "\u{4f00}"), Some(1));
        assert_eq!(edits("a\u{e9}b\u{e9}c", "a\u{e8}b\u{169}c"), Some(2));
    }

    #[test]
    fn stops_before_the_work_exceeds_its_bound() {
        let (left, right) = ("ab".repeat(4_000), "cd".repeat(4_000));
        assert_eq!(distance(&left, &right, 10_000), None);
        assert_eq!(edits(&left, &right), Some(8_000));
    }

    #[test]
    fn refuses_an_alphabet_whose_table_would_not_fit() {
        let scalars: Vec<char> = ('\u{4e00}'..'\u{9fff}').collect();
        let left: String = scalars.iter().cycle().take(300_000).collect();
        let right: String = scalars.iter().rev().cycle().take(300_000).collect();
        assert_eq!(distance(&left, &right, AMPLE), None);
    }

    /// Generates a text and an edited copy of it. Random pairs alone are nearly always far apart and never leave the
    /// narrow band.
    fn edited_text(alphabet: &'static str, length: usize) -> impl Strategy<Value = (String, String)> {
        let edit = (any::<prop::sample::Index>(), 0..40_usize, prop::string::string_regex(alphabet).unwrap());
        (
            prop::collection::vec(prop::string::string_regex(alphabet).unwrap(), 0..length),
            prop::collection::vec(edit, 0..12),
        )
            .prop_map(|(pieces, edits)| {
                let original: Vec<char> = pieces.concat().chars().collect();
                let mut edited = original.clone();
                for (place, cut, insert) in edits {
                    let at = if edited.is_empty() { 0 } else { place.index(edited.len()) };
                    let end = (at + cut).min(edited.len());
                    edited.splice(at..end, insert.chars());
                }
                (original.into_iter().collect(), edited.into_iter().collect())
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn equals_strsim_on_any_unicode(left in "\\PC{0,300}", right in "\\PC{0,300}") {
            prop_assert_eq!(edits(&left, &right), Some(strsim::levenshtein(&left, &right)));
        }

        #[test]
        fn equals_strsim_on_small_alphabets(left in "[ab\u{e9}]{0,400}", right in "[ab\u{e9}]{0,400}") {
            prop_assert_eq!(edits(&left, &right), Some(strsim::levenshtein(&left, &right)));
        }

        #[test]
        fn equals_strsim_on_edited_ascii((left, right) in edited_text("[a-d \n]{1,12}", 80)) {
            prop_assert_eq!(edits(&left, &right), Some(strsim::levenshtein(&left, &right)));
        }

        #[test]
        fn equals_strsim_on_edited_unicode((left, right) in edited_text("[a-c\u{301}\u{3b1}-\u{3b4}\u{1f600}-\u{1f604}]{1,12}", 80)) {
            prop_assert_eq!(edits(&left, &right), Some(strsim::levenshtein(&left, &right)));
        }
    }

    proptest! {
        // Few cases, because the oracle is quadratic. Long texts, so that every width of band occurs.
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_strsim_on_long_texts(
            left in "[a-e\u{e9}]{2000,6000}", right in "[a-e\u{e9}]{2000,6000}", kept in 0..6_000_usize,
        ) {
            // From hardly anything in common to most.
            let mixed: String = left.chars().take(kept).chain(right.chars()).collect();
            prop_assert_eq!(edits(&left, &mixed), Some(strsim::levenshtein(&left, &mixed)));
        }
    }
}
