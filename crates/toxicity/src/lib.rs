//! A model of abuse and of other harm, in the sentences that a user added.
//!
//! A linear model over hashed words and letters reads every sentence that the user added, and all of them together.
//! Its training, its quality and its limits are in this crate's `README.md`.
//!
//! *Certainty.* The required certainty rises with the number of sentences: among a hundred sentences one is odd by
//! chance. The worst sentence among n counts as its log-odds less ln n, which amounts to Bonferroni's correction. So a
//! false finding is as rare in a page as in a sentence, while plain abuse is found in a page, too. Many sentences
//! together may say more than each by itself, so their mean odds and their joint score count as well.
//!
//! *Authorship.* A sentence of the model's own in which the user changed a word is not the user's, as long as the
//! change made it no worse. Text in the prompt is no excuse: the prompt is the user's as well, and abuse copied from it
//! would train a model to repeat abuse.
//!
//! *English only.* Sentences in another language are not judged, and reported as [`Foreign`].
//!
//! | file | decides |
//! |---|---|
//! | `features` | which hashes of words and letters a text has |
//! | `sums` | the weights of the model, and the log-odds of a text |
//! | `language` | which sentences are not in English |
//! | `origin` | which sentences are the model's own |
//! | `training` | the interface of the training script |

mod features;
mod language;
mod origin;
mod sums;
#[cfg(feature = "training")]
mod training;

use std::ops::Range;

use origin::ModelsOwn;
use sums::Sums;
#[cfg(feature = "training")]
pub use training::{SentenceFeatures, features_of};

/// The weight of the mean of the sentences' odds beside their joint score. Chosen with [`MARGIN`] by the results on
/// long prompts and pages (`README.md`).
const SHARE: f32 = 0.65;

/// The margin, in log-odds, by which the worst sentence has to be surer if it alone decides.
const MARGIN: f32 = 0.3;

/// The number of sentences from which the required certainty rises no further: filling up a text must not hide its
/// content.
const MANY: usize = 50;

/// The bound of log-odds. Beyond it they are as good as certain, and their exponentials can still be added.
const MOST: f32 = 30.0;

/// A sentence that the user added or changed.
#[derive(Debug)]
pub struct Sentence<'t> {
    /// Its place in the user's text, in bytes.
    pub bytes: Range<usize>,
    /// The user's spelling.
    pub text: &'t str,
    /// The plain form: lower case, without the disguises that hide words from a machine. See [`flywheel_text::plain`].
    pub plain: String,
}

/// The model's judgement of all sentences that the user added.
#[derive(Debug, Default)]
pub struct Judgement {
    /// The harm in the sentences that the model can read. `None`: there are none.
    pub harm: Option<Harm>,
    /// The sentences in other languages. `None`: there are none.
    pub foreign: Option<Foreign>,
}

/// The probability of abuse or other harm.
#[derive(Debug)]
pub struct Harm {
    /// Between 0 and 1.
    pub probability: f32,
    /// `true` if the probability is above the threshold.
    pub is_above: bool,
    /// The place of the worst sentence, or of all if all together are worse.
    pub bytes: Range<usize>,
}

/// The sentences that are not in English.
#[derive(Debug)]
pub struct Foreign {
    /// Their share of the added text's bytes, above 0 and up to 1.
    pub share: f32,
    /// The place of the first.
    pub first: Range<usize>,
}

/// Judges the sentences that a user added. `rejected` is the model's text; `above` is the threshold, a probability.
#[must_use]
pub fn judge(added: &[Sentence<'_>], rejected: &str, above: f64) -> Judgement {
    let mut foreign = Vec::new();
    let mut read = Vec::with_capacity(added.len());
    let mut models_own = ModelsOwn::new(rejected);
    for sentence in added {
        let sums = Sums::of(&sentence.plain);
        if sums.language.is_foreign() {
            foreign.push(sentence);
            continue;
        }
        let log_odds = sums.log_odds();
        if !(is_above(log_odds, above) && models_own.has(sentence, log_odds)) {
            read.push(Read { bytes: sentence.bytes.clone(), sums, log_odds });
        }
    }
    let harm = weigh(&read).map(|(log_odds, bytes)| Harm {
        probability: probability(log_odds),
        is_above: is_above(log_odds, above),
        bytes,
    });
    Judgement { harm, foreign: foreign_share(&foreign, added) }
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

fn is_above(log_odds: f32, threshold: f64) -> bool {
    f64::from(probability(log_odds)) > threshold
}

fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

fn foreign_share(foreign: &[&Sentence<'_>], added: &[Sentence<'_>]) -> Option<Foreign> {
    let first = foreign.first()?.bytes.clone();
    let bytes: usize = foreign.iter().map(|sentence| sentence.bytes.len()).sum();
    let all: usize = added.iter().map(|sentence| sentence.bytes.len()).sum();
    Some(Foreign { share: bytes as f32 / all as f32, first })
}
