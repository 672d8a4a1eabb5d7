//! Checksums within tokens.
//!
//! A right one proves a token. A wrong one does not disprove it: the token may be cut, mistyped, or of a later kind. A
//! leak costs more than an edit, so such a token is found, too, unless it looks made up (`stand_in.rs`).

/// The checksum of a token, as its issuer computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksum {
    /// GitHub and npm: 30 letters, and their CRC-32 in six digits of base 62.
    Base62,
    /// Grafana: the CRC-32 of all before the last `_`, its bytes from the lowest, in hexadecimal.
    Grafana,
    /// GitLab, for tokens with a payload: the CRC-32 of all before it in seven digits of base 36.
    GitLab,
}

impl Checksum {
    /// Returns `true` if the checksum is right, `false` if it is wrong. `None`: the token is of a kind that has none.
    pub(super) fn verify(self, token: &str) -> Option<bool> {
        let (covered, sum) = self.split(token)?;
        Some(self.of(covered) == sum)
    }

    /// Splits a token into the part that its checksum covers, and the checksum.
    fn split(self, token: &str) -> Option<(&str, &str)> {
        match self {
            Self::Base62 => {
                let (_, body) = token.split_once('_')?;
                let is_of_kind = body.len() == 36 && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
                is_of_kind.then(|| body.split_at(30))
            }
            Self::Grafana => token.rsplit_once('_'),
            Self::GitLab => {
                let (_, tail) = token.split_once(".01.")?;
                (tail.len() == 2 + 7).then(|| token.split_at(token.len() - 7))
            }
        }
    }

    /// Returns the checksum of the part of a token that it covers.
    pub(super) fn of(self, covered: &str) -> String {
        let sum = crc32(covered.as_bytes());
        match self {
            Self::Base62 => digits(sum, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 6),
            Self::Grafana => format!("{:08x}", sum.swap_bytes()),
            Self::GitLab => digits(sum, b"0123456789abcdefghijklmnopqrstuvwxyz", 7),
        }
    }
}

/// Writes a number in `count` digits, the highest first.
fn digits(number: u32, digits: &[u8], count: u32) -> String {
    let base = digits.len() as u64;
    let digit = |place: u32| char::from(digits[(u64::from(number) / base.pow(place) % base) as usize]);
    (0..count).rev().map(digit).collect()
}

/// Returns the CRC-32 of IEEE 802.3. A bit at a time is quick enough for a token.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    /// The sums are those of Python's `zlib.crc32`.
    #[test]
    fn a_checksum_is_right_or_wrong_or_not_there() {
        let body = "abcdefghij".repeat(3);
        assert_eq!(Checksum::Base62.verify(&format!("ghp_{body}3xGs0V")), Some(true));
        assert_eq!(Checksum::Base62.verify(&format!("ghp_{body}3xGs0W")), Some(false));
        assert_eq!(Checksum::Base62.verify("ghp_short"), None);

        let service = format!("glsa_{}", "abcdefgh".repeat(4));
        assert_eq!(Checksum::Grafana.verify(&format!("{service}_3efc8e60")), Some(true));
        assert_eq!(Checksum::Grafana.verify(&format!("{service}_3efc8e61")), Some(false));

        let routable = format!("glpat-{}.01.0r", "abcdefghi".repeat(3));
        assert_eq!(Checksum::GitLab.verify(&format!("{routable}05oi58g")), Some(true));
        assert_eq!(Checksum::GitLab.verify(&format!("{routable}05oi58h")), Some(false));
        assert_eq!(Checksum::GitLab.verify("glpat-abcdefghijabcdefghij"), None);
    }
}
