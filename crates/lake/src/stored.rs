use serde::de::DeserializeOwned;

use crate::error::LakeError;

/// Reads a stored state: a JSON object. A list would pass, too, with its elements as the fields in order, so that `[]` would be the
/// state of an empty lake.
pub(crate) fn parse<T: DeserializeOwned>(key: &str, body: &[u8]) -> Result<T, LakeError> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(LakeError::new("understand", key, "it is not a JSON object: restore it, see docs/RESTORE.md"));
    }
    serde_json::from_slice(body).map_err(|error| LakeError::caused("understand", key, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_log::{Breaker, Pointer};
    use flywheel_training::LiveModel;

    #[test]
    fn a_state_that_is_no_object_is_refused_by_its_key() {
        for body in [&b""[..], b"[]", b" [null]", b"null", b"7", b"\"base\"", b"\xff", b"{", b"[1,0]"] {
            let errors = [
                parse::<LiveModel>("models/live.json", body).map(drop),
                parse::<Breaker>("models/live.json", body).map(drop),
                parse::<Pointer>("models/live.json", body).map(drop),
            ];
            for error in errors {
                let error = error.unwrap_err().to_string();
                assert!(error.starts_with("understand models/live.json: "), "{error}");
            }
        }
        assert_eq!(parse::<LiveModel>("models/live.json", b"{}").unwrap(), LiveModel::default());
    }
}
