//! Telephone numbers: the least structured of all, and hence the source of nearly all false alarms.
//!
//! A number needs evidence: a `+`, the grouping of a national plan, or a word beside it.

use super::groups::Groups;
use super::words::are_near;

/// Words for a telephone: in English, and spelled alike in many languages.
const WORDS: [&str; 18] = [
    "phone",
    "telephone",
    "tel",
    "mobile",
    "mobil",
    "cell",
    "cellphone",
    "call",
    "fax",
    "desk",
    "office",
    "whatsapp",
    "sms",
    "dial",
    "answering",
    "messages to",
    "telefon",
    "handy",
];

/// Returns the number of leading groups that form a telephone number.
pub(super) fn groups_of(text: &str, groups: &Groups) -> Option<usize> {
    let bytes = text.as_bytes();
    let first = groups.get(0)?;
    if groups.is_date(bytes) {
        return None;
    }
    let is_international = first.start.checked_sub(1).is_some_and(|at| bytes[at] == b'+')
        || first.start.checked_sub(2).is_some_and(|at| &bytes[at..first.start] == b"+(");
    if is_international {
        return international(bytes, groups);
    }
    national(bytes, groups).or_else(|| near_a_word(text, groups))
}

/// Matches ITU-T E.164: a country, and up to 15 digits in all. Without any separator it must have at least ten:
/// `+1000000` is a number.
fn international(bytes: &[u8], groups: &Groups) -> Option<usize> {
    if bytes[groups.get(0)?.start] == b'0' {
        return None;
    }
    let count = groups.longest(15)?;
    let digits = groups.digits(count);
    // No country code has more than three digits: `+999999-12-31` is a date.
    if groups.gap(bytes, 0) == Some(b"-") && groups.length(0) > 3 {
        return None;
    }
    // `+1.23499999` is a decimal.
    if groups.gap(bytes, 0) == Some(b".") && count < 3 {
        return None;
    }
    (digits >= if count == 1 { 10 } else { 8 }).then_some(count)
}

/// Matches groupings that are evidence by themselves.
fn national(bytes: &[u8], groups: &Groups) -> Option<usize> {
    let first = bytes[groups.get(0)?.start];
    let opens = groups.get(0)?.start.checked_sub(1).is_some_and(|at| bytes[at] == b'(');
    // North America: 415-555-0132, 415.555.0132, (415) 555-0132, 001-415-555-0132.
    let skipped = usize::from(groups.digits(1) == 3 && bytes[groups.get(0)?.clone()] == *b"001");
    let is_plan = groups.has_lengths(skipped, &[3, 3, 4]) && bytes[groups.get(skipped)?.start] >= b'2';
    if is_plan && groups.can_end_at(bytes, skipped + 3) {
        let is_joined = |gap: &[u8]| matches!(gap, b"-" | b"." | b") " | b")" | b")-");
        let is_joined = groups.gaps(bytes, skipped, 3).all(is_joined);
        if is_joined && (opens || skipped == 1 || groups.gap(bytes, 0) == groups.gap(bytes, 1)) {
            return Some(skipped + 3);
        }
    }
    // A trunk prefix and at least three groups, all joined alike: 0490 75 40 81, 03.93.92.16.85, 078 8098 1119, (08) 8747 6301.
    let count = groups.longest(11)?;
    let is_trunk = first == b'0' && groups.digits(1) >= 2 && bytes[groups.get(0)?.start + 1] != b'0';
    let is_even = (1..count).all(|at| (2..=4).contains(&groups.length(at)));
    let joined_before =
        bytes[..groups.get(0)?.start].last_chunk().filter(|[before, _]: &&[u8; 2]| before.is_ascii_digit());
    let is_inside = joined_before.is_some_and(|[_, joint]| groups.gap(bytes, 0) == Some(&[*joint]));
    // Social security numbers are written like this, also invalid ones.
    let is_inside = is_inside || groups.has_lengths(0, &[3, 2, 4]);
    let is_grouped = (3..=5).contains(&count) && is_even && (9..=11).contains(&groups.digits(count));
    let mut gaps = groups.gaps(bytes, 0, count);
    let joint = if opens { gaps.next() } else { groups.gap(bytes, 0) };
    let is_alike =
        matches!(joint, Some(b" " | b"-" | b"." | b") " | b")")) && gaps.all(|gap| opens || Some(gap) == joint);
    (is_trunk && !is_inside && is_grouped && is_alike && groups.can_end_at(bytes, count)).then_some(count)
}

/// Matches any 7 to 15 digits in up to six groups, beside a word.
fn near_a_word(text: &str, groups: &Groups) -> Option<usize> {
    let bytes = text.as_bytes();
    let count = groups.longest(15)?;
    let is_likely =
        groups.digits(count) >= 7 && groups.can_end_at(bytes, count) && (count == 1 || groups.length(0) <= 5);
    if !is_likely {
        return None;
    }
    let place = groups.get(0)?.start..groups.get(count - 1)?.end;
    are_near(text, &place, &WORDS).then_some(count)
}
