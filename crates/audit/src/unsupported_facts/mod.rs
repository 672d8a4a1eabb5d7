//! Facts that the user put in and the source does not have.
//!
//! A long prompt may be the source of the answer: an article to summarise, a document to question. If unsupported
//! numbers and names increase from the model's text to the user's, then the edit teaches the model to invent. Other long
//! prompts are drafts to improve, files to fix and stories of people. There a new fact is the user's own, and honest: a
//! quarter to a half of such edits have one. So the prompt is asked first if it gives a source.
//!
//! | file | decides |
//! |---|---|
//! | `task` | which prompts give a source |
//! | `fact` | which words of a text are facts |
//! | `ordinary` | which words with a capital are no names |

mod fact;
mod ordinary;
mod task;

use flywheel_base::Reason;
use flywheel_text::{
    numbers::number_key,
    tokens::{stem_hash, words},
};

use super::changed::Changed;
use super::finding::Findings;
use crate::AuditRules;

use fact::{Fact, Kind, facts, has_nouns_with_capitals};
use task::Tasks;

/// The check, compiled.
#[derive(Debug)]
pub(super) struct UnsupportedFacts {
    tasks: Tasks,
}

impl UnsupportedFacts {
    pub(super) fn new() -> Self {
        Self { tasks: Tasks::new() }
    }

    /// Records the increase in unsupported facts, and adds [`Reason::UnsupportedFacts`] if there is one, at the first new
    /// fact. Its score is the increase.
    pub(super) fn inspect(&self, changed: &Changed<'_>, rules: &AuditRules, findings: &mut Findings) {
        let prompt = changed.texts.prompt;
        if !is_longer(prompt, rules.grounded_above_chars) || !self.tasks.are_grounded(prompt) {
            return;
        }
        let mut added = facts(&changed.chosen);
        strike_supported(&mut added, changed.texts.rejected);
        strike_supported(&mut added, prompt);
        if added.iter().any(|fact| fact.kind == Kind::Name) && has_nouns_with_capitals(changed.texts.chosen) {
            added.retain(|fact| fact.kind != Kind::Name);
        }
        let increase = match added.first() {
            None => 0,
            Some(_) => added.len().saturating_sub(unsupported_before(changed)),
        };
        findings.scores.unsupported_facts = Some(increase as f32);
        if let Some(first) = added.first().filter(|_| increase > 0) {
            findings.in_chosen(Reason::UnsupportedFacts, increase as f32, first.bytes.clone());
        }
    }
}

/// Counts the unsupported facts of the model's text that the user took out.
fn unsupported_before(changed: &Changed<'_>) -> usize {
    let mut removed = facts(&changed.rejected);
    strike_supported(&mut removed, changed.texts.chosen);
    strike_supported(&mut removed, changed.texts.prompt);
    removed.len()
}

/// Returns `true` if a text has more than `chars` characters. It counts them only if the number of bytes does not
/// decide.
fn is_longer(text: &str, chars: usize) -> bool {
    text.len() > chars && (text.len() / 4 > chars || text.chars().count() > chars)
}

/// Removes the facts that a text has, too.
fn strike_supported(facts: &mut Vec<Fact>, source: &str) {
    // A bit for every key: most words of the source are ruled out without a look at the facts.
    let mut present = [0_u64; 16];
    for fact in facts.iter() {
        *bits_of(&mut present, fact.key) |= 1 << (fact.key & 63);
    }
    let has_numbers = facts.iter().any(|fact| fact.kind == Kind::Number);
    let has_names = facts.iter().any(|fact| fact.kind != Kind::Number);
    for word in words(source) {
        if facts.is_empty() {
            return;
        }
        let number = has_numbers.then(|| number_key(&source[word.clone()])).flatten();
        let name = has_names.then(|| stem_hash(source, word));
        for key in [number, name].into_iter().flatten() {
            if *bits_of(&mut present, key) >> (key & 63) & 1 == 1 {
                facts.retain(|fact| fact.key != key);
            }
        }
    }
}

fn bits_of(present: &mut [u64; 16], key: u64) -> &mut u64 {
    &mut present[(key >> 6) as usize % 16]
}

#[cfg(test)]
mod tests {
    use super::super::subject::Texts;
    use super::*;
    use proptest::prelude::*;

    const SOURCE: &str = "Summarise: The town council of Brenford met on Tuesday to vote on the new bridge. Mayor Ana Costa said that the \
        bridge would cost 4,500 crowns a day to keep open, and that three of the twelve members had asked for a delay. The council \
        of Brenford will meet again in May. Residents of the northern quarter, who have waited for the bridge since 1998, were not \
        happy with the delay. A petition with 640 names was handed in before the vote. The architect, Jon Lund, was not there.";

    fn found(prompt: &str, rejected: &str, chosen: &str) -> (Option<f32>, Option<String>) {
        let mut findings = Findings::default();
        let changed = Changed::new(Texts { prompt, chosen, rejected });
        UnsupportedFacts::new().inspect(&changed, &AuditRules::default(), &mut findings);
        let span = findings.list.pop().map(|finding| {
            assert_eq!(
                (finding.reason, Some(finding.score)),
                (Reason::UnsupportedFacts, findings.scores.unsupported_facts)
            );
            chosen[finding.span.unwrap().bytes].to_owned()
        });
        (findings.scores.unsupported_facts, span)
    }

    #[test]
    fn an_invented_fact_is_found() {
        let rejected = "The council of Brenford voted on the bridge.";
        for (chosen, invented) in [
            ("The council of Brenford voted on the bridge on Friday.", "Friday"),
            ("The council of Brenford voted on the bridge for the 5th time.", "5th"),
            ("The council of Brenford voted on the bridge after seven talks.", "seven"),
            ("The council of Ashford voted on the bridge.", "Ashford"),
            ("Peter Holm and the council of Brenford voted on the bridge.", "Peter"),
        ] {
            let (count, first) = found(SOURCE, rejected, chosen);
            assert!(count >= Some(1.0) && first.as_deref() == Some(invented), "{chosen}: {first:?}");
        }
    }

    #[test]
    fn what_the_source_says_is_supported_in_any_form() {
        let rejected = "The council voted.";
        for chosen in [
            "The council of Brenford's mayor, Ana Costa, spoke.",
            "The council heard that 3 of 12 wanted a delay.",
            "The council heard of costs of 4500 crowns.",
            "The Brenfords council voted. Everybody was there.",
            "BRENFORD: the council voted, I think, and I'm glad.",
        ] {
            assert_eq!(found(SOURCE, rejected, chosen), (Some(0.0), None), "{chosen}");
        }
    }

    #[test]
    fn a_correction_takes_out_as_many_as_it_puts_in() {
        assert_eq!(found(SOURCE, "The council of Ashford voted.", "The council of Brenford voted."), (Some(0.0), None));
        assert_eq!(found(SOURCE, "It met in Ashford.", "It met in Oldham."), (Some(0.0), None));
    }

    #[test]
    fn an_open_prompt_supports_nothing_and_is_not_asked() {
        assert_eq!(found("Write a story.", "It rained.", "It rained on Ana Costa in 1998."), (None, None));
    }

    #[test]
    fn characters_make_a_prompt_long_and_not_bytes() {
        assert!(!is_longer(&"é".repeat(400), 400) && is_longer(&"é".repeat(401), 400));
        assert!(is_longer(&"a".repeat(401), 400) && !is_longer("", 0));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(prompt in "Summarise: \\PC{401,500}", rejected in "(\\PC| A|5){0,30}", chosen in "(\\PC| B|7|\n){0,30}") {
            prop_assert!(found(&prompt, &rejected, &chosen).0.is_some());
        }
    }
}
