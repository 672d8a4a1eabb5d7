//! Finds numbers, and tries each rule on them.

use std::ops::Range;

use super::groups::{Groups, next_cluster};
use super::words::are_near;
use super::{Kind, Match, address, card, iban, phone};

const SSN_WORDS: [&str; 4] = ["ssn", "social security", "social sec", "ss#"];

/// The minimum number of digits of a value known by its digits alone: those of a telephone number.
const MIN_KNOWN: usize = 7;

/// The maximum number of digits of a known value: those of a card, or of a telephone number and its extension.
const MAX_KNOWN: usize = 21;

/// The maximum number of digits of any searched number.
const MAX_DIGITS: usize = 19;

/// Adds the account, card, social security and telephone numbers in `text`, and its IPv4 addresses.
pub(super) fn find(text: &str, found: &mut Vec<Match>) {
    let bytes = text.as_bytes();
    let mut free_from = 0;
    while let Some(cluster) = next_cluster(bytes, free_from) {
        if let Some(account) = iban::around(bytes, &cluster, free_from) {
            free_from = account.end;
            found.push(Match { kind: Kind::Iban, bytes: account });
            continue;
        }
        let mut groups = Groups::of(bytes, &cluster);
        while let Some(first) = groups.get(0) {
            let start = first.start;
            let number = number_at(text, &groups).filter(|(number, _)| number.bytes.start >= free_from);
            let count = number.as_ref().map_or(1, |(_, count)| *count);
            free_from = groups.get(count - 1).map_or(start, |last| last.end);
            if let Some((number, _)) = number {
                free_from = number.bytes.end;
                found.push(number);
            }
            groups.advance(bytes, count);
        }
        free_from = free_from.max(cluster.end);
    }
}

/// Returns the match of the first groups, and the number of groups in it.
fn number_at(text: &str, groups: &Groups) -> Option<(Match, usize)> {
    let bytes = text.as_bytes();
    let start = groups.get(0)?.start;
    let (kind, count) = if let Some(count) = address_groups(text, groups) {
        (Kind::Ip, count)
    } else if let Some(count) = card_groups(text, groups) {
        (Kind::Card, count)
    } else if let Some(count) = ssn_groups(text, groups) {
        (Kind::Ssn, count)
    } else {
        (Kind::Phone, phone::groups_of(text, groups)?)
    };
    let mut place = start..groups.get(count - 1)?.end;
    if kind == Kind::Phone {
        // The signs before a telephone number, and the extension behind it.
        let signs = bytes[..start].iter().rev().take(2).take_while(|byte| matches!(byte, b'+' | b'(')).count();
        place = start - signs..place.end + extension_len(&bytes[place.end..]);
    }
    (!is_glued(bytes, &place)).then_some((Match { kind, bytes: place }, count))
}

/// Returns the length of an extension: `x459`.
fn extension_len(after: &[u8]) -> usize {
    let digits = after.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).take(7).count();
    if after.first() == Some(&b'x') && (1..=6).contains(&digits) { 1 + digits } else { 0 }
}

/// Returns `true` if the place is a part of something longer: an identifier, a version, a decimal, another number.
fn is_glued(bytes: &[u8], place: &Range<usize>) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let is_joint = |byte: &u8| matches!(byte, b'-' | b'.' | b'/');
    let mut before = bytes[..place.start].iter().rev();
    let is_glued_before = match (before.next(), before.next()) {
        (Some(byte), _) if is_word(byte) => true,
        (Some(joint), Some(byte)) => is_joint(joint) && is_word(byte),
        _ => false,
    };
    let mut after = bytes[place.end..].iter();
    let is_glued_after = match (after.next(), after.next()) {
        (Some(byte), _) if is_word(byte) => true,
        (Some(b'-' | b'.'), Some(byte)) => byte.is_ascii_digit(),
        _ => false,
    };
    is_glued_before || is_glued_after
}

fn address_groups(text: &str, groups: &Groups) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_dotted = groups.gaps(bytes, 0, 4).filter(|gap| *gap == b".").count() == 3;
    let place = groups.get(0)?.start..groups.get(3)?.end;
    (is_dotted && address::is_v4(text, &place)).then_some(4)
}

/// Returns the number of groups of a card. Cards stand in one run, or in their embossed groups.
fn card_groups(text: &str, groups: &Groups) -> Option<usize> {
    const EMBOSSED: [&[usize]; 4] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];
    let bytes = text.as_bytes();
    let is_run = (12..=MAX_DIGITS).contains(&groups.length(0));
    let count = if is_run {
        1
    } else {
        EMBOSSED.into_iter().find(|lengths| groups.has_lengths(0, lengths)).map(<[usize]>::len)?
    };
    let joint = groups.gap(bytes, 0);
    let is_joined = matches!(joint, Some(b" " | b"-")) && groups.gaps(bytes, 0, count).all(|gap| Some(gap) == joint);
    if !is_run && !is_joined {
        return None;
    }
    let mut digits = [0; MAX_DIGITS];
    let count_digits = groups.digits(count);
    let place = groups.get(0)?.start..groups.get(count - 1)?.end;
    let source = bytes[place.clone()].iter().filter(|byte| byte.is_ascii_digit());
    digits.iter_mut().zip(source).for_each(|(digit, byte)| *digit = *byte);
    match card::form(digits.get(..count_digits)?)? {
        card::Form::Certain => Some(count),
        card::Form::Possible => are_near(text, &place, &card::WORDS).then_some(count),
    }
}

/// Returns the number of groups of a social security number: three, two and four digits. Never issued: areas 000, 666
/// and 900 and above, group 00, serial 0000, and two that were printed in advertisements.
fn ssn_groups(text: &str, groups: &Groups) -> Option<usize> {
    let bytes = text.as_bytes();
    let count = if groups.has_lengths(0, &[3, 2, 4]) { 3 } else { 1 };
    let place = groups.get(0)?.start..groups.get(count - 1)?.end;
    if groups.digits(count) != 9 || !is_issued(&bytes[place.clone()]) {
        return None;
    }
    let is_hyphened = count == 3 && groups.gaps(bytes, 0, 3).all(|gap| gap == b"-");
    (is_hyphened || are_near(text, &place, &SSN_WORDS)).then_some(count)
}

fn is_issued(number: &[u8]) -> bool {
    let mut digits = [0; 9];
    digits.iter_mut().zip(number.iter().filter(|byte| byte.is_ascii_digit())).for_each(|(digit, byte)| *digit = *byte);
    let (area, group, serial) = (&digits[..3], &digits[3..5], &digits[5..]);
    let is_never_issued = area == b"000" || area == b"666" || area[0] == b'9' || group == b"00" || serial == b"0000";
    let is_advertised = matches!(&digits, b"078051120" | b"219099999");
    !is_never_issued && !is_advertised
}

/// Adds the places in `text` whose digits, or address, `kind_of` knows, in any grouping and surroundings. Personal data
/// in one text of an edit is personal data in the others.
pub fn find_known(text: &str, kind_of: impl Fn(&str) -> Option<Kind>, found: &mut Vec<Match>) {
    let bytes = text.as_bytes();
    let mut free_from = 0;
    while let Some(cluster) = next_cluster(bytes, free_from) {
        let digits: String = text[cluster.clone()].chars().filter(char::is_ascii_digit).collect();
        let mut rest = digits.as_str();
        let mut groups = Groups::of(bytes, &cluster);
        while let Some(first) = groups.get(0) {
            let known = known_at(text, &groups, rest, &kind_of);
            let count = known.as_ref().map_or(1, |(_, count)| *count);
            found.extend(known.map(|(kind, count)| Match {
                kind,
                bytes: first.start..groups.get(count - 1).map_or(first.end, |last| last.end),
            }));
            rest = &rest[groups.digits(count)..];
            groups.advance(bytes, count);
        }
        free_from = cluster.end;
    }
}

/// Returns the kind and the largest number of groups of a known value. `digits` are those from the first group on.
fn known_at(
    text: &str,
    groups: &Groups,
    digits: &str,
    kind_of: impl Fn(&str) -> Option<Kind>,
) -> Option<(Kind, usize)> {
    let first = groups.get(0)?;
    if groups.gap(text.as_bytes(), 0) == Some(b".")
        && let Some(last) = groups.get(3)
        && let Some(kind) = kind_of(&text[first.start..last.end])
    {
        return Some((kind, 4));
    }
    let longest = groups.longest(MAX_KNOWN)?;
    let counts = (1..=longest).rev().take_while(|count| groups.digits(*count) >= MIN_KNOWN);
    counts.filter_map(|count| Some((kind_of(&digits[..groups.digits(count)])?, count))).next()
}
