//! One line of the lake: the kept parts of a judged event.

use flywheel_audit::Scores;
use flywheel_base::{JsonObject, Reason, Route, instant::rfc3339_micros};
use flywheel_event::{ChatMessage, ContextEntry, EVENT_KEY, EditEvent, FeedbackKind, INGEST_KEY, Model};
use serde::Serialize;

use crate::verdict::Verdict;

/// The engine that judges: the version of this crate, and a digest of the sources, weights and other crates' versions behind its
/// verdicts. Two builds with one name judge alike by the same rules.
pub const ENGINE: &str = env!("FLYWHEEL_ENGINE");

/// The columns. Each keeps one type for ever, in every route: readers that infer a schema fail on mixed ones. A gold
/// line loads into a DPO trainer as it is (`prompt`, `chosen`, `rejected`).
///
/// `prompt_messages` has each message's role and text. A chat of which a message is more (a name, tool calls, a call's answer,
/// parts) is whole in `prompt_chat`, and the tools' schemas are in `prompt_tools`: both as texts of JSON, because their fields
/// differ from row to row. Both are null in most lines, and older lines lack them.
pub(crate) struct Line<'e> {
    pair_id: Option<&'e str>,
    event_id: &'e str,
    prompt: Option<&'e str>,
    chosen: Option<&'e str>,
    rejected: Option<&'e str>,
    similarity: Option<f64>,
    tags: &'e [Reason],
    reasons: &'e [Reason],
    scores: &'e Scores,
    policy: &'e str,
    contributor: Option<&'e str>,
    model: Option<&'e Model<'e>>,
    thread_id: Option<&'e str>,
    occurred_at: Option<&'e str>,
    curated_at: &'e str,
    prompt_messages: Option<&'e [ChatMessage<'e>]>,
    context: Vec<ContextEntry<'e>>,
    feedback: Option<FeedbackColumn<'e>>,
    response_id: Option<&'e str>,
    received_at: Option<String>,
    output_id: Option<String>,
    engine: &'static str,
    prompt_chat: Option<String>,
    prompt_tools: Option<String>,
}

/// The user's feedback on the output, besides an edit or instead of one.
#[derive(Serialize)]
struct FeedbackColumn<'e> {
    kind: FeedbackKind,
    rating: Option<u8>,
    comment: Option<&'e str>,
    /// `true` for the output, `false` against it. Without an edit this is the label for unpaired training.
    label: Option<bool>,
}

/// The fields of a line besides its event and verdict.
pub(crate) struct Stamp<'e> {
    pub(crate) policy: &'e str,
    pub(crate) curated_at: &'e str,
}

impl<'e> Line<'e> {
    /// Creates a line. An output without an edit takes its place in a pair: `rejected` if its user spoke against it,
    /// else `chosen`.
    ///
    /// A text that is not for training is not kept. An event without consent keeps only its id and the reason.
    ///
    /// # Errors
    /// None in practice: texts always serialise.
    pub(crate) fn new(event: &'e EditEvent<'e>, verdict: &'e Verdict, stamp: &Stamp<'e>) -> serde_json::Result<Self> {
        let has_consent = event.consent != Some(false);
        let keeps_text = verdict.route != Route::Dropped;
        let feedback = event.feedback.as_ref().filter(|_| has_consent).map(|feedback| FeedbackColumn {
            kind: feedback.kind,
            rating: feedback.rating,
            comment: feedback.comment.as_deref().filter(|_| keeps_text),
            label: feedback.label(),
        });
        let is_one_text = feedback.is_some() && !event.is_edit();
        let is_against = feedback.as_ref().is_some_and(|feedback| feedback.label == Some(false));
        let (only_rejected, only_chosen) = (is_one_text && is_against, is_one_text && !is_against);
        Ok(Self {
            pair_id: has_consent.then_some(&event.pair_id),
            event_id: &event.event_id,
            prompt: keeps_text.then(|| event.prompt.text()),
            chosen: (keeps_text && !only_rejected).then_some(&event.chosen),
            rejected: (keeps_text && !only_chosen).then_some(&event.rejected),
            similarity: verdict.similarity,
            tags: &verdict.tags,
            reasons: &verdict.reasons,
            scores: &verdict.scores,
            policy: stamp.policy,
            contributor: event.contributor.as_deref().filter(|_| has_consent),
            model: event.model.as_ref().filter(|_| has_consent),
            thread_id: event.thread_id.as_deref().filter(|_| has_consent),
            occurred_at: event.occurred_at.as_ref().filter(|_| has_consent).map(|instant| instant.utc.as_str()),
            curated_at: stamp.curated_at,
            prompt_messages: event.prompt.messages().filter(|_| keeps_text),
            context: context(event, keeps_text),
            feedback,
            response_id: event.response_id.as_deref().filter(|_| has_consent),
            received_at: event.received_at.map(rfc3339_micros),
            output_id: event.output_id(),
            engine: ENGINE,
            prompt_chat: if keeps_text { event.prompt.whole_messages()? } else { None },
            prompt_tools: event.prompt.tools().filter(|_| keeps_text),
        })
    }

    /// Returns the line as JSON, with its columns in this order.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        /// The usual size of a line without its texts, in bytes.
        const REST: usize = 1024;
        let texts = [self.prompt, self.chosen, self.rejected].into_iter().flatten().map(str::len).sum::<usize>();
        let mut json = JsonObject::with_capacity(texts + REST);
        json.text("pair_id", self.pair_id);
        json.text("event_id", Some(self.event_id));
        json.text("prompt", self.prompt);
        json.text("chosen", self.chosen);
        json.text("rejected", self.rejected);
        json.value("similarity", self.similarity.as_ref())?;
        json.list("tags", self.tags)?;
        json.list("reasons", self.reasons)?;
        json.object("scores", |json| self.scores.write(json))?;
        json.text("policy", Some(self.policy));
        json.text("contributor", self.contributor);
        json.value("model", self.model)?;
        json.text("thread_id", self.thread_id);
        json.text("occurred_at", self.occurred_at);
        json.text("curated_at", Some(self.curated_at));
        match self.prompt_messages {
            Some(messages) => json.list("prompt_messages", messages)?,
            None => json.text("prompt_messages", None),
        }
        json.list("context", &self.context)?;
        json.value("feedback", self.feedback.as_ref())?;
        json.text("response_id", self.response_id);
        json.text("received_at", self.received_at.as_deref());
        json.text("output_id", self.output_id.as_deref());
        json.text("engine", Some(self.engine));
        json.text("prompt_chat", self.prompt_chat.as_deref());
        json.text("prompt_tools", self.prompt_tools.as_deref());
        Ok(json.finish())
    }
}

/// Returns the context: the client's entries where texts are kept, and the sender's in every line. A withdrawal needs the sender,
/// to be told from a stranger's.
fn context<'e>(event: &'e EditEvent<'e>, keeps_text: bool) -> Vec<ContextEntry<'e>> {
    let sent = event.context.iter().filter(|_| keeps_text).cloned();
    let of_sender = [(INGEST_KEY, event.ingest_key.clone()), (EVENT_KEY, event.event_key().map(Into::into))];
    let of_sender =
        of_sender.into_iter().filter_map(|(key, value)| Some(ContextEntry { key: key.into(), value: value? }));
    sent.chain(of_sender).collect()
}
