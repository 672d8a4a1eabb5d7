//! Authenticates the callers: by a bearer key, or by a JSON Web Token that API Gateway has checked.

use std::str::FromStr;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use flywheel_runtime::{SettingError, Settings};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The method of authentication. It cannot be switched off.
#[derive(Debug)]
pub enum Authentication {
    /// By one of these bearer keys.
    Keys(Keys),
    /// By API Gateway's JWT authoriser. Its claims must be there: a request that came around it is refused.
    Jwt,
}

/// Bearer keys, of which only the SHA-256 is known here. Keys are random and long, so a plain hash does not give them
/// away.
#[derive(Debug)]
pub struct Keys(Vec<LabelledHash>);

#[derive(Debug)]
struct LabelledHash {
    label: String,
    hash: [u8; 32],
}

/// The list of keys cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected label:sha256, the hash as 64 hexadecimal digits, comma-separated; entry {entry} is something else")]
pub struct InvalidKeys {
    /// Which entry, counted from 1.
    pub entry: usize,
}

impl Authentication {
    /// Reads `FLYWHEEL_AUTH` (`keys` or `jwt`) and `FLYWHEEL_INGEST_KEYS`.
    ///
    /// # Errors
    /// If either is missing or of no use: without a way to authenticate, nothing is served.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        match settings.required("FLYWHEEL_AUTH")? {
            "keys" => settings.parsed("FLYWHEEL_INGEST_KEYS").map(Self::Keys),
            "jwt" => Ok(Self::Jwt),
            _ => Err(SettingError::Invalid { name: "FLYWHEEL_AUTH", reason: "expected keys or jwt".to_owned() }),
        }
    }

    /// The name under which the caller is logged, or `None`: refuse the request.
    pub(crate) fn caller(&self, request: &ApiGatewayV2httpRequest) -> Option<&str> {
        match self {
            Self::Keys(keys) => keys.label_of(bearer_key(request)?),
            Self::Jwt => {
                request.request_context.authorizer.as_ref()?.jwt.as_ref()?;
                Some("jwt")
            }
        }
    }
}

fn bearer_key(request: &ApiGatewayV2httpRequest) -> Option<&str> {
    let (scheme, key) = request.headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

impl Keys {
    /// Compares with every hash, in a time that depends on neither the key nor which one matches.
    fn label_of(&self, key: &str) -> Option<&str> {
        let presented: [u8; 32] = Sha256::digest(key).into();
        let mut label = None;
        for known in &self.0 {
            let matches: Choice = known.hash.ct_eq(&presented);
            if matches.into() {
                label = Some(known.label.as_str());
            }
        }
        label
    }
}

impl FromStr for Keys {
    type Err = InvalidKeys;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entry = |(index, entry): (usize, &str)| labelled_hash(entry.trim()).ok_or(InvalidKeys { entry: index + 1 });
        text.split(',').enumerate().map(entry).collect::<Result<_, _>>().map(Self)
    }
}

fn labelled_hash(entry: &str) -> Option<LabelledHash> {
    let (label, digits) = entry.split_once(':')?;
    if label.is_empty() || digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(0..) {
        *byte = u8::from_str_radix(digits.get(2 * pair..2 * pair + 2)?, 16).ok()?;
    }
    Some(LabelledHash { label: label.to_owned(), hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    // SHA-256 of "key-one" and "key-two".
    const ONE: &str = "9b346041bc9a49574eb2665b2ad2a0a3f9f9cce4e42f5d1f26deb8a256b5966a";
    const TWO: &str = "c8df51469c308a59bfbd48a3e0bdd228ca922d6032035f5ef6e4ad45f473a9f3";

    fn request(authorization: &str) -> ApiGatewayV2httpRequest {
        let mut request = ApiGatewayV2httpRequest::default();
        request.headers.insert("authorization", authorization.parse().unwrap());
        request
    }

    fn keys() -> Authentication {
        Authentication::Keys(format!("old:{ONE},new:{TWO}").parse().unwrap())
    }

    #[test]
    fn any_of_the_keys_opens() {
        assert_eq!(keys().caller(&request("Bearer key-one")), Some("old"));
        assert_eq!(keys().caller(&request("bearer key-two")), Some("new"));
    }

    #[test]
    fn nothing_else_opens() {
        for authorization in
            ["", "Bearer", "Bearer ", "Bearer key-three", "Basic key-one", "key-one", "Bearer key-one x"]
        {
            assert_eq!(keys().caller(&request(authorization)), None, "{authorization}");
        }
        assert_eq!(keys().caller(&ApiGatewayV2httpRequest::default()), None);
        assert_eq!(keys().caller(&request(&format!("Bearer {ONE}"))), None);
    }

    #[test]
    fn a_token_must_have_been_checked_by_the_gateway() {
        assert_eq!(Authentication::Jwt.caller(&request("Bearer some.token.here")), None);
        let checked = r#"{"routeKey":"ANY /v1/edits","headers":{},"requestContext":{
            "http":{"method":"POST"},"timeEpoch":0,"authorizer":{"jwt":{"claims":{"sub":"x"},"scopes":null}}}}"#;
        assert_eq!(Authentication::Jwt.caller(&serde_json::from_str(checked).unwrap()), Some("jwt"));
    }

    #[test]
    fn a_function_without_keys_does_not_start() {
        fn settings(keys: &str) -> Settings {
            Settings::of([("FLYWHEEL_AUTH", "keys"), ("FLYWHEEL_INGEST_KEYS", keys)])
        }
        assert!(Authentication::from_settings(&settings(&format!("a:{ONE}"))).is_ok());
        for keys in ["", ONE, "a:", ":", "a:xyz", &format!("a:{ONE},"), &format!("a:{}", ONE.replace('a', "g"))] {
            assert!(Authentication::from_settings(&settings(keys)).is_err(), "{keys}");
        }
        assert!(Authentication::from_settings(&Settings::of([("FLYWHEEL_AUTH", "none")])).is_err());
        assert!(Authentication::from_settings(&Settings::default()).is_err());
    }
}
