//! Abuse, and other harm, in the user's additions.
//!
//! A linear model over hashed words and letters ([`features`], [`sums`]) reads every sentence that the user added, and
//! all of them together. Its training, its quality and its limits are in `toxicity/README.md`.
//!
//! *Certainty.* The required certainty rises with the number of sentences: among a hundred sentences one is odd by
//! chance. The worst sentence among n counts as its log-odds less ln n, which amounts to Bonferroni's correction. So a
//! false finding is as rare in a page as in a sentence, while plain abuse is found in a page, too. Many sentences
//! together may say more than each by itself, so their mean odds and their joint score count as well.
//!
//! *Authorship.* A sentence of the model's own in which the user changed a word is not the user's, as long as the
//! change made it no worse ([`origin`]). Text in the prompt is no excuse: the prompt is the user's as well, and abuse
//! copied from it would train a model to repeat abuse.
//!
//! *English only.* Sentences in another language are not judged, and reported as [`Reason::UnknownLanguage`].

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

/// The weight of the mean of the sentences' odds beside their joint score. Chosen with [`MARGIN`] by the results on
/// long prompts and pages (`toxicity/README.md`).
const SHARE: f32 = 0.65;

/// The margin, in log-odds, by which the worst sentence has to be surer if it alone decides.
const MARGIN: f32 = 0.3;

/// The number of sentences from which the required certainty rises no further: filling up a text must not hide its
/// content.
const MANY: usize = 50;

/// The bound of log-odds. Beyond it they are as good as certain, and their exponentials can still be added.
const MOST: f32 = 30.0;

/// Records the probability that the user's additions are abusive, and adds [`Reason::Toxic`] if it is above the
/// policy's threshold. Its score is the probability; its span is the worst sentence, or all if all together are worse.
/// Adds [`Reason::UnknownLanguage`] for sentences that are not in English. Its score is their share of the added text's
/// bytes; its span is the first.
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

/// A sentence that the user added, and the model's result on it.
struct Read {
    bytes: Range<usize>,
    sums: Sums,
    log_odds: f32,
}

/// Returns the log-odds of abuse and their place: the worst sentence, or all if they are worse together.
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

/// Returns the logarithm of the mean of the sentences' odds.
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
