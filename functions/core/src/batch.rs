//! Turns the curated events of one invocation into parts, one for each route that occurs.

use std::collections::{BTreeMap, HashMap};

use crate::curator::CuratedEvent;
use crate::digest::{FieldDigest, hex};
use crate::instant::Millis;
use crate::part::{DIGEST_DIGITS, PartName};
use crate::route::Route;

/// A part ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<M> {
    /// Its route.
    pub route: Route,
    /// Its name, settled before the first attempt to write it: a retry writes the same key or finds it written.
    pub name: PartName,
    /// Its lines, each with a line feed at its end.
    pub body: String,
    /// The messages that are acknowledged once it is written, and not before.
    pub messages: Vec<M>,
}

/// Collects events and the messages that brought them.
///
/// An event that comes twice in one invocation is written once, and both its messages depend on that one line. `event_id`
/// decides, for it is the idempotency key: what is sent again under the same key is the same event, and if it says
/// something else, what was said first stands. That is a client's mistake, and counted.
#[derive(Debug)]
pub struct Batch<M> {
    drafts: BTreeMap<Route, Draft<M>>,
    seen: HashMap<String, Seen>,
    conflicts: usize,
}

#[derive(Debug)]
struct Seen {
    route: Route,
    pair_id: String,
}

#[derive(Debug)]
struct Draft<M> {
    ids: Vec<(String, String)>,
    body: String,
    messages: Vec<M>,
}

impl<M> Default for Batch<M> {
    fn default() -> Self {
        Self { drafts: BTreeMap::new(), seen: HashMap::new(), conflicts: 0 }
    }
}

impl<M> Batch<M> {
    /// Adds an event and the message that brought it.
    pub fn add(&mut self, event: CuratedEvent, message: M) {
        if let Some(seen) = self.seen.get(&event.event_id) {
            self.conflicts += usize::from(seen.pair_id != event.pair_id);
            self.drafts.entry(seen.route).or_insert_with(Draft::empty).messages.push(message);
            return;
        }
        let draft = self.drafts.entry(event.verdict.route).or_insert_with(Draft::empty);
        draft.messages.push(message);
        draft.body.push_str(&event.line);
        draft.body.push('\n');
        draft.ids.push((event.event_id.clone(), event.pair_id.clone()));
        self.seen.insert(event.event_id, Seen { route: event.verdict.route, pair_id: event.pair_id });
    }

    /// How many events came under an id that had said something else before.
    #[must_use]
    pub fn conflicts(&self) -> usize {
        self.conflicts
    }

    /// The parts, named after the given time.
    #[must_use]
    pub fn into_parts(self, now: Millis) -> Vec<Part<M>> {
        let part = |(route, draft): (Route, Draft<M>)| {
            let name = PartName { written_at: now, rows: draft.ids.len() as u64, digest: digest_of(draft.ids) };
            Part { route, name, body: draft.body, messages: draft.messages }
        };
        self.drafts.into_iter().map(part).collect()
    }
}

impl<M> Draft<M> {
    fn empty() -> Self {
        Self { ids: Vec::new(), body: String::new(), messages: Vec::new() }
    }
}

/// Sorted first: a batch that is redelivered in another order is still the same batch.
pub(crate) fn digest_of(mut ids: Vec<(String, String)>) -> String {
    ids.sort_unstable();
    let digest = FieldDigest::new("flywheel batch 1");
    let digest = ids.iter().fold(digest, |digest, (event_id, pair_id)| digest.text(event_id).text(pair_id));
    hex(&digest.finish()[..DIGEST_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Scores;
    use crate::verdict::Verdict;

    fn event(event_id: &str, route: Route) -> CuratedEvent {
        CuratedEvent {
            verdict: Verdict {
                route,
                reasons: Vec::new(),
                tags: Vec::new(),
                similarity: None,
                scores: Scores::default(),
                findings: Vec::new(),
            },
            event_id: event_id.to_owned(),
            pair_id: format!("pair of {event_id}"),
            line: format!("{{\"event_id\":\"{event_id}\"}}"),
        }
    }

    fn batch(events: &[(&str, Route)]) -> Batch<usize> {
        let mut batch = Batch::default();
        for (index, (event_id, route)) in events.iter().enumerate() {
            batch.add(event(event_id, *route), index);
        }
        batch
    }

    fn parts(events: &[(&str, Route)], now: Millis) -> Vec<Part<usize>> {
        batch(events).into_parts(now)
    }

    #[test]
    fn each_route_gets_one_part() {
        let parts = parts(&[("a", Route::Gold), ("b", Route::Dropped), ("c", Route::Gold)], 7);
        let summary: Vec<_> = parts.iter().map(|part| (part.route, part.name.rows, &part.messages[..])).collect();
        assert_eq!(summary, [(Route::Gold, 2, &[0, 2][..]), (Route::Dropped, 1, &[1][..])]);
        assert_eq!(parts[0].body, "{\"event_id\":\"a\"}\n{\"event_id\":\"c\"}\n");
    }

    #[test]
    fn an_event_that_comes_twice_is_written_once_for_both_messages() {
        let batch = batch(&[("a", Route::Gold), ("a", Route::Gold)]);
        assert_eq!(batch.conflicts(), 0);
        let parts = batch.into_parts(7);
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].name.rows, &parts[0].messages[..]), (1, &[0, 1][..]));
    }

    #[test]
    fn what_was_said_first_under_an_id_stands_and_the_rest_is_counted() {
        let mut batch = batch(&[("a", Route::Gold)]);
        batch.add(CuratedEvent { pair_id: "another pair".to_owned(), ..event("a", Route::Dropped) }, 1);
        assert_eq!(batch.conflicts(), 1);
        let parts = batch.into_parts(7);
        assert_eq!((parts.len(), parts[0].route, &parts[0].messages[..]), (1, Route::Gold, &[0, 1][..]));
    }

    #[test]
    fn the_same_events_have_the_same_digest_at_any_time_in_any_order() {
        let first = &parts(&[("a", Route::Gold), ("b", Route::Gold)], 7)[0].name;
        let again = &parts(&[("b", Route::Gold), ("a", Route::Gold)], 8)[0].name;
        let other = &parts(&[("b", Route::Gold)], 8)[0].name;
        assert_eq!(first.digest, again.digest);
        assert_ne!(first.digest, other.digest);
    }

    #[test]
    fn nothing_curated_makes_no_part() {
        assert_eq!(parts(&[], 7), []);
    }
}
