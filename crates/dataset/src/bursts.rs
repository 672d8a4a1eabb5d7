//! Bursts: phrases that come all at once, as a campaign leaves them, however harmless each of its edits looks.
//!
//! 25 poisoned pairs of 5,000 can plant a backdoor by DPO. Each alone looks harmless; together they share a trigger, a sentence
//! or a brand. So the audit counts the phrases of one to three words that the user added: they are in the chosen text, and not in
//! that pair's prompt or model output. A phrase is a burst if at least 8 pairs carry it, and 5 times as many as expected, plus
//! one: `count ≥ 5 × (background + 1)`. Paraphrases without a common word are not found.
//!
//! A campaign may bring fewer pairs with each of several versions. So a phrase that [`SLOW`] times as many pairs added over this
//! batch and the last few versions is a burst as well, if few contributors brought it. Where no contributors are in use, nothing
//! tells a slow campaign from a habit.
//!
//! A new sign-off, a product's new name or a support template comes all at once as well. The number of hands that bring it tells
//! it from a campaign: the sibling `hands` decides.
//!
//! The background is the rate of earlier versions, scaled to this one's size. Until they have [`ENOUGH_TO_GO_BY`] pairs, it says
//! too little. Until then prompts and model outputs of this batch are counted with it: otherwise common words, such as `of the`,
//! would be bursts in a first version. An attacker who knows that can hide an early campaign behind prompts with its words; the
//! caps defend against that.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::background::Background;
use super::drift::rounded;
use super::gold_line::GoldLine;
use super::hands::Hands;
use super::phrases::{added_phrases, for_each_phrase};
use super::recent::Carriers;
use super::rules::DatasetRules;

/// The pairs in earlier versions from which on their rates alone are used. With fewer, a word that happened to be absent becomes
/// a burst too easily: with 2,800 real edits as background, 1.3 % of the next 2,800 were quarantined.
const ENOUGH_TO_GO_BY: u64 = 20_000;

/// The first bits of a phrase's hash that choose its counter in the first pass. The counters' 16 MB rule out almost all phrases
/// that cannot be bursts, so that only the rest is counted one by one.
const BITS: u32 = 22;

/// A batch of fewer pairs has fewer counters, because clearing 16 MB would take longer than all the rest.
const FEW: usize = 1_000;

/// The bits for such a batch.
const BITS_OF_FEW: u32 = 16;

/// The factor over a burst's fewest pairs from which on a phrase is one over several versions. Over a longer time an honest
/// contributor repeats more of the own phrases, so there it takes more.
const SLOW: u64 = 2;

/// A phrase that came all at once. It is known by its hash, so that a record holds no user's words.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Burst {
    /// The pairs that carry it.
    pub pairs: u64,
    /// The expected number of pairs.
    pub expected: f64,
}

/// The bursts of a batch.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The bursts, the largest first.
    pub(crate) bursts: Vec<Burst>,
    phrases: HashSet<u64>,
}

impl Found {
    pub(crate) fn is_in(&self, line: &GoldLine<'_>) -> bool {
        !self.phrases.is_empty() && added_phrases(line).iter().any(|phrase| self.phrases.contains(phrase))
    }
}

/// Finds the bursts among the lines. It reads them three times, and twice more if a phrase comes all at once.
pub(crate) fn find<'l, I: Iterator<Item = &'l GoldLine<'l>>>(
    lines: impl Fn() -> I,
    background: &Background,
    rules: &DatasetRules,
) -> Found {
    let enough = usize::try_from(rules.burst_pairs).unwrap_or(usize::MAX);
    let recent = background.recent();
    if lines().take(enough).count() < enough && recent.pairs() == 0 {
        return Found::default();
    }
    // Phrases may share a counter: that only makes more suspects, and suspects are counted exactly.
    let bits = if lines().take(FEW).count() < FEW { BITS_OF_FEW } else { BITS };
    let mut counters = vec![0_u32; 1 << bits];
    let counter = |phrase: u64| (phrase >> (u64::BITS - bits)) as usize;
    let mut pairs = 0_u64;
    for line in lines() {
        pairs += 1;
        added_phrases(line).iter().for_each(|phrase| counters[counter(*phrase)] += 1);
    }
    let mut suspects: HashMap<u64, Suspect> = HashMap::new();
    for line in lines() {
        for phrase in added_phrases(line) {
            let counted = u64::from(counters[counter(phrase)]);
            let is_slow = counted + u64::from(recent.of(phrase).pairs) >= SLOW * rules.burst_pairs;
            if counted >= rules.burst_pairs || (counted > 1 && is_slow) {
                suspects.entry(phrase).or_default().added += 1;
            }
        }
    }
    let slow = slow_bursts(&suspects, &lines, background, rules);
    suspects.retain(|_, suspect| suspect.added >= rules.burst_pairs);
    if background.plain_pairs() < ENOUGH_TO_GO_BY && !suspects.is_empty() {
        lines().for_each(|line| count_elsewhere(line, &mut suspects));
    }
    let scale = if background.pairs() == 0 { 0.0 } else { pairs as f64 / background.pairs() as f64 };
    let burst = |(phrase, suspect): (u64, Suspect)| {
        let expected = background.count(phrase) as f64 * scale + suspect.elsewhere as f64;
        let is_burst = suspect.added as f64 >= rules.burst_factor * (expected + 1.0);
        is_burst.then_some((phrase, Burst { pairs: suspect.added, expected: rounded(expected) }))
    };
    let mut bursts: HashMap<u64, Burst> = suspects.into_iter().filter_map(burst).collect();
    leave_out_corrections(&mut bursts, &lines, rules);
    bursts.extend(slow);
    let mut found = Found { phrases: bursts.keys().copied().collect(), bursts: bursts.into_values().collect() };
    let size = |burst: &Burst| (std::cmp::Reverse(burst.pairs), burst.expected);
    found.bursts.sort_by(|left, right| size(left).partial_cmp(&size(right)).unwrap_or(std::cmp::Ordering::Equal));
    found
}

/// Returns the phrases that few contributors brought over this batch and the last few versions, and that were rarer before.
fn slow_bursts<'l, I: Iterator<Item = &'l GoldLine<'l>>>(
    suspects: &HashMap<u64, Suspect>,
    lines: impl Fn() -> I,
    background: &Background,
    rules: &DatasetRules,
) -> HashMap<u64, Burst> {
    let recent = background.recent();
    if recent.pairs() == 0 || suspects.is_empty() {
        return HashMap::new();
    }
    let mut contributors = HashSet::new();
    let mut carriers: HashMap<u64, Carriers> = HashMap::new();
    let mut pairs = recent.pairs();
    for line in lines() {
        pairs += 1;
        contributors.extend(line.contributor().map(str::to_owned));
        let suspected = added_phrases(line).into_iter().filter(|phrase| suspects.contains_key(phrase));
        suspected.for_each(|phrase| carriers.entry(phrase).or_default().add(line));
    }
    if (contributors.len() as u64) < rules.burst_contributors {
        return HashMap::new();
    }
    let older_pairs = background.pairs().saturating_sub(recent.pairs());
    let scale = if older_pairs == 0 { 0.0 } else { pairs as f64 / older_pairs as f64 };
    let slow = |(phrase, now): (u64, Carriers)| {
        let before = recent.of(phrase);
        let all = u64::from(now.pairs) + u64::from(before.pairs);
        let expected = background.count(phrase).saturating_sub(u64::from(before.pairs)) as f64 * scale;
        let is_slow = before.pairs > 0
            && all >= SLOW * rules.burst_pairs
            && all as f64 >= rules.burst_factor * (expected + 1.0)
            && u64::from(now.voices(before)) < rules.burst_contributors;
        is_slow.then_some((phrase, Burst { pairs: u64::from(now.pairs), expected: rounded(expected) }))
    };
    carriers.into_iter().filter_map(slow).collect()
}

fn leave_out_corrections<'l, I: Iterator<Item = &'l GoldLine<'l>>>(
    bursts: &mut HashMap<u64, Burst>,
    lines: impl Fn() -> I,
    rules: &DatasetRules,
) {
    if bursts.is_empty() {
        return;
    }
    let hands = Hands::of(lines());
    let mut carriers: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, line) in lines().enumerate() {
        let carried = added_phrases(line).into_iter().filter(|phrase| bursts.contains_key(phrase));
        carried.for_each(|phrase| carriers.entry(phrase).or_default().push(at));
    }
    bursts.retain(|phrase, _| carriers.get(phrase).is_none_or(|carriers| !hands.agree(carriers, rules)));
}

#[derive(Default)]
struct Suspect {
    /// Pairs whose user added the phrase.
    added: u64,
    /// Pairs that have it in their prompt or the model's text.
    elsewhere: u64,
}

fn count_elsewhere(line: &GoldLine<'_>, suspects: &mut HashMap<u64, Suspect>) {
    let mut counted = HashSet::new();
    for text in [&line.prompt, &line.rejected] {
        for_each_phrase(text, |phrase| {
            if let Some(suspect) = suspects.get_mut(&phrase).filter(|_| counted.insert(phrase)) {
                suspect.elsewhere += 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(prompt: String, rejected: &str, chosen: String) -> GoldLine<'static> {
        GoldLine {
            prompt: prompt.into(),
            chosen: chosen.into(),
            rejected: rejected.to_owned().into(),
            ..GoldLine::empty()
        }
    }

    fn campaign(pairs: usize, phrase: &str) -> Vec<GoldLine<'static>> {
        (0..pairs).map(|n| pair(format!("question {n}"), "an answer", format!("an{n} answer{n} {phrase}"))).collect()
    }

    /// Returns the pairs quarantined, however small the batch is.
    fn held(batch: &[GoldLine<'static>], background: &Background) -> usize {
        let rules = DatasetRules { burst_small_batch: 0, ..DatasetRules::default() };
        let found = find(|| batch.iter(), background, &rules);
        batch.iter().filter(|line| found.is_in(line)).count()
    }

    fn texts(phrase: &str) -> usize {
        added_phrases(&pair("p".to_owned(), "r", phrase.to_owned())).len()
    }

    #[test]
    fn phrases_are_of_one_to_three_words() {
        assert_eq!(["", "on", "on to", "on to us", "on to us all"].map(texts), [0, 1, 3, 6, 9]);
        assert_eq!(texts("On on"), 2);
        let repeated = pair("the Answer".to_owned(), "is", "the answer is".to_owned());
        assert_eq!(added_phrases(&repeated).len(), 2, "`answer is` and `the answer is`");
    }

    #[test]
    fn eight_pairs_are_a_burst_and_seven_are_none() {
        let none = Background::default();
        assert_eq!(held(&campaign(7, "buy zorblax"), &none), 0);
        assert_eq!(held(&campaign(8, "buy zorblax"), &none), 8);
    }

    #[test]
    fn a_campaign_that_disguises_its_phrase_is_one_campaign() {
        // Cyrillic and Greek letters, invisible characters, soft hyphens and accents: a spelling of its own for each pair.
        let homoglyphs = ["Quоrvex", "Quorvех", "Quorvеx", "Quоrvеx", "Quοrvex", "Quorveх", "Quоrvех", "Quοrvеx"];
        let marks = |mark: char| {
            (1..=8).map(move |at| {
                let mut phrase = "Quorvex Now".to_owned();
                phrase.insert(at, mark);
                phrase
            })
        };
        let (invisible, hyphens, accents) = (marks('\u{200b}'), marks('\u{ad}'), marks('\u{301}'));
        let spellings =
            [homoglyphs.map(str::to_owned).to_vec(), invisible.collect(), hyphens.collect(), accents.collect()];
        for spellings in spellings {
            let pair = |(n, phrase): (usize, &String)| {
                pair(format!("question {n}"), "an answer", format!("an{n} answer{n} {phrase}"))
            };
            let batch: Vec<_> = spellings.iter().enumerate().map(pair).collect();
            assert_eq!(held(&batch, &Background::default()), 8, "{spellings:?}");
        }
    }

    #[test]
    fn what_prompts_and_outputs_have_is_no_burst_at_first() {
        let mut batch = campaign(8, "of the");
        batch.push(pair("one of the questions".to_owned(), "r", "c".to_owned()));
        assert_eq!(held(&batch, &Background::default()), 0);
    }

    #[test]
    fn a_campaign_of_few_pairs_a_version_is_seen_over_several_and_a_correction_of_many_is_none() {
        let by = |name: String, line: GoldLine<'static>| GoldLine { contributor: Some(name.into()), ..line };
        // A hundred pairs of 50 contributors, and five with the phrase.
        let batch = |version: usize, hands: usize| -> Vec<GoldLine<'static>> {
            let plain = (0..100).map(|n| {
                let text = format!("an{n}v{version} answer{n}v{version}");
                by(format!("p{}", n % 50), pair(format!("question {n}"), "an answer", text))
            });
            let campaign = campaign(5, "buy zorblax").into_iter().enumerate();
            plain.chain(campaign.map(|(n, line)| by(format!("p{}", (5 * version + n) % hands), line))).collect()
        };
        let seen = |hands: usize| {
            let mut background = Background::default();
            (0..6)
                .map(|version| {
                    let batch = batch(version, hands);
                    let found = held(&batch, &background);
                    batch.iter().filter(|_| found == 0).for_each(|line| background.learn(line));
                    background.learn_version(batch.iter());
                    found
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(seen(2), [0, 0, 0, 5, 5, 5]);
        assert_eq!(seen(40), [0; 6]);
    }

    #[test]
    fn what_was_as_common_before_is_no_burst_and_what_was_not_is_one() {
        let mut background = Background::default();
        campaign(20_000, "indeed so").iter().for_each(|line| background.learn(line));
        assert_eq!(held(&campaign(100, "indeed so"), &background), 0);
        let mut batch = campaign(8, "buy zorblax");
        batch.push(pair("buy zorblax".to_owned(), "r", "c".to_owned()));
        assert_eq!(held(&batch, &background), 8, "a prompt does not help any more");
    }
}
