//! An increase in words that take sides.
//!
//! This is a weak hint and no more. Counting such words puts a neutral and a slanted version of a sentence in the right
//! order in 56 % of cases, where chance has 50. It costs next to nothing, so it is recorded; the decision is left to a
//! reader.

use std::ops::Range;

use flywheel_base::Reason;

use super::changed::{Changed, Middle};
use super::finding::Findings;

/// The minimum increase in loaded words, and per hundred words, that is recorded. One is a matter of taste.
const FEWEST: f32 = 2.0;
const PER_HUNDRED: f32 = 2.0;

/// Records the increase in loaded words per hundred, from the model's text to the user's, and adds
/// [`Reason::LoadedLanguage`] if it is large enough. Its score is that number; its span is the first loaded word that
/// was put in.
pub(super) fn inspect(changed: &Changed<'_>, findings: &mut Findings) {
    let words = changed.common_words + changed.chosen.words.len();
    let added = loaded_words(&changed.chosen).count();
    let surplus = added as f32 - loaded_words(&changed.rejected).count() as f32;
    let per_hundred = if words == 0 { 0.0 } else { 100.0 * surplus / words as f32 };
    findings.scores.loaded_language = Some(per_hundred);
    if surplus < FEWEST || per_hundred < PER_HUNDRED {
        return;
    }
    if let Some(first) = loaded_words(&changed.chosen).next() {
        findings.in_chosen(Reason::LoadedLanguage, per_hundred, first.clone());
    }
}

fn loaded_words<'c>(middle: &'c Middle<'_>) -> impl Iterator<Item = &'c Range<usize>> {
    middle.words.iter().filter(|word| is_loaded(&middle.text.as_bytes()[(*word).clone()]))
}

/// Words that judge rather than report, by their effect.
const LOADED: [&str; 110] = [
    // Blame.
    "absurd",
    "appalling",
    "atrocious",
    "awful",
    "barbaric",
    "brutal",
    "corrupt",
    "cowardly",
    "crooked",
    "cruel",
    "deceitful",
    "despicable",
    "disastrous",
    "disgraceful",
    "disgusting",
    "dishonest",
    "evil",
    "fraudulent",
    "greedy",
    "heartless",
    "horrendous",
    "horrible",
    "horrific",
    "hypocritical",
    "idiotic",
    "incompetent",
    "insane",
    "laughable",
    "ludicrous",
    "monstrous",
    "outrageous",
    "pathetic",
    "reckless",
    "ridiculous",
    "ruthless",
    "scandalous",
    "shameful",
    "shameless",
    "sinister",
    "stupid",
    "terrible",
    "treacherous",
    "vicious",
    "vile",
    "wicked",
    "worthless",
    // Praise.
    "amazing",
    "astonishing",
    "beloved",
    "brilliant",
    "courageous",
    "excellent",
    "extraordinary",
    "fantastic",
    "flawless",
    "glorious",
    "groundbreaking",
    "heroic",
    "incredible",
    "legendary",
    "magnificent",
    "marvelous",
    "noble",
    "outstanding",
    "phenomenal",
    "remarkable",
    "sensational",
    "spectacular",
    "splendid",
    "stunning",
    "superb",
    "superior",
    "terrific",
    "unmatched",
    "visionary",
    "wonderful",
    // Certainty.
    "clearly",
    "everyone",
    "indisputable",
    "inevitably",
    "obviously",
    "undeniable",
    "undeniably",
    "undoubtedly",
    "unquestionably",
    // Names for people and their acts.
    "bigot",
    "crony",
    "cronies",
    "elites",
    "extremist",
    "extremists",
    "fanatic",
    "fanatics",
    "fascist",
    "freeloaders",
    "hordes",
    "indoctrination",
    "propaganda",
    "puppet",
    "radical",
    "radicals",
    "regime",
    "scheme",
    "sham",
    "swamp",
    "thugs",
    "traitor",
    "traitors",
    "tyranny",
    "woke",
];

/// Returns `true` for a listed word. The list is searched only if length and ends are those of a listed word.
fn is_loaded(word: &[u8]) -> bool {
    if word.len() < SHORTEST {
        return false;
    }
    let place = place(word);
    PLACES[place / 64] >> (place % 64) & 1 == 1
        && LOADED.iter().any(|loaded| loaded.as_bytes().eq_ignore_ascii_case(word))
}

const SHORTEST: usize = 4;

/// A bit for every place of a listed word.
const PLACES: [u64; 64] = {
    let mut places = [0; 64];
    let mut index = 0;
    while index < LOADED.len() {
        let place = place(LOADED[index].as_bytes());
        places[place / 64] |= 1 << (place % 64);
        index += 1;
    }
    places
};

/// Returns one of 4,096 places, by a word's length, its first two letters and its last but one.
const fn place(word: &[u8]) -> usize {
    let last = word[word.len() - 2] as usize & 31;
    ((word[0] as usize & 31) * 128 + (word[1] as usize & 31) * 37 + last * 5 + word.len()) % 4096
}

#[cfg(test)]
mod tests {
    use super::super::subject::Texts;
    use super::*;

    fn found(rejected: &str, chosen: &str) -> Findings {
        let mut findings = Findings::default();
        inspect(&Changed::new(Texts { prompt: "", chosen, rejected }), &mut findings);
        findings
    }

    #[test]
    fn a_slanted_edit_is_noted() {
        let chosen = "The Reckless council approved the disgraceful plan on Monday.";
        let found = found("The council approved the plan on Monday.", chosen);
        let finding = &found.list[0];
        let span = finding.span.clone().unwrap();
        assert_eq!((finding.reason, &chosen[span.bytes]), (Reason::LoadedLanguage, "Reckless"));
        assert_eq!(found.scores.loaded_language, Some(200.0 / 9.0));
    }

    #[test]
    fn a_neutral_edit_is_not() {
        let found = found("The shameful plan was approved.", "The plan was approved, obviously.");
        assert!(found.list.is_empty());
        assert_eq!(found.scores.loaded_language, Some(0.0));
    }

    #[test]
    fn taking_slant_out_counts_against_it() {
        assert!(found("A reckless, stupid plan.", "A plan.").scores.loaded_language.unwrap() < 0.0);
        assert!(found("A plan.", "A stupid plan.").list.is_empty());
    }

    #[test]
    fn every_word_of_the_list_is_found_and_others_are_not() {
        assert!(LOADED.iter().all(|word| is_loaded(word.as_bytes()) && is_loaded(word.to_uppercase().as_bytes())));
        assert!(["plan", "é", "clearing"].iter().all(|word| !is_loaded(word.as_bytes())));
        assert!(
            LOADED
                .iter()
                .all(|word| word.len() >= SHORTEST && LOADED.iter().filter(|other| other == &word).count() == 1)
        );
    }
}
