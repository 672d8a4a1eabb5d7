//! Batches of messages: valid and invalid ones, redelivered, and with a failing lake.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use flywheel_base::{Route, instant::Millis};
use flywheel_curate::{Curate, UnidentifiedMessage};
use flywheel_curation::Curator;
use flywheel_event::ContributorKey;
use flywheel_lake::{Fault, ListParts as _, MemoryLake};
use flywheel_log::{Watermark, route_prefix};
use flywheel_policy::Policy;
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../../../events/curate.batch.json");
const NOW: Millis = 1_795_342_830_007;

fn curate(lake: &MemoryLake) -> Curate<MemoryLake> {
    curate_at(lake, || NOW)
}

fn curate_at(lake: &MemoryLake, now: fn() -> Millis) -> Curate<MemoryLake> {
    Curate::new(Curator::new(Policy::default(), None), lake.clone(), now)
}

fn message(id: &str, body: &str) -> SqsMessage {
    serde_json::from_value(json!({"messageId": id, "body": body})).unwrap()
}

fn edit(id: &str, edited: &str) -> SqsMessage {
    let body =
        json!({"event_id": id, "prompt": "p", "original_llm_output": "one two three", "final_user_edit": edited});
    message(id, &body.to_string())
}

fn failed(response: &SqsBatchResponse) -> Vec<&str> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
}

/// Returns the ids of the events in each route, with repetitions.
fn routes(lake: &MemoryLake) -> BTreeMap<&'static str, Vec<String>> {
    let mut routes = BTreeMap::new();
    for route in Route::ALL {
        let objects = lake.objects();
        let parts = objects.iter().filter(|(key, _)| key.starts_with(&route_prefix(route)));
        let lines = parts.flat_map(|(_, body)| {
            String::from_utf8(body.clone()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        });
        let id = |line: String| serde_json::from_str::<Value>(&line).unwrap()["event_id"].as_str().unwrap().to_owned();
        routes.insert(route.as_str(), lines.map(id).collect());
    }
    routes
}

#[tokio::test]
async fn the_sample_batch_is_split_by_route_and_the_bad_message_goes_back_alone() {
    let lake = MemoryLake::default();
    let sample: SqsEvent = serde_json::from_str(SAMPLE).unwrap();
    let is_bad = |record: &&SqsMessage| serde_json::from_str::<Value>(record.body.as_ref().unwrap()).is_err();
    let bad = sample.records.iter().filter(is_bad);
    let bad: Vec<_> = bad.map(|record| record.message_id.clone().unwrap()).collect();
    let response = curate(&lake).handle(sample.records).await.unwrap();
    assert_eq!(failed(&response), bad);
    let counts = routes(&lake).into_iter().map(|(route, ids)| (route, ids.len())).filter(|(_, count)| *count > 0);
    assert_eq!(counts.collect::<Vec<_>>(), [("dropped", 2), ("gold", 1), ("review", 1)]);
}

#[tokio::test]
async fn a_contributor_is_taken_as_ingest_queued_it_and_hashed_where_something_else_did() {
    let lake = MemoryLake::default();
    let key = ContributorKey::new("key").unwrap();
    let pseudonym = key.pseudonym("alice@example.org");
    let queued = |id: &str, contributor: Value| {
        let mut body = json!({"event_id": id, "prompt": "p", "original_llm_output": "one two three"});
        body["final_user_edit"] = "one 2 three".into();
        body.as_object_mut().unwrap().extend(contributor.as_object().unwrap().clone());
        message(id, &body.to_string())
    };
    let batch = vec![
        queued("by-ingest", json!({"contributor": pseudonym})),
        queued("by-hand", json!({"contributor_id": "alice@example.org"})),
    ];
    let curate = Curate::new(Curator::new(Policy::default(), Some(key)), lake.clone(), || NOW);
    assert_eq!(failed(&curate.handle(batch).await.unwrap()), [""; 0]);
    let part = String::from_utf8(lake.objects().into_values().next().unwrap()).unwrap();
    assert!(!part.contains("alice"));
    let lines: Vec<Value> = part.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| &line["contributor"]).collect::<Vec<_>>(), [&json!(pseudonym); 2]);
}

#[tokio::test]
async fn a_failed_write_fails_its_own_messages_only() {
    let lake = MemoryLake::default();
    lake.fail_next_write("route=gold", Fault::Refused);
    let batch = vec![edit("gold-1", "one 2 three"), edit("same-1", "one two three"), edit("gold-2", "1 two three")];
    let response = curate(&lake).handle(batch.clone()).await.unwrap();
    assert_eq!(failed(&response), ["gold-1", "gold-2"]);
    assert_eq!(routes(&lake)["dropped"], ["same-1"]);
    // The queue redelivers failed messages.
    let again = vec![batch[0].clone(), batch[2].clone()];
    assert_eq!(failed(&curate(&lake).handle(again).await.unwrap()), [""; 0]);
    assert_eq!(routes(&lake)["gold"], ["gold-1", "gold-2"]);
}

#[tokio::test]
async fn a_batch_that_is_delivered_twice_counts_once() {
    let lake = MemoryLake::default();
    let batch = vec![edit("a", "one 2 three"), edit("b", "1 two three")];
    curate(&lake).handle(batch.clone()).await.unwrap();
    // The order differs: SQS guarantees none.
    curate_at(&lake, || NOW + 60_000).handle(batch.into_iter().rev().collect()).await.unwrap();
    let watermark = Watermark::default();
    let listing = lake.list_parts(&watermark.list_after()).await.unwrap();
    assert_eq!((listing.parts.len(), watermark.pending(&listing.parts).rows), (2, 2));
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_done_again_without_loss() {
    let lake = MemoryLake::default();
    lake.fail_next_write("route=gold", Fault::AnswerLost);
    let batch = vec![edit("a", "one 2 three")];
    assert_eq!(failed(&curate(&lake).handle(batch.clone()).await.unwrap()), ["a"]);
    // The redelivery within the same millisecond gives the same key. The object exists, which counts as success.
    assert_eq!(failed(&curate(&lake).handle(batch).await.unwrap()), [""; 0]);
    assert_eq!(routes(&lake)["gold"], ["a"]);
}

#[tokio::test]
async fn a_message_that_comes_twice_in_a_batch_is_written_once() {
    let lake = MemoryLake::default();
    let (first, mut second) = (edit("a", "one 2 three"), edit("a", "one 2 three"));
    second.message_id = Some("redelivered".to_owned());
    lake.fail_next_write("route=gold", Fault::Refused);
    let response = curate(&lake).handle(vec![first.clone(), second.clone()]).await.unwrap();
    assert_eq!(failed(&response), ["a", "redelivered"], "both depend on the one line");
    curate(&lake).handle(vec![first, second]).await.unwrap();
    assert_eq!(routes(&lake)["gold"], ["a"]);
}

#[tokio::test]
async fn whatever_is_delivered_again_every_event_ends_in_one_route() {
    let lake = MemoryLake::default();
    let edits = ["one 2 three", "one two three", "one two threeX", "completely different", "1 2 3"];
    let all: Vec<_> = (0..50).map(|n| edit(&format!("e{n:02}"), edits[n % edits.len()])).collect();
    for size in [7, 11, 50] {
        for batch in all.chunks(size) {
            assert_eq!(failed(&curate(&lake).handle(batch.to_vec()).await.unwrap()), [""; 0]);
        }
    }
    let routes = routes(&lake);
    let distinct: Vec<BTreeSet<_>> = routes.values().map(|ids| ids.iter().collect()).collect();
    assert_eq!(distinct.iter().map(BTreeSet::len).sum::<usize>(), 50);
    assert_eq!(distinct.iter().flatten().collect::<BTreeSet<_>>().len(), 50);
}

fn feedback(id: &str, fields: Value) -> SqsMessage {
    let mut body = json!({"event_id": id, "prompt": "p", "original_llm_output": "one two three"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message(id, &body.to_string())
}

#[tokio::test]
async fn feedback_takes_its_routes_and_only_edits_count_as_pairs() {
    let lake = MemoryLake::default();
    let mut batch = vec![
        feedback("down", json!({"kind": "thumbs_down"})),
        feedback("two", json!({"kind": "stars", "rating": 2})),
        feedback("three", json!({"kind": "stars", "rating": 3})),
        feedback("copy", json!({"kind": "copy"})),
        feedback("again", json!({"kind": "regenerate"})),
        feedback("private", json!({"kind": "copy", "consent": false})),
        feedback("edited", json!({"kind": "thumbs_down", "final_user_edit": "one 2 three"})),
        edit("edit", "1 two three"),
    ];
    batch.extend((0..400).map(|number| feedback(&format!("like-{number}"), json!({"kind": "thumbs_up"}))));
    // The front door queues no reads. A read in the queue is an invalid event.
    batch.push(feedback("read", json!({"kind": "read"})));
    let twice = [batch.clone(), batch].concat();
    for batch in twice.chunks(100) {
        let response = curate(&lake).handle(batch.to_vec()).await.unwrap();
        assert!(failed(&response).iter().all(|id| *id == "read"));
    }
    let routes: BTreeMap<_, BTreeSet<_>> =
        routes(&lake).into_iter().map(|(route, ids)| (route, ids.into_iter().collect())).collect();
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(routes["gold"], ids(&["edit", "edited"]));
    assert_eq!(routes["review"], ids(&["down", "two"]));
    assert_eq!(routes["signals"], ids(&["again", "copy", "three"]));
    assert!((1..=12).contains(&routes["replay"].len()), "{:?}", routes["replay"]);
    assert!(routes["replay"].iter().all(|id| id.starts_with("like-")));
    assert_eq!(routes.values().map(BTreeSet::len).sum::<usize>(), 408);
    assert_eq!(routes.values().flatten().collect::<BTreeSet<_>>().len(), 408);
    let listing = lake.list_parts(&Watermark::default().list_after()).await.unwrap();
    let objects = lake.objects();
    let gold = objects.keys().filter(|key| key.starts_with(&route_prefix(Route::Gold)));
    assert_eq!(listing.parts.len(), gold.count(), "the counter sees gold and nothing else");
}

#[tokio::test]
async fn a_bad_message_without_an_id_fails_the_batch_aloud() {
    let lake = MemoryLake::default();
    for id in [Value::Null, json!("")] {
        let nameless: SqsMessage = serde_json::from_value(json!({"messageId": id, "body": "not JSON"})).unwrap();
        assert_eq!(curate(&lake).handle(vec![nameless]).await.unwrap_err(), UnidentifiedMessage);
    }
}

#[tokio::test]
async fn an_empty_batch_writes_nothing() {
    let lake = MemoryLake::default();
    curate(&lake).handle(Vec::new()).await.unwrap();
    assert!(lake.objects().is_empty());
}
