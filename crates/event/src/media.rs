//! References to images, audio and files of a prompt. The bytes themselves are never kept.

use flywheel_base::{
    Refusal, RefusalCode,
    digest::hex,
    fields::{Fields, non_empty_text, wrong_type},
    json::Json,
};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use sha2::{Digest as _, Sha256};

/// The prefix of a digest.
const SHA256: &str = "sha256:";

/// The kind of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Image,
    Audio,
    File,
}

/// An image, audio or file that the model saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Media {
    kind: MediaKind,
    /// `sha256:` and 64 hexadecimal digits: of the bytes, or of the link.
    digest: String,
    /// `true` if the digest is that of a link or a provider's file id, whose bytes are unknown.
    is_link: bool,
}

impl MediaKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::File => "file",
        }
    }
}

impl Media {
    /// Takes the medium out of a part's or a source's fields: `digest` or `link_digest` as it is queued, or one of the fields in
    /// which the common APIs have bytes, a link, or the id of an uploaded file.
    pub(crate) fn take(kind: MediaKind, fields: &mut Fields<'_>) -> Result<Self, Refusal> {
        for (name, is_link) in [("digest", false), ("link_digest", true)] {
            if let Some(digest) = fields.given(name)? {
                return Self::of_digest(kind, &digest, is_link, &fields.path_of(name));
            }
        }
        for (name, is_base64) in
            [("url", false), ("file_url", false), ("data", true), ("file_data", true), ("image", false)]
        {
            if let Some(value) = fields.given(name)? {
                return Self::of_address(kind, value, is_base64, &fields.path_of(name));
            }
        }
        if let Some(file_id) = fields.given("file_id")? {
            let id = non_empty_text(file_id, &fields.path_of("file_id"))?.value;
            return Ok(Self::of_link(kind, &id));
        }
        let name = if kind == MediaKind::Audio { "data" } else { "url" };
        Err(fields.missing(name))
    }

    /// Reads a URL, a `data:` URL, or base64 alone where `is_base64`.
    pub(crate) fn of_address(kind: MediaKind, value: Json<'_>, is_base64: bool, path: &str) -> Result<Self, Refusal> {
        let address = non_empty_text(value, path)?.value;
        let invalid = |message| Refusal::of_field(RefusalCode::InvalidValue, path, message);
        let data = match address.strip_prefix("data:") {
            Some(rest) => {
                let (header, data) = rest.split_once(',').unwrap_or_default();
                if !header.to_ascii_lowercase().ends_with(";base64") {
                    return Err(invalid("must be a data: URL with base64, or a link"));
                }
                data
            }
            None if is_base64 => &address,
            None => return Ok(Self::of_link(kind, &address)),
        };
        let digest = digest_of_base64(data).ok_or_else(|| invalid("must be base64"))?;
        Ok(Self { kind, digest: format!("{SHA256}{digest}"), is_link: false })
    }

    fn of_link(kind: MediaKind, link: &str) -> Self {
        Self { kind, digest: format!("{SHA256}{}", hex(Sha256::digest(link))), is_link: true }
    }

    fn of_digest(kind: MediaKind, value: &Json<'_>, is_link: bool, path: &str) -> Result<Self, Refusal> {
        let Json::Text(digest) = value else { return Err(wrong_type(value, "a string", path)) };
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits =
            digest.value.strip_prefix(SHA256).filter(|digits| digits.len() == 64 && digits.bytes().all(is_digit));
        if digits.is_none() {
            let message = "must be sha256: and 64 lower-case hexadecimal digits";
            return Err(Refusal::of_field(RefusalCode::InvalidValue, path, message));
        }
        Ok(Self { kind, digest: digest.value.to_string(), is_link })
    }

    /// Returns the reference as text, for the prompt's plain form.
    pub(crate) fn plain(&self) -> String {
        let link = if self.is_link { "link " } else { "" };
        format!("[{} {link}{}]", self.kind.as_str(), self.digest)
    }
}

impl Serialize for Media {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut part = serializer.serialize_struct("Media", 2)?;
        part.serialize_field("type", self.kind.as_str())?;
        part.serialize_field(if self.is_link { "link_digest" } else { "digest" }, &self.digest)?;
        part.end()
    }
}

/// Returns the SHA-256 of the bytes that a text encodes in base64, as hexadecimal digits; `None` if it is not base64.
///
/// Both alphabets are read, with or without padding and line ends. Bytes are hashed as they are decoded, so that a medium takes
/// no memory.
fn digest_of_base64(text: &str) -> Option<String> {
    let mut digest = Sha256::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut characters = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let mut block = Vec::with_capacity(4096);
    for byte in characters.by_ref() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            block.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
        if block.len() == block.capacity() {
            digest.update(&block);
            block.clear();
        }
    }
    // One character alone encodes no byte, and behind padding stands only padding.
    if count == 6 || characters.any(|byte| byte != b'=') {
        return None;
    }
    digest.update(&block);
    Some(hex(digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_bytes_in_every_spelling_of_base64() {
        let expected = hex(Sha256::digest([0xfb, 0xff, 0x00, 0x61]));
        for spelled in ["+/8AYQ==", "-_8AYQ", "+/8A\r\nYQ==", "+/8AYQ"] {
            assert_eq!(digest_of_base64(spelled).as_ref(), Some(&expected), "{spelled}");
        }
        for wrong in ["+", "+/8AYQ=A", "é", "{}"] {
            assert_eq!(digest_of_base64(wrong), None, "{wrong}");
        }
        let long = "YWJj".repeat(5_000);
        assert_eq!(digest_of_base64(&long), Some(hex(Sha256::digest("abc".repeat(5_000)))));
    }
}
