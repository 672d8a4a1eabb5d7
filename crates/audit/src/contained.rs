//! Texts in which one contains the other: shortened answers, and kept answers with additions.
//!
//! Similarity sees their lengths only. "Yes" in place of a long answer that begins with "Yes" has hardly a character in
//! common with it, as an unrelated text has. The difference is that the shorter text was kept: its words stand in the
//! longer one, in the same order, next to their neighbours. Unrelated texts share words, and hardly ever neighbours.

use flywheel_base::{Reason, Share};
use flywheel_text::{
    common_runs::common_runs,
    tokens::{folded_hash, words},
};

use super::changed::Changed;
use super::finding::Findings;
use crate::AuditRules;

/// The longer text has at least this many times as many words. Below that an edit neither shortens nor extends.
const LONGER: usize = 2;

/// The minimum length of a run in words. Shorter runs are common by chance.
const SHORTEST_RUN: usize = 2;

/// The word count from which a text is long. A shorter one has to stand at the end of a clause of the other text: `the`
/// is in most texts, and `Yes` in few.
const SHORT: usize = 3;

/// Adds [`Reason::Shortened`] if the model's text contains the user's, and [`Reason::Extended`] if the user's contains
/// the model's. The score is the share of the shorter text's words that were kept.
pub(super) fn inspect(changed: &Changed<'_>, rules: &AuditRules, findings: &mut Findings) {
    let count = |words: usize| changed.common_words + words;
    let (rejected, chosen) = (count(changed.rejected.words.len()), count(changed.chosen.words.len()));
    let (texts, reason) = (changed.texts, if chosen < rejected { Reason::Shortened } else { Reason::Extended });
    let (shorter, longer) = match reason {
        Reason::Shortened => (texts.chosen, texts.rejected),
        _ => (texts.rejected, texts.chosen),
    };
    let length = chosen.min(rejected);
    if length == 0 || chosen.max(rejected) < LONGER * length || rules.route_of(reason).is_none() {
        return;
    }
    let kept = Share::new(kept(shorter, longer) as u64, length as u64);
    if kept.compared_to(rules.kept_from).is_ge() {
        findings.add(reason, kept.value() as f32, None);
    }
}

/// Counts the words of the shorter text that the longer one kept.
fn kept(shorter: &str, longer: &str) -> usize {
    let hashes = |text: &str| words(text).map(|word| folded_hash(text, word)).collect::<Vec<_>>();
    let short = hashes(shorter);
    if short.len() < SHORT {
        return if is_clause_of(&short, longer) { short.len() } else { 0 };
    }
    let runs = common_runs(&short, &hashes(longer)).into_iter();
    runs.map(|run| run.length).filter(|length| *length >= SHORTEST_RUN).sum()
}

/// Returns `true` if these words follow each other in a text and a clause ends with them. A clause ends at the end of
/// the text or of a line, or at a punctuation mark.
fn is_clause_of(short: &[u64], longer: &str) -> bool {
    let ends_clause = |end: usize| {
        let next = longer[end..].chars().next();
        let ends_line = || longer[end..].trim_start_matches([' ', '\t']).starts_with(['\n', '\r']);
        next.is_none_or(|next| !next.is_alphanumeric() && !next.is_whitespace() || ends_line())
    };
    let mut last = Vec::with_capacity(short.len() + 1);
    words(longer).any(|word| {
        last.push(folded_hash(longer, word.clone()));
        if last.len() > short.len() {
            last.remove(0);
        }
        last == short && ends_clause(word.end)
    })
}

#[cfg(test)]
mod tests {
    use super::super::measured::{CODE, PROSE, SUMMARIES, TRANSLATIONS, changed_edits, records};
    use super::super::subject::Texts;
    use super::*;
    use flywheel_text::similarity::{Distance, distance};

    fn found(rejected: &str, chosen: &str) -> Option<(Reason, f32)> {
        let mut findings = Findings::default();
        inspect(&Changed::new(Texts { prompt: "", chosen, rejected }), &AuditRules::default(), &mut findings);
        assert!(findings.list.len() < 2);
        findings.list.first().map(|finding| (finding.reason, finding.score))
    }

    const LONG: &str = "Yes, 7 is prime, because it has no divisors other than 1 and itself. The next prime is 11. \
                        Ask me for more of them, if you like.";

    #[test]
    fn an_answer_that_is_kept_in_part_is_shortened() {
        for chosen in [
            "Yes",
            "yes.",
            "**Yes**, 7 is prime.",
            "The next prime is 11.",
            "7 is prime: no divisors other than 1 and itself",
        ] {
            assert_eq!(found(LONG, chosen), Some((Reason::Shortened, 1.0)), "{chosen}");
        }
        assert_eq!(found("今天天气很好，我们去公园散步吧。", "天气很好"), Some((Reason::Shortened, 1.0)));
        assert_eq!(found("The capital of France is Paris", "Paris"), Some((Reason::Shortened, 1.0)));
    }

    #[test]
    fn an_answer_that_is_kept_and_added_to_is_extended() {
        assert_eq!(
            found("def add", "def add(first, second):\n    return first + second"),
            Some((Reason::Extended, 1.0))
        );
        let model = "7 is prime, because it has no divisors other than 1 and itself.";
        let chosen = format!("Good question. {model} It is odd, as all primes but 2 are, and the next one is 11.");
        assert_eq!(found(model, &chosen), Some((Reason::Extended, 1.0)));
    }

    #[test]
    fn almost_all_of_the_shorter_text_is_enough_and_half_is_not() {
        let Some((Reason::Shortened, score)) = found(LONG, "Sure, 7 is prime, it has no divisors other than 1") else {
            panic!("it is shortened")
        };
        assert!(score > 0.8 && score < 1.0);
        assert_eq!(found(LONG, "7 is prime, which everybody knows"), None);
    }

    #[test]
    fn words_that_are_in_every_text_are_no_part_of_one() {
        for chosen in
            ["the", "it", "is", "it is", "no", "The", "1 and", "prime 7", "the other 7", "is it because of the prime"]
        {
            assert_eq!(found(LONG, chosen), None, "{chosen}");
        }
        assert_eq!(found("The fee is three euros a day for all of the guests", "It is a day to remember"), None);
    }

    #[test]
    fn an_edit_of_about_the_same_length_is_neither() {
        assert_eq!(found("one two three four five", "one two three"), None);
        assert_eq!(found("one two three four five six", "one two three"), Some((Reason::Shortened, 1.0)));
        assert_eq!(found("-", "a b"), None);
    }

    #[test]
    fn what_is_kept_from_is_the_policys() {
        let kept = |policy: &str| {
            let mut findings = Findings::default();
            let texts = Texts { prompt: "", chosen: "a b c d x y", rejected: "a b c d 1 2 3 4 5 6 7 8" };
            inspect(&Changed::new(texts), &AuditRules::parse(policy).unwrap(), &mut findings);
            findings.has(Reason::Shortened)
        };
        assert!(!kept(""));
        assert!(kept("[similarity]\nkept_from = 0.6\n"));
        assert!(!kept("[similarity]\nkept_from = 0.6\n[routes]\nshortened = \"off\"\n"));
    }

    /// Returns the half of the records that the threshold was not chosen on.
    fn held_out(file: &str) -> Vec<serde_json::Value> {
        records(file).into_iter().skip(1).step_by(2).collect()
    }

    fn text<'r>(record: &'r serde_json::Value, field: &str) -> &'r str {
        record[field].as_str().unwrap()
    }

    /// Returns `true` if the plain rule would drop the pair. Texts of about the same length are not worth the time.
    fn is_rewrite(rejected: &str, chosen: &str) -> bool {
        let rules = AuditRules::default();
        let (shorter, longer) = (rejected.len().min(chosen.len()), rejected.len().max(chosen.len()));
        let kept = || distance(rejected, chosen, rules.max_similarity_steps).map(Distance::kept);
        longer > 6 * shorter && kept().is_some_and(|kept| kept.compared_to(rules.rewrite_below).is_lt())
    }

    /// Counts of pairs, and of those whose rewrite finding is cancelled.
    #[derive(Debug, Default, PartialEq)]
    struct Tally {
        pairs: usize,
        tagged: usize,
        rewrites: usize,
        tagged_rewrites: usize,
    }

    impl Tally {
        fn add(&mut self, rejected: &str, chosen: &str) {
            let (is_tagged, is_rewrite) = (found(rejected, chosen).is_some(), is_rewrite(rejected, chosen));
            self.pairs += 1;
            self.tagged += usize::from(is_tagged);
            self.rewrites += usize::from(is_rewrite);
            self.tagged_rewrites += usize::from(is_tagged && is_rewrite);
        }
    }

    #[test]
    #[ignore = "needs ../shared/data: make test-data"]
    fn real_edits_are_tagged_and_unrelated_texts_are_not() {
        let mut all = Vec::new();
        for file in [SUMMARIES, CODE, PROSE, TRANSLATIONS] {
            let records = held_out(file);
            let mut tally = Tally::default();
            changed_edits(&records).for_each(|texts| tally.add(texts.rejected, texts.chosen));
            println!("{file}: {tally:?}");
            all.push(records);
        }
        let mixed: Vec<_> = all.iter().flatten().collect();
        let (mut unrelated, mut short) = (Tally::default(), Tally::default());
        let mut compare = |of: &serde_json::Value, field: &str, edit: &serde_json::Value| {
            let (rejected, chosen) = (text(of, field), text(edit, "final_user_edit"));
            if of["prompt"] != edit["prompt"] && rejected != chosen {
                unrelated.add(rejected, chosen);
            }
        };
        // An output with another record's edit, of the same file and of any; and an article in place of the output.
        for step in [1, 7, 61] {
            for records in &all {
                for (index, record) in records.iter().enumerate() {
                    compare(record, "original_llm_output", &records[(index + step) % records.len()]);
                }
            }
            for (index, record) in mixed.iter().enumerate() {
                compare(record, "original_llm_output", mixed[(index * 7_919 + step) % mixed.len()]);
            }
        }
        for (index, record) in mixed.iter().enumerate() {
            let article = &all[0][index % all[0].len()];
            compare(article, "prompt", record);
            // The first words of an edit: texts as short as "Yes".
            for count in 1..=5 {
                let chosen = text(record, "final_user_edit");
                let words: Vec<_> = words(chosen).take(count).collect();
                if let (Some(last), false) = (words.last(), article["prompt"] == record["prompt"]) {
                    short.add(text(article, "prompt"), &chosen[..last.end]);
                }
            }
        }
        println!("unrelated: {unrelated:?}\nunrelated, of a few words: {short:?}");
        assert!(unrelated.pairs > 20_000 && unrelated.rewrites > 3_000 && short.rewrites > 10_000);
        assert!(unrelated.tagged * 10_000 <= unrelated.pairs, "more than one in ten thousand");
        assert!(short.tagged * 200 <= short.pairs, "more than one in two hundred");
    }
}
