use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

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

/// Distinguishes the files that one process writes at the same time.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// The bytes read from a large object at once.
const PIECE_BYTES: usize = 1 << 16;

/// The lake in a folder of this machine: a key is a path in it. Any number of processes may share it.
///
/// A new object is written aside and linked to its name, which fails if the name is taken. A replaced one is compared and renamed
/// into place under a lock, which the system releases when a process dies. So a reader sees an object whole or not at all, and of
/// two writers one learns that it came second.
#[derive(Debug, Clone)]
pub struct FolderLake {
    folder: PathBuf,
}

impl FolderLake {
    /// Returns the lake in the given folder. Missing folders are created on the first write.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn put(&self, key: &str, body: &[u8], condition: &Condition<'_>) -> Result<Put, LakeError> {
        let path = self.folder.join(key);
        let written = match condition {
            Condition::Absent => create(&path, body),
            Condition::EntityTag(entity_tag) => replace(&path, body, entity_tag.as_bytes()),
            Condition::Always => overwrite(&path, body),
        };
        written.map_err(|error| LakeError::caused("write", key, &error))
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        fs::read(self.folder.join(key)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => LakeError::missing("read", key),
            _ => LakeError::caused("read", key, &error),
        })
    }

    /// Loads a small object: its text is its own entity tag.
    fn load<T: DeserializeOwned + Default>(&self, key: &str) -> Result<(T, Option<String>), LakeError> {
        let text = match fs::read_to_string(self.folder.join(key)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((T::default(), None)),
            Err(error) => return Err(LakeError::caused("read", key, &error)),
        };
        Ok((stored::parse(key, text.as_bytes())?, Some(text)))
    }

    fn store<T: Serialize>(&self, key: &str, value: &T, still: Option<&str>) -> Result<Moved, LakeError> {
        let body = serde_json::to_vec(value).map_err(|error| LakeError::caused("write", key, &error))?;
        self.put(key, &body, &Condition::is_still(still)).map(Moved::from)
    }

    /// Collects the keys of all files below a folder, except those written aside.
    fn collect_keys(&self, folder: &Path, keys: &mut Vec<String>) -> io::Result<()> {
        for path in children(folder)? {
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() {
                self.collect_keys(&path, keys)?;
            } else if let Some(key) = path.strip_prefix(&self.folder).ok().and_then(Path::to_str).filter(|_| !is_hidden)
            {
                keys.push(key.to_owned());
            }
        }
        Ok(())
    }

    /// Returns the parts of a route whose keys sort after the given one, in order.
    fn parts(&self, route: Route, after: &str) -> Result<Vec<ListedPart>, LakeError> {
        let prefix = route_prefix(route);
        let failed = |error: io::Error| LakeError::caused("list", &prefix, &error);
        let mut parts = Vec::new();
        for day in children(&self.folder.join(&prefix)).map_err(failed)? {
            for hour in children(&day).map_err(failed)? {
                for file in children(&hour).map_err(failed)? {
                    let key = file.strip_prefix(&self.folder).ok().and_then(Path::to_str);
                    let Some(key) = key.filter(|key| *key > after) else { continue };
                    let Some(name) = PartName::of_key(key, route) else { continue };
                    let metadata = fs::metadata(&file).map_err(failed)?;
                    let written = metadata.modified().map_err(failed)?.duration_since(UNIX_EPOCH).unwrap_or_default();
                    let last_modified = u64::try_from(written.as_millis()).unwrap_or(Millis::MAX);
                    parts.push(ListedPart { name, last_modified, bytes: metadata.len() });
                }
            }
        }
        Ok(parts)
    }
}

/// Returns the entries of a folder, in order; none if it is not a folder.
fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}

/// Writes a body beside its final place, and syncs it to the disk.
fn write_aside(path: &Path, mut body: impl Read) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let aside = beside(path, &format!("{}-{number}.tmp", std::process::id()));
    let mut file = File::create(&aside)?;
    io::copy(&mut body, &mut file)?;
    file.sync_all()?;
    Ok(aside)
}

/// Returns a hidden file beside another. No key of the lake begins with a dot.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{suffix}"))
}

fn overwrite(path: &Path, body: &[u8]) -> io::Result<Put> {
    fs::rename(write_aside(path, body)?, path)?;
    Ok(Put::Written)
}

fn create(path: &Path, body: &[u8]) -> io::Result<Put> {
    link(write_aside(path, body)?, path)
}

/// Links a file written aside to its name, unless that is taken.
fn link(aside: PathBuf, path: &Path) -> io::Result<Put> {
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Ok(()) => Ok(Put::Written),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Put::PreconditionFailed),
        Err(error) => Err(error),
    }
}

fn replace(path: &Path, body: &[u8], stored: &[u8]) -> io::Result<Put> {
    // Only a replacing writer takes the lock. The folder exists, because an object in it was read.
    let lock = File::options().create(true).truncate(false).write(true).open(beside(path, "lock"))?;
    lock.lock()?;
    match fs::read(path) {
        Ok(found) if found == stored => {}
        Ok(_) => return Ok(Put::PreconditionFailed),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Put::PreconditionFailed),
        Err(error) => return Err(error),
    }
    let aside = write_aside(path, body)?;
    fs::rename(&aside, path)?;
    Ok(Put::Written)
}

impl WritePart for FolderLake {
    async fn write_part(&self, key: &str, body: String) -> Result<(), LakeError> {
        self.put(key, body.as_bytes(), &Condition::Absent).map(|_| ())
    }
}

impl ListParts for FolderLake {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        let parts = self.parts(Route::Gold, after)?;
        let requests = parts.len().div_ceil(1_000).max(1) as u64;
        Ok(Listing { parts, requests })
    }
}

impl ListRoute for FolderLake {
    async fn list_route(&self, route: Route, within: RangeInclusive<Millis>, most: u64) -> Result<Listing, LakeError> {
        let mut parts = self.parts(route, &part_keys_from(route, *within.start()))?;
        parts.retain(|part| within.contains(&part.name.written_at));
        parts.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        let requests = parts.len().div_ceil(1_000).max(1) as u64;
        Ok(Listing { parts, requests })
    }
}

impl ReadPart for FolderLake {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        self.get(key)
    }
}

impl VisitObject for FolderLake {
    async fn visit_object(&self, key: &str, visit: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(), LakeError> {
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => LakeError::missing("read", key),
            _ => LakeError::caused("read", key, &error),
        };
        let mut file = File::open(self.folder.join(key)).map_err(failed)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece).map_err(failed)? {
                0 => return Ok(()),
                length => visit(&piece[..length]),
            }
        }
    }
}

impl WriteFile for FolderLake {
    async fn write_file(&self, key: &str, file: &Path) -> Result<(), LakeError> {
        let path = self.folder.join(key);
        let written = File::open(file).and_then(|body| link(write_aside(&path, body)?, &path));
        written.map(|_| ()).map_err(|error| LakeError::caused("write", key, &error))
    }
}

impl ReplaceObject for FolderLake {
    async fn replace_object(&self, key: &str, body: String) -> Result<(), LakeError> {
        self.put(key, body.as_bytes(), &Condition::Always).map(|_| ())
    }
}

impl RewriteObject for FolderLake {
    async fn rewrite_object(&self, key: &str, read: &[u8], body: String) -> Result<Moved, LakeError> {
        if self.get(key)? != read {
            return Ok(Moved::WasMovedBefore);
        }
        let replaced = replace(&self.folder.join(key), body.as_bytes(), read);
        replaced.map(Moved::from).map_err(|error| LakeError::caused("write", key, &error))
    }
}

impl CountRows for FolderLake {
    async fn count_rows(&self, route: Route, from: Millis, to: Millis) -> Result<u64, LakeError> {
        let parts = self.parts(route, &part_keys_from(route, from))?;
        Ok(parts.iter().filter(|part| part.name.written_at <= to).map(|part| part.name.rows).sum())
    }
}

impl ListKeys for FolderLake {
    async fn list_keys(&self, prefix: &str) -> Result<Vec<String>, LakeError> {
        let mut keys = Vec::new();
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.collect_keys(&self.folder.join(folder), &mut keys)
            .map_err(|error| LakeError::caused("list", prefix, &error))?;
        keys.retain(|key| key.starts_with(prefix));
        keys.sort_unstable();
        Ok(keys)
    }
}

impl EraseObject for FolderLake {
    async fn erase_older_versions(&self, _key: &str) -> Result<(), LakeError> {
        // A folder keeps none.
        Ok(())
    }

    async fn erase_object(&self, key: &str) -> Result<(), LakeError> {
        match fs::remove_file(self.folder.join(key)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(LakeError::caused("erase", key, &error)),
            _ => Ok(()),
        }
    }
}

impl LoadPointer for FolderLake {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        let (pointer, entity_tag) = self.load(POINTER_KEY)?;
        Ok(LoadedPointer { pointer, entity_tag })
    }
}

impl MovePointer for FolderLake {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        self.store(POINTER_KEY, to, from.entity_tag.as_deref())
    }
}

impl LoadBreaker for FolderLake {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        let (breaker, entity_tag) = self.load(BREAKER_KEY)?;
        Ok(LoadedBreaker { breaker, entity_tag })
    }
}

impl MoveBreaker for FolderLake {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        self.store(BREAKER_KEY, to, from.entity_tag.as_deref())
    }
}

impl LoadLive for FolderLake {
    async fn load_live(&self) -> Result<LoadedLive, LakeError> {
        let (live, entity_tag) = self.load(LIVE_KEY)?;
        Ok(LoadedLive { live, entity_tag })
    }
}

impl MoveLive for FolderLake {
    async fn move_live(&self, from: &LoadedLive, to: &LiveModel) -> Result<Moved, LakeError> {
        self.store(LIVE_KEY, to, from.entity_tag.as_deref())
    }
}
