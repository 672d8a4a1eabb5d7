//! Revisions: an edit is a state, so the last text of one output by one contributor counts.
//!
//! Editors save as people type, users come back to an answer, and queues reorder. So the texts of one output are
//! ordered by an instant of the event, not of its delivery. The greatest [`Revision`] is the state of its output,
//! whatever the order and number of deliveries. This is a last-writer-wins register (Shapiro et al. 2011): redelivery
//! and reordering change nothing.

use flywheel_base::{
    digest::{FieldDigest, hex, id_key},
    instant::{Micros, micros},
};

/// The number of hexadecimal digits of an output's id.
const OUTPUT_ID_DIGITS: usize = 32;

/// The order of one text among all texts that one contributor made of one output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// The time of writing, as far as it is known.
    at: Micros,
    /// The time of receipt at the front door.
    pub received: Micros,
    /// Orders two texts of one instant, the same way everywhere.
    tie: u64,
}

impl Revision {
    /// A withdrawal of consent: later than every text.
    pub const WITHDRAWN: Self = Self { at: Micros::MAX, received: Micros::MAX, tie: u64::MAX };

    /// Returns the revision of a text.
    ///
    /// The client's clock gives the time of writing, the front door's the time of receipt. A text is never written
    /// after its receipt, so a client's clock that runs ahead cannot make its text the last one for ever.
    #[must_use]
    pub fn new(occurred: Option<Micros>, received: Micros, pair_id: &str) -> Self {
        let tie = (id_key("pair", pair_id) >> 64) as u64;
        Self { at: occurred.map_or(received, |occurred| occurred.min(received)), received, tie }
    }

    /// Returns the revision of a line, by its columns in RFC 3339. A line without `received_at` is from before that
    /// column existed. It counts as received when it was curated.
    #[must_use]
    pub fn of_columns(
        occurred_at: Option<&str>,
        received_at: Option<&str>,
        curated_at: Option<&str>,
        pair_id: &str,
    ) -> Self {
        let received = received_at.or(curated_at).and_then(micros).unwrap_or_default();
        Self::new(occurred_at.and_then(micros), received, pair_id)
    }

    /// Returns `true` for the same text, written or received at another time.
    pub fn is_same_text(self, other: Self) -> bool {
        self.tie == other.tie
    }

    /// Returns the three numbers of its stored form.
    pub fn to_numbers(self) -> [u64; 3] {
        [self.at, self.received, self.tie]
    }

    /// Reads the three numbers.
    pub fn from_numbers([at, received, tie]: [u64; 3]) -> Self {
        Self { at, received, tie }
    }
}

/// The fields that all revisions of one output share.
#[derive(Debug, Clone, Copy)]
pub struct OutputOf<'o> {
    /// The contributor's pseudonym.
    pub contributor: Option<&'o str>,
    /// The client's name for the output.
    pub response_id: Option<&'o str>,
    /// The conversation.
    pub thread_id: Option<&'o str>,
    /// The prompt's plain form, as stored.
    pub prompt: &'o str,
    /// The model's text, as stored.
    pub rejected: &'o str,
}

impl OutputOf<'_> {
    /// Returns the id of the output, 32 hexadecimal digits of SHA-256. It covers contributor and `response_id`, or else
    /// contributor, thread, prompt and output. Two people who edit one output have two.
    ///
    /// The texts are the stored ones, without personal data. An id over the raw texts would let an attacker find, by
    /// trial, the address behind a placeholder.
    pub fn id(&self) -> String {
        let digest = FieldDigest::new("flywheel output 1").optional(self.contributor).optional(self.response_id);
        let digest = match self.response_id {
            Some(_) => digest,
            None => digest.optional(self.thread_id).text(self.prompt).text(self.rejected),
        };
        hex(&digest.finish()[..OUTPUT_ID_DIGITS / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: OutputOf<'static> =
        OutputOf { contributor: Some("c"), response_id: None, thread_id: Some("t"), prompt: "p", rejected: "r" };

    #[test]
    fn the_last_text_is_the_one_written_last_and_then_the_one_received_last() {
        let written = |at, received| Revision::new(Some(at), received, "p");
        assert!(written(2, 9) > written(1, 10), "a late delivery of an older text stays older");
        assert!(written(1, 10) > written(1, 9));
        assert!(Revision::new(None, 8, "p") > written(7, 9));
        assert!(Revision::new(None, u64::MAX - 1, "p") < Revision::WITHDRAWN);
    }

    #[test]
    fn a_clock_that_runs_ahead_does_not_win_for_ever() {
        let ahead = Revision::new(Some(micros("9998-01-01T00:00:00Z").unwrap()), 100, "a");
        assert!(Revision::new(Some(101), 102, "b") > ahead);
    }

    #[test]
    fn two_texts_of_one_instant_have_one_order() {
        let (a, b) = (Revision::new(Some(1), 2, "a"), Revision::new(Some(1), 2, "b"));
        assert_ne!(a, b);
        assert_eq!(Revision::from_numbers(a.to_numbers()), a);
    }

    #[test]
    fn a_line_without_the_time_of_receipt_was_received_when_it_was_curated() {
        let old = Revision::of_columns(None, None, Some("2026-11-22T10:20:30.007Z"), "p");
        let new = Revision::of_columns(None, Some("2026-11-22T10:20:30.007001Z"), Some("2026-11-22T11:00:00Z"), "p");
        assert!(new > old);
        assert_eq!(flywheel_base::instant::rfc3339_micros(old.received), "2026-11-22T10:20:30.007000Z");
    }

    #[test]
    fn an_output_is_one_contributors_in_one_thread_unless_the_client_names_it() {
        let id = OUTPUT.id();
        // Pinned: rows in tables have it.
        assert_eq!((id.len(), OUTPUT.id()), (OUTPUT_ID_DIGITS, id.clone()));
        for other in [
            OutputOf { contributor: None, ..OUTPUT },
            OutputOf { contributor: Some("d"), ..OUTPUT },
            OutputOf { thread_id: Some("u"), ..OUTPUT },
            OutputOf { prompt: "q", ..OUTPUT },
            OutputOf { rejected: "s", ..OUTPUT },
            OutputOf { response_id: Some("x"), ..OUTPUT },
        ] {
            assert_ne!(other.id(), id, "{other:?}");
        }
        let named = OutputOf { response_id: Some("x"), ..OUTPUT };
        assert_eq!(named.id(), OutputOf { thread_id: None, prompt: "", rejected: "", ..named }.id());
        assert_ne!(named.id(), OutputOf { contributor: Some("d"), ..named }.id());
    }
}
