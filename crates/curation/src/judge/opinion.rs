//! The closed set of a judge's opinions.

use flywheel_base::Reason;
use serde::Deserialize;

/// A judge's opinion on one edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// Nothing is wrong with it.
    Pass,
    /// Abusive, hateful, sexual, or of help in doing harm.
    Unsafe,
    /// It addresses a model or a judge, in order to direct them.
    Injection,
    /// It tells private things about a person.
    Private,
    /// It claims something that the prompt, which carries the source, does not support.
    Unsupported,
    /// It takes sides where the model's text did not.
    Slanted,
    /// The judge cannot tell, or did not answer in these words.
    Unsure,
}

impl Opinion {
    /// Every opinion.
    pub const ALL: [Self; 7] =
        [Self::Pass, Self::Unsafe, Self::Injection, Self::Private, Self::Unsupported, Self::Slanted, Self::Unsure];

    /// Returns the word with which a judge gives this opinion.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unsafe => "unsafe",
            Self::Injection => "injection",
            Self::Private => "private",
            Self::Unsupported => "unsupported",
            Self::Slanted => "slanted",
            Self::Unsure => "unsure",
        }
    }

    /// Returns the reason for the opinion. The policy sets its route.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Pass => None,
            Self::Unsafe => Some(Reason::JudgedUnsafe),
            Self::Injection => Some(Reason::JudgedInjection),
            Self::Private => Some(Reason::JudgedPrivate),
            Self::Unsupported => Some(Reason::JudgedUnsupported),
            Self::Slanted => Some(Reason::JudgedSlanted),
            Self::Unsure => Some(Reason::Unjudged),
        }
    }
}
