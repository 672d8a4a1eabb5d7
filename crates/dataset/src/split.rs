//! The held-out split: a tenth of all prompts, the same for ever.
//!
//! `h = u64be(sha256(salt ‖ normalised prompt)[..8])`, and a prompt is held out if and only if `h mod 1000 < 100`. The salt
//! belongs to the table. It is drawn when the table is created and never changes, so that an attacker cannot write prompts for
//! one side.

use flywheel_base::digest::hex;
use flywheel_text::normal::{first_eight, normalised};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The prompts of a thousand that are held out.
const HELD_OUT_OF_1000: u64 = 100;

/// The side of the split that a row is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For training.
    Train,
    /// For evaluation, and never for training.
    HeldOut,
}

impl Split {
    /// Returns its name, as in the table's column.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::HeldOut => "heldout",
        }
    }

    /// Reads the name in the table's column.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Train, Self::HeldOut].into_iter().find(|split| split.as_str() == text)
    }
}

/// The table's salt: 32 hexadecimal digits, hashed as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitSalt(String);

impl SplitSalt {
    /// Returns the salt of these random bytes.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        Self(hex(random))
    }

    /// Reads a salt; `None` if it is invalid.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// Returns its text, as the table keeps it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the side of a prompt that has no near duplicate in the dataset.
    #[must_use]
    pub fn side_of(&self, prompt: &str) -> Split {
        let digest = Sha256::new().chain_update(&self.0).chain_update(normalised(prompt)).finalize();
        if first_eight(&digest) % 1_000 < HELD_OUT_OF_1000 { Split::HeldOut } else { Split::Train }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_held_out_and_looks_do_not_matter() {
        let salt = SplitSalt::new([7; 16]);
        let held_out = (0..10_000).filter(|n| salt.side_of(&format!("prompt {n}")) == Split::HeldOut).count();
        assert!((900..1_100).contains(&held_out), "{held_out}");
        assert!((0..100).all(|n| salt.side_of(&format!("P {n}")) == salt.side_of(&format!(" p  {n}\n"))));
    }

    #[test]
    fn the_definition_is_pinned() {
        // sha256("00000000000000000000000000000000" + "say hi")[..8] as a big-endian number, mod 1000.
        let salt = SplitSalt::new([0; 16]);
        let digest = Sha256::digest(b"00000000000000000000000000000000say hi");
        let number = u64::from_be_bytes(digest[..8].try_into().unwrap());
        assert_eq!(salt.side_of(" Say  hi") == Split::HeldOut, number % 1_000 < 100);
    }

    #[test]
    fn salts_are_read_to_the_letter() {
        let salt = SplitSalt::new([255; 16]);
        assert_eq!(SplitSalt::parse(salt.as_str()), Some(salt));
        assert_eq!(SplitSalt::parse(&"F".repeat(32)), None);
        assert_eq!(SplitSalt::parse("00"), None);
    }
}
