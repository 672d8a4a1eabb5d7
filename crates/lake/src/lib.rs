//! The lake's objects: the promise of each port, and its implementations.
//!
//! A port is one capability, and one IAM action. A function asks for the ports that it uses, and its role allows those actions.
//!
//! | port | IAM action | used by |
//! |---|---|---|
//! | [`WritePart`] | `s3:PutObject` on the routes | curate; freeze, on quarantine; prepare and promote, on runs; the operator's commands |
//! | [`ListKeys`] | `s3:ListBucket` | prepare, on runs; the operator's commands |
//! | [`EraseObject`] | `s3:ListBucketVersions`, `s3:DeleteObjectVersion` | the operator's `flywheel forget`, and no function |
//! | [`ListParts`] | `s3:ListBucket` | counter, freeze; the operator's commands |
//! | [`ListRoute`] | `s3:ListBucket` | prepare; the operator's commands |
//! | [`ReadPart`] | `s3:GetObject` on gold | freeze; prepare, on replay; promote, on runs; on all routes, the operator's commands |
//! | [`LoadPointer`] | `s3:GetObject` on the pointer | counter, freeze; the operator's commands |
//! | [`MovePointer`] | `s3:PutObject` on the pointer | freeze; the operator's commands |
//! | [`CountRows`] | `s3:ListBucket` | freeze |
//! | [`LoadBreaker`] | `s3:GetObject` on the breaker | counter, freeze; the operator's commands |
//! | [`MoveBreaker`] | `s3:PutObject` on the breaker | the same |
//! | [`LoadLive`] | `s3:GetObject` on the live pointer | prepare, promote; the operator's commands |
//! | [`MoveLive`] | `s3:PutObject` on the live pointer | promote; the operator's commands |
//! | [`VisitObject`] | `s3:GetObject` on runs | prepare, promote |
//! | [`WriteFile`] | `s3:PutObject` on runs' input | prepare |
//! | [`ReplaceObject`] | `s3:PutObject` on runs' reviews | promote |
//! | [`RewriteObject`] | `s3:GetObject` and `s3:PutObject` on runs' files | the operator's `flywheel forget` |
//!
//! A lake is a bucket ([`S3Lake`]) or a folder ([`FolderLake`]); tests have one in memory. One conformance suite checks all of
//! them.

mod conditional_write;
#[cfg(feature = "testing")]
pub mod conformance;
mod error;
mod folder_lake;
#[cfg(feature = "testing")]
mod memory_lake;
mod ports;
mod s3_lake;
mod stored;

pub use error::LakeError;
pub use folder_lake::FolderLake;
#[cfg(feature = "testing")]
pub use memory_lake::{Fault, MemoryLake};
pub use ports::{
    CountRows, EraseObject, ListKeys, ListParts, ListRoute, Listing, LoadBreaker, LoadLive, LoadPointer, LoadedBreaker,
    LoadedLive, LoadedPointer, MoveBreaker, MoveLive, MovePointer, Moved, ReadPart, ReplaceObject, RewriteObject,
    VisitObject, WriteFile, WritePart,
};
pub use s3_lake::S3Lake;
