//! Turns the curated events of one invocation into parts, one for each route that occurs.

use std::collections::{BTreeMap, HashMap};

use flywheel_base::{
    Route,
    digest::{FieldDigest, hex},
    instant::Millis,
};
use flywheel_event::Revision;
use flywheel_log::{DIGEST_DIGITS, PartName};

use crate::curator::CuratedEvent;

/// A part ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<M> {
    /// Its route.
    pub route: Route,
    /// Its name, fixed before the first attempt to write it. So a retry writes the same key, or finds it written.
    pub name: PartName,
    /// Its lines, each with a line feed at its end.
    pub body: String,
    /// The messages to acknowledge once it is written, and not before.
    pub messages: Vec<M>,
}

/// Collects events and the messages that brought them.
///
/// An event that comes twice in one invocation is written once, and all its messages depend on that one line. `event_id` is the
/// idempotency key. An id that comes again with another text is a [`Revision`]; the last one is written. A withdrawal of consent
/// always counts as the last one, and takes the place of every text under its id. One id for two contents is a client's mistake:
/// each keeps its line, and the collision is counted. An id counts within its sender; a stranger's is another id.
#[derive(Debug)]
pub struct Batch<M> {
    slots: Vec<Slot<M>>,
    /// The slots of an id, in the scope of its sender.
    seen: HashMap<(String, Option<String>), Vec<usize>>,
    conflicts: usize,
}

/// An event that gets a line.
#[derive(Debug)]
struct Slot<M> {
    event: CuratedEvent,
    messages: Vec<M>,
}

impl<M> Slot<M> {
    /// Empties the slot: another one's line is the only line of its messages.
    fn take_messages(&mut self) -> Vec<M> {
        std::mem::take(&mut self.messages)
    }
}

impl<M> Default for Batch<M> {
    fn default() -> Self {
        Self { slots: Vec::new(), seen: HashMap::new(), conflicts: 0 }
    }
}

impl<M> Batch<M> {
    /// Adds an event and the message that brought it.
    pub fn add(&mut self, event: CuratedEvent, message: M) {
        let of_id = self.seen.entry((event.event_id.clone(), event.event_key.clone())).or_default();
        if event.revision == Revision::WITHDRAWN && of_id.len() > 1 {
            let others = of_id.split_off(1);
            let messages: Vec<_> = others.into_iter().flat_map(|slot| self.slots[slot].take_messages()).collect();
            self.slots[of_id[0]].messages.extend(messages);
        }
        let same = of_id.iter().find(|slot| is_same_state(&self.slots[**slot].event, &event));
        if let Some(slot) = same.map(|slot| &mut self.slots[*slot]) {
            slot.messages.push(message);
            if event.revision > slot.event.revision {
                slot.event = event;
            }
            return;
        }
        self.conflicts += usize::from(!of_id.is_empty());
        of_id.push(self.slots.len());
        self.slots.push(Slot { event, messages: vec![message] });
    }

    /// Returns the number of events whose id belongs to another output.
    #[must_use]
    pub fn conflicts(&self) -> usize {
        self.conflicts
    }

    /// Returns the parts, named after the given time.
    #[must_use]
    pub fn into_parts(self, now: Millis) -> Vec<Part<M>> {
        let mut by_route: BTreeMap<Route, Vec<Slot<M>>> = BTreeMap::new();
        for slot in self.slots.into_iter().filter(|slot| !slot.messages.is_empty()) {
            by_route.entry(slot.event.verdict.route).or_default().push(slot);
        }
        by_route.into_iter().map(|(route, slots)| part(route, slots, now)).collect()
    }
}

/// Returns `true` if two events of one id are states of one thing: revisions of one output, or feedback on one output. A
/// withdrawal keeps nothing that says which output it is about.
fn is_same_state(one: &CuratedEvent, other: &CuratedEvent) -> bool {
    let is_withdrawal = |event: &CuratedEvent| event.revision == Revision::WITHDRAWN;
    let is_same = one.output_id == other.output_id && (one.output_id.is_some() || one.pair_id == other.pair_id);
    is_same || is_withdrawal(one) || is_withdrawal(other)
}

fn part<M>(route: Route, slots: Vec<Slot<M>>, now: Millis) -> Part<M> {
    let name = PartName { written_at: now, rows: slots.len() as u64, digest: digest_of(&slots) };
    let mut body = String::with_capacity(slots.iter().map(|slot| slot.event.line.len() + 1).sum());
    let mut messages = Vec::new();
    for slot in slots {
        body.push_str(&slot.event.line);
        body.push('\n');
        messages.extend(slot.messages);
    }
    Part { route, name, body, messages }
}

/// Returns the digest over the sorted ids, so that a batch redelivered in another order has the same digest. An event that a
/// client sends again later makes another digest: it may be newer than another event in between.
fn digest_of<M>(slots: &[Slot<M>]) -> String {
    let id = |slot: &Slot<M>| {
        let CuratedEvent { event_id, event_key, pair_id, received_at, .. } = &slot.event;
        (event_key.as_ref().unwrap_or(event_id).clone(), pair_id.clone(), received_at.map(|at| at.to_string()))
    };
    let mut ids: Vec<_> = slots.iter().map(id).collect();
    ids.sort_unstable();
    let digest = ids.iter().fold(FieldDigest::new("flywheel batch 2"), |digest, (event_id, pair_id, received_at)| {
        digest.text(event_id).text(pair_id).optional(received_at.as_deref())
    });
    hex(&digest.finish()[..DIGEST_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;
    use flywheel_audit::Scores;

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
            event_key: None,
            pair_id: format!("pair of {event_id}"),
            line: format!("{{\"event_id\":\"{event_id}\"}}"),
            output_id: None,
            revision: Revision::default(),
            received_at: None,
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

    fn at(received: u64, event: CuratedEvent) -> CuratedEvent {
        CuratedEvent { revision: Revision::new(None, received, &event.pair_id), received_at: Some(received), ..event }
    }

    #[test]
    fn of_one_event_the_last_text_is_written_in_whatever_order_they_come() {
        let of_output = |event| CuratedEvent { output_id: Some("o".to_owned()), ..event };
        let half = at(1, of_output(event("a", Route::Gold)));
        let whole = at(2, CuratedEvent { pair_id: "whole".to_owned(), ..of_output(event("a", Route::Review)) });
        for order in [[half.clone(), whole.clone()], [whole, half]] {
            let mut batch = Batch::default();
            order.into_iter().enumerate().for_each(|(message, event)| batch.add(event, message));
            assert_eq!(batch.conflicts(), 0);
            let parts = batch.into_parts(7);
            assert_eq!((parts.len(), parts[0].route, &parts[0].messages[..]), (1, Route::Review, &[0, 1][..]));
        }
    }

    #[test]
    fn a_withdrawal_is_written_and_what_it_withdraws_is_not() {
        let edit = at(2, CuratedEvent { output_id: Some("o".to_owned()), ..event("a", Route::Gold) });
        let withdrawal = CuratedEvent { revision: Revision::WITHDRAWN, ..event("a", Route::Dropped) };
        for order in [[edit.clone(), withdrawal.clone()], [withdrawal, edit]] {
            let mut batch = Batch::default();
            order.into_iter().enumerate().for_each(|(message, event)| batch.add(event, message));
            let parts = batch.into_parts(7);
            assert_eq!((parts.len(), parts[0].route, parts[0].messages.len()), (1, Route::Dropped, 2));
        }
    }

    #[test]
    fn a_withdrawal_takes_the_place_of_every_output_of_its_id_in_any_order() {
        let of = |output: &str| at(2, CuratedEvent { output_id: Some(output.to_owned()), ..event("a", Route::Gold) });
        let withdrawal = CuratedEvent { revision: Revision::WITHDRAWN, ..event("a", Route::Dropped) };
        for at in 0..3 {
            let mut events = vec![of("one"), of("other")];
            events.insert(at, withdrawal.clone());
            let mut batch = Batch::default();
            events.into_iter().enumerate().for_each(|(message, event)| batch.add(event, message));
            let parts = batch.into_parts(7);
            assert_eq!((parts.len(), parts[0].route, parts[0].name.rows), (1, Route::Dropped, 1), "{at}");
            assert_eq!(parts[0].messages.len(), 3, "all of them depend on that line");
        }
    }

    #[test]
    fn an_id_that_two_senders_chose_is_two_events() {
        let by = |key: &str, route| CuratedEvent { event_key: Some(key.to_owned()), ..event("order-1001", route) };
        let mut batch = Batch::default();
        batch.add(at(1, by("victim", Route::Gold)), 0);
        batch.add(at(2, CuratedEvent { pair_id: "other".to_owned(), ..by("stranger", Route::Gold) }), 1);
        batch.add(CuratedEvent { revision: Revision::WITHDRAWN, ..by("stranger", Route::Dropped) }, 2);
        assert_eq!(batch.conflicts(), 0);
        let parts = batch.into_parts(7);
        let routes: Vec<_> = parts.iter().map(|part| (part.route, &part.messages[..])).collect();
        assert_eq!(routes, [(Route::Gold, &[0][..]), (Route::Dropped, &[1, 2][..])]);
    }

    #[test]
    fn feedback_on_two_outputs_under_one_id_keeps_two_lines() {
        let on = |pair: &str| CuratedEvent { pair_id: pair.to_owned(), ..event("a", Route::Signals) };
        let mut batch = Batch::default();
        batch.add(on("one"), 0);
        batch.add(on("other"), 1);
        assert_eq!((batch.conflicts(), batch.into_parts(7)[0].name.rows), (1, 2));
    }

    #[test]
    fn one_id_for_two_outputs_is_counted_and_both_keep_their_lines() {
        let of = |output: &str| CuratedEvent { output_id: Some(output.to_owned()), ..event("a", Route::Gold) };
        let mut batch = Batch::default();
        batch.add(of("one"), 0);
        batch.add(of("other"), 1);
        assert_eq!(batch.conflicts(), 1);
        assert_eq!(batch.into_parts(7)[0].name.rows, 2);
    }

    #[test]
    fn what_is_sent_again_later_is_another_part() {
        let digest = |received| {
            let mut batch = Batch::default();
            batch.add(at(received, event("a", Route::Gold)), 0);
            batch.into_parts(7).remove(0).name.digest
        };
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
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
