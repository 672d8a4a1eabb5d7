//! Runs work on several threads. The result does not depend on their number.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::failure::{Result, TrainerError};

/// The number of threads.
///
/// The work is divided into parts independently of the number of threads. Each part is done by one thread, and the results are
/// combined in order. Matrix products are not spread over threads as well: they are small here, so that would cost more than it
/// gains, and far more on a busy machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workers(NonZeroUsize);

impl Workers {
    /// Uses this many threads, or one for each core.
    pub(crate) fn new(count: Option<NonZeroUsize>) -> Self {
        gemm::set_threading_threshold(usize::MAX);
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self(count.unwrap_or_else(cores))
    }

    /// Returns their number.
    pub(crate) fn count(self) -> usize {
        self.0.get()
    }

    /// Does all parts and returns their results in order.
    pub(crate) fn map<P: Sync, R: Send>(self, parts: &[P], work: impl Fn(&P) -> Result<R> + Sync) -> Result<Vec<R>> {
        let threads = self.count().min(parts.len());
        if threads <= 1 {
            return parts.iter().map(work).collect();
        }
        let next = AtomicUsize::new(0);
        let work_on = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(index) else { return done };
                let result = work(part);
                if result.is_err() {
                    next.store(parts.len(), Ordering::Relaxed);
                }
                done.push((index, result));
            }
        };
        let mut done = thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work_on)).collect();
            let joined: thread::Result<Vec<_>> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
            let done = joined.map_err(|_| TrainerError::Other("a thread has died".to_owned()))?;
            Ok::<_, TrainerError>(done.into_iter().flatten().collect::<Vec<_>>())
        })?;
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(count: usize) -> Workers {
        Workers::new(NonZeroUsize::new(count))
    }

    #[test]
    fn answers_are_in_order_however_many_work() {
        let parts: Vec<u64> = (0..100).collect();
        for count in [1, 2, 7, 1_000] {
            assert!(
                workers(count).map(&parts, |part| Ok(part * 2)).unwrap().into_iter().eq((0..100).map(|part| part * 2))
            );
        }
        assert!(workers(2).map(&[], |_: &u64| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn one_failure_is_the_failure_of_all() {
        let parts: Vec<u64> = (0..100).collect();
        let work = |part: &u64| if *part == 40 { Err(TrainerError::Other("forty".to_owned())) } else { Ok(*part) };
        for count in [1, 3] {
            assert_eq!(workers(count).map(&parts, work).unwrap_err().to_string(), "forty");
        }
    }
}
