//! The demo's events: all valid ones are accepted, and all invalid ones are refused as `events/README.md` says.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use flywheel_base::Route;
use flywheel_curation::Curator;
use flywheel_event::{EditEvent, Endpoint, Received, Submission, Submitted};
use flywheel_policy::Policy;

const GOOD: [&str; 7] = [
    include_str!("../../../events/demo/code.jsonl"),
    include_str!("../../../events/demo/edge_cases.jsonl"),
    include_str!("../../../events/demo/email.jsonl"),
    include_str!("../../../events/demo/multilingual.jsonl"),
    include_str!("../../../events/demo/prose.jsonl"),
    include_str!("../../../events/demo/sql.jsonl"),
    include_str!("../../../events/demo/support.jsonl"),
];
const FEEDBACK: &str = include_str!("../../../events/demo/feedback.jsonl");
const BAD: &str = include_str!("../../../events/demo/bad.jsonl");
const README: &str = include_str!("../../../events/README.md");

/// Not `lines()`: some texts hold a carriage return.
fn lines(file: &str) -> impl Iterator<Item = &str> {
    file.split('\n').filter(|line| !line.is_empty())
}

#[test]
fn every_good_event_is_taken_and_most_become_gold() {
    let curator = Curator::new(Policy::default(), None);
    let mut routes = Vec::new();
    for line in GOOD.iter().flat_map(|file| lines(file)) {
        let submission = Submission::parse(line.as_bytes(), Endpoint::Edits, None, Received::at(0));
        assert!(matches!(submission, Ok(Submission::One(Submitted::Event(_)))), "{line}");
        let message = EditEvent::parse(line, None).unwrap().to_message().unwrap();
        routes.push(curator.curate(&message, 0).unwrap().verdict.route);
    }
    let gold = routes.iter().filter(|route| **route == Route::Gold).count();
    assert!(routes.len() >= 60 && gold * 10 >= routes.len() * 7, "{gold} of {}", routes.len());
}

#[test]
fn feedback_goes_every_way_that_there_is() {
    let curator = Curator::new(Policy::default(), None);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines(FEEDBACK) {
        let way = match Submission::parse(line.as_bytes(), Endpoint::Feedback, None, Received::at(0)) {
            Ok(Submission::One(Submitted::Read)) => "read",
            Ok(Submission::One(Submitted::Event(event))) => {
                curator.curate(&event.message, 0).unwrap().verdict.route.as_str()
            }
            refused => panic!("{line}: {refused:?}"),
        };
        *counts.entry(way).or_default() += 1;
    }
    let expected =
        [("dropped", 11), ("gold", 2), ("quarantine", 1), ("read", 3), ("replay", 3), ("review", 5), ("signals", 10)];
    assert_eq!(counts, BTreeMap::from(expected));
}

/// Returns the table's rows: line number, and the named field (a dash for none).
fn documented() -> impl Iterator<Item = (usize, Option<&'static str>)> {
    README.lines().filter_map(|row| {
        let mut cells = row.strip_prefix('|')?.split('|').map(str::trim);
        let number = cells.next()?.parse().ok()?;
        let field = cells.next()?.trim_matches('`');
        Some((number, Some(field).filter(|field| *field != "–")))
    })
}

#[test]
fn every_bad_body_is_refused_and_names_the_documented_field() {
    let bodies: Vec<_> = lines(BAD).collect();
    assert_eq!(documented().map(|(number, _)| number).collect::<Vec<_>>(), (1..=bodies.len()).collect::<Vec<_>>());
    for ((number, field), body) in documented().zip(bodies) {
        match Submission::parse(body.as_bytes(), Endpoint::Edits, None, Received::at(0)) {
            Ok(Submission::Batch(outcomes)) => assert!(outcomes.iter().all(Result::is_err), "line {number}"),
            Ok(Submission::One(_)) => panic!("line {number} is accepted"),
            Err(refusal) => {
                let named = refusal.field.as_deref().filter(|field| *field != "body");
                assert!(
                    field.is_none_or(|field| named.is_some_and(|named| named.starts_with(field))),
                    "line {number}: {refusal:?}"
                );
            }
        }
    }
}
