//! The conformance suite of every lake. It runs on the in-memory lake and on S3, so that the one cannot drift from the other.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a suite of checks: failing is its job")]

use std::sync::atomic::{AtomicU64, Ordering};

use flywheel_base::{Route, instant::Millis};
use flywheel_log::{Breaker, PartName, Pointer};
use flywheel_training::{DatasetVersion, LiveAdapter, LiveCause, LiveModel, Sha256Hex};

use crate::ports::{
    CountRows, EraseObject, ListKeys, ListParts, ListRoute, LoadBreaker, LoadLive, LoadPointer, MoveBreaker, MoveLive,
    MovePointer, Moved, ReadPart, ReplaceObject, RewriteObject, VisitObject, WriteFile, WritePart,
};

/// Distinguishes the files of suites that run at the same time.
static FILES: AtomicU64 = AtomicU64::new(0);

fn part(written_at: u64) -> PartName {
    PartName { written_at, digest: format!("{written_at:032x}"), rows: 1 }
}

/// Checks an empty lake against the promises of the ports.
///
/// # Panics
/// If the lake breaks a promise.
pub async fn check<L>(lake: &L)
where
    L: WritePart
        + ListParts
        + ListRoute
        + ListKeys
        + EraseObject
        + ReadPart
        + CountRows
        + LoadPointer
        + MovePointer
        + LoadBreaker
        + MoveBreaker
        + LoadLive
        + MoveLive
        + VisitObject
        + WriteFile
        + ReplaceObject
        + RewriteObject,
{
    parts_are_written_once(lake).await;
    parts_are_listed_in_order_after_a_key(lake).await;
    routes_are_listed_by_time(lake).await;
    rows_are_counted_by_route_and_time(lake).await;
    what_is_erased_is_gone_and_can_be_written_anew(lake).await;
    the_pointer_is_moved_by_one_of_two(lake).await;
    the_breaker_is_moved_by_one_of_two(lake).await;
    what_is_live_is_moved_by_one_of_two(lake).await;
    files_are_written_once_and_read_in_pieces(lake).await;
    what_is_replaced_is_as_it_was_written_last(lake).await;
}

async fn parts_are_written_once(lake: &(impl WritePart + ReadPart)) {
    let key = part(1_795_342_830_007).key(Route::Gold);
    lake.write_part(&key, "first\n".to_owned()).await.unwrap();
    lake.write_part(&key, "second\n".to_owned()).await.unwrap();
    assert_eq!(lake.read_part(&key).await.unwrap(), b"first\n");
    assert!(lake.read_part("dpo_gold_v1/route=gold/absent").await.unwrap_err().is_missing());
}

async fn parts_are_listed_in_order_after_a_key(lake: &(impl WritePart + ListParts)) {
    for written_at in [1_795_400_000_002, 1_795_400_000_001, 1_795_390_000_000] {
        lake.write_part(&part(written_at).key(Route::Gold), "{}\n".to_owned()).await.unwrap();
    }
    let other_route = part(1_795_400_000_003).key(Route::Dropped);
    lake.write_part(&other_route, "{}\n".to_owned()).await.unwrap();
    lake.write_part("dpo_gold_v1/route=gold/dt=2026-11-23/hour=02/_SUCCESS", String::new()).await.unwrap();

    let listing = lake.list_parts(&part(1_795_390_000_000).key(Route::Gold)).await.unwrap();
    let times: Vec<_> = listing.parts.iter().map(|part| part.name.written_at).collect();
    assert_eq!(times, [1_795_400_000_001, 1_795_400_000_002]);
    assert_eq!(listing.requests, 1);
}

async fn routes_are_listed_by_time(lake: &(impl WritePart + ListRoute)) {
    const HOUR: Millis = 3_600_000;
    let first = 1_795_400_000_000;
    for hour in 0..4 {
        lake.write_part(&part(first + hour * HOUR).key(Route::Replay), "{}\n".to_owned()).await.unwrap();
        lake.write_part(&part(first + hour * HOUR).key(Route::Review), "{}\n".to_owned()).await.unwrap();
    }
    let within = first + 1..=first + 2 * HOUR;
    let listing = lake.list_route(Route::Replay, within.clone(), u64::MAX).await.unwrap();
    let hours: Vec<_> = listing.parts.iter().map(|part| (part.name.written_at - first) / HOUR).collect();
    assert_eq!((hours, listing.requests, listing.parts[0].bytes), (vec![1, 2], 1, 3));
    let some = lake.list_route(Route::Replay, within, 1).await.unwrap();
    assert_eq!(some.parts[0], listing.parts[0]);
    assert_eq!(lake.list_route(Route::Signals, 0..=Millis::MAX, 9).await.unwrap().parts, []);
}

async fn rows_are_counted_by_route_and_time(lake: &(impl WritePart + CountRows)) {
    const NOON: Millis = 1_795_435_200_000;
    for (minute, rows) in [(0, 1), (1, 20), (61, 300), (62, 4_000)] {
        let name = PartName { rows, ..part(NOON + minute * 60_000) };
        lake.write_part(&name.key(Route::Quarantine), String::new()).await.unwrap();
        lake.write_part(&name.key(Route::Review), String::new()).await.unwrap();
    }
    for (from, to, rows) in [(1, 61, 320), (0, 0, 1), (2, 60, 0), (62, 900, 4_000)] {
        let counted = lake.count_rows(Route::Quarantine, NOON + from * 60_000, NOON + to * 60_000).await.unwrap();
        assert_eq!(counted, rows, "from minute {from} to minute {to}");
    }
    assert_eq!(lake.count_rows(Route::Signals, 0, Millis::MAX).await.unwrap(), 0);
}

async fn what_is_erased_is_gone_and_can_be_written_anew(
    lake: &(impl WritePart + ReadPart + ListKeys + EraseObject + RewriteObject),
) {
    let keys = ["runs/a/input/run.json", "runs/a/input/train.jsonl", "runs/ab/input/run.json"];
    for key in keys {
        lake.write_part(key, "first".to_owned()).await.unwrap();
    }
    assert_eq!(lake.list_keys("runs/").await.unwrap(), keys);
    assert_eq!(lake.list_keys("runs/a/").await.unwrap(), keys[..2]);
    assert!(lake.list_keys("no/such/prefix/").await.unwrap().is_empty());
    for _ in 0..2 {
        lake.erase_object(keys[0]).await.unwrap();
        assert!(lake.read_part(keys[0]).await.unwrap_err().is_missing());
    }
    assert_eq!(lake.list_keys("runs/").await.unwrap(), keys[1..], "and no other one");
    lake.write_part(keys[0], "second".to_owned()).await.unwrap();
    assert_eq!(lake.read_part(keys[0]).await.unwrap(), b"second");
    let rewritten = |read: &'static [u8]| lake.rewrite_object(keys[0], read, "third".to_owned());
    assert_eq!(rewritten(b"first").await.unwrap(), Moved::WasMovedBefore, "its content is another one");
    assert_eq!(rewritten(b"second").await.unwrap(), Moved::Moved);
    for _ in 0..2 {
        lake.erase_older_versions(keys[0]).await.unwrap();
        assert_eq!(lake.read_part(keys[0]).await.unwrap(), b"third", "the newest stays");
    }
}

async fn the_breaker_is_moved_by_one_of_two(lake: &(impl LoadBreaker + MoveBreaker)) {
    let closed = lake.load_breaker().await.unwrap();
    assert_eq!((&closed.breaker, &closed.entity_tag), (&Breaker::default(), &None));

    let opened = closed.breaker.opened_by_hand("kim", "drill", 1).unwrap();
    assert_eq!(lake.move_breaker(&closed, &opened).await.unwrap(), Moved::Moved);
    assert_eq!(lake.move_breaker(&closed, &opened).await.unwrap(), Moved::WasMovedBefore);

    let loaded = lake.load_breaker().await.unwrap();
    assert_eq!(loaded.breaker, opened);
    let shut = opened.closed_by_hand("kim", "drill over", 2).unwrap();
    assert_eq!(lake.move_breaker(&loaded, &shut).await.unwrap(), Moved::Moved);
    assert_eq!(lake.move_breaker(&loaded, &opened).await.unwrap(), Moved::WasMovedBefore);
    assert_eq!(lake.load_breaker().await.unwrap().breaker, shut);
}

async fn the_pointer_is_moved_by_one_of_two(lake: &(impl LoadPointer + MovePointer)) {
    let empty = lake.load_pointer().await.unwrap();
    assert_eq!((&empty.pointer, &empty.entity_tag), (&Pointer::default(), &None));

    let second = Pointer { crossing: 2, ..Pointer::default() };
    assert_eq!(lake.move_pointer(&empty, &second).await.unwrap(), Moved::Moved);
    assert_eq!(lake.move_pointer(&empty, &second).await.unwrap(), Moved::WasMovedBefore);

    let loaded = lake.load_pointer().await.unwrap();
    assert_eq!(loaded.pointer, second);
    let third = Pointer { crossing: 3, ..Pointer::default() };
    assert_eq!(lake.move_pointer(&loaded, &third).await.unwrap(), Moved::Moved);
    assert_eq!(lake.move_pointer(&loaded, &second).await.unwrap(), Moved::WasMovedBefore);
    assert_eq!(lake.load_pointer().await.unwrap().pointer, third);
}

async fn what_is_live_is_moved_by_one_of_two(lake: &(impl LoadLive + MoveLive)) {
    let bare = lake.load_live().await.unwrap();
    assert_eq!((&bare.live, &bare.entity_tag), (&LiveModel::default(), &None));

    let adapter = LiveAdapter {
        adapter: "run-1".parse().unwrap(),
        prefix: "runs/run-1/output/".to_owned(),
        sha256: Sha256Hex::of(b"weights"),
        config_sha256: Sha256Hex::of(b"configuration"),
        base: "tiny".to_owned(),
        dataset: DatasetVersion { version: 1, digest: None },
    };
    let first = bare.live.promoted(adapter, None, LiveCause::Gate, 1).unwrap();
    assert_eq!(lake.move_live(&bare, &first).await.unwrap(), Moved::Moved);
    assert_eq!(lake.move_live(&bare, &first).await.unwrap(), Moved::WasMovedBefore);

    let loaded = lake.load_live().await.unwrap();
    assert_eq!(loaded.live, first);
    let back = first.demoted(None, "kim", "it rambles", 2).unwrap();
    assert_eq!(lake.move_live(&loaded, &back).await.unwrap(), Moved::Moved);
    assert_eq!(lake.move_live(&loaded, &first).await.unwrap(), Moved::WasMovedBefore);
    assert_eq!(lake.load_live().await.unwrap().live, back);
}

async fn files_are_written_once_and_read_in_pieces(lake: &(impl WriteFile + VisitObject)) {
    const KEY: &str = "runs/run-1/input/train.jsonl";
    let mut missing = |_: &[u8]| ();
    assert!(lake.visit_object(KEY, &mut missing).await.unwrap_err().is_missing());
    let body: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("flywheel-conformance-{}-{number}", std::process::id()));
    std::fs::write(&file, &body).unwrap();
    lake.write_file(KEY, &file).await.unwrap();
    std::fs::write(&file, "another").unwrap();
    lake.write_file(KEY, &file).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let mut read = Vec::new();
    lake.visit_object(KEY, &mut |piece: &[u8]| read.extend_from_slice(piece)).await.unwrap();
    assert!(read == body, "{} bytes of {}", read.len(), body.len());
}

async fn what_is_replaced_is_as_it_was_written_last(lake: &(impl ReplaceObject + ReadPart)) {
    for body in ["first", "second"] {
        lake.replace_object("runs/run-1/review.json", body.to_owned()).await.unwrap();
        assert_eq!(lake.read_part("runs/run-1/review.json").await.unwrap(), body.as_bytes());
    }
}
