//! Runs of digits with little between them, and their groups.

use std::ops::Range;

/// The least digits of anything that is looked for among numbers: those of a short IPv4 address.
const MIN_DIGITS: usize = 6;

/// The bytes whose digits are counted at once.
const BLOCK: usize = 32;

/// The most bytes between two digits of one number: `+46 (0)8`.
const MAX_GAP: usize = 2;

/// The most groups that any rule looks at.
const MAX_GROUPS: usize = 8;

/// The next stretch of at least six digits, and nothing but a number's separators among them, from `from` on.
///
/// Sparse text is skipped a block at a time: within a stretch at least every third byte is a digit, so that two neighbouring
/// blocks with fewer than six have no more of one than its beginning, which the next block shows.
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

/// Where digits may be dense again.
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

/// Written so that it becomes a few vector instructions.
fn digits_in(block: &[u8; BLOCK]) -> usize {
    usize::from(block.iter().fold(0_u8, |count, byte| count + u8::from(byte.wrapping_sub(b'0') < 10)))
}

/// Up to eight groups of digits in a row, with one byte or two between them.
#[derive(Debug)]
pub(super) struct Groups {
    ranges: [Range<usize>; MAX_GROUPS],
    count: usize,
    /// Where the cluster ends.
    end: usize,
}

impl Groups {
    /// The first groups of a cluster.
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

    /// Leaves the first `count` groups behind.
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

    /// The digits of the first `count` groups.
    pub(super) fn digits(&self, count: usize) -> usize {
        self.ranges[..count.min(self.count)].iter().map(Range::len).sum()
    }

    /// How many of the first groups have together no more than `digits`; `None` if not even the first has.
    pub(super) fn longest(&self, digits: usize) -> Option<usize> {
        let mut sum = 0;
        let count = self.ranges[..self.count].iter().take_while(|group| {
            sum += group.len();
            sum <= digits
        });
        Some(count.count()).filter(|count| *count > 0)
    }

    /// Whether the groups from `from` on have these lengths.
    pub(super) fn has_lengths(&self, from: usize, lengths: &[usize]) -> bool {
        lengths.iter().enumerate().all(|(at, length)| self.length(from + at) == *length)
    }

    /// What is between a group and the next.
    pub(super) fn gap<'b>(&self, bytes: &'b [u8], at: usize) -> Option<&'b [u8]> {
        Some(&bytes[self.get(at)?.end..self.get(at + 1)?.start])
    }

    /// What is between the `count` groups from `from` on.
    pub(super) fn gaps<'b>(&self, bytes: &'b [u8], from: usize, count: usize) -> impl Iterator<Item = &'b [u8]> {
        (from..from + count.saturating_sub(1)).filter_map(|at| self.gap(bytes, at))
    }

    /// Whether a number of the first `count` groups can end there: nothing follows, or it is joined otherwise.
    pub(super) fn can_end_at(&self, bytes: &[u8], count: usize) -> bool {
        let Some(next) = self.gap(bytes, count - 1) else { return count == self.count };
        count > 1 && self.gap(bytes, count - 2) != Some(next)
    }

    /// Whether the first three groups are a date: a day and a month of two digits, and a year of these centuries.
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
