//! Internet addresses of a person or host. Addresses of one's own machine or network, of documentation, and of no
//! single owner do not count.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use memchr::memmem;

use super::words::stand_before;
use super::{Kind, Match};

const ADDRESS_WORDS: [&str; 8] = ["ip", "ipv", "address", "host", "server", "client", "ping", "from"];
const VERSION_WORDS: [&str; 9] = ["version", "v", "ver", "release", "section", "chapter", "figure", "table", "oid"];

/// Returns `true` if the four groups of `1.2.3.4` in `place` are the address of a person or host.
///
/// Versions and sections look the same, but are small. So without a word for an address before it, one of the groups
/// must be 100 or more (all four are less in 2 % of all addresses). The first must be more than 2, because object
/// identifiers begin with 0 to 2.
pub(super) fn is_v4(text: &str, place: &Range<usize>) -> bool {
    let Ok(address) = text[place.clone()].parse::<Ipv4Addr>() else { return false };
    let octets = address.octets();
    let [first, second, third, _] = octets;
    let is_reserved = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_documentation()
        || first == 0 || first >= 224
        || (first == 100 && (64..128).contains(&second)) // carriers' own
        || (first == 198 && matches!(second, 18 | 19)) // benchmarks
        || (octets[..3] == [192, 0, 0]) // protocols
        || (third == 0 && octets[1] == 0 && octets[3] == 0) // a network's name
        || octets.iter().all(|octet| *octet == first); // 1.1.1.1, 8.8.8.8: services for everybody
    if is_reserved {
        return false;
    }
    let nearest = &text.as_bytes()[place.start.saturating_sub(12)..place.start];
    let is_version = nearest.split(|byte| !byte.is_ascii_alphabetic()).rfind(|word| !word.is_empty());
    let is_version =
        is_version.is_some_and(|last| VERSION_WORDS.iter().any(|word| last.eq_ignore_ascii_case(word.as_bytes())));
    !is_version
        && ((first > 2 && octets.iter().any(|octet| *octet >= 100)) || stand_before(text, place.start, &ADDRESS_WORDS))
}

/// Adds the IPv6 addresses in `text`: eight groups, or fewer around a `::`.
pub(super) fn find_v6(text: &str, found: &mut Vec<Match>) {
    const MAX: usize = 45;
    let bytes = text.as_bytes();
    let is_in = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let mut from = 0;
    while let Some(colon) = next_colon(bytes, from) {
        let before =
            bytes[from.min(colon)..colon].iter().rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let start = colon - before;
        let length = bytes[start..].iter().take(MAX + 1).take_while(is_in).count();
        from = colon + 1;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if before > 4 || !(8..=MAX).contains(&length) || bytes[..start].last().is_some_and(is_word) {
            continue;
        }
        let end = start + text[start..start + length].trim_end_matches('.').len();
        let end =
            if text[start..end].ends_with("::") { end } else { start + text[start..end].trim_end_matches(':').len() };
        if !bytes.get(end).is_some_and(is_word)
            && text[start..end].parse().is_ok_and(|address| is_v6(address, &text[start..end]))
        {
            found.push(Match { kind: Kind::Ip, bytes: start..end });
        }
        from = from.max(start + length);
    }
}

/// Returns the next colon between hexadecimal digits that is not in a time or behind a word. Most colons are not
/// between such digits.
fn next_colon(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b':', &bytes[from..]).map(|at| from + at).find(|at| {
        let is_hex = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_hexdigit());
        *at > 0 && is_hex(at - 1) && (is_hex(at + 1) || bytes.get(at + 1) == Some(&b':'))
    })
}

/// Returns `true` for a routed address outside documentation's ranges. An address written in pairs is a hardware
/// address or a fingerprint.
fn is_v6(address: Ipv6Addr, written: &str) -> bool {
    let head = address.segments();
    let is_reserved = address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || address.is_unique_local()
        || (head[0] == 0x2001 && head[1] == 0x0db8)
        || head[0] == 0;
    let is_shortened = memmem::find(written.as_bytes(), b"::").is_some();
    let is_form = if is_shortened {
        (0x2000..0x4000).contains(&head[0]) && written.split(':').filter(|group| !group.is_empty()).count() >= 3
    } else {
        written.split(':').filter(|group| group.len() >= 3).count() >= 4
    };
    !is_reserved && is_form
}
