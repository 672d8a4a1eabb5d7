//! The checks that hold for any input: the fuzz targets run them, and so does the test that replays their corpus.

use std::sync::LazyLock;

use flywheel_audit::TextName;
use flywheel_base::Route;
use flywheel_curation::Curator;
use flywheel_event::{ContributorKey, EditEvent, Endpoint, QueuedEvent, Received, Submission, Submitted};
use flywheel_policy::Policy;
use serde_json::{Value, json};

/// Any body that a client may send to the front door: refused with a reason, or queued as a message that is read back as the same event.
pub(crate) fn event(body: &[u8]) {
    submit(body, Endpoint::Edits);
    submit(body, Endpoint::Feedback);
}

fn submit(body: &[u8], endpoint: Endpoint) {
    let key = ContributorKey::new("key");
    let events = match Submission::parse(body, endpoint, key.as_ref(), Received::at(0)) {
        Ok(Submission::One(event)) => vec![event],
        Ok(Submission::Batch(events)) => events.into_iter().flatten().collect(),
        Err(refusal) => return assert!(!refusal.message.is_empty()),
    };
    for event in events {
        let Submitted::Event(QueuedEvent { event_id, message }) = event else { continue };
        let event = EditEvent::parse(&message, None).expect("what was queued is an event");
        assert_eq!(event.event_id, event_id);
        assert_eq!(event.to_message().expect("an event can be written"), message);
    }
}

/// Any text that may stand in a policy file: an error with its line, or a policy with a hash.
pub(crate) fn policy(text: &str) {
    match Policy::parse(text) {
        Ok(policy) => assert_eq!(policy.curation.hash().len(), 16),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Any three texts: judged, with every finding at a place that exists, and no text kept where none may be.
///
/// The input is prompt, model's text and user's text, each cut off by a line with nothing but `----`. That keeps the corpus
/// readable, and lets the fuzzer mutate texts rather than JSON.
pub(crate) fn audit(input: &str) {
    static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), None));
    let mut texts = input.splitn(3, "\n----\n").map(|text| if text.is_empty() { "-" } else { text });
    let (prompt, rejected) = (texts.next().unwrap_or("-"), texts.next().unwrap_or("-"));
    let chosen = texts.next().unwrap_or("-");
    let message = json!({"prompt": prompt, "original_llm_output": rejected, "final_user_edit": chosen}).to_string();
    let curated = CURATOR.curate(&message, 0).expect("three texts are an edit");
    let line: Value = serde_json::from_str(&curated.line).expect("a line is JSON");
    if curated.verdict.route == Route::Dropped {
        return assert!(line["chosen"].is_null() && line["prompt"].is_null() && line["rejected"].is_null());
    }
    for span in curated.verdict.findings.iter().filter_map(|finding| finding.span.as_ref()) {
        let text = match span.text {
            TextName::Prompt => &line["prompt"],
            TextName::Chosen => &line["chosen"],
            TextName::Rejected => &line["rejected"],
        };
        let text = text.as_str().expect("what is not dropped keeps its texts");
        assert!(text.get(span.bytes.clone()).is_some(), "a finding lies outside its text");
    }
}
