//! What every lake must do: run on the in-memory lake and on S3, so that the one cannot drift from the other.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a suite of checks: failing is its job")]

use flywheel_core::{PartName, Pointer, Route};

use crate::ports::{ListParts, LoadPointer, MovePointer, Moved, ReadPart, WritePart};

fn part(written_at: u64) -> PartName {
    PartName { written_at, digest: format!("{written_at:032x}"), rows: 1 }
}

/// Holds an empty lake to what the ports promise.
///
/// # Panics
/// If the lake breaks a promise.
pub async fn check(lake: &(impl WritePart + ListParts + ReadPart + LoadPointer + MovePointer)) {
    parts_are_written_once(lake).await;
    parts_are_listed_in_order_after_a_key(lake).await;
    the_pointer_is_moved_by_one_of_two(lake).await;
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
