//! Runs of digits with little between them, and their groups.

use std::ops::Range;

/// The minimum number of digits of any searched number: those of a short IPv4 address.
const MIN_DIGITS: usize = 6;

/// The number of bytes whose digits are counted at once.
const BLOCK: usize = 32;

/// The maximum number of bytes between two digits of one number: `+46 (0)8`.
const MAX_GAP: usize = 2;

/// The maximum number of groups that any rule reads.
const MAX_GROUPS: usize = 8;

/// Returns the next stretch of at least six digits with only a number's separators among them, from `from` on.
///
/// Sparse text is skipped a block at a time. Within a stretch at least every third byte is a digit. So two neighbouring
/// blocks with fewer than six digits hold at most the beginning of one, which the next block shows.
pub(super) fn next_cluster(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        at = skip_sparse(bytes, at);
        let start = at + bytes[at..].iter().position(u8::is_ascii_digit)?;
        let (mut end, mut digits, mut gap) = (start, 0, 0);
        for (offset, byte) in bytes[start..].iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    (digits, gap, end) = (digits + 1, 0, start + offset + 1);
                }
                b' ' | b'-' | b'.' | b'(' | b')' | b'/' if gap < MAX_GAP => gap += 1,
                _ => break,
            }
        }
        if digits >= MIN_DIGITS {
            return Some(start..end);
        }
        at = end;
    }
}

/// Returns the next place where digits may be dense.
fn skip_sparse(bytes: &[u8], from: usize) -> usize {
    let (blocks, _) = bytes[from..].as_chunks::<BLOCK>();
    let Some((first, following)) = blocks.split_first() else { return from };
    let mut here = digits_in(first);
    for (skipped, next) in following.iter().enumerate() {
        let ahead = digits_in(next);
        if here + ahead >= MIN_DIGITS {
            return from + skipped * BLOCK;
        }
        here = ahead;
    }
    from + following.len() * BLOCK
}

/// Counts digits. The form compiles to a few vector instructions.
fn digits_in(block: &[u8; BLOCK]) -> usize {
    usize::from(block.iter().fold(0_u8, |count, byte| count + u8::from(byte.wrapping_sub(b'0') < 10)))
}

/// Up to eight groups of digits in a row, with one byte or two between them.
#[derive(Debug)]
pub(super) struct Groups {
    ranges: [Range<usize>; MAX_GROUPS],
    count: usize,
    /// The end of the cluster.
    end: usize,
}

impl Groups {
    /// Returns the first groups of a cluster.
    pub(super) fn of(bytes: &[u8], cluster: &Range<usize>) -> Self {
        let mut groups = Self { ranges: std::array::from_fn(|_| 0..0), count: 0, end: cluster.end };
        let mut at = cluster.start;
        while groups.count < MAX_GROUPS
            && let Some(group) = next_group(bytes, at, cluster.end)
        {
            at = group.end;
            groups.ranges[groups.count] = group;
            groups.count += 1;
        }
        groups
    }

    /// Drops the first `count` groups.
    pub(super) fn advance(&mut self, bytes: &[u8], count: usize) {
        for _ in 0..count {
            let Some(last) = self.count.checked_sub(1) else { return };
            let next = next_group(bytes, self.ranges[last].end, self.end).filter(|_| self.count == MAX_GROUPS);
            self.ranges.rotate_left(1);
            match next {
                Some(group) => self.ranges[last] = group,
                None => self.count -= 1,
            }
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<&Range<usize>> {
        self.ranges[..self.count].get(at)
    }

    pub(super) fn length(&self, at: usize) -> usize {
        self.get(at).map_or(0, Range::len)
    }

    /// Returns the number of digits in the first `count` groups.
    pub(super) fn digits(&self, count: usize) -> usize {
        self.ranges[..count.min(self.count)].iter().map(Range::len).sum()
    }

    /// Returns the largest number of leading groups with at most `digits` digits; `None` if the first alone has more.
    pub(super) fn longest(&self, digits: usize) -> Option<usize> {
        let mut sum = 0;
        let count = self.ranges[..self.count].iter().take_while(|group| {
            sum += group.len();
            sum <= digits
        });
        Some(count.count()).filter(|count| *count > 0)
    }

    /// Returns `true` if the groups from `from` on have these lengths.
    pub(super) fn has_lengths(&self, from: usize, lengths: &[usize]) -> bool {
        lengths.iter().enumerate().all(|(at, length)| self.length(from + at) == *length)
    }

    /// Returns the bytes between a group and the next.
    pub(super) fn gap<'b>(&self, bytes: &'b [u8], at: usize) -> Option<&'b [u8]> {
        Some(&bytes[self.get(at)?.end..self.get(at + 1)?.start])
    }

    /// Returns the bytes between each of the `count` groups from `from` on.
    pub(super) fn gaps<'b>(&self, bytes: &'b [u8], from: usize, count: usize) -> impl Iterator<Item = &'b [u8]> {
        (from..from + count.saturating_sub(1)).filter_map(|at| self.gap(bytes, at))
    }

    /// Returns `true` if a number of the first `count` groups can end there: nothing follows, or a different separator
    /// does.
    pub(super) fn can_end_at(&self, bytes: &[u8], count: usize) -> bool {
        let Some(next) = self.gap(bytes, count - 1) else { return count == self.count };
        count > 1 && self.gap(bytes, count - 2) != Some(next)
    }

    /// Returns `true` if the first three groups are a date: a day and a month of two digits, and a year of these
    /// centuries.
    pub(super) fn is_date(&self, bytes: &[u8]) -> bool {
        let is_year = |at: usize| {
            self.get(at)
                .is_some_and(|group| matches!(&bytes[group.start..group.end.min(group.start + 2)], b"19" | b"20"))
        };
        (self.has_lengths(0, &[4, 2, 2]) && is_year(0)) || (self.has_lengths(0, &[2, 2, 4]) && is_year(2))
    }
}

fn next_group(bytes: &[u8], from: usize, end: usize) -> Option<Range<usize>> {
    let start = from + bytes[from..end].iter().position(u8::is_ascii_digit)?;
    let length = bytes[start..end].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some(start..start + length)
}
