//! Processes chunks on all cores and returns the results in the order of the chunks.
//!
//! Each chunk goes to the workers with a channel for its result. The channels wait in order for the writer. Both queues are
//! bounded, so a slow writer stops the reader.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{available_parallelism, scope};

use crate::Failure;
use crate::input::{self, Chunk};

/// Runs `work` on every chunk of `files` and hands the results to `write` one by one, in order. An error of `write` ends it.
pub(crate) fn in_order<T: Send>(
    files: &[PathBuf],
    threads: Option<NonZeroUsize>,
    work: impl Fn(&Chunk) -> T + Sync,
    mut write: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let threads = threads.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let (chunks, queue) = sync_channel::<(Chunk, SyncSender<T>)>(threads);
    let (places, results) = sync_channel::<Receiver<T>>(2 * threads);
    let queue = Mutex::new(queue);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Ok((chunk, place)) = next() {
                    // Sending fails once the writer has given up. The result is dropped.
                    let _ = place.send(work(&chunk));
                }
            });
        }
        let reader = scope.spawn(move || {
            input::read(files, |chunk| {
                let (place, result) = sync_channel(1);
                places.send(result).is_ok() && chunks.send((chunk, place)).is_ok()
            })
        });
        let written = results.into_iter().try_for_each(|result| {
            let result = result.recv().map_err(|_| Failure::Unusable("a worker died".to_owned()))?;
            write(result)
        });
        let read = reader.join().unwrap_or_else(|_| Err(Failure::Unusable("the reader died".to_owned())));
        written.and(read)
    })
}
