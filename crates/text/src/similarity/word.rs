//! The whole matrix in one word of rows. Without their equal ends, most edits are no longer than that.
//!
//! The recurrence is that of a stripe, without carries from above or to below, and without a band. In a register or two
//! it takes a fraction of the time.

/// The rows of the wider word: two registers, as processors carry from one to the next.
pub(super) const ROWS: usize = u128::BITS as usize;

/// The size of the largest alphabet: ASCII, the absent symbol, and some characters beyond.
pub(super) const SYMBOLS: usize = 128 + 1 + 31;

/// Returns the distance of a pattern of 1 to [`ROWS`] symbols and a text, both over an alphabet of at most [`SYMBOLS`].
pub(super) fn distance_of_word(pattern: impl ExactSizeIterator<Item = u32>, text: impl Iterator<Item = u32>) -> usize {
    if pattern.len() <= u64::BITS as usize { narrow(pattern, text) } else { wide(pattern, text) }
}

macro_rules! distance_in {
    ($name:ident, $word:ty) => {
        fn $name(pattern: impl ExactSizeIterator<Item = u32>, text: impl Iterator<Item = u32>) -> usize {
            const LAST: u32 = <$word>::BITS - 1;
            let rows = pattern.len();
            // Bits without a row come first, so that the last row is the last bit.
            let padding = <$word>::BITS as usize - rows;
            let mut occurrences: [$word; SYMBOLS] = [0; SYMBOLS];
            for (bit, symbol) in (padding..).zip(pattern) {
                occurrences[symbol as usize] |= 1 << bit;
            }
            let (mut up, mut down) = (<$word>::MAX << padding, 0);
            let (mut grown, mut shrunk) = (rows, 0);
            for symbol in text {
                let matches = occurrences[symbol as usize];
                let zero_diagonal = ((matches & up).wrapping_add(up) ^ up) | matches | down;
                let grows = down | !(zero_diagonal | up);
                let falls = zero_diagonal & up;
                grown += (grows >> LAST) as usize;
                shrunk += (falls >> LAST) as usize;
                // Above the first row lies the edge of the matrix, which grows with each column.
                let grows_above = grows << 1 | 1;
                up = falls << 1 | !(zero_diagonal | grows_above);
                down = zero_diagonal & grows_above;
            }
            grown - shrunk
        }
    };
}

distance_in!(narrow, u64);
distance_in!(wide, u128);

#[cfg(test)]
mod tests {
    use super::super::levenshtein::distance;

    #[test]
    fn a_word_is_filled_to_its_last_row_and_no_further() {
        let text: String = (0..300_u32).map(|number| char::from(b'a' + (number * number % 23) as u8)).collect();
        let other: String = (0..300_u32).map(|number| char::from(b'a' + (number * 7 % 19) as u8)).collect();
        for rows in [1, 2, 63, 64, 65, 127, 128, 129] {
            for columns in [1, rows, 300] {
                // Different ends, so that nothing is cut off.
                let (left, right) = (format!("<{}(", &text[..rows]), format!("[{}>", &other[..columns]));
                let (left, right) = (&left[..rows], &right[..columns]);
                let expected = strsim::levenshtein(left, right);
                assert_eq!(
                    distance(left, right, u64::MAX).map(|found| found.edits),
                    Some(expected),
                    "{rows} × {columns}"
                );
            }
        }
    }
}
