//! Instructions to a model, or to a judge, in the user's additions.
//!
//! A model learns from the text of a dataset, and also learns a text's call to ignore instructions. The rules are
//! tables of wordings ([`rules`], [`judge_directed`]). Each has a weight, and 1.0 is a finding: either one
//! wording that hardly any other text has, or several that are common in such texts and rare together.
//!
//! Of 704 wild jailbreaks and other attacks (`make test-data`) it finds 82 %: 81 % of the half that the weights were chosen
//! on, and 83 % of the other. Attempts to extract a prompt or to hijack a game are harder. On earlier weights, which found
//! 83 % of the 704, it was 74 % of 293 and 52 % of 377, and 30 % of 60 that mostly are plain questions.
//!
//! Of 3,177 passages of a guide to the security of language models (OWASP's Top 10 for LLM applications) it finds 1 %, and
//! of the honest edits in `tests/honest.rs` none. A report gives no order ("the page makes the model ignore previous
//! instructions"), nor does a defence ("never reveal your system prompt"); phrases with `!` leave these out. Texts that
//! *quote* an attack are found.

mod judge_directed;
mod rules;

use std::cell::OnceCell;
use std::ops::Range;

use flywheel_base::Reason;
use flywheel_text::plain::plain;
use flywheel_toxicity::Sentence;

use super::Findings;
use super::decoded::Decoded;
use super::phrasebook::{Match, Phrasebook, Rule, Word};
use super::subject::Subject;

/// The total weight that makes a finding.
const ENOUGH: f32 = 1.0;

/// The maximum number of places with the model's own words for one rule, because each look-up searches both texts. A
/// further place counts as the user's.
const PLACES: usize = 8;

/// The rules about injection and about judges, compiled.
#[derive(Debug)]
pub(crate) struct Injection {
    book: Phrasebook,
}

/// A rule that applies to the user's additions.
#[derive(Debug, Clone)]
struct Hit {
    rule: &'static Rule,
    reason: Reason,
    /// The place in the user's text.
    bytes: Range<usize>,
}

impl Injection {
    pub(crate) fn new() -> Self {
        Self { book: Phrasebook::new(rules::RULES.iter().chain(judge_directed::RULES), rules::CLASSES) }
    }

    /// Finds instructions to models and to judges, and records the weight of the rules about injection.
    ///
    /// `decoded` are the encoded texts in the added text; see [`super::decoded`].
    pub(crate) fn inspect(&self, subject: &Subject<'_>, decoded: &[Decoded], findings: &mut Findings) {
        let hits = self.hits(subject, decoded);
        // Not `sum()`: of nothing that is -0.0, and it would be written as such.
        let of = |reason| hits.iter().filter(move |hit| hit.reason == reason).map(|hit| hit.rule.weight);
        let weight = |reason| of(reason).fold(0.0, |sum, weight| sum + weight);
        let (injection, judge_directed) = (weight(Reason::Injection), weight(Reason::JudgeDirected));
        findings.scores.injection = Some(injection);
        for hit in hits {
            let weight = if hit.reason == Reason::Injection { injection } else { judge_directed };
            if weight >= ENOUGH {
                findings.in_chosen(hit.reason, hit.rule.weight, hit.bytes);
            }
        }
    }

    /// Returns the rules that apply to the user's additions, as they stand or decoded, each once.
    fn hits(&self, subject: &Subject<'_>, decoded: &[Decoded]) -> Vec<Hit> {
        let Self { book } = self;
        let mut hits = Vec::new();
        if subject.added.iter().any(|sentence| book.wakes(&sentence.plain)) {
            let pieces: Vec<_> =
                subject.added.iter().map(|sentence| Piece::of(sentence, subject.texts.chosen)).collect();
            search(book, &pieces, &Original::new(subject), &mut hits);
        }
        let plains: Vec<_> = decoded.iter().map(|decoded| plain(&decoded.text)).collect();
        if plains.iter().any(|plain| book.wakes(plain)) {
            let pieces: Vec<_> =
                plains.iter().zip(decoded).map(|(plain, decoded)| Piece::decoded(plain, decoded)).collect();
            search(book, &pieces, &Original::default(), &mut hits);
        }
        hits
    }
}

/// A piece of the user's additions, as rules read it.
struct Piece<'t> {
    plain: &'t str,
    /// Its place in the user's text.
    bytes: Range<usize>,
    begins_line: bool,
}

impl<'t> Piece<'t> {
    fn of(sentence: &'t Sentence<'_>, chosen: &str) -> Self {
        let before = chosen[..sentence.bytes.start].trim_end_matches([' ', '\t']);
        let begins_line = before.is_empty() || before.ends_with(['\n', '\r']);
        Self { plain: &sentence.plain, bytes: sentence.bytes.clone(), begins_line }
    }

    fn decoded(plain: &'t str, decoded: &Decoded) -> Self {
        Self { plain, bytes: decoded.bytes.clone(), begins_line: true }
    }
}

/// Adds the rules that apply to `pieces`, which are read as one text: an instruction may be cut into sentences.
fn search(book: &Phrasebook, pieces: &[Piece<'_>], original: &Original<'_>, hits: &mut Vec<Hit>) {
    let mut words = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        book.read(piece.plain, number as u32, piece.begins_line, &mut words);
    }
    let mut places = [0; RULES];
    book.search(&words, |found| {
        let (rule, reason) = rule(found.rule);
        if hits.iter().any(|hit: &Hit| hit.rule.name == rule.name) {
            return true;
        }
        places[found.rule] += 1;
        if places[found.rule] <= PLACES && original.says(phrase(pieces, &words, found)) {
            return false;
        }
        let (first, last) = (words[found.first].text as usize, words[found.last].text as usize);
        hits.push(Hit { rule, reason, bytes: pieces[first].bytes.start..pieces[last].bytes.end });
        true
    });
}

/// The number of rules.
const RULES: usize = rules::RULES.len() + judge_directed::RULES.len();

/// Returns the rule of an index of the phrasebook, and its reason.
fn rule(index: usize) -> (&'static Rule, Reason) {
    match index.checked_sub(rules::RULES.len()) {
        None => (&rules::RULES[index], Reason::Injection),
        Some(index) => (&judge_directed::RULES[index], Reason::JudgeDirected),
    }
}

/// Returns the words found, if they are in one piece.
fn phrase<'t>(pieces: &[Piece<'t>], words: &[Word], found: Match) -> Option<&'t str> {
    let (first, last) = (words[found.first], words[found.last]);
    let plain = pieces[first.text as usize].plain;
    (first.text == last.text).then(|| &plain[first.start as usize..last.end as usize])
}

/// The texts in which to look up the model's own words.
///
/// One changed comma makes a sentence the user's. Its words are still the model's, if the model's text has them as
/// often as the user's.
#[derive(Default)]
struct Original<'t> {
    chosen: &'t str,
    rejected: &'t str,
    plain: OnceCell<[String; 2]>,
}

impl<'t> Original<'t> {
    fn new(subject: &Subject<'t>) -> Self {
        Self { chosen: subject.texts.chosen, rejected: subject.texts.rejected, plain: OnceCell::new() }
    }

    fn says(&self, phrase: Option<&str>) -> bool {
        let Some(phrase) = phrase.filter(|_| !self.rejected.is_empty()) else { return false };
        let [chosen, rejected] = self.plain.get_or_init(|| [plain(self.chosen), plain(self.rejected)]);
        let said = rejected.matches(phrase).count();
        said > 0 && said >= chosen.matches(phrase).count()
    }
}

#[cfg(test)]
mod tests;
