//! A gold line, with the fields that the audit of a batch reads.

use std::borrow::Cow;

use flywheel_event::{EVENT_KEY, INGEST_KEY, OutputOf, Revision, ScopedId};
use flywheel_log::Sender;
use serde::Deserialize;
use yoke::Yokeable;

use super::hold::BatchReason;
use super::split::{Split, SplitSalt};

/// The tag of a pair that an operator has released.
pub(crate) const RELEASED: &str = "released";

/// The fields of a log line that the audit needs.
#[derive(Debug, Clone, Deserialize, Yokeable)]
pub struct GoldLine<'l> {
    /// The pair's id.
    #[serde(borrow)]
    pub pair_id: Cow<'l, str>,
    /// The event that brought it.
    #[serde(borrow)]
    pub event_id: Cow<'l, str>,
    /// The prompt.
    #[serde(borrow)]
    pub prompt: Cow<'l, str>,
    /// The user's text.
    #[serde(borrow)]
    pub chosen: Cow<'l, str>,
    /// The model's text.
    #[serde(borrow)]
    pub rejected: Cow<'l, str>,
    /// The texts' similarity.
    pub similarity: f64,
    /// Findings that the policy let pass.
    #[serde(borrow, default)]
    pub tags: Vec<Cow<'l, str>>,
    /// The policy that judged it.
    #[serde(borrow)]
    pub policy: Cow<'l, str>,
    /// The contributor's pseudonym.
    #[serde(borrow, default)]
    pub contributor: Option<Cow<'l, str>>,
    /// Free entries of the client.
    #[serde(borrow, default)]
    pub context: Vec<ContextEntry<'l>>,
    /// The conversation.
    #[serde(borrow, default)]
    pub thread_id: Option<Cow<'l, str>>,
    /// The output that it revises. A line from before revisions has none.
    #[serde(borrow, default)]
    pub output_id: Option<Cow<'l, str>>,
    /// The time of the edit, in RFC 3339.
    #[serde(borrow, default)]
    pub occurred_at: Option<Cow<'l, str>>,
    /// The time at which the front door received it, in RFC 3339.
    #[serde(borrow, default)]
    pub received_at: Option<Cow<'l, str>>,
    /// The time of its curation, in RFC 3339.
    #[serde(borrow, default)]
    pub curated_at: Option<Cow<'l, str>>,
}

/// One entry of a line's context.
#[derive(Debug, Clone, Deserialize, Yokeable)]
pub struct ContextEntry<'l> {
    #[serde(borrow)]
    key: Cow<'l, str>,
    #[serde(borrow)]
    value: Cow<'l, str>,
}

/// Returns the value of a context's entry.
pub(super) fn entry<'e>(context: &'e [ContextEntry<'_>], key: &str) -> Option<&'e str> {
    context.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_ref())
}

impl<'l> GoldLine<'l> {
    /// A line of empty texts without a contributor, for tests that set the fields that they are about.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self {
            pair_id: "".into(),
            event_id: "".into(),
            prompt: "".into(),
            chosen: "".into(),
            rejected: "".into(),
            similarity: 0.5,
            tags: Vec::new(),
            policy: "".into(),
            contributor: None,
            context: Vec::new(),
            thread_id: None,
            output_id: None,
            occurred_at: None,
            received_at: None,
            curated_at: None,
        }
    }

    /// Reads a line; `None` if it lacks a required field.
    #[must_use]
    pub fn parse(line: &'l str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Reads a row of the table, with its side of the split; `None` if it lacks a required column. A row from before the split is
    /// on the side where its prompt would be.
    #[must_use]
    pub fn parse_row(row: &'l str, salt: &SplitSalt) -> Option<(Self, Split)> {
        #[derive(Deserialize)]
        struct Side {
            split: Option<Split>,
        }
        let line = Self::parse(row)?;
        let side = serde_json::from_str::<Side>(row).ok()?.split;
        let side = side.unwrap_or_else(|| salt.side_of(&line.prompt));
        Some((line, side))
    }

    /// Returns the id of its event, in the scope of its sender.
    pub(crate) fn event(&self) -> ScopedId {
        ScopedId::of_event(&self.event_id, self.event_key())
    }

    /// Returns its event's key in the scope of its sender. A line from before scopes has none.
    #[must_use]
    pub fn event_key(&self) -> Option<&str> {
        self.entry(EVENT_KEY)
    }

    /// Returns the id of the output that it revises, in the scope of its ingest key.
    pub(crate) fn output(&self) -> ScopedId {
        if let Some(output_id) = &self.output_id {
            return ScopedId::of_output(output_id, self.ingest_key());
        }
        let output = OutputOf {
            contributor: self.contributor(),
            response_id: None,
            thread_id: self.thread_id.as_deref(),
            prompt: &self.prompt,
            rejected: &self.rejected,
        };
        ScopedId::of_output(&output.id(), self.ingest_key())
    }

    /// Returns its place among the revisions of its output.
    pub(crate) fn revision(&self) -> Revision {
        let [occurred, received, curated] =
            [&self.occurred_at, &self.received_at, &self.curated_at].map(|column| column.as_deref());
        Revision::of_columns(occurred, received, curated, &self.pair_id)
    }

    /// Returns `true` if an operator has released it. Then the reasons that quarantined it do not quarantine it again.
    pub(crate) fn is_released(&self) -> bool {
        self.tags.iter().any(|tag| tag == RELEASED)
    }

    /// Returns the contributor's pseudonym.
    #[must_use]
    pub fn contributor(&self) -> Option<&str> {
        self.contributor.as_deref()
    }

    /// Returns its sender.
    #[must_use]
    pub fn sender(&self) -> LineSender {
        LineSender {
            contributor: self.contributor().map(str::to_owned),
            ingest_key: self.ingest_key().map(str::to_owned),
        }
    }

    /// Returns the label of the ingest key that posted it.
    #[must_use]
    pub fn ingest_key(&self) -> Option<&str> {
        self.entry(INGEST_KEY)
    }

    /// Returns the tenant that it names.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.entry("tenant")
    }

    fn entry(&self, key: &str) -> Option<&str> {
        entry(&self.context, key)
    }
}

/// The sender that a line names: a contributor, an ingest key, both or neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineSender {
    contributor: Option<String>,
    ingest_key: Option<String>,
}

impl LineSender {
    /// Reads the sender of a line of any route. A line without these columns names none.
    #[must_use]
    pub fn of(line: &str) -> Self {
        #[derive(Deserialize)]
        struct Sent<'l> {
            #[serde(borrow, default)]
            contributor: Option<Cow<'l, str>>,
            #[serde(borrow, default)]
            context: Vec<ContextEntry<'l>>,
        }
        let Ok(sent) = serde_json::from_str::<Sent<'_>>(line) else { return Self::default() };
        let ingest_key = entry(&sent.context, INGEST_KEY).map(str::to_owned);
        Self { contributor: sent.contributor.map(Cow::into_owned), ingest_key }
    }

    /// Returns the contributor, within the ingest key.
    #[must_use]
    pub fn as_contributor(&self) -> Option<Sender> {
        let Self { contributor, ingest_key } = self.clone();
        contributor.map(|name| Sender { contributor: Some(name), ingest_key })
    }

    /// Returns all that the ingest key posts.
    #[must_use]
    pub fn as_key(&self) -> Option<Sender> {
        self.ingest_key.clone().map(|label| Sender { contributor: None, ingest_key: Some(label) })
    }
}

/// Returns the line of a quarantined pair for the route `quarantine`: the gold line, with the reasons. `None` if it is not an
/// object.
#[must_use]
pub fn quarantined_line(line: &str, holds: &[BatchReason]) -> Option<String> {
    // A quotation mark in a text has a backslash before it, so these bytes occur nowhere else.
    const NO_REASONS: &str = "\"reasons\":[]";
    let reasons = serde_json::to_string(holds).ok()?;
    if line.contains(NO_REASONS) {
        return Some(line.replacen(NO_REASONS, &format!("\"reasons\":{reasons}"), 1));
    }
    let mut columns: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
    columns.insert("reasons".to_owned(), serde_json::to_value(holds).ok()?);
    serde_json::to_string(&columns).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"pair_id":"p","event_id":"e","prompt":"say \"reasons\":[]","chosen":"c","rejected":"r","similarity":0.5,"tags":["critical"],"reasons":[],"policy":"x","contributor":null,"context":[{"key":"tenant","value":"acme"}]}"#;

    #[test]
    fn a_line_is_read() {
        let line = GoldLine::parse(LINE).unwrap();
        assert_eq!(
            (line.prompt.as_ref(), line.tenant(), line.contributor()),
            ("say \"reasons\":[]", Some("acme"), None)
        );
        assert!(GoldLine::parse("{}").is_none());
    }

    #[test]
    fn a_held_line_says_why_and_nothing_else_changes() {
        let held = quarantined_line(LINE, &[BatchReason::Burst, BatchReason::Conflict]).unwrap();
        assert_eq!(held.replace(r#"["burst","conflict"],"policy"#, r#"[],"policy"#), LINE);
        let spaced = quarantined_line(r#"{"a": 1, "reasons": []}"#, &[BatchReason::Burst]).unwrap();
        assert_eq!(spaced, r#"{"a":1,"reasons":["burst"]}"#);
    }
}
