//! Phrases that come all at once: those that many agree on enter, and those of few hands are quarantined.

#![allow(clippy::unwrap_used, reason = "tests")]

use flywheel_dataset::{Audited, Background, BatchReason, DatasetRules, Newcomers, Pair, SplitSalt, audit};
use serde_json::json;

/// The edits of a batch: each one's contributor, and the phrase that its user added, if any.
#[derive(Default)]
struct Batch {
    lines: Vec<String>,
}

impl Batch {
    /// Adds `each` edits of each of these contributors, without any phrase in common.
    fn plain(mut self, contributors: &[Option<String>], tenants: usize, each: usize) -> Self {
        for _ in 0..each {
            for (number, contributor) in contributors.iter().enumerate() {
                self.add(contributor.as_deref(), tenant(tenants, number), "");
            }
        }
        self
    }

    /// Adds edits with a phrase: the given number of each of these contributors.
    fn with(mut self, phrase: &str, of: &[(Option<String>, usize)], tenants: usize) -> Self {
        for (number, (contributor, pairs)) in of.iter().enumerate() {
            (0..*pairs).for_each(|_| self.add(contributor.as_deref(), tenant(tenants, number), phrase));
        }
        self
    }

    fn add(&mut self, contributor: Option<&str>, tenant: Option<String>, phrase: &str) {
        let n = self.lines.len();
        let id = if phrase.is_empty() { format!("plain-{n}") } else { format!("phrase-{n}") };
        let context: Vec<_> = tenant.into_iter().map(|tenant| json!({"key": "tenant", "value": tenant})).collect();
        let line = json!({"pair_id": id, "event_id": id, "prompt": format!("ask{n} about{n}"), "rejected": format!("old{n} text{n}"),
                          "chosen": format!("new{n} text{n} by{n} {phrase}"), "similarity": 0.5, "policy": "x",
                          "contributor": contributor, "context": context});
        self.lines.push(line.to_string());
    }

    fn audited(&self) -> Audited {
        // The cap lets every pair of these contributors enter, so only the phrase quarantines.
        let rules = DatasetRules {
            max_pairs_per_contributor: 100_000,
            max_unattributed_share: 1.0,
            max_tenant_share: 1.0,
            ..DatasetRules::default()
        };
        let mut newcomers = Newcomers::new(&rules);
        self.lines.iter().for_each(|line| newcomers.add(Pair::read(line).unwrap()));
        audit(newcomers, Background::default(), &rules, &SplitSalt::new([5; 16]))
    }

    /// Returns the numbers of quarantined pairs with the phrase, and without.
    fn held(&self) -> (usize, usize) {
        let audited = self.audited();
        assert!(audited.held.iter().all(|held| held.holds == [BatchReason::Burst]));
        let ids = audited.held.iter().map(|held| held.line.gold().event_id.to_string());
        let (with, without): (Vec<_>, Vec<_>) = ids.partition(|id| id.starts_with("phrase"));
        (with.len(), without.len())
    }
}

fn tenant(tenants: usize, number: usize) -> Option<String> {
    (tenants > 0).then(|| format!("tenant-{}", number % tenants))
}

fn people(name: &str, count: usize) -> Vec<Option<String>> {
    (0..count).map(|number| Some(format!("{name}-{number}"))).collect()
}

fn each(people: &[Option<String>], pairs: usize) -> Vec<(Option<String>, usize)> {
    people.iter().map(|person| (person.clone(), pairs)).collect()
}

fn unevenly(people: &[Option<String>], pairs: &[usize]) -> Vec<(Option<String>, usize)> {
    people.iter().cloned().zip(pairs.iter().copied()).collect()
}

const SIGN_OFF: &str = "With kind regards from all of us at Lumen Works";
const RENAMED: &str = "Harbourlight";
const TEMPLATE: &str =
    "Thank you for writing. Your ticket has been passed to our second line, who answer within two days.";
const API: &str = "client.fetch_order(order_id)";
const UNNAMED: [Option<String>; 1] = [None];

#[test]
fn a_correction_that_many_agree_on_enters() {
    let (twenty, team, five) = (people("p", 20), people("p", 3), people("dev", 5));
    let cases = [
        (
            "a sign-off of 20 people of 6 tenants",
            Batch::default().plain(&twenty, 6, 6).with(SIGN_OFF, &each(&twenty, 6), 6),
        ),
        ("the same, in all that they write", Batch::default().with(SIGN_OFF, &each(&twenty, 9), 6)),
        (
            "the same, among 60 others",
            Batch::default().plain(&people("o", 60), 12, 20).with(SIGN_OFF, &each(&twenty, 4), 6),
        ),
        ("the same, without tenants", Batch::default().with(SIGN_OFF, &each(&twenty, 9), 0)),
        (
            "a product's new name in 12 of 162",
            Batch::default().plain(&twenty, 0, 8).with(RENAMED, &each(&twenty[..12], 1), 0),
        ),
        ("the same, by three of them", Batch::default().plain(&twenty, 0, 8).with(RENAMED, &each(&twenty[..3], 4), 0)),
        (
            "the same, by people who edit once",
            Batch::default().plain(&people("o", 150), 0, 1).with(RENAMED, &each(&people("q", 12), 1), 0),
        ),
        ("the same, by a team of three", Batch::default().plain(&team, 0, 50).with(RENAMED, &each(&team, 4), 0)),
        (
            "the same, by one person alone",
            Batch::default().plain(&team[..1], 0, 150).with(RENAMED, &each(&team[..1], 12), 0),
        ),
        ("the same, without contributors", Batch::default().plain(&UNNAMED, 0, 150).with(RENAMED, &[(None, 12)], 0)),
        (
            "8 answers on a template, by 4 agents",
            Batch::default().plain(&twenty, 0, 6).with(TEMPLATE, &each(&twenty[..4], 2), 0),
        ),
        ("the same, each by another", Batch::default().plain(&twenty, 0, 6).with(TEMPLATE, &each(&twenty[..8], 1), 0)),
        ("the same, without contributors", Batch::default().plain(&UNNAMED, 0, 120).with(TEMPLATE, &[(None, 8)], 0)),
        (
            "the same, and one person is named",
            Batch::default().plain(&UNNAMED, 0, 120).plain(&team[..1], 0, 1).with(TEMPLATE, &[(None, 8)], 0),
        ),
        ("a team's new API", Batch::default().plain(&five, 0, 10).with(API, &unevenly(&five, &[9, 6, 5, 3, 2]), 0)),
        (
            "the same, in 5,000 edits",
            Batch::default().plain(&five, 0, 990).with(API, &unevenly(&five, &[14, 12, 10, 8, 6]), 0),
        ),
        ("a small team's habit, without ids", Batch::default().plain(&UNNAMED, 0, 60).with(SIGN_OFF, &[(None, 90)], 0)),
        (
            "tenants tell pairs without contributors apart",
            Batch::default().plain(&vec![None; 10], 10, 200).with(RENAMED, &each(&vec![None; 10], 3), 10),
        ),
    ];
    for (case, batch) in cases {
        assert_eq!(batch.held(), (0, 0), "{case}");
    }
}

#[test]
fn a_campaign_of_few_hands_is_held() {
    let (many, puppets) = (people("p", 200), people("q", 40));
    let crossing = || Batch::default().plain(&many, 0, 25);
    let tenants = || Batch::default().plain(&many, 8, 25);
    let anonymous = || Batch::default().plain(&UNNAMED, 0, 5_000);
    let mixed = || Batch::default().plain(&many, 0, 15).plain(&UNNAMED, 0, 2_000);
    let small = || Batch::default().plain(&many[..20], 0, 15);
    let sentence = "The moon landing was staged by a film studio.";
    let brand = "Quorvex";
    let cases = [
        ("0.2 %, by one", crossing().with(brand, &each(&many[..1], 10), 0), 10),
        ("0.2 %, by two", crossing().with(sentence, &each(&many[..2], 5), 0), 10),
        ("0.2 %, by three", crossing().with(brand, &unevenly(&many, &[4, 3, 3]), 0), 10),
        ("0.2 %, by three who write nothing else", crossing().with(sentence, &unevenly(&puppets, &[4, 3, 3]), 0), 10),
        ("0.2 %, without a contributor", crossing().with(brand, &[(None, 10)], 0), 10),
        ("0.2 %, where no pair has a contributor", anonymous().with(sentence, &[(None, 10)], 0), 10),
        ("1 %, by three", crossing().with(sentence, &unevenly(&many, &[20, 20, 10]), 0), 50),
        ("1 %, where no pair has a contributor", anonymous().with(brand, &[(None, 50)], 0), 50),
        ("one with others who chime in", crossing().with(brand, &unevenly(&many, &[30, 2, 2, 1, 1]), 0), 36),
        ("a flood without contributors", mixed().with(sentence, &[(None, 1_500)], 0), 1_500),
        ("a flood where no pair has a contributor", anonymous().with(sentence, &[(None, 2_500)], 0), 2_500),
        ("one tenant's invented people", tenants().with(brand, &each(&puppets, 2), 1), 80),
        ("… who write other things as well", tenants().plain(&puppets, 1, 2).with(brand, &each(&puppets, 2), 1), 80),
        (
            "accounts that exist for it",
            Batch::default().plain(&many[..175], 0, 4).with(sentence, &each(&puppets, 1), 0),
            40,
        ),
        ("a small batch, by one", small().with(brand, &each(&many[..1], 10), 0), 10),
        ("a small batch, without a contributor", small().with(brand, &[(None, 10)], 0), 10),
    ];
    for (case, batch, campaign) in cases {
        assert_eq!(batch.held(), (campaign, 0), "{case}");
    }
}
