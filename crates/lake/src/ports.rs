use std::future::Future;
use std::ops::RangeInclusive;
use std::path::Path;

use flywheel_base::{Route, instant::Millis};
use flywheel_log::{Breaker, ListedPart, Pointer};
use flywheel_training::LiveModel;

use crate::error::LakeError;

/// Writes parts.
pub trait WritePart {
    /// Writes an object that must not exist yet. If it does exist, that is success. A part's key is fixed before the first
    /// attempt and belongs to that one body. So the existing object is from an earlier attempt, though that may have ended in a
    /// time-out.
    fn write_part(&self, key: &str, body: String) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Lists parts.
pub trait ListParts {
    /// Lists the gold parts whose keys sort after the given one, in order. Every part that was written before the call is listed.
    /// Objects that are not parts are ignored.
    fn list_parts(&self, after: &str) -> impl Future<Output = Result<Listing, LakeError>> + Send;
}

/// A listing, and its cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The parts, in order of their keys.
    pub parts: Vec<ListedPart>,
    /// The number of requests: one for a thousand objects.
    pub requests: u64,
}

/// Lists a route.
pub trait ListRoute {
    /// Lists the parts of a route that were written within a time, in order. If there are more than `most`, it lists the first
    /// ones, and a few more that came on the same page.
    fn list_route(
        &self,
        route: Route,
        within: RangeInclusive<Millis>,
        most: u64,
    ) -> impl Future<Output = Result<Listing, LakeError>> + Send;
}

/// Lists objects of any kind.
pub trait ListKeys {
    /// Returns the keys of all objects that begin with a prefix, in order.
    fn list_keys(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, LakeError>> + Send;
}

/// Deletes objects, or their older versions, permanently.
pub trait EraseObject {
    /// Deletes an object with all its versions, if the store keeps any, so that it cannot be restored. If there is none, that is
    /// success.
    fn erase_object(&self, key: &str) -> impl Future<Output = Result<(), LakeError>> + Send;

    /// Deletes all versions of an object but the newest, if the store keeps any.
    fn erase_older_versions(&self, key: &str) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Counts the rows of a route, by the names of its parts.
pub trait CountRows {
    /// Returns the number of lines in the parts of the route that were written from `from` until `to`, both included.
    fn count_rows(&self, route: Route, from: Millis, to: Millis)
    -> impl Future<Output = Result<u64, LakeError>> + Send;
}

/// Reads parts.
pub trait ReadPart {
    /// Reads an object. If there is none, it returns an error that says so.
    fn read_part(&self, key: &str) -> impl Future<Output = Result<Vec<u8>, LakeError>> + Send;
}

/// Reads objects of any size.
pub trait VisitObject {
    /// Passes on an object's bytes, in order and in pieces that end anywhere. If there is none, it returns an error that says so.
    fn visit_object(
        &self,
        key: &str,
        visit: &mut (dyn FnMut(&[u8]) + Send),
    ) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Writes objects of any size.
pub trait WriteFile {
    /// Writes a file as an object that must not exist yet. If it does exist, that is success, and it stays as it is. A caller
    /// that needs to know its content reads it.
    fn write_file(&self, key: &str, file: &Path) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Replaces small objects that need no protection against concurrent writers.
pub trait ReplaceObject {
    /// Writes an object, whether or not one exists.
    fn replace_object(&self, key: &str, body: String) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Takes lines out of objects that are written once: only an erasure does.
pub trait RewriteObject {
    /// Replaces an object whose content is still `read`. The write is conditional, so that it replaces no other content, and
    /// so that a bucket may refuse unconditional writes to such objects.
    fn rewrite_object(
        &self,
        key: &str,
        read: &[u8],
        body: String,
    ) -> impl Future<Output = Result<Moved, LakeError>> + Send;
}

/// Reads the pointer.
pub trait LoadPointer {
    /// Returns the pointer, or the first one of an empty lake.
    fn load_pointer(&self) -> impl Future<Output = Result<LoadedPointer, LakeError>> + Send;
}

/// A pointer, with the entity tag for moving it by a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedPointer {
    /// The pointer.
    pub pointer: Pointer,
    /// The stored object's entity tag; none as long as there is no object.
    pub entity_tag: Option<String>,
}

/// Moves the pointer.
pub trait MovePointer {
    /// Stores `to`, if the stored pointer is still `from`.
    fn move_pointer(&self, from: &LoadedPointer, to: &Pointer)
    -> impl Future<Output = Result<Moved, LakeError>> + Send;
}

/// Reads the circuit breaker.
pub trait LoadBreaker {
    /// Returns the breaker, or a closed one if it was never moved.
    fn load_breaker(&self) -> impl Future<Output = Result<LoadedBreaker, LakeError>> + Send;
}

/// A circuit breaker, with the entity tag for moving it by a conditional write.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedBreaker {
    /// The breaker.
    pub breaker: Breaker,
    /// The stored object's entity tag; none as long as there is no object.
    pub entity_tag: Option<String>,
}

/// Moves the circuit breaker.
pub trait MoveBreaker {
    /// Stores `to`, if the stored breaker is still `from`.
    fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker)
    -> impl Future<Output = Result<Moved, LakeError>> + Send;
}

/// Reads the pointer to the live adapter.
pub trait LoadLive {
    /// Returns the pointer to the live adapter; it names the bare base if no adapter was ever live.
    fn load_live(&self) -> impl Future<Output = Result<LoadedLive, LakeError>> + Send;
}

/// A pointer to the live adapter, with the entity tag for moving it by a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedLive {
    /// The live adapter, and its history.
    pub live: LiveModel,
    /// The stored object's entity tag; none as long as there is no object.
    pub entity_tag: Option<String>,
}

/// Moves the pointer to the live adapter.
pub trait MoveLive {
    /// Stores `to`, if the stored pointer is still `from`.
    fn move_live(&self, from: &LoadedLive, to: &LiveModel) -> impl Future<Output = Result<Moved, LakeError>> + Send;
}

/// The outcome of a conditional move of the pointer, the breaker, or the pointer to the live adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It is moved.
    Moved,
    /// It was moved before: by another writer, or by an earlier attempt whose answer was lost. Only reading it tells.
    WasMovedBefore,
}
