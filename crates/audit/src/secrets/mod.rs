//! Credentials anywhere in an edit. No reader may learn them from a model's weights.
//!
//! Three passes over a text, all with SIMD, find the few places where a credential can be. Two search for the marks of
//! tokens (`matcher.rs`, by the table in `forms.rs`), one for the signs that stand between a name and its value.
//! Everything else is checked only there, and never beyond a rule's bound, so that the work is linear in any text.
//!
//! A finding names its rule and its place, never the value.

mod assignment;
mod checksum;
#[cfg(test)]
mod drawn_tests;
mod forms;
mod header;
mod jwt;
mod key_file;
mod letters;
mod matcher;
mod name;
mod randomness;
mod stand_in;
#[cfg(test)]
mod tests;
mod url;

use std::ops::Range;

use memchr::memchr3_iter;

use matcher::Matcher;

/// A credential in a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Secret {
    /// The rule that found it.
    pub(crate) rule: &'static str,
    /// 1.0 if the format alone identifies it, less if a keyword and the value's randomness do.
    pub(crate) score: f32,
    /// The place of the value.
    pub(crate) bytes: Range<usize>,
}

/// All rules, with the search for marks compiled.
#[derive(Debug)]
pub(crate) struct Secrets {
    matcher: Matcher,
}

impl Secrets {
    pub(crate) fn new() -> Self {
        Self { matcher: Matcher::new() }
    }

    /// Finds the credentials in `text`, in order, without overlaps.
    pub(crate) fn find(&self, text: &str) -> Vec<Secret> {
        let mut found = Vec::new();
        self.matcher.find(text, &mut found);
        for sign in memchr3_iter(b'=', b':', b'>', text.as_bytes()) {
            found.extend(at_sign(text, sign));
        }
        without_overlaps(found)
    }
}

/// Returns the credential beside a sign: between a name and a value, or within a URL.
fn at_sign(text: &str, sign: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    match &bytes[sign..] {
        [b':', b'/', b'/', ..] => return url::password(text, sign + 3),
        [b':', b':', ..] => return None, // a path in source code
        _ => {}
    }
    let name_end = assignment::name_end(bytes, sign)?;
    match &bytes[name_end - 3..name_end] {
        b"sig" => url::signature(text, sign),
        b"ion" | b"ION" => header::authorization(text, sign),
        _ => assignment::assigned(text, name_end, sign),
    }
}

/// Sorts the credentials. Of two that overlap, it keeps the surer: an assigned token is found by its prefix and by its
/// name.
fn without_overlaps(mut found: Vec<Secret>) -> Vec<Secret> {
    found.sort_by(|left, right| left.bytes.start.cmp(&right.bytes.start).then(right.score.total_cmp(&left.score)));
    found.dedup_by(|next, last| {
        let overlaps = next.bytes.start < last.bytes.end;
        if overlaps && next.score > last.score {
            std::mem::swap(next, last);
        }
        overlaps
    });
    found
}
