//! The events of the demonstration with a small language model: the front door accepts all, and curation admits them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use flywheel_base::Route;
use flywheel_curation::Curator;
use flywheel_event::{Endpoint, Received, Submission, Submitted};
use flywheel_policy::Policy;

const EDITS: &str = include_str!("../../../events/smollm/edits.jsonl");
const LIKES: &str = include_str!("../../../events/smollm/likes.jsonl");

/// Returns the route of each event of a file, under a policy that keeps every liked output.
fn routes(file: &str, endpoint: Endpoint) -> Vec<(String, Route)> {
    let curator = Curator::new(Policy::parse("[sampling]\nthumbs_up = 1.0\n").unwrap(), None);
    let route = |line: &str| match Submission::parse(line.as_bytes(), endpoint, None, Received::at(0)) {
        Ok(Submission::One(Submitted::Event(event))) => {
            (event.event_id.clone(), curator.curate(&event.message, 0).unwrap().verdict.route)
        }
        refused => panic!("{line}: {refused:?}"),
    };
    file.lines().map(route).collect()
}

fn assert_all(events: &[(String, Route)], expected: Route, count: usize) {
    let others: Vec<_> = events.iter().filter(|(_, route)| *route != expected).collect();
    assert!(others.is_empty(), "{others:?}");
    let ids: BTreeSet<_> = events.iter().map(|(id, _)| id).collect();
    assert_eq!((events.len(), ids.len()), (count, count));
}

#[test]
fn every_edit_is_a_preference_pair() {
    assert_all(&routes(EDITS, Endpoint::Edits), Route::Gold, 96);
}

#[test]
fn every_liked_output_may_be_replayed() {
    assert_all(&routes(LIKES, Endpoint::Feedback), Route::Replay, 24);
}
