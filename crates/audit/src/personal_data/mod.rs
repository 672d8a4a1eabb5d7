//! Structured personal data: addresses and numbers that their form, and often a check digit, identifies. Names and
//! places have no such form. They need a model, and are not searched here.
//!
//! Text without an `@`, without seven digits near one another and without a chain of colons has none of it. All three
//! are checked on whole blocks of bytes at once.

mod address;
mod card;
mod email;
mod groups;
mod iban;
mod number;
mod phone;
mod words;

use std::cmp::Reverse;
use std::ops::Range;

pub use number::find_known;

/// The kind of a piece of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The number of a payment card, with a valid check digit.
    Card,
    /// An international bank account number, with valid check digits.
    Iban,
    /// A social security number of the United States.
    Ssn,
    /// An IP address.
    Ip,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Email, Self::Phone, Self::Card, Self::Iban, Self::Ssn, Self::Ip];

    /// Returns the name in placeholders.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Card => "CARD",
            Self::Iban => "IBAN",
            Self::Ssn => "SSN",
            Self::Ip => "IP",
        }
    }

    /// Returns the name of the rule in findings.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Ssn => "ssn",
            Self::Ip => "ip",
        }
    }

    /// Returns the identity of a value, the same for all its spellings.
    pub fn identity(self, value: &str) -> String {
        match self {
            Self::Email => value.to_ascii_lowercase(),
            Self::Iban => value.chars().filter(|scalar| *scalar != ' ').collect::<String>().to_ascii_uppercase(),
            Self::Phone | Self::Card | Self::Ssn => value.chars().filter(char::is_ascii_digit).collect(),
            Self::Ip => {
                value.parse::<std::net::IpAddr>().map_or_else(|_| value.to_owned(), |address| address.to_string())
            }
        }
    }
}

/// A piece of personal data in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its kind.
    pub kind: Kind,
    /// Its place, in bytes.
    pub bytes: Range<usize>,
}

/// Finds the personal data in `text`, in order, without overlaps.
pub fn find(text: &str) -> Vec<Match> {
    let mut found = Vec::new();
    email::find(text, &mut found);
    address::find_v6(text, &mut found);
    number::find(text, &mut found);
    without_overlaps(found)
}

/// Sorts matches. Of two that overlap, it keeps the one that begins first, or else the longer.
pub fn without_overlaps(mut found: Vec<Match>) -> Vec<Match> {
    if found.len() > 1 {
        found.sort_by_key(|found| (found.bytes.start, Reverse(found.bytes.end)));
        let mut end = 0;
        found.retain(|found| {
            let is_free = found.bytes.start >= end;
            end = if is_free { found.bytes.end } else { end };
            is_free
        });
    }
    found
}

#[cfg(test)]
mod tests;
