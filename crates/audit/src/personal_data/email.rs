//! E-mail addresses.

use memchr::memchr_iter;

use super::{Kind, Match};

/// RFC 5321: the longest local part, and the longest domain.
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;

/// Endings of file names with an `@`, such as `icon@2x.png`. No address has them.
const FILE_ENDINGS: [&str; 16] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "json", "html", "htm", "xml", "txt", "pdf", "php"];

/// Adds the addresses in `text`.
pub(super) fn find(text: &str, found: &mut Vec<Match>) {
    let mut end = 0;
    for at in memchr_iter(b'@', text.as_bytes()) {
        let Some(domain) = domain_len(&text[at + 1..]) else { continue };
        let local = local_len(&text[end.min(at)..at]);
        // `git@host:path` names a service, not a person.
        if local == 0 || &text[at - local..at] == "git" {
            continue;
        }
        end = at + 1 + domain;
        found.push(Match { kind: Kind::Email, bytes: at - local..end });
    }
}

/// Returns `true` for letters of Latin scripts, too: `müller@`. Letters of other scripts stand before an address
/// without a space.
fn is_letter(scalar: char) -> bool {
    scalar.is_ascii_alphanumeric() || ('\u{c0}'..'\u{250}').contains(&scalar)
}

fn local_len(before: &str) -> usize {
    let is_local = |scalar: &char| is_letter(*scalar) || "._%+-'".contains(*scalar);
    let run: usize = before.chars().rev().take(MAX_LOCAL).take_while(is_local).map(char::len_utf8).sum();
    // A full stop or a quote at its start is the sentence's.
    before[before.len() - run..].trim_start_matches(['.', '\'', '-', '%']).len()
}

fn domain_len(after: &str) -> Option<usize> {
    let is_domain = |scalar: &char| is_letter(*scalar) || matches!(scalar, '.' | '-');
    let run: usize = after.chars().take(MAX_DOMAIN).take_while(is_domain).map(char::len_utf8).sum();
    // Text behind an ellipsis is not part of the domain.
    let run = after[..run].split("..").next()?;
    if !run.chars().next().is_some_and(is_letter) {
        return None;
    }
    // The last label that can be a top-level domain; a number may stand right behind it.
    let mut end = run.len();
    while let Some(dot) = run[..end].rfind('.') {
        let label = &run[dot + 1..end];
        let letters = label.find(|scalar: char| !scalar.is_alphabetic()).unwrap_or(label.len());
        let letters = if label.starts_with("xn--") { label.trim_end_matches('-').len() } else { letters };
        let is_file = FILE_ENDINGS.iter().any(|ending| label.eq_ignore_ascii_case(ending));
        if (2..=24).contains(&letters) && dot > 0 && !is_file {
            return Some(dot + 1 + letters);
        }
        end = dot;
    }
    None
}
