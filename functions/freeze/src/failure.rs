use lambda_runtime::Diagnostic;

use crate::dataset::DatasetError;
use crate::freezer::FreezeError;

/// The names by which the state machine tells failures apart: it tries again after all but the first two.
impl From<FreezeError> for Diagnostic {
    fn from(error: FreezeError) -> Self {
        let error_type = match &error {
            FreezeError::StaleCrossing { .. } => "StaleCrossing",
            FreezeError::CorruptPart(_)
            | FreezeError::UnheldLine(_)
            | FreezeError::Dataset(DatasetError::InvalidLine { .. }) => "CorruptPart",
            FreezeError::Contended => "Contended",
            FreezeError::Lake(_) => "LakeUnavailable",
            FreezeError::Dataset(_) => "DatasetUnavailable",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}
