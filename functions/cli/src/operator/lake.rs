use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use flywheel_core::Breaker;
use flywheel_lake::{FolderLake, LakeError, LoadBreaker, LoadedBreaker, MoveBreaker, Moved, S3Lake};
use flywheel_runtime::aws_config;

use crate::Failure;

/// Where a lake is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LakeLocation {
    Bucket(String),
    Folder(PathBuf),
}

/// The text says no place of a lake.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected s3://BUCKET or a folder")]
pub(crate) struct NoLocation;

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

/// The lake at a location. It has the ports that operators use, and no others.
#[derive(Debug)]
pub(crate) enum OperatorLake {
    Bucket(S3Lake),
    Folder(FolderLake),
}

impl OperatorLake {
    /// Opens the lake. A folder must be there: a mistyped one would look like a lake that nothing ever happened in.
    pub(crate) async fn open(location: &LakeLocation) -> Result<Self, Failure> {
        match location {
            LakeLocation::Bucket(bucket) => Ok(Self::Bucket(S3Lake::new(&aws_config().await, bucket))),
            LakeLocation::Folder(folder) if folder.is_dir() => Ok(Self::Folder(FolderLake::new(folder))),
            LakeLocation::Folder(folder) => Err(Failure::Unusable(format!("{}: no such folder", folder.display()))),
        }
    }
}

impl LoadBreaker for OperatorLake {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        match self {
            Self::Bucket(lake) => lake.load_breaker().await,
            Self::Folder(lake) => lake.load_breaker().await,
        }
    }
}

impl MoveBreaker for OperatorLake {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        match self {
            Self::Bucket(lake) => lake.move_breaker(from, to).await,
            Self::Folder(lake) => lake.move_breaker(from, to).await,
        }
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
