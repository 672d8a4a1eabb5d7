use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flywheel_base::{Route, instant::Millis};
use flywheel_log::{BREAKER_KEY, Breaker, ListedPart, POINTER_KEY, PartName, Pointer, part_keys_from, route_prefix};
use flywheel_training::{LIVE_KEY, LiveModel};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::conditional_write::{Condition, Put};
use crate::error::LakeError;
use crate::ports::{
    CountRows, EraseObject, ListKeys, ListParts, ListRoute, Listing, LoadBreaker, LoadLive, LoadPointer, LoadedBreaker,
    LoadedLive, LoadedPointer, MoveBreaker, MoveLive, MovePointer, Moved, ReadPart, ReplaceObject, RewriteObject,
    VisitObject, WriteFile, WritePart,
};
use crate::stored;

/// A kind of failed write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, and the caller gets an error.
    Refused,
    /// The object is written, and the caller gets an error all the same: the answer was lost.
    AnswerLost,
}

/// A lake in memory that behaves as S3 does (the conformance suite checks both), and fails on demand. Clones are the same lake.
#[derive(Debug, Clone, Default)]
pub struct MemoryLake {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    /// The number of writes so far, used as the next entity tag.
    writes: u64,
    clock: Millis,
    /// The injected faults, each with a part of the key that it applies to. Each happens once.
    faults: Vec<(String, Fault)>,
    /// The injected latency of reads.
    read_delay: Duration,
    /// The delayed reads under way, and the most of them at the same time.
    delayed: (usize, usize),
    /// The number of reads so far.
    reads: u64,
}

#[derive(Debug, Clone)]
struct Object {
    body: Vec<u8>,
    last_modified: Millis,
    entity_tag: String,
}

impl MemoryLake {
    /// Sets the time of objects that are written from now on.
    pub fn set_clock(&self, now: Millis) {
        self.lock().clock = now;
    }

    /// Makes the next write to a key that contains `key_part` fail.
    pub fn fail_next_write(&self, key_part: &str, fault: Fault) {
        self.lock().faults.push((key_part.to_owned(), fault));
    }

    /// Makes each read take this long from now on, as requests to S3 do.
    pub fn delay_reads(&self, delay: Duration) {
        self.lock().read_delay = delay;
    }

    /// Returns the most delayed reads that were under way at the same time.
    #[must_use]
    pub fn most_reads_at_once(&self) -> usize {
        self.lock().delayed.1
    }

    /// Returns the number of reads so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.lock().reads
    }

    async fn begin_read(&self) {
        let delay = {
            let mut state = self.lock();
            state.reads += 1;
            state.read_delay
        };
        if delay.is_zero() {
            return;
        }
        {
            let (now, most) = &mut self.lock().delayed;
            *now += 1;
            *most = (*most).max(*now);
        }
        tokio::time::sleep(delay).await;
        self.lock().delayed.0 -= 1;
    }

    /// Returns every object, by key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().objects.iter().map(|(key, object)| (key.clone(), object.body.clone())).collect()
    }

    fn listing(&self, route: Route, after: &str, until: Millis, most: usize) -> Listing {
        let prefix = route_prefix(route);
        let state = self.lock();
        let later = state.objects.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
        let listed = later.filter(|(key, _)| key.starts_with(&prefix)).filter_map(|(key, object)| {
            Some(ListedPart {
                name: PartName::of_key(key, route)?,
                last_modified: object.last_modified,
                bytes: object.body.len() as u64,
            })
        });
        let parts: Vec<_> = listed.take_while(|part| part.name.written_at <= until).take(most).collect();
        let requests = parts.len().div_ceil(1_000).max(1) as u64;
        Listing { parts, requests }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &str) -> Option<Object> {
        self.lock().objects.get(key).cloned()
    }

    fn put(&self, key: &str, body: Vec<u8>, condition: &Condition<'_>) -> Result<Put, LakeError> {
        let mut state = self.lock();
        let fault = state.faults.iter().position(|(key_part, _)| key.contains(key_part));
        let fault = fault.map(|index| state.faults.remove(index).1);
        if fault == Some(Fault::Refused) {
            return Err(LakeError::new("write", key, "refused"));
        }
        let holds = match (condition, state.objects.get(key)) {
            (Condition::Always, _) => true,
            (Condition::Absent, existing) => existing.is_none(),
            (Condition::EntityTag(wanted), existing) => existing.is_some_and(|object| object.entity_tag == *wanted),
        };
        if holds {
            state.writes += 1;
            let entity_tag = state.writes.to_string();
            let object = Object { body, last_modified: state.clock, entity_tag };
            state.objects.insert(key.to_owned(), object);
        }
        match fault {
            Some(_) => Err(LakeError::new("write", key, "the answer was lost")),
            None if holds => Ok(Put::Written),
            None => Ok(Put::PreconditionFailed),
        }
    }

    fn load<T: DeserializeOwned + Default>(&self, key: &str) -> Result<(T, Option<String>), LakeError> {
        let Some(object) = self.get(key) else { return Ok((T::default(), None)) };
        Ok((stored::parse(key, &object.body)?, Some(object.entity_tag)))
    }

    fn store<T: Serialize>(&self, key: &str, value: &T, still: Option<&str>) -> Result<Moved, LakeError> {
        let body = serde_json::to_vec(value).map_err(|error| LakeError::caused("write", key, &error))?;
        self.put(key, body, &Condition::is_still(still)).map(Moved::from)
    }
}

impl WritePart for MemoryLake {
    async fn write_part(&self, key: &str, body: String) -> Result<(), LakeError> {
        self.put(key, body.into_bytes(), &Condition::Absent).map(|_| ())
    }
}

impl ListParts for MemoryLake {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        Ok(self.listing(Route::Gold, after, Millis::MAX, usize::MAX))
    }
}

impl ListRoute for MemoryLake {
    async fn list_route(&self, route: Route, within: RangeInclusive<Millis>, most: u64) -> Result<Listing, LakeError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(self.listing(route, &part_keys_from(route, *within.start()), *within.end(), most))
    }
}

impl ReadPart for MemoryLake {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        self.begin_read().await;
        self.get(key).map(|object| object.body).ok_or_else(|| LakeError::missing("read", key))
    }
}

impl VisitObject for MemoryLake {
    async fn visit_object(&self, key: &str, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(), LakeError> {
        self.begin_read().await;
        let object = self.get(key).ok_or_else(|| LakeError::missing("read", key))?;
        object.body.chunks(1_000).for_each(visit);
        Ok(())
    }
}

impl WriteFile for MemoryLake {
    async fn write_file(&self, key: &str, file: &Path) -> Result<(), LakeError> {
        let body = std::fs::read(file).map_err(|error| LakeError::caused("write", key, &error))?;
        self.put(key, body, &Condition::Absent).map(|_| ())
    }
}

impl ReplaceObject for MemoryLake {
    async fn replace_object(&self, key: &str, body: String) -> Result<(), LakeError> {
        self.put(key, body.into_bytes(), &Condition::Always).map(|_| ())
    }
}

impl RewriteObject for MemoryLake {
    async fn rewrite_object(&self, key: &str, read: &[u8], body: String) -> Result<Moved, LakeError> {
        self.begin_read().await;
        let stored = self.get(key).ok_or_else(|| LakeError::missing("read", key))?;
        if stored.body != read {
            return Ok(Moved::WasMovedBefore);
        }
        self.put(key, body.into_bytes(), &Condition::EntityTag(&stored.entity_tag)).map(Moved::from)
    }
}

impl CountRows for MemoryLake {
    async fn count_rows(&self, route: Route, from: Millis, to: Millis) -> Result<u64, LakeError> {
        let state = self.lock();
        let keys = state.objects.range(part_keys_from(route, from)..).map(|(key, _)| key);
        let names = keys.map_while(|key| key.starts_with(&route_prefix(route)).then(|| PartName::of_key(key, route)));
        Ok(names.flatten().take_while(|name| name.written_at <= to).map(|name| name.rows).sum())
    }
}

impl ListKeys for MemoryLake {
    async fn list_keys(&self, prefix: &str) -> Result<Vec<String>, LakeError> {
        Ok(self.lock().objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }
}

impl EraseObject for MemoryLake {
    async fn erase_older_versions(&self, _key: &str) -> Result<(), LakeError> {
        // The memory keeps none.
        Ok(())
    }

    async fn erase_object(&self, key: &str) -> Result<(), LakeError> {
        let mut state = self.lock();
        let fault = state.faults.iter().position(|(key_part, _)| key.contains(key_part));
        if fault.map(|index| state.faults.remove(index).1) == Some(Fault::Refused) {
            return Err(LakeError::new("erase", key, "refused"));
        }
        state.objects.remove(key);
        Ok(())
    }
}

impl LoadPointer for MemoryLake {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        let (pointer, entity_tag) = self.load(POINTER_KEY)?;
        Ok(LoadedPointer { pointer, entity_tag })
    }
}

impl MovePointer for MemoryLake {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        self.store(POINTER_KEY, to, from.entity_tag.as_deref())
    }
}

impl LoadBreaker for MemoryLake {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        let (breaker, entity_tag) = self.load(BREAKER_KEY)?;
        Ok(LoadedBreaker { breaker, entity_tag })
    }
}

impl MoveBreaker for MemoryLake {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        self.store(BREAKER_KEY, to, from.entity_tag.as_deref())
    }
}

impl LoadLive for MemoryLake {
    async fn load_live(&self) -> Result<LoadedLive, LakeError> {
        let (live, entity_tag) = self.load(LIVE_KEY)?;
        Ok(LoadedLive { live, entity_tag })
    }
}

impl MoveLive for MemoryLake {
    async fn move_live(&self, from: &LoadedLive, to: &LiveModel) -> Result<Moved, LakeError> {
        self.store(LIVE_KEY, to, from.entity_tag.as_deref())
    }
}
