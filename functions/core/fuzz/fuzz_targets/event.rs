//! What anybody may send to the front door: refused with a reason, or queued as a message that is read back as the same event.
#![no_main]

use flywheel_core::{EditEvent, Endpoint, QueuedEvent, Submission, Submitted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    submit(body, Endpoint::Edits);
    submit(body, Endpoint::Feedback);
});

fn submit(body: &[u8], endpoint: Endpoint) {
    let events = match Submission::parse(body, endpoint) {
        Ok(Submission::One(event)) => vec![event],
        Ok(Submission::Batch(events)) => events.into_iter().flatten().collect(),
        Err(refusal) => return assert!(!refusal.message.is_empty()),
    };
    for event in events {
        let Submitted::Event(QueuedEvent { event_id, message }) = event else { continue };
        let event = EditEvent::parse(&message).expect("what was queued is an event");
        assert_eq!(event.event_id, event_id);
        assert_eq!(event.to_message().expect("an event can be written"), message);
    }
}
