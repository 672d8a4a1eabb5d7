//! Exact Levenshtein distance in bit-parallel time, with a bound on the work.
//!
//! The recurrence is Myers' (1999) in Hyyrö's formulation (2003): a column of the dynamic-programming matrix is kept as
//! vertical differences in {-1, 0, +1}, 64 rows to a machine word. Around it lies Ukkonen's band (1985): a distance of at
//! most `k` never leaves the diagonals that `k` edits can reach, so only the words under those diagonals are computed, and
//! `k` is doubled until it suffices. Edits are mostly small, so mostly the first, narrow band does.
//!
//! Every value computed in a band is the cost of *some* real edit path (cells outside are entered by pure insertions or
//! deletions). Hence the result is never below the distance, and equals it as soon as it is at most `k`.

use std::collections::HashMap;

const WORD: usize = 64;

/// The half width, in edits, that the first band allows beyond the difference in length.
const FIRST_BAND: usize = WORD;

/// The Levenshtein distance of two texts over Unicode scalar values, and the length that normalises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distance {
    /// Insertions, deletions and substitutions of one scalar value each.
    pub edits: usize,
    /// Scalar values in the longer text.
    pub longer: usize,
}

/// Computes the distance, or answers `None` as soon as that would take more than `max_steps` word steps (one step
/// advances 64 rows by one column, about 2 ns) or a table larger than [`MAX_TABLE_WORDS`].
pub(crate) fn distance(left: &str, right: &str, max_steps: u64) -> Option<Distance> {
    let longer = left.chars().count().max(right.chars().count());
    let (left, right) = strip_common_ends(left, right);
    let edits = distance_of_cores(left, right, max_steps)?;
    Some(Distance { edits, longer })
}

fn distance_of_cores(left: &str, right: &str, max_steps: u64) -> Option<usize> {
    if left.is_empty() || right.is_empty() {
        return Some(left.chars().count().max(right.chars().count()));
    }
    if left.is_ascii() && right.is_ascii() {
        let (pattern, text) = shorter_first(left.as_bytes(), right.as_bytes());
        return Matcher::over_ascii(pattern, text)?.distance(max_steps);
    }
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let (pattern, text) = shorter_first(&left[..], &right[..]);
    Matcher::over_chars(pattern, text)?.distance(max_steps)
}

fn shorter_first<'a, T>(left: &'a [T], right: &'a [T]) -> (&'a [T], &'a [T]) {
    if left.len() <= right.len() { (left, right) } else { (right, left) }
}

/// Cuts off what both texts begin and end with: equal ends never change the distance.
fn strip_common_ends<'a>(left: &'a str, right: &'a str) -> (&'a str, &'a str) {
    let mut prefix = common_prefix(left.as_bytes(), right.as_bytes());
    while !left.is_char_boundary(prefix) {
        prefix -= 1;
    }
    let (left, right) = (&left[prefix..], &right[prefix..]);
    let mut suffix = common_suffix(left.as_bytes(), right.as_bytes());
    while !left.is_char_boundary(left.len() - suffix) {
        suffix -= 1;
    }
    (&left[..left.len() - suffix], &right[..right.len() - suffix])
}

/// Bytes compared at once while looking for the end of a common prefix or suffix.
const STRIDE: usize = 32;

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let strides = left.chunks_exact(STRIDE).zip(right.chunks_exact(STRIDE));
    let start = strides.take_while(|(l, r)| l == r).count() * STRIDE;
    let bytes = left[start..].iter().zip(&right[start..]);
    start + bytes.take_while(|(l, r)| l == r).count()
}

fn common_suffix(left: &[u8], right: &[u8]) -> usize {
    let strides = left.rchunks_exact(STRIDE).zip(right.rchunks_exact(STRIDE));
    let end = strides.take_while(|(l, r)| l == r).count() * STRIDE;
    let bytes = left[..left.len() - end].iter().rev().zip(right[..right.len() - end].iter().rev());
    end + bytes.take_while(|(l, r)| l == r).count()
}

/// The most words that the occurrence table may take (64 MiB): a long text in a script of thousands of characters would
/// otherwise multiply both.
const MAX_TABLE_WORDS: usize = 1 << 23;

/// A pattern (the shorter text, one bit a symbol) and the text to match it against, both over one small alphabet.
struct Matcher {
    /// Symbols in the pattern; never 0.
    rows: usize,
    /// Words that hold one bit for each row.
    words: usize,
    /// `words` words for each symbol: the rows at which the pattern has it. Symbol 0 is "not in the pattern".
    occurrences: Vec<u64>,
    /// The text, as symbols.
    text: Vec<u32>,
}

impl Matcher {
    fn over_ascii(pattern: &[u8], text: &[u8]) -> Option<Self> {
        let mut symbols = [0_u32; 128];
        let mut alphabet = 0;
        for &byte in pattern {
            let symbol = &mut symbols[usize::from(byte & 0x7f)];
            if *symbol == 0 {
                alphabet += 1;
                *symbol = alphabet;
            }
        }
        let symbol_of = |byte: &u8| symbols[usize::from(byte & 0x7f)];
        Self::new(alphabet as usize, pattern.iter().map(symbol_of), text.iter().map(symbol_of).collect())
    }

    fn over_chars(pattern: &[char], text: &[char]) -> Option<Self> {
        let mut symbols: HashMap<char, u32> = HashMap::new();
        let mut alphabet = 0;
        for &scalar in pattern {
            symbols.entry(scalar).or_insert_with(|| {
                alphabet += 1;
                alphabet
            });
        }
        let symbol_of = |scalar: &char| symbols.get(scalar).copied().unwrap_or(0);
        Self::new(symbols.len(), pattern.iter().map(symbol_of), text.iter().map(symbol_of).collect())
    }

    fn new(alphabet: usize, pattern: impl ExactSizeIterator<Item = u32>, text: Vec<u32>) -> Option<Self> {
        let rows = pattern.len();
        let words = rows.div_ceil(WORD);
        let table_words = (alphabet + 1).checked_mul(words).filter(|&size| size <= MAX_TABLE_WORDS)?;
        let mut occurrences = vec![0_u64; table_words];
        for (row, symbol) in pattern.enumerate() {
            occurrences[symbol as usize * words + row / WORD] |= 1 << (row % WORD);
        }
        Some(Self { rows, words, occurrences, text })
    }

    /// Doubles the band until it holds the distance.
    fn distance(&self, max_steps: u64) -> Option<usize> {
        let surplus = self.text.len() - self.rows;
        let mut limit = surplus + FIRST_BAND;
        let mut steps_left = max_steps;
        loop {
            let band = Band::new(limit, surplus);
            steps_left = steps_left.checked_sub(band.steps(self))?;
            let bound = self.distance_within(&band);
            if bound <= limit {
                return Some(bound);
            }
            // `bound` is the cost of a real path, so a band that wide is certain to hold the distance.
            limit = bound.min(limit * 2);
        }
    }

    /// The distance if the band holds it, and an upper bound of it in any case.
    fn distance_within(&self, band: &Band) -> usize {
        let mut columns = vec![Column::START; self.words];
        let mut last = band.last_word(0, self.words);
        // The matrix' value at the lowest computed row; column 0 counts the rows.
        let mut bottom = self.rows.min((last + 1) * WORD);
        for (index, &symbol) in self.text.iter().enumerate() {
            let first = band.first_word(index);
            let wanted_last = band.last_word(index, self.words);
            if wanted_last > last {
                // A word that the band reaches anew is entered from above, by insertions only.
                bottom += self.rows.min((wanted_last + 1) * WORD) - (last + 1) * WORD;
                last = wanted_last;
            }
            let row_of_words = symbol as usize * self.words;
            let occurrences = &self.occurrences[row_of_words + first..=row_of_words + last];
            // Above the band lies the matrix' edge, or cells that are entered by deletions only: one more each column.
            let mut carry = Carry { up: 1, down: 0 };
            let mut leaving = Carry { up: 0, down: 0 };
            for (column, &matches) in columns[first..=last].iter_mut().zip(occurrences) {
                (carry, leaving) = column.advance(matches, carry);
            }
            let bottom_bit = if last + 1 == self.words { (self.rows - 1) % WORD } else { WORD - 1 };
            bottom += (leaving.up >> bottom_bit & 1) as usize;
            bottom -= (leaving.down >> bottom_bit & 1) as usize;
        }
        bottom
    }
}

/// Which words of a column can hold a path of at most `limit` edits.
///
/// A path from the first cell to the last must end `surplus` diagonals to the right. Every diagonal that it strays beyond
/// that costs one edit out and one edit back.
struct Band {
    /// Rows above the main diagonal (further along the text than the pattern).
    above: usize,
    /// Rows below it.
    below: usize,
}

impl Band {
    fn new(limit: usize, surplus: usize) -> Self {
        Self { above: (limit + surplus) / 2, below: (limit - surplus) / 2 }
    }

    fn first_word(&self, column: usize) -> usize {
        (column + 1).saturating_sub(self.above + 1) / WORD
    }

    fn last_word(&self, column: usize, words: usize) -> usize {
        ((column + self.below) / WORD).min(words - 1)
    }

    /// An upper bound of the word steps that a pass over this band takes.
    fn steps(&self, matcher: &Matcher) -> u64 {
        let words_a_column = ((self.above + self.below) / WORD + 2).min(matcher.words);
        matcher.text.len() as u64 * words_a_column as u64
    }
}

/// Horizontal differences: bits where the matrix grows, or shrinks, by one from a column to the next.
#[derive(Clone, Copy)]
struct Carry {
    up: u64,
    down: u64,
}

/// 64 rows of a column, as vertical differences: bits where a cell is one more, or one less, than the cell above it.
#[derive(Clone, Copy)]
struct Column {
    up: u64,
    down: u64,
}

impl Column {
    /// Column 0, and every word that the band has not reached: one insertion a row.
    const START: Self = Self { up: u64::MAX, down: 0 };

    /// Advances by one symbol of the text. Takes the horizontal difference of the row above (in bit 0) and answers that of
    /// the lowest row (in bit 0), and the differences of all rows.
    #[inline(always)]
    fn advance(&mut self, matches: u64, above: Carry) -> (Carry, Carry) {
        let matches_or_down = matches | above.down;
        let zero_diagonal = ((matches_or_down & self.up).wrapping_add(self.up) ^ self.up) | matches_or_down | self.down;
        let leaving = Carry { up: self.down | !(zero_diagonal | self.up), down: zero_diagonal & self.up };
        let up = (leaving.up << 1) | above.up;
        let down = (leaving.down << 1) | above.down;
        self.up = down | !(zero_diagonal | up);
        self.down = up & zero_diagonal;
        (Carry { up: leaving.up >> (WORD - 1), down: leaving.down >> (WORD - 1) }, leaving)
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

    /// A text and an edited copy of it: random pairs alone are nearly always far apart and never leave the narrow band.
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
}
