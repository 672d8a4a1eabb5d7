use std::future::Future;
use std::ops::RangeInclusive;
use std::path::Path;

use flywheel_core::training::LiveModel;
use flywheel_core::{Breaker, ListedPart, Millis, Pointer, Route};

use crate::error::LakeError;

/// Writes parts.
pub trait WritePart {
    /// Writes an object that must not exist yet. If it does exist, that is success: a part's key is settled before the
    /// first attempt and belongs to that one body, so what exists is what an earlier attempt wrote, though it may have
    /// ended in a time-out.
    fn write_part(&self, key: &str, body: String) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Lists parts.
pub trait ListParts {
    /// Lists the gold parts whose keys sort after the given one, in order. Every part that was written before the call is
    /// listed. Objects that are not parts are passed over.
    fn list_parts(&self, after: &str) -> impl Future<Output = Result<Listing, LakeError>> + Send;
}

/// A listing, and what it cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The parts, in order of their keys.
    pub parts: Vec<ListedPart>,
    /// The requests that it took: one a thousand objects.
    pub requests: u64,
}

/// Lists a route.
pub trait ListRoute {
    /// Lists the parts of a route that were written within a time, in order; of more than `most` parts the first ones, and a
    /// few more that came with them.
    fn list_route(
        &self,
        route: Route,
        within: RangeInclusive<Millis>,
        most: u64,
    ) -> impl Future<Output = Result<Listing, LakeError>> + Send;
}

/// Lists objects of any kind.
pub trait ListKeys {
    /// The keys of all objects that begin with a prefix, in order.
    fn list_keys(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, LakeError>> + Send;
}

/// Deletes objects for good.
pub trait EraseObject {
    /// Deletes an object with all its versions, where the store keeps any, so that nobody can bring it back. If there is
    /// none, that is success.
    fn erase_object(&self, key: &str) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Counts what a route has, by the names of its parts.
pub trait CountRows {
    /// The lines in the parts of the route that were written from `from` until `to`, both included.
    fn count_rows(&self, route: Route, from: Millis, to: Millis)
    -> impl Future<Output = Result<u64, LakeError>> + Send;
}

/// Reads parts.
pub trait ReadPart {
    /// Reads an object. It is an error if there is none, and one that says so.
    fn read_part(&self, key: &str) -> impl Future<Output = Result<Vec<u8>, LakeError>> + Send;
}

/// Reads objects of any size.
pub trait VisitObject {
    /// Shows an object's bytes, in order and in pieces that end anywhere. It is an error if there is none, and one that says so.
    fn visit_object(
        &self,
        key: &str,
        visit: &mut (dyn FnMut(&[u8]) + Send),
    ) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Writes objects of any size.
pub trait WriteFile {
    /// Writes a file as an object that must not exist yet. If it does exist, that is success, and it stays as it is: who needs
    /// to know what is there reads it.
    fn write_file(&self, key: &str, file: &Path) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Replaces small objects that nobody counts on.
pub trait ReplaceObject {
    /// Writes an object, whatever is there.
    fn replace_object(&self, key: &str, body: String) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// Reads the pointer.
pub trait LoadPointer {
    /// The pointer, or the first one of an empty lake.
    fn load_pointer(&self) -> impl Future<Output = Result<LoadedPointer, LakeError>> + Send;
}

/// A pointer, with what is needed to move it if nobody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedPointer {
    /// The pointer.
    pub pointer: Pointer,
    /// The stored object's entity tag; none as long as there is no object.
    pub entity_tag: Option<String>,
}

/// Moves the pointer.
pub trait MovePointer {
    /// Stores `to`, if what is stored is still `from`.
    fn move_pointer(&self, from: &LoadedPointer, to: &Pointer)
    -> impl Future<Output = Result<Moved, LakeError>> + Send;
}

/// Reads the circuit breaker.
pub trait LoadBreaker {
    /// The breaker, or a closed one if it was never moved.
    fn load_breaker(&self) -> impl Future<Output = Result<LoadedBreaker, LakeError>> + Send;
}

/// A circuit breaker, with what is needed to move it if nobody else has.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedBreaker {
    /// The breaker.
    pub breaker: Breaker,
    /// The stored object's entity tag; none as long as there is no object.
    pub entity_tag: Option<String>,
}

/// Moves the circuit breaker.
pub trait MoveBreaker {
    /// Stores `to`, if what is stored is still `from`.
    fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker)
    -> impl Future<Output = Result<Moved, LakeError>> + Send;
}

/// Reads which adapter is live.
pub trait LoadLive {
    /// What is live: the bare base if nothing ever was.
    fn load_live(&self) -> impl Future<Output = Result<LoadedLive, LakeError>> + Send;
}

/// What is live, with what is needed to change it if nobody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedLive {
    /// What is live, and was.
    pub live: LiveModel,
    /// The stored object's entity tag; none as long as there is no object.
    pub entity_tag: Option<String>,
}

/// Changes which adapter is live.
pub trait MoveLive {
    /// Stores `to`, if what is stored is still `from`.
    fn move_live(&self, from: &LoadedLive, to: &LiveModel) -> impl Future<Output = Result<Moved, LakeError>> + Send;
}

/// What became of an attempt to move the pointer, the breaker, or what is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It is moved.
    Moved,
    /// It was moved before. By somebody else, or by an attempt of ours whose answer was lost: only reading it tells.
    WasMovedBefore,
}
