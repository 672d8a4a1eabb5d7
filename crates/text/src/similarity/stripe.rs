//! A stripe of the matrix: a few words of rows that advance together.

use wide::u64x4;

/// The number of rows of a word.
pub(super) const WORD: usize = 64;

/// The number of words of a stripe: as many as a vector register of the processor holds.
pub(super) const WORDS: usize = 4;

/// The number of columns that each word is behind the one above. A word's column depends on the same column of the word
/// above it, which takes one. The carries need another one, as moving them takes as long as computing them.
const LAG: usize = 2;

/// The number of columns that the lowest word is behind the highest one.
pub(super) const LEAD: usize = LAG * (WORDS - 1);

/// The difference in one row from a column to the next.
#[derive(Clone, Copy)]
pub(super) struct Carry {
    /// 1 unless the matrix grows by one. (Its complement would make the recurrence a fifth slower.)
    pub(super) holds: u32,
    /// 1 if it shrinks by one.
    pub(super) falls: u32,
}

impl Carry {
    pub(super) const GROWS: Self = Self { holds: 0, falls: 0 };
}

/// Words, each in a column of its own, as vertical differences: bits where a cell is one more, or one less, than the
/// cell above it.
#[derive(Clone, Copy)]
pub(super) struct Stripe {
    up: u64x4,
    down: u64x4,
    /// The carries into the words from those above them, for the next column and the one after it; see [`Carry`].
    holds: [u64x4; LAG],
    falls: [u64x4; LAG],
}

impl Stripe {
    /// Returns column 0, or a column before the band: one deletion a row. The first `padding` bits have no row.
    pub(super) fn below(padding: usize) -> Self {
        let start = |word: usize| u64::MAX.checked_shl(padding.saturating_sub(word * WORD) as u32).unwrap_or(0);
        let none = words(|_| 0);
        Self { up: words(start), down: none, holds: [none; LAG], falls: [none; LAG] }
    }

    /// Advances the stripe through its columns, from the carries of the row above it to those of its lowest row.
    ///
    /// `above` has [`LEAD`] extra carries, which do not matter, and `text` as many extra symbols before and after those
    /// of the columns. For each word, `occurrences` has the rows of each symbol.
    pub(super) fn advance(mut self, text: &[u32], occurrences: &[u64], above: &[Carry], below: &mut [Carry]) {
        let alphabet = occurrences.len() / WORDS;
        let rows: [&[u64]; WORDS] = std::array::from_fn(|word| &occurrences[alphabet * word..alphabet * (word + 1)]);
        // The highest word is in the column of the window's last symbol.
        let matches = |window: &[u32]| words(|word| rows[word][window[LEAD - LAG * word] as usize]);
        let (above_first, above) = above.split_at(LEAD);
        for (column, (window, above)) in text.windows(LEAD + 1).zip(above_first).enumerate() {
            let (advanced, _) = self.next(matches(window), *above);
            // The lower words have not reached their first column yet.
            let started = |word: usize| LAG * word <= column;
            let up = words(|word| if started(word) { advanced.up } else { self.up }.to_array()[word]);
            let down = words(|word| if started(word) { advanced.down } else { self.down }.to_array()[word]);
            self = Self { up, down, ..advanced };
        }
        for ((window, above), below) in text[LEAD..].windows(LEAD + 1).zip(above).zip(below) {
            (self, *below) = self.next(matches(window), *above);
        }
    }

    /// Advances each word by one column. The column's symbol occurs in the rows `matches`. Takes the carry above the
    /// highest word and returns that of the lowest.
    #[inline(always)]
    fn next(self, matches: u64x4, above: Carry) -> (Self, Carry) {
        let Self { up, down, holds: [holds_above, next_holds_above], falls: [falls_above, next_falls_above] } = self;
        let holds_above = holds_above | words(|word| if word == 0 { u64::from(above.holds) } else { 0 });
        let falls_above = falls_above | words(|word| if word == 0 { u64::from(above.falls) } else { 0 });
        let entered = matches | falls_above;
        let sum = (entered & up) + up;
        let zero_diagonal = (sum ^ up) | entered | down;
        let holds = (sum | entered | up) & !down;
        let falls = zero_diagonal & up;
        let holds_above = (holds + holds) | holds_above;
        let falls_above = (falls + falls) | falls_above;
        let (holds, falls) = (holds >> (WORD - 1), falls >> (WORD - 1));
        let next = Self {
            up: falls_above | (!zero_diagonal & holds_above),
            down: zero_diagonal & !holds_above,
            holds: [next_holds_above, one_lower(holds)],
            falls: [next_falls_above, one_lower(falls)],
        };
        let lowest = |lanes: u64x4| lanes.to_array()[WORDS - 1] as u32;
        (next, Carry { holds: lowest(holds), falls: lowest(falls) })
    }
}

#[inline(always)]
fn words(word: impl Fn(usize) -> u64) -> u64x4 {
    u64x4::new([word(0), word(1), word(2), word(3)])
}

/// Moves each word to the place of the one below it. (By a shuffle, which the compiler keeps in one piece.)
#[inline(always)]
fn one_lower(lanes: u64x4) -> u64x4 {
    const NONE: u64 = WORDS as u64;
    lanes.shuffle_zeroing(u64x4::new([NONE, 0, 1, 2]))
}
