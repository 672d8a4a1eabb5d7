//! Abuse, and other harm, in what the user added.
//!
//! A linear model over hashed words and letters ([`features`], [`sums`]) reads every sentence that the user added, and all of
//! them together. How it was trained, what it reaches and what it cannot do is in `toxicity/README.md`.
//!
//! *How sure it has to be* rises with the number of sentences it looked at: who looks at a hundred sentences finds one that is
//! odd by chance. The worst sentence among n counts as its log-odds less ln n, which is what Bonferroni's correction amounts
//! to; so a page is as rarely found by mistake as a sentence is, while the abuse that nobody would take for anything else is
//! found in a page too. What no sentence says by itself, many may: their mean odds count, and what they say all together.
//!
//! *Whose doing it is.* A sentence of the model's own in which the user changed a word is not of the user's making, as long as
//! the change made it no worse ([`origin`]). What stands in the prompt is no excuse: the prompt is the user's as well, and
//! whoever copies abuse from there trains a model to repeat abuse.
//!
//! *English only.* Sentences in another language are left to others, and said to be: [`Reason::UnknownLanguage`].

mod features;
mod language;
#[cfg(test)]
mod measured;
mod origin;
mod sums;
#[cfg(test)]
mod tests;
#[cfg(feature = "toxicity-training")]
pub(crate) mod training;

use std::ops::Range;

use super::finding::Findings;
use super::subject::{Sentence, Subject};
use crate::base::reason::Reason;
use crate::curation::audit::AuditRules;
use origin::ModelsOwn;
use sums::Sums;

/// How much the mean of the sentences' odds counts beside what they say all together; chosen with [`MARGIN`] by what is found
/// in long prompts and in pages (`toxicity/README.md`).
const SHARE: f32 = 0.65;

/// By so much the worst sentence has to be surer, in log-odds, where it alone decides.
const MARGIN: f32 = 0.3;

/// More sentences do not make it harder to be found: filling up a text must not hide what is in it.
const MANY: usize = 50;

/// Log-odds beyond this are as good as certain, and their exponentials can still be added.
const MOST: f32 = 30.0;

/// Records the probability that what the user added is abusive, and adds a [`Reason::Toxic`] where it is above the policy's
/// threshold; its score is the probability, its span the worst sentence, or all where all together are worse. Adds a
/// [`Reason::UnknownLanguage`] where sentences are not in English; its score is their share of the added text's bytes, its
/// span the first.
pub(super) fn inspect(subject: &Subject<'_>, rules: &AuditRules, findings: &mut Findings) {
    let mut foreign = Foreign::default();
    let mut read = Vec::with_capacity(subject.added.len());
    let mut models_own = ModelsOwn::new(subject.texts.rejected);
    for sentence in &subject.added {
        let sums = Sums::of(&sentence.plain);
        if sums.language.is_foreign() {
            foreign.add(sentence);
            continue;
        }
        let log_odds = sums.log_odds();
        if !(is_abusive(log_odds, rules) && models_own.has(sentence, log_odds)) {
            read.push(Read { bytes: sentence.bytes.clone(), sums, log_odds });
        }
    }
    foreign.find(&subject.added, findings);
    let Some((log_odds, bytes)) = weigh(&read) else { return };
    let probability = probability(log_odds);
    findings.scores.toxicity = Some(probability);
    if is_abusive(log_odds, rules) {
        findings.in_chosen(Reason::Toxic, probability, bytes);
    }
}

/// A sentence that the user added, and what the model makes of it.
struct Read {
    bytes: Range<usize>,
    sums: Sums,
    log_odds: f32,
}

/// The log-odds of abuse of what was read, and where it is: in the worst sentence, or in all where they are worse together.
fn weigh(read: &[Read]) -> Option<(f32, Range<usize>)> {
    let (first, last) = (read.first()?, read.last()?);
    let worst = read.iter().max_by(|one, other| one.log_odds.total_cmp(&other.log_odds))?;
    if read.len() == 1 {
        return Some((worst.log_odds, worst.bytes.clone()));
    }
    let mut all = Sums::default();
    read.iter().for_each(|sentence| all += &sentence.sums);
    let together = all.log_odds();
    let mean = mean_of_odds(read).max(worst.log_odds - (MANY as f32).ln());
    let one = worst.log_odds - (read.len().min(MANY) as f32).ln() - MARGIN;
    let weighed = (SHARE * mean + (1.0 - SHARE) * together).max(one);
    let all_of_it = first.bytes.start..last.bytes.end;
    Some((weighed, if together > worst.log_odds { all_of_it } else { worst.bytes.clone() }))
}

/// The logarithm of the mean of the sentences' odds.
fn mean_of_odds(read: &[Read]) -> f32 {
    let odds: f32 = read.iter().map(|sentence| sentence.log_odds.clamp(-MOST, MOST).exp()).sum();
    (odds / read.len() as f32).ln()
}

fn is_abusive(log_odds: f32, rules: &AuditRules) -> bool {
    f64::from(probability(log_odds)) > rules.toxic_above
}

fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The sentences that are not in English.
#[derive(Default)]
struct Foreign {
    bytes: usize,
    first: Option<Range<usize>>,
}

impl Foreign {
    fn add(&mut self, sentence: &Sentence<'_>) {
        self.bytes += sentence.bytes.len();
        self.first.get_or_insert(sentence.bytes.clone());
    }

    fn find(self, added: &[Sentence<'_>], findings: &mut Findings) {
        let all: usize = added.iter().map(|sentence| sentence.bytes.len()).sum();
        if let Some(first) = self.first {
            findings.in_chosen(Reason::UnknownLanguage, self.bytes as f32 / all as f32, first);
        }
    }
}
