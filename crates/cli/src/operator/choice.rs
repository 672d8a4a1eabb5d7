use std::str::FromStr;

use flywheel_base::instant::{Millis, rfc3339, until};
use flywheel_operator::LakeLocation;
use flywheel_table::{DeltaDataset, TableVersion};

use super::unusable;
use crate::Failure;

/// A version as a user names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionChoice {
    Latest,
    Number(u64),
    /// The newest version committed by this time.
    By(Millis),
}

/// The text is not a version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number, `latest`, or a date such as 2026-11-22 or 2026-11-22T10:00:00Z")]
pub(crate) struct NoChoice;

impl FromStr for VersionChoice {
    type Err = NoChoice;

    fn from_str(text: &str) -> Result<Self, NoChoice> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let number = text.parse().ok().map(Self::Number);
        number.or_else(|| until(text).map(Self::By)).ok_or(NoChoice)
    }
}

impl VersionChoice {
    /// Opens the version in the lake's dataset.
    pub(crate) async fn open(self, dataset: &DeltaDataset, lake: &LakeLocation) -> Result<TableVersion, Failure> {
        self.find(dataset).await?.ok_or_else(|| no_dataset(lake))
    }

    /// Opens the version; returns `None` if there is no dataset yet.
    pub(crate) async fn find(self, dataset: &DeltaDataset) -> Result<Option<TableVersion>, Failure> {
        let opened = match self {
            Self::Number(number) => dataset.open_version(Some(number)).await.map_err(unusable)?,
            Self::Latest | Self::By(_) => None,
        };
        if opened.is_some() {
            return Ok(opened);
        }
        let Some(newest) = dataset.open_version(None).await.map_err(unusable)? else { return Ok(None) };
        match self {
            Self::Latest => Ok(Some(newest)),
            Self::Number(number) => {
                Err(unusable(format_args!("there is no version {number}: the newest is {}", newest.number())))
            }
            Self::By(then) => {
                let number = newest.newest_by(then).await.map_err(unusable)?;
                let number = number.ok_or_else(|| {
                    unusable(format_args!("no version was committed by {}: the dataset is younger", rfc3339(then)))
                })?;
                let version = dataset.open_version(Some(number)).await.map_err(unusable)?;
                version.map(Some).ok_or_else(|| unusable(format_args!("version {number} is gone")))
            }
        }
    }
}

pub(crate) fn no_dataset(lake: &LakeLocation) -> Failure {
    unusable(format_args!("{lake} has no dataset yet: the first freeze makes it (see `flywheel status`)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_by_number_date_or_as_the_latest() {
        assert_eq!("latest".parse(), Ok(VersionChoice::Latest));
        assert_eq!("0".parse(), Ok(VersionChoice::Number(0)));
        assert_eq!("2026-11-22T00:00:00Z".parse(), Ok(VersionChoice::By(1_795_305_600_000)));
        assert_eq!("2026-11-22".parse(), Ok(VersionChoice::By(1_795_391_999_999)));
        for text in ["", "-1", "v3", "newest", "2026-11-31"] {
            assert_eq!(text.parse::<VersionChoice>(), Err(NoChoice), "{text}");
        }
    }
}
