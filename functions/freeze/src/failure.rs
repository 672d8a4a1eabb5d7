use flywheel_table::DatasetError;
use lambda_runtime::Diagnostic;

use crate::freezer::FreezeError;

/// The error names by which the state machine distinguishes failures: it retries after all but the first three.
impl From<FreezeError> for Diagnostic {
    fn from(error: FreezeError) -> Self {
        let error_type = match &error {
            FreezeError::StaleCrossing { .. } => "StaleCrossing",
            FreezeError::CorruptPart(_) | FreezeError::Dataset(DatasetError::InvalidLine { .. }) => "CorruptPart",
            FreezeError::Dataset(DatasetError::Damaged { .. } | DatasetError::LostVersion { .. }) => "CorruptDataset",
            FreezeError::Contended => "Contended",
            FreezeError::Lake(_) => "LakeUnavailable",
            FreezeError::Dataset(_) => "DatasetUnavailable",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}
