//! Texts as a reader hears them.

/// `text` in lower case, freed of what hides words from a machine.
pub(super) fn plain(text: &str) -> String {
    text.to_lowercase()
}
