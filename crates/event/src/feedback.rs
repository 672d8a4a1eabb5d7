//! A user's feedback on an output, besides an edit or instead of one.

use std::borrow::Cow;

use flywheel_base::{
    Reason, Refusal, RefusalCode,
    fields::{Fields, non_empty_text, wrong_type},
    json::Json,
};
use serde::{Serialize, Serializer};

use crate::sampling::{Sampling, Stratum};

/// The kind of feedback that leaves nothing to keep.
const READ: &str = "read";

/// The highest rating. Ratings start at 1.
const MOST_STARS: u8 = 5;

/// Feedback on one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback<'a> {
    /// The user's act.
    pub kind: FeedbackKind,
    /// Stars, 1 to 5. [`FeedbackKind::Stars`] always has them, [`FeedbackKind::Form`] may.
    pub rating: Option<u8>,
    /// The user's comment, or the marked text.
    pub comment: Option<Cow<'a, str>>,
}

/// The act of a user on an output. The first five are explicit, the others implicit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackKind {
    /// Pressed thumbs-up.
    ThumbsUp,
    /// Pressed thumbs-down.
    ThumbsDown,
    /// Gave stars.
    Stars,
    /// Wrote a comment.
    Comment,
    /// Filled in a form; its other answers are in the event's context.
    Form,
    /// Accepted the output as it was.
    Accept,
    /// Copied the output, or a part of it.
    Copy,
    /// Marked a part of it.
    Highlight,
    /// Asked for another output.
    Regenerate,
}

/// The use of feedback on an unchanged output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Liked: a sample of these is trained along against forgetting.
    Liked(Stratum),
    /// Disliked: a person has to look, because it does not say which text would be better.
    Disliked,
    /// Weak: too little evidence about one output, but useful over many.
    Weak,
}

impl FeedbackKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::ThumbsUp,
        Self::ThumbsDown,
        Self::Stars,
        Self::Comment,
        Self::Form,
        Self::Accept,
        Self::Copy,
        Self::Highlight,
        Self::Regenerate,
    ];

    /// Returns the kind's name, as clients send it and lines keep it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ThumbsUp => "thumbs_up",
            Self::ThumbsDown => "thumbs_down",
            Self::Stars => "stars",
            Self::Comment => "comment",
            Self::Form => "form",
            Self::Accept => "accept",
            Self::Copy => "copy",
            Self::Highlight => "highlight",
            Self::Regenerate => "regenerate",
        }
    }
}

impl Serialize for FeedbackKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'a> Feedback<'a> {
    /// Takes the feedback out of an event's fields; `None` if the event has no `kind`, and so is only an edit.
    pub(crate) fn take(fields: &mut Fields<'a>) -> Result<Option<Self>, Refusal> {
        let Some(kind) = fields.optional("kind")? else { return Ok(None) };
        let kind = kind_of(kind, fields)?;
        let rating = rating_of(kind, fields)?;
        let comment = fields.optional_text("comment")?;
        if comment.is_none() && kind == FeedbackKind::Comment {
            return Err(fields.missing("comment"));
        }
        Ok(Some(Self { kind, rating, comment }))
    }

    /// Returns the use of the feedback on its own, without an edit.
    fn standing(&self) -> Standing {
        match (self.kind, self.rating) {
            (FeedbackKind::ThumbsUp, _) => Standing::Liked(Stratum::ThumbsUp),
            (FeedbackKind::Accept, _) => Standing::Liked(Stratum::Accept),
            (_, Some(4..)) => Standing::Liked(Stratum::Stars),
            (FeedbackKind::ThumbsDown, _) | (_, Some(..=2)) => Standing::Disliked,
            _ => Standing::Weak,
        }
    }

    /// Returns the reason for the route of an unchanged output, in the event of that id.
    pub fn reason(&self, event_id: &str, sampling: &Sampling) -> Reason {
        match self.standing() {
            Standing::Liked(stratum) if sampling.takes(stratum, event_id) => Reason::Liked,
            Standing::Liked(_) => Reason::Unsampled,
            Standing::Disliked => Reason::Disliked,
            Standing::Weak => Reason::WeakSignal,
        }
    }

    /// Returns the label for unpaired training (KTO): `true` for the output, `false` against it, `None` for neither.
    pub fn label(&self) -> Option<bool> {
        match (self.standing(), self.kind) {
            (Standing::Liked(_), _) | (_, FeedbackKind::Copy) => Some(true),
            (Standing::Disliked, _) | (_, FeedbackKind::Regenerate) => Some(false),
            (Standing::Weak, _) => None,
        }
    }
}

fn kind_of<'a>(kind: Json<'a>, fields: &Fields<'a>) -> Result<FeedbackKind, Refusal> {
    let kind = non_empty_text(kind, "kind")?.value;
    if let Some(known) = FeedbackKind::ALL.into_iter().find(|known| known.as_str() == kind) {
        return Ok(known);
    }
    if kind != READ {
        let known: Vec<_> = FeedbackKind::ALL.into_iter().map(FeedbackKind::as_str).collect();
        let message = format!("must be one of {}, {READ}", known.join(", "));
        return Err(Refusal::of_field(RefusalCode::InvalidValue, "kind", message));
    }
    // An edit that is counted as a read would be lost.
    if fields.says("final_user_edit") {
        let message = "cannot come with kind `read`; leave the kind out to send an edit";
        return Err(Refusal::of_field(RefusalCode::InvalidValue, "final_user_edit", message));
    }
    Err(Refusal::of_field(RefusalCode::OnlyRead, "kind", "says that the output was read: there is nothing to keep"))
}

fn rating_of(kind: FeedbackKind, fields: &mut Fields<'_>) -> Result<Option<u8>, Refusal> {
    let invalid = |message: String| Refusal::of_field(RefusalCode::InvalidValue, "rating", message);
    let Some(rating) = fields.optional("rating")? else {
        return if kind == FeedbackKind::Stars { Err(fields.missing("rating")) } else { Ok(None) };
    };
    if !matches!(kind, FeedbackKind::Stars | FeedbackKind::Form) {
        return Err(invalid(format!("goes with kind `stars` or `form`, not `{}`", kind.as_str())));
    }
    let stars = match rating {
        Json::Number(_) => rating.whole_number().and_then(|stars| u8::try_from(stars).ok()),
        other => return Err(wrong_type(&other, "a number", "rating")),
    };
    match stars.filter(|stars| (1..=MOST_STARS).contains(stars)) {
        Some(stars) => Ok(Some(stars)),
        None => Err(invalid(format!("must be a whole number from 1 to {MOST_STARS}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit_event::EditEvent;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn event(feedback: Value) -> String {
        let mut event = json!({"prompt": "p", "original_llm_output": "o"});
        event.as_object_mut().unwrap().extend(feedback.as_object().unwrap().clone());
        event.to_string()
    }

    fn refused(feedback: Value) -> (RefusalCode, Option<String>) {
        let refusal = EditEvent::parse(&event(feedback), None).unwrap_err();
        (refusal.code, refusal.field)
    }

    fn standing(feedback: Value) -> (Standing, Option<bool>) {
        let event = event(feedback);
        let feedback = EditEvent::parse(&event, None).unwrap().feedback.unwrap();
        (feedback.standing(), feedback.label())
    }

    #[test]
    fn every_kind_stands_for_something() {
        let liked = |stratum| (Standing::Liked(stratum), Some(true));
        let (disliked, weak) = ((Standing::Disliked, Some(false)), |label| (Standing::Weak, label));
        for (feedback, expected) in [
            (json!({"kind": "thumbs_up"}), liked(Stratum::ThumbsUp)),
            (json!({"kind": "thumbs_down", "comment": "wrong"}), disliked),
            (json!({"kind": "stars", "rating": 5}), liked(Stratum::Stars)),
            (json!({"kind": "stars", "rating": 4}), liked(Stratum::Stars)),
            (json!({"kind": "stars", "rating": 4.0}), liked(Stratum::Stars)),
            (json!({"kind": "stars", "rating": 3}), weak(None)),
            (json!({"kind": "stars", "rating": 2}), disliked),
            (json!({"kind": "stars", "rating": 1}), disliked),
            (json!({"kind": "form", "rating": 5}), liked(Stratum::Stars)),
            (json!({"kind": "form", "rating": 1, "comment": "c"}), disliked),
            (json!({"kind": "form", "context": {"tone": "fine"}}), weak(None)),
            (json!({"kind": "comment", "comment": "c"}), weak(None)),
            (json!({"kind": "accept"}), liked(Stratum::Accept)),
            (json!({"kind": "copy"}), weak(Some(true))),
            (json!({"kind": "highlight", "comment": "this part"}), weak(None)),
            (json!({"kind": "regenerate"}), weak(Some(false))),
        ] {
            assert_eq!(standing(feedback.clone()), expected, "{feedback}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |name: &str| Some(name.to_owned());
        for (feedback, code, name) in [
            (json!({"kind": "applause"}), RefusalCode::InvalidValue, "kind"),
            (json!({"kind": 5}), RefusalCode::WrongType, "kind"),
            (json!({"kind": ""}), RefusalCode::EmptyField, "kind"),
            (json!({"kind": "stars"}), RefusalCode::MissingField, "rating"),
            (json!({"kind": "stars", "rating": null}), RefusalCode::MissingField, "rating"),
            (json!({"kind": "stars", "rating": 0}), RefusalCode::InvalidValue, "rating"),
            (json!({"kind": "stars", "rating": 6}), RefusalCode::InvalidValue, "rating"),
            (json!({"kind": "stars", "rating": 260}), RefusalCode::InvalidValue, "rating"),
            (json!({"kind": "stars", "rating": -1}), RefusalCode::InvalidValue, "rating"),
            (json!({"kind": "stars", "rating": 4.5}), RefusalCode::InvalidValue, "rating"),
            (json!({"kind": "stars", "rating": "4"}), RefusalCode::WrongType, "rating"),
            (json!({"kind": "thumbs_up", "rating": 5}), RefusalCode::InvalidValue, "rating"),
            (json!({"kind": "comment"}), RefusalCode::MissingField, "comment"),
            (json!({"kind": "comment", "comment": ""}), RefusalCode::EmptyField, "comment"),
            (json!({"kind": "copy", "comment": 1}), RefusalCode::WrongType, "comment"),
            (json!({"kind": "copy", "final_user_edit": ""}), RefusalCode::EmptyField, "final_user_edit"),
            (json!({"kind": "read"}), RefusalCode::OnlyRead, "kind"),
            (json!({"kind": "read", "final_user_edit": null}), RefusalCode::OnlyRead, "kind"),
            (json!({"kind": "read", "final_user_edit": "x"}), RefusalCode::InvalidValue, "final_user_edit"),
        ] {
            assert_eq!(refused(feedback.clone()), (code, field(name)), "{feedback}");
        }
        // Without a kind it is an edit, and the fields of a kind are unknown there.
        assert_eq!(refused(json!({"rating": 9})), (RefusalCode::MissingField, field("final_user_edit")));
    }

    #[test]
    fn feedback_has_an_id_of_its_own_and_edits_keep_theirs() {
        let id = |feedback: Value| EditEvent::parse(&event(feedback), None).unwrap().event_id.into_owned();
        let ids = [
            json!({"final_user_edit": "e"}),
            json!({"kind": "stars", "rating": 4, "final_user_edit": "e"}),
            json!({"kind": "accept"}),
            json!({"kind": "stars", "rating": 4}),
            json!({"kind": "stars", "rating": 5}),
            json!({"kind": "form", "rating": 5}),
            json!({"kind": "form", "rating": 5, "comment": "c"}),
            json!({"kind": "copy", "context": {"kind": "accept"}}),
        ]
        .map(id);
        assert!(ids.iter().enumerate().all(|(index, id)| !ids[..index].contains(id)));
        // An editor that sends its text unchanged is equivalent to one that sends nothing.
        assert_eq!(id(json!({"kind": "accept", "final_user_edit": "o"})), id(json!({"kind": "accept"})));
    }

    proptest! {
        #[test]
        fn a_message_reads_back_as_the_same_event_and_never_grows(
            kind in prop::sample::select(&FeedbackKind::ALL[..]), stars in 1..=5_u8, has_rating in any::<bool>(),
            comment in prop::option::of("\\PC{1,30}"), edit in prop::option::of("\\PC{1,30}"), output in "\\PC{1,30}",
            consent in prop::option::of(any::<bool>()), same in any::<bool>(),
        ) {
            let rating = match kind {
                FeedbackKind::Stars => Some(stars),
                FeedbackKind::Form => has_rating.then_some(stars),
                _ => None,
            };
            let comment = comment.or((kind == FeedbackKind::Comment).then(|| "c".to_owned()));
            let edit = if same { Some(output.clone()) } else { edit };
            let sent = json!({
                "kind": kind.as_str(), "rating": rating, "comment": comment, "prompt": "p", "unknown": 1,
                "original_llm_output": output, "final_user_edit": edit, "consent": consent,
            }).to_string();
            let event = EditEvent::parse(&sent, None).unwrap();
            prop_assert_eq!(&event.chosen, edit.as_ref().unwrap_or(&output));
            let message = event.to_message().unwrap();
            prop_assert!(message.len() <= sent.len());
            prop_assert_eq!(EditEvent::parse(&message, None).unwrap(), event);
        }
    }
}
