//! Facts that the user put in and the source does not have.
//!
//! A long prompt mostly carries the source that the answer has to keep to: an article to summarise, a document to question. If
//! the numbers and names that it does not have become more from the model's text to the user's, then the edit teaches the
//! model to invent. On short prompts that is noise (30–55 % of open answers have such facts), so they are not looked at.

use std::ops::Range;

use super::changed::Changed;
use super::finding::Findings;
use super::numbers::number_key;
use super::tokens::{stem_hash, words};
use crate::policy::Policy;
use crate::reason::Reason;

/// Facts of one text that are looked up. Hardly an edit has more new ones, and the first ones decide.
const MOST_FACTS: usize = 32;

/// Records by how many the unsupported facts became more, and a [`Reason::UnsupportedFacts`] where they did, at the first new
/// one. Its score is that number.
pub(super) fn inspect(changed: &Changed<'_>, policy: &Policy, findings: &mut Findings) {
    let prompt = changed.texts.prompt;
    if !is_longer(prompt, policy.grounded_above_chars) {
        return;
    }
    let mut added = facts(changed.texts.chosen, changed.start, changed.chosen.len());
    strike_supported(&mut added, changed.texts.rejected);
    strike_supported(&mut added, prompt);
    let increase = match added.first() {
        None => 0,
        Some(_) => added.len().saturating_sub(unsupported_before(changed)),
    };
    findings.scores.unsupported_facts = Some(increase as f32);
    if let Some(first) = added.first().filter(|_| increase > 0) {
        findings.in_chosen(Reason::UnsupportedFacts, increase as f32, first.bytes.clone());
    }
}

/// The unsupported facts of the model's text that the user took out.
fn unsupported_before(changed: &Changed<'_>) -> usize {
    let mut removed = facts(changed.texts.rejected, changed.start, changed.rejected.len());
    strike_supported(&mut removed, changed.texts.chosen);
    strike_supported(&mut removed, changed.texts.prompt);
    removed.len()
}

/// Whether a text has more characters than that; counted only where its bytes do not say.
fn is_longer(text: &str, chars: usize) -> bool {
    text.len() > chars && (text.len() / 4 > chars || text.chars().count() > chars)
}

/// A number or a name.
struct Fact {
    key: u64,
    /// In the whole text.
    bytes: Range<usize>,
}

/// The facts in the part of `text` that begins at `start`, each once.
fn facts(text: &str, start: usize, length: usize) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    for word in words(&text[start..start + length]) {
        let bytes = start + word.start..start + word.end;
        if let Some(key) = fact_key(text, &bytes).filter(|key| facts.iter().all(|fact| fact.key != *key)) {
            facts.push(Fact { key, bytes });
            if facts.len() == MOST_FACTS {
                break;
            }
        }
    }
    facts
}

fn fact_key(text: &str, bytes: &Range<usize>) -> Option<u64> {
    let word = &text[bytes.clone()];
    if let Some(key) = number_key(word) {
        return Some(key);
    }
    (is_capitalised(word) && is_name(text, bytes)).then(|| stem_hash(text, bytes.clone()))
}

/// `I` and what is contracted with it are no names.
fn is_capitalised(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && word.len() > 1 && !word.starts_with("I'") && !word.starts_with("I’")
}

/// Whether a word's capital is its own: it stands within a sentence, or a second capital follows it.
fn is_name(text: &str, word: &Range<usize>) -> bool {
    let before = text[..word.start].trim_end_matches([' ', '\u{a0}']);
    let goes_on = |last: char| last.is_alphanumeric() || matches!(last, ',' | '-' | '&' | '/' | '\'' | '’');
    if before.ends_with(goes_on) {
        return true;
    }
    let after = &text[word.end..];
    word.len() > 2 && after.strip_prefix(' ').is_some_and(|next| next.starts_with(char::is_uppercase) && !next.starts_with("I "))
}

/// Takes out the facts that a text has, too.
fn strike_supported(facts: &mut Vec<Fact>, source: &str) {
    // A bit for every key: most of the source's words are then known not to matter without a look at the facts.
    let mut present = [0_u64; 16];
    for fact in facts.iter() {
        *bits_of(&mut present, fact.key) |= 1 << (fact.key & 63);
    }
    for word in words(source) {
        if facts.is_empty() {
            return;
        }
        let keys = [Some(stem_hash(source, word.clone())), number_key(&source[word])];
        for key in keys.into_iter().flatten() {
            if *bits_of(&mut present, key) >> (key & 63) & 1 == 1 {
                facts.retain(|fact| fact.key != key);
            }
        }
    }
}

fn bits_of(present: &mut [u64; 16], key: u64) -> &mut u64 {
    &mut present[(key >> 6) as usize % 16]
}
