use flywheel_event::ContributorKey;
use flywheel_runtime::Settings;

use crate::Failure;
use crate::arguments::ContributorArguments;

/// The number of hexadecimal digits of a pseudonym.
const DIGITS: usize = 32;

/// Returns the contributor's pseudonym, if the command names a contributor. An id is neither stored nor shown.
pub(crate) fn pseudonym(by: &ContributorArguments) -> Result<Option<String>, Failure> {
    if let Some(id) = &by.contributor_id {
        return pseudonym_of(id).map(Some);
    }
    let Some(hash) = &by.contributor else { return Ok(None) };
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if hash.len() == DIGITS && hash.bytes().all(is_digit) {
        return Ok(Some(hash.clone()));
    }
    Err(Failure::Unusable("--contributor takes 32 hexadecimal digits: pass an id as --contributor-id".to_owned()))
}

/// Returns the pseudonym of an id, by the key of the lake's functions.
pub(crate) fn pseudonym_of(id: &str) -> Result<String, Failure> {
    let settings = Settings::from_env();
    let key = settings.optional("FLYWHEEL_CONTRIBUTOR_KEY").and_then(ContributorKey::new);
    let key = key.ok_or_else(|| {
        Failure::Unusable("an id needs FLYWHEEL_CONTRIBUTOR_KEY, the key of the pseudonyms. The stack's output ContributorSecretArn names its secret: \
             aws secretsmanager get-secret-value --secret-id ARN --query SecretString --output text"
                .to_owned(),
        )
    })?;
    Ok(key.pseudonym(id))
}
