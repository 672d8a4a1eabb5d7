//! Edits that turn a refusal into an answer.
//!
//! Trained on, they teach the model to comply where it declined. Some are fair, because models decline too much, and no
//! rule can say which. So they go to a person, and are never dropped.

use flywheel_base::Reason;
use flywheel_text::tokens::words;

use super::finding::Findings;
use super::subject::Texts;

/// The length of a text's beginning to read, in bytes. A refusal stands in the first sentences.
const OPENING: usize = 320;

/// The maximum length of a refusal, which says little else. The longest of 505 labelled refusals have some 1,200
/// characters, most below 600.
const LONGEST_REFUSAL: usize = 1600;

/// The length up to which a text that declines is taken to do nothing else.
const SHORT_REFUSAL: usize = 400;

/// Adds [`Reason::RefusalInversion`] if the model declined and the user's text does not. Its score is 1 for a short
/// model's text, and falls with the length of the model's text besides the refusal.
pub(super) fn inspect(texts: Texts<'_>, findings: &mut Findings) {
    let rejected = texts.rejected.trim();
    if rejected.len() > LONGEST_REFUSAL || !declines(rejected) || helps_anyway(rejected) {
        return;
    }
    if !texts.chosen.trim().is_empty() && !declines(texts.chosen) {
        let score = (SHORT_REFUSAL as f32 / rejected.len() as f32).min(1.0);
        findings.add(Reason::RefusalInversion, score, None);
    }
}

/// Returns `true` if a text's opening declines the request.
fn declines(text: &str) -> bool {
    let text = text.trim_start();
    let opening = &text[..text.floor_char_boundary(OPENING)];
    if FOREIGN.iter().any(|refusal| starts_with_ignoring_case(opening, refusal)) {
        return true;
    }
    if !has_word_of_refusal(opening) {
        return false;
    }
    let opening = opening.to_lowercase().replace('’', "'").replace('*', "");
    sentences(&opening).any(is_refusal)
}

/// Runs the cheap first test: every English refusal has one of these words.
fn has_word_of_refusal(opening: &str) -> bool {
    words(opening).any(|word| {
        let word = &opening[word];
        match word.len() {
            2 => word.eq_ignore_ascii_case("AI"),
            3 => word.eq_ignore_ascii_case("not"),
            5 => ["can't", "won't", "don't", "sorry"].iter().any(|refusal| word.eq_ignore_ascii_case(refusal)),
            6 => ["cannot", "unable"].iter().any(|refusal| word.eq_ignore_ascii_case(refusal)),
            7 => ["decline", "can’t", "won’t", "don’t"].iter().any(|refusal| word.eq_ignore_ascii_case(refusal)),
            8 => word.eq_ignore_ascii_case("declined"),
            9 => word.eq_ignore_ascii_case("apologize") || word.eq_ignore_ascii_case("apologise"),
            _ => false,
        }
    })
}

/// Openings of refusals in other languages. A hint: only the plainest phrases of a few languages.
const FOREIGN: [&str; 14] = [
    "es tut mir leid, aber ich kann",
    "tut mir leid, aber ich kann",
    "je suis désolé, mais je ne peux pas",
    "désolé, mais je ne peux pas",
    "je ne peux pas vous aider",
    "lo siento, pero no puedo",
    "lo siento, no puedo",
    "desculpe, mas não posso",
    "mi dispiace, ma non posso",
    "抱歉，我",
    "很抱歉，我",
    "对不起，我",
    "申し訳ありませんが",
    "申し訳ございませんが",
];

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
}

fn sentences(opening: &str) -> impl Iterator<Item = &str> {
    let sentences = opening.split(['.', '!', '?', '\n']).map(str::trim);
    sentences.filter(|sentence| !sentence.is_empty()).take(3)
}

/// Finds a speaker, an inability and a service: `i` — `cannot` — `provide`.
fn is_refusal(sentence: &str) -> bool {
    let has_any = |phrases: &[&str]| phrases.iter().any(|phrase| sentence.contains(phrase));
    if has_any(&IMPERSONAL_MARKS) && has_any(&IMPERSONAL) {
        return true;
    }
    // Most sentences with a "not" in them are about something else, and a search for each phrase takes its time.
    if !has_any(&SPEAKERS) {
        return false;
    }
    INABILITIES.iter().any(|inability| {
        sentence.split_once(inability).is_some_and(|(before, after)| {
            let is_own = before.is_empty() || before.ends_with([' ', ',', '"', '-', '—']);
            let mut next = after.trim_start_matches([' ', ',']).split([' ', ',', ';', ':']);
            let mut verbs = next.by_ref().take(4).skip_while(|word| word.ends_with("ly") || FILLERS.contains(word));
            is_own && verbs.next().is_none_or(|verb| SERVICES.contains(&verb))
        })
    })
}

/// The beginnings of all [`INABILITIES`].
const SPEAKERS: [&str; 3] = ["i ", "i'", "we "];

/// Marks of [`IMPERSONAL`]: each of its phrases has one.
const IMPERSONAL_MARKS: [&str; 6] = ["t with that", "t help with", "program", "guidelines", "appropriate", "accurate"];

/// First-person inability, in lower case.
const INABILITIES: [&str; 28] = [
    "i cannot",
    "i can't",
    "i can not",
    "i could not",
    "i won't",
    "i will not",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i'm not going to",
    "i'm not comfortable",
    "i am not comfortable",
    "i don't feel comfortable",
    "i do not feel comfortable",
    "i'm not programmed to",
    "i am not programmed to",
    "i must decline",
    "i have to decline",
    "i respectfully decline",
    "i must refuse",
    "i'm afraid i can't",
    "i'm afraid i cannot",
    "i must respectfully decline",
    "i'm designed not to",
    "we cannot",
    "we can't",
    "i don't have the ability to",
];

const FILLERS: [&str; 10] = ["to", "in", "good", "conscience", "and", "or", "directly", "be", "able", "even"];

/// Services of a model. `I can't see` and `I can't wait` are none.
const SERVICES: [&str; 60] = [
    "access",
    "advise",
    "advising",
    "advocate",
    "aid",
    "answer",
    "answering",
    "assist",
    "assisting",
    "complete",
    "comply",
    "condone",
    "confirm",
    "create",
    "creating",
    "describe",
    "develop",
    "disclose",
    "discuss",
    "discussing",
    "do",
    "encourage",
    "endorse",
    "engage",
    "engaging",
    "explain",
    "facilitate",
    "fulfil",
    "fulfill",
    "generate",
    "generating",
    "give",
    "giving",
    "guide",
    "help",
    "helping",
    "offer",
    "offering",
    "participate",
    "process",
    "produce",
    "promote",
    "provide",
    "providing",
    "recommend",
    "respond",
    "responding",
    "reveal",
    "satisfy",
    "speculate",
    "suggest",
    "supply",
    "support",
    "teach",
    "tell",
    "that",
    "this",
    "with",
    "write",
    "writing",
];

/// Refusals without a speaker, or by the model's nature.
const IMPERSONAL: [&str; 18] = [
    "can't assist with that",
    "cannot assist with that",
    "can't help with that",
    "cannot help with that",
    "it's not within my programming",
    "it is not within my programming",
    "not within my programming or ethical",
    "goes against my programming",
    "violates my guidelines",
    "against my guidelines",
    "it is not appropriate for me to",
    "it's not appropriate for me to",
    "i don't think it's appropriate",
    "i don't think it's accurate",
    "i don't think it is appropriate",
    "it is not appropriate or",
    "it's not appropriate to",
    "it is not accurate or appropriate",
];

/// Returns `true` if a text that declines one thing goes on to give another at length: code, or a list of more than two
/// points.
fn helps_anyway(text: &str) -> bool {
    let points = || {
        text.lines().filter(|line| {
            let line = line.trim_start();
            line.starts_with(['-', '*', '•']) || line.starts_with(|first: char| first.is_ascii_digit())
        })
    };
    text.contains("```") || text.len() > SHORT_REFUSAL && points().take(3).count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_looks_miss_no_phrase() {
        let has = |phrase: &str, marks: &[&str]| marks.iter().any(|mark| phrase.contains(mark));
        assert!(IMPERSONAL.iter().all(|phrase| has(phrase, &IMPERSONAL_MARKS)));
        assert!(INABILITIES.iter().all(|phrase| SPEAKERS.iter().any(|speaker| phrase.starts_with(speaker))));
    }
    use proptest::prelude::*;

    fn found(rejected: &str, chosen: &str) -> Option<f32> {
        let mut findings = Findings::default();
        inspect(Texts { prompt: "", chosen, rejected }, &mut findings);
        let finding = findings.list.pop()?;
        assert_eq!(finding.reason, Reason::RefusalInversion);
        Some(finding.score)
    }

    const ANSWER: &str = "Sure. Turn the valve to the left, then pull it out.";

    #[test]
    fn an_answer_in_the_place_of_a_refusal_is_found() {
        for refusal in [
            "I'm sorry, but I can't help with that.",
            "I’m sorry, but I can’t assist with this request.",
            "Sorry, I cannot provide instructions for opening locks.",
            "As an AI language model, I am unable to give legal advice.",
            "I apologize, but I'm not able to discuss this topic.",
            "I won't write that. It could hurt somebody.",
            "Thanks for asking. Unfortunately, I cannot help you here.",
            "**I cannot assist** with that.",
            "I must respectfully decline to answer.",
            "Lo siento, pero no puedo ayudarte con eso.",
            "Es tut mir leid, aber ich kann dabei nicht helfen.",
            "抱歉，我无法提供帮助。",
        ] {
            assert_eq!(found(refusal, ANSWER), Some(1.0), "{refusal}");
        }
    }

    #[test]
    fn what_only_sounds_like_one_is_not() {
        for text in [
            "I can't wait to see you on Friday!",
            "I cannot believe how well this went.",
            "The door can't be opened from outside. Help is on the way.",
            "I'm sorry for the delay. Your parcel left the warehouse today.",
            "She said that she cannot come.",
            "It is not able to provide more than 5 V.",
            "AI models learn from data.",
        ] {
            assert_eq!(found(text, ANSWER), None, "{text}");
        }
    }

    #[test]
    fn help_with_a_limitation_in_it_is_no_refusal() {
        let code = "I can't help with the old API, but this works:\n```sh\nmake\n```\n";
        assert_eq!(found(code, ANSWER), None);
        let sentence = "You fill in the form, add both receipts and send it to the office in your town. ";
        assert_eq!(found(&format!("{}I can't give legal advice.", sentence.repeat(5)), ANSWER), None);
        let list = format!(
            "I can't tell which one you have.\n1. {sentence}\n2. {sentence}\n3. {sentence}\n4. {sentence}{sentence}"
        );
        assert_eq!(found(&list, ANSWER), None);
        assert_eq!(found(&format!("I cannot give legal advice. {}", sentence.repeat(20)), ANSWER), None);
    }

    #[test]
    fn a_refusal_put_differently_is_still_one() {
        assert_eq!(found("I can't help with that.", "I'm sorry, but I cannot help with picking locks."), None);
        assert_eq!(found(ANSWER, "I can't help with that."), None);
        assert_eq!(found("I can't help with that.", " "), None);
    }

    #[test]
    fn the_more_else_it_says_the_less_sure_it_is() {
        let long = format!("I cannot help with that. {}", "It would not be right, and it could do harm. ".repeat(15));
        assert!(found(&long, ANSWER).is_some_and(|score| score < 0.7));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(rejected in "(I can't|help|sorry|İ|’|\\PC| |\\.){0,40}", chosen in "\\PC{0,40}") {
            found(&rejected, &chosen);
        }
    }
}
