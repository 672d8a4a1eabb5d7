//! Runs of letters, and where they begin and end.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    Digit,
    /// In either case.
    Hex,
    /// `A` to `Z`, `2` to `7`.
    Base32,
    /// Small letters and digits.
    Base36,
    /// Capitals and digits.
    Capitals,
    Base62,
    /// Base 62 and `_`.
    Word,
    /// Base 62, `_` and `-`.
    UrlSafe,
    /// Base 62, `+` and `/`; the padding is no part of a token.
    Base64,
    /// URL-safe, joined by single dots.
    Dotted,
    /// URL-safe, `.` and `~`.
    Tilde,
}

impl Letters {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Self::Base36 => matches!(byte, b'a'..=b'z' | b'0'..=b'9'),
            Self::Capitals => matches!(byte, b'A'..=b'Z' | b'0'..=b'9'),
            Self::Base62 => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::UrlSafe => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Tilde => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~'),
        }
    }

    /// Returns `true` if a random run has small letters, capitals and digits.
    pub(super) fn are_mixed(self) -> bool {
        !matches!(self, Self::Digit | Self::Hex | Self::Base32 | Self::Base36 | Self::Capitals)
    }
}

/// Returns the length of the run of letters at `at`, at most `max`. A dot belongs to it only between letters: at its
/// end it ends a sentence, and three of them leave something out.
pub(super) fn run(bytes: &[u8], at: usize, letters: Letters, max: usize) -> usize {
    let rest = &bytes[at..];
    let is_joined = |at: usize| letters != Letters::Dotted || rest.get(at + 1).is_some_and(|next| is_url_safe(*next));
    let is_in = |(at, byte): &(usize, &u8)| letters.has(**byte) && (**byte != b'.' || is_joined(*at));
    rest.iter().enumerate().take(max).take_while(is_in).count()
}

fn is_url_safe(byte: u8) -> bool {
    Letters::UrlSafe.has(byte)
}

/// Returns `true` if a run of these letters cannot go on at `at`. A full stop ends any run, and so does a `_` that ends a word.
pub(super) fn is_end(bytes: &[u8], at: usize, letters: Letters) -> bool {
    let goes_on = |at: usize| bytes.get(at).is_some_and(|byte| letters.has(*byte) || byte.is_ascii_alphanumeric());
    !goes_on(at) || (matches!(bytes[at], b'.' | b'_') && !goes_on(at + 1))
}

/// Returns `true` if a token cannot start here, because a word goes on. An escape (`\n`, `%3D`, `\u0022`) is no word, nor is a mark
/// of Markdown that no word stands before.
pub(super) fn is_within_word(bytes: &[u8], start: usize) -> bool {
    match bytes[..start] {
        [.., b'\\', b'n' | b'r' | b't'] => false,
        [.., b'%', first, second] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() => false,
        [.., b'\\', b'u', a, b, c, d] if [a, b, c, d].iter().all(u8::is_ascii_hexdigit) => false,
        [.., b'\\', b'x', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => false,
        [b'_' | b'.'] => false,
        [.., before, b'_' | b'.'] if !before.is_ascii_alphanumeric() && !matches!(before, b'_' | b'-') => false,
        [.., last] => last.is_ascii_alphanumeric() || matches!(last, b'_' | b'-' | b'.'),
        [] => false,
    }
}
