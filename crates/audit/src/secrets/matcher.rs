//! Finds the tokens of the table, and the two kinds of credentials that other fixed letters begin.
//!
//! Most marks have a `_`, a `-` or a dot, so the first one in a mark leads to it: the two letters before the sign choose
//! the few forms to compare. All other marks are searched at once. Both searches use SIMD, and ordinary text has few
//! places for the second look. One automaton for all marks would be simpler, and takes six times as long.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memchr3_iter;

use super::Secret;
use super::forms::{FORMS, Form, Part};
use super::letters::{Letters, is_end, is_within_word, run};
use super::stand_in::{is_hash, is_made_up, is_of_one_case};
use super::{jwt, key_file};

/// The reach of the search for a word that must stand near a token.
const NEAR: usize = 80;

/// Two letters' slots, by five bits of each.
const SLOTS: usize = 1 << 10;

/// All forms, by their marks.
#[derive(Debug)]
pub(super) struct Matcher {
    /// Searches for the marks without a sign.
    marks: AhoCorasick,
    /// The forms that each of `marks` begins.
    targets: Vec<Target>,
    /// The places in `signed` of the forms with these two letters before the sign, plus one; zero if there are none.
    slots: Box<[u16; SLOTS]>,
    /// The forms whose marks have a sign, and the place of the sign in the mark.
    signed: Vec<Vec<(&'static Form, usize)>>,
}

#[derive(Debug)]
enum Target {
    Forms(Vec<&'static Form>),
    Jwt,
    KeyFile,
}

impl Matcher {
    pub(super) fn new() -> Self {
        let mut slots = Box::new([0; SLOTS]);
        let mut signed: Vec<Vec<_>> = Vec::new();
        let mut unsigned: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for form in FORMS {
            if let Some((sign, slot)) = sign(form.mark) {
                if slots[slot] == 0 {
                    signed.push(Vec::new());
                    slots[slot] = signed.len() as u16;
                }
                signed[usize::from(slots[slot]) - 1].push((form, sign));
            } else {
                unsigned.entry(form.mark).or_default().push(form);
            }
        }
        let (mut marks, mut targets): (Vec<_>, Vec<_>) =
            unsigned.into_iter().map(|(mark, forms)| (mark, Target::Forms(forms))).unzip();
        marks.extend([jwt::MARK, key_file::MARK]);
        targets.extend([Target::Jwt, Target::KeyFile]);
        let Ok(marks) = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(marks) else {
            unreachable!("a few dozen short patterns are within any automaton's limits")
        };
        Self { marks, targets, slots, signed }
    }

    /// Finds all tokens, in no order.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Secret>) {
        for mark in self.marks.find_iter(text) {
            let at = mark.start();
            found.extend(match &self.targets[mark.pattern().as_usize()] {
                Target::Forms(forms) => forms.iter().find_map(|form| form.token(text, at)),
                Target::Jwt => jwt::jwt(text, at),
                Target::KeyFile => key_file::private_key(text, at),
            });
        }
        let bytes = text.as_bytes();
        for sign in memchr3_iter(b'_', b'-', b'.', bytes) {
            let Some(letters) = bytes[..sign].last_chunk() else { continue };
            let slot = usize::from(self.slots[slot(*letters)]);
            if slot > 0 {
                let mut forms = self.signed[slot - 1].iter();
                found.extend(forms.find_map(|(form, in_mark)| form.token(text, sign.checked_sub(*in_mark)?)));
            }
        }
    }
}

/// Returns the place of the first sign in a mark, and the slot of the two letters before it.
fn sign(mark: &str) -> Option<(usize, usize)> {
    let sign = mark.find(['_', '-', '.'])?;
    let letters = mark.as_bytes()[..sign].last_chunk()?;
    Some((sign, slot(*letters)))
}

/// Returns the slot of two letters. Letters that share one are told apart by the comparison of the whole mark.
fn slot([first, second]: [u8; 2]) -> usize {
    usize::from(first & 31) << 5 | usize::from(second & 31)
}

impl Form {
    /// Returns the token whose mark starts at `mark`, if there is one.
    fn token(&self, text: &str, mark: usize) -> Option<Secret> {
        let bytes = text.as_bytes();
        if !bytes[mark..].starts_with(self.mark.as_bytes()) {
            return None;
        }
        let start = self.start(bytes, mark)?;
        let body = mark + self.mark.len();
        let end = self.end(bytes, body)?;
        let drawn = [text.get(start..mark)?, text.get(body..end)?].concat();
        let is_token = !self.is_stand_in(text.get(start..end)?, &drawn) && self.is_near_its_word(bytes, start, end);
        is_token.then_some(Secret { rule: self.rule, score: 1.0, bytes: start..end })
    }

    /// Returns the start of the token whose mark starts at `mark`.
    fn start(&self, bytes: &[u8], mark: usize) -> Option<usize> {
        let Some((letters, min, max)) = self.before else {
            let is_url = self.mark.contains('/');
            return (!is_within_word(bytes, mark) || is_url && bytes[mark - 1] == b'.').then_some(mark);
        };
        let run = bytes[..mark].iter().rev().take(max + 1).take_while(|byte| letters.has(**byte)).count();
        let start = mark - run.min(max);
        // A run can begin with letters of an escape (`\u0022`).
        let is_behind_escape = |at: &usize| bytes[at - 1].is_ascii_alphanumeric() && !is_within_word(bytes, *at);
        if let Some(start) = (start.max(1)..(mark + 1).saturating_sub(min)).find(is_behind_escape) {
            return Some(start);
        }
        (run >= min && (run <= max || !is_within_word(bytes, start))).then_some(start)
    }

    /// Returns the end of the token whose parts start at `at`.
    fn end(&self, bytes: &[u8], mut at: usize) -> Option<usize> {
        let mut last = Letters::Base62;
        for part in self.after {
            match *part {
                Part::Text(fixed) => {
                    if !bytes[at..].starts_with(fixed.as_bytes()) {
                        return None;
                    }
                    at += fixed.len();
                    last = Letters::Base62;
                }
                Part::Exactly(letters, length) => {
                    let run = bytes.get(at..at + length)?;
                    if !run.iter().all(|byte| letters.has(*byte)) {
                        return None;
                    }
                    at += length;
                    last = letters;
                }
                Part::Between(letters, min, max) => {
                    let run = run(bytes, at, letters, max + 1);
                    if !(min..=max).contains(&run) {
                        return None;
                    }
                    at += run;
                    last = letters;
                }
            }
        }
        is_end(bytes, at, last).then_some(at)
    }

    /// Returns `true` if the token stands for one in documentation or a test. `drawn`: its letters without its mark.
    fn is_stand_in(&self, token: &str, drawn: &str) -> bool {
        let sum = self.checksum.and_then(|checksum| checksum.verify(token));
        if sum == Some(true) {
            return false;
        }
        let is_mixed = self.after.iter().any(|part| match part {
            Part::Exactly(letters, length) | Part::Between(letters, length, _) => letters.are_mixed() && *length >= 16,
            Part::Text(_) => false,
        });
        is_made_up(drawn) || (is_mixed && is_of_one_case(drawn)) || (sum == Some(false) && is_hash(drawn))
    }

    /// Returns `true` unless the form asks for a word that does not stand near.
    fn is_near_its_word(&self, bytes: &[u8], start: usize, end: usize) -> bool {
        let around = &bytes[start.saturating_sub(NEAR)..bytes.len().min(end + NEAR)];
        let is_there =
            |word: &&str| around.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
        self.near.is_empty() || self.near.iter().any(is_there)
    }
}
