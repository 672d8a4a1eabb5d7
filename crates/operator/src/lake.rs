//! The lake that operators work on: a bucket or a folder.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use flywheel_base::{Route, instant::Millis};
use flywheel_lake::{
    EraseObject, FolderLake, LakeError, ListKeys, ListParts, ListRoute, Listing, LoadBreaker, LoadLive, LoadPointer,
    LoadedBreaker, LoadedLive, LoadedPointer, MoveBreaker, MoveLive, MovePointer, Moved, ReadPart, RewriteObject,
    S3Lake, WritePart,
};
use flywheel_log::{Breaker, Pointer};
use flywheel_runtime::aws_config;
use flywheel_table::{DeltaDataset, InvalidLocation};
use flywheel_training::LiveModel;

/// The location of a lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LakeLocation {
    /// A bucket, by its name.
    Bucket(String),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// The text is not a location of a lake.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected s3://BUCKET or a folder")]
pub struct NoLocation;

impl FromStr for LakeLocation {
    type Err = NoLocation;

    fn from_str(text: &str) -> Result<Self, NoLocation> {
        let Some(bucket) = text.strip_prefix("s3://") else {
            let is_folder = !text.is_empty() && !text.contains("://");
            return is_folder.then(|| Self::Folder(text.into())).ok_or(NoLocation);
        };
        let bucket = bucket.strip_suffix('/').unwrap_or(bucket);
        let is_bucket = !bucket.is_empty() && !bucket.contains('/');
        is_bucket.then(|| Self::Bucket(bucket.to_owned())).ok_or(NoLocation)
    }
}

impl fmt::Display for LakeLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(bucket) => write!(formatter, "s3://{bucket}"),
            Self::Folder(folder) => folder.display().fmt(formatter),
        }
    }
}

/// A lake that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such folder.
    #[error("{}: no such folder", .0.display())]
    NoFolder(PathBuf),
    /// The location cannot be part of a URL.
    #[error(transparent)]
    Invalid(#[from] InvalidLocation),
}

/// The lake at a location, with the operators' ports, and its dataset.
#[derive(Debug)]
pub struct OperatorLake {
    objects: Objects,
    dataset: DeltaDataset,
}

#[derive(Debug)]
enum Objects {
    Bucket(S3Lake),
    Folder(FolderLake),
}

impl OperatorLake {
    /// Opens the lake. A folder must exist: a mistyped name would look like an empty lake.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(location: &LakeLocation) -> Result<Self, OpenError> {
        match location {
            LakeLocation::Bucket(bucket) => {
                let objects = Objects::Bucket(S3Lake::new(&aws_config().await, bucket));
                let dataset = DeltaDataset::in_bucket(bucket)?;
                Ok(Self { objects, dataset })
            }
            LakeLocation::Folder(folder) if folder.is_dir() => {
                let dataset = DeltaDataset::in_folder(folder)?;
                Ok(Self { objects: Objects::Folder(FolderLake::new(folder)), dataset })
            }
            LakeLocation::Folder(folder) => Err(OpenError::NoFolder(folder.clone())),
        }
    }

    /// Returns its dataset.
    #[must_use]
    pub fn dataset(&self) -> &DeltaDataset {
        &self.dataset
    }
}

/// Calls the port of either kind of lake.
macro_rules! ask {
    ($self:ident, $lake:ident => $call:expr) => {
        match &$self.objects {
            Objects::Bucket($lake) => $call.await,
            Objects::Folder($lake) => $call.await,
        }
    };
}

impl LoadPointer for OperatorLake {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        ask!(self, lake => lake.load_pointer())
    }
}

impl MovePointer for OperatorLake {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        ask!(self, lake => lake.move_pointer(from, to))
    }
}

impl LoadBreaker for OperatorLake {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        ask!(self, lake => lake.load_breaker())
    }
}

impl MoveBreaker for OperatorLake {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        ask!(self, lake => lake.move_breaker(from, to))
    }
}

impl LoadLive for OperatorLake {
    async fn load_live(&self) -> Result<LoadedLive, LakeError> {
        ask!(self, lake => lake.load_live())
    }
}

impl MoveLive for OperatorLake {
    async fn move_live(&self, from: &LoadedLive, to: &LiveModel) -> Result<Moved, LakeError> {
        ask!(self, lake => lake.move_live(from, to))
    }
}

impl ListParts for OperatorLake {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        ask!(self, lake => lake.list_parts(after))
    }
}

impl ListRoute for OperatorLake {
    async fn list_route(&self, route: Route, within: RangeInclusive<Millis>, most: u64) -> Result<Listing, LakeError> {
        ask!(self, lake => lake.list_route(route, within, most))
    }
}

impl ReadPart for OperatorLake {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        ask!(self, lake => lake.read_part(key))
    }
}

impl ListKeys for OperatorLake {
    async fn list_keys(&self, prefix: &str) -> Result<Vec<String>, LakeError> {
        ask!(self, lake => lake.list_keys(prefix))
    }
}

impl RewriteObject for OperatorLake {
    async fn rewrite_object(&self, key: &str, read: &[u8], body: String) -> Result<Moved, LakeError> {
        ask!(self, lake => lake.rewrite_object(key, read, body))
    }
}

impl EraseObject for OperatorLake {
    async fn erase_older_versions(&self, key: &str) -> Result<(), LakeError> {
        ask!(self, lake => lake.erase_older_versions(key))
    }

    async fn erase_object(&self, key: &str) -> Result<(), LakeError> {
        ask!(self, lake => lake.erase_object(key))
    }
}

impl WritePart for OperatorLake {
    async fn write_part(&self, key: &str, body: String) -> Result<(), LakeError> {
        ask!(self, lake => lake.write_part(key, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_or_a_folder() {
        let bucket = LakeLocation::Bucket("my-lake".to_owned());
        assert_eq!("s3://my-lake".parse(), Ok(bucket.clone()));
        assert_eq!("s3://my-lake/".parse(), Ok(bucket));
        assert_eq!("a/folder".parse(), Ok(LakeLocation::Folder("a/folder".into())));
        for text in ["", "s3://", "s3://my-lake/a/folder", "gs://my-lake", "https://my-lake"] {
            assert_eq!(text.parse::<LakeLocation>(), Err(NoLocation), "{text}");
        }
    }
}
