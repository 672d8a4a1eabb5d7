//! A gold line with its fields, read once.

use std::sync::Arc;

use yoke::Yoke;

use super::gold_line::GoldLine;

/// A gold line with its fields. A freeze reads each line once, and hands both on together: the fields borrow from the text. A clone
/// is the same line.
#[derive(Debug, Clone)]
pub struct Pair(Arc<Yoke<GoldLine<'static>, Box<str>>>);

impl Pair {
    /// Reads a line; `None` if it lacks a required field.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let read = Yoke::try_attach_to_cart(Box::from(line), |line| GoldLine::parse(line).ok_or(()));
        read.ok().map(|read| Self(Arc::new(read)))
    }

    /// Returns the line, as curated.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.backing_cart()
    }

    /// Returns its fields.
    #[must_use]
    pub fn gold(&self) -> &GoldLine<'_> {
        self.0.get()
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Pair {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_keeps_its_text_and_its_fields_together() {
        let line = r#"{"pair_id":"p","event_id":"e","prompt":"a \"b\"","chosen":"c","rejected":"r","similarity":0.5,"policy":"x"}"#;
        let pair = Pair::read(line).unwrap();
        let moved = [pair.clone(), pair];
        assert!(
            moved
                .iter()
                .all(|pair| pair.text() == line && pair.gold().prompt == "a \"b\"" && pair.gold().chosen == "c")
        );
        assert_eq!(Pair::read(r#"{"pair_id":"p"}"#), None);
    }
}
