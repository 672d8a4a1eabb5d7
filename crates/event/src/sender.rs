//! The sender of an event: the ingest key that posted it, and its contributor.
//!
//! Clients choose `event_id` and `response_id`. Without a scope these ids would be one namespace, and a client that guesses
//! another's id could replace or withdraw that one's edit. So an id counts within its sender only.
//!
//! The front door alone knows the key. It writes the key's label into the queued event, and curation writes it into the line.
//! Lines keep it among the entries of `context`, because columns never change. Clients may not send entries of these names.

use flywheel_base::digest::{FieldDigest, hex, id_key};

/// The prefix of the context entries that only Flywheel writes.
pub(crate) const RESERVED: &str = "flywheel.";

/// The context entry with the label of the ingest key.
pub const INGEST_KEY: &str = "flywheel.ingest_key";

/// The context entry with the [`event_key`].
pub const EVENT_KEY: &str = "flywheel.event_key";

/// The number of hexadecimal digits of an event's key.
const EVENT_KEY_DIGITS: usize = 32;

/// Returns the key of an event: 32 hexadecimal digits of SHA-256 over its id and its sender. A withdrawal keeps it in place of
/// the contributor, whom it must not name.
pub(crate) fn event_key(ingest_key: &str, contributor: Option<&str>, event_id: &str) -> String {
    let digest = FieldDigest::new("flywheel event key 1").text(ingest_key).optional(contributor).text(event_id);
    hex(&digest.finish()[..EVENT_KEY_DIGITS / 2])
}

/// An id of a client's in the scope of its sender, as compact keys for large sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopedId {
    /// The key of the id and its sender; of the id alone, where no sender is known.
    pub own: u128,
    /// The key of the id alone. Lines from before scopes have no other.
    pub bare: u128,
}

impl ScopedId {
    /// Returns the scoped id of an event.
    pub fn of_event(event_id: &str, event_key: Option<&str>) -> Self {
        let bare = id_key("event", event_id);
        Self { own: event_key.map_or(bare, |key| id_key("event key", key)), bare }
    }

    /// Returns the scoped id of an output. Its id covers the contributor already.
    pub fn of_output(output_id: &str, ingest_key: Option<&str>) -> Self {
        let bare = id_key("output", output_id);
        let in_scope = |key| FieldDigest::new("flywheel output key 1").text(key).text(output_id).hex();
        Self { own: ingest_key.map_or(bare, |key| id_key("output key", &in_scope(key))), bare }
    }

    /// Returns `true` if the sender is known.
    pub fn is_scoped(self) -> bool {
        self.own != self.bare
    }

    /// Returns the keys under which a set may have it: its own, and that of a line from before scopes.
    pub fn keys(self) -> [u128; 2] {
        [self.own, self.bare]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_sender_is_another_id() {
        let key = event_key("shop", Some("kim"), "order-1001");
        assert_eq!((key.len(), &key), (EVENT_KEY_DIGITS, &event_key("shop", Some("kim"), "order-1001")));
        for other in [
            event_key("desk", Some("kim"), "order-1001"),
            event_key("shop", Some("lee"), "order-1001"),
            event_key("shop", None, "order-1001"),
            event_key("shop", Some("kim"), "order-1002"),
        ] {
            assert_ne!(other, key);
        }
    }

    #[test]
    fn without_a_known_sender_the_id_is_all_there_is() {
        let bare = ScopedId::of_event("e", None);
        assert!(!bare.is_scoped() && bare.own == bare.bare);
        let scoped = ScopedId::of_event("e", Some("k"));
        assert!(scoped.is_scoped() && scoped.bare == bare.bare);
        let [one, other] = ["shop", "desk"].map(|key| ScopedId::of_output("o", Some(key)));
        assert!(one != other && one.bare == ScopedId::of_output("o", None).own);
    }
}
