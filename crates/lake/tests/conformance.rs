//! Runs one conformance suite on all lakes. S3 needs a bucket: the deployed-stack tests name one of the local cloud.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::thread;

use flywheel_lake::{
    FolderLake, LoadBreaker as _, LoadPointer as _, MemoryLake, MovePointer as _, Moved, S3Lake, conformance,
};
use flywheel_log::{Breaker, POINTER_KEY, Pointer};
use flywheel_runtime::{Settings, aws_config};

#[tokio::test]
async fn the_lake_in_memory_conforms() {
    conformance::check(&MemoryLake::default()).await;
}

#[tokio::test]
async fn the_lake_in_a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conformance::check(&FolderLake::new(folder.path())).await;
}

/// Many tasks at once open and close the breaker, each until it has done so often enough: no change may be lost.
#[test]
fn of_many_writers_to_a_folder_each_move_counts_once() {
    const WRITERS: u64 = 8;
    const MOVES: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let write = |_| {
        let lake = FolderLake::new(folder.path());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut moves = 0;
            while moves < MOVES {
                let moved = runtime.block_on(async {
                    let loaded = lake.load_pointer().await.unwrap();
                    let next = Pointer { crossing: loaded.pointer.crossing + 1, ..Pointer::default() };
                    lake.move_pointer(&loaded, &next).await.unwrap()
                });
                moves += u64::from(moved == Moved::Moved);
            }
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(write).collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let stored = std::fs::read(folder.path().join(POINTER_KEY)).unwrap();
    assert_eq!(serde_json::from_slice::<Pointer>(&stored).unwrap().crossing, 1 + WRITERS * MOVES);
}

#[tokio::test]
async fn a_damaged_object_is_an_error_and_not_an_empty_lake() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("state")).unwrap();
    std::fs::write(folder.path().join(POINTER_KEY), "{").unwrap();
    let lake = FolderLake::new(folder.path());
    assert!(lake.load_pointer().await.is_err());
    assert_eq!(lake.load_breaker().await.unwrap().breaker, Breaker::default());
}

#[tokio::test]
#[ignore = "needs a bucket, FLYWHEEL_TEST_BUCKET: make test-stack"]
async fn the_lake_in_s3_conforms() {
    let settings = Settings::from_env();
    let bucket = settings.required("FLYWHEEL_TEST_BUCKET").unwrap();
    conformance::check(&S3Lake::new(&aws_config().await, bucket)).await;
}
