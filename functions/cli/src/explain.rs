//! `flywheel explain`: one event, and what the audit sees in it.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::ops::Range;
use std::time::Duration;

use flywheel_core::{AuditedEvent, Curator, Finding, Policy, Reason, Route, Scores, TextName};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::arguments::ExplainArguments;
use crate::input;
use crate::reasons::{meaning, threshold};
use crate::worker::{BadLine, text};
use crate::{Failure, Outcome, policy};

/// So much of a finding's place is shown, and so much on either side of it.
const EXCERPT_BYTES: usize = 160;
const CONTEXT_BYTES: usize = 24;

/// A diff that takes longer is finished coarsely.
const DIFF_TIME: Duration = Duration::from_secs(1);

/// Shown instead of a credential.
const MASK: &str = "▇▇▇▇";

/// An explanation, as it is printed as JSON.
#[derive(Serialize)]
struct ExplanationLine<'e> {
    event_id: &'e str,
    route: Route,
    reasons: &'e [Reason],
    tags: &'e [Reason],
    scores: &'e Scores,
    similarity: Option<f64>,
    findings: Vec<FindingLine>,
}

#[derive(Serialize)]
struct FindingLine {
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    route: Option<Route>,
    score: f32,
    meaning: &'static str,
    tune: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextName>,
    /// From and to, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

pub(crate) fn run(arguments: &ExplainArguments) -> Result<Outcome, Failure> {
    let curator = Curator::new(policy::read(arguments.policy.as_deref())?, None);
    let mut output = stdout().lock();
    let style = if output.is_terminal() && std::env::var_os("NO_COLOR").is_none() { COLOURS } else { MARKS };
    let mut explained = None;
    let wanted = arguments.line.get() as u64;
    input::read(std::slice::from_ref(&arguments.file), |chunk| {
        let line = chunk.lines().find(|line| line.number == wanted);
        explained = line.map(|line| {
            let audited = text(&line).and_then(|text| curator.audit(text).map_err(BadLine::from));
            audited.map(|audited| {
                if arguments.json {
                    as_json(&audited, curator.policy())
                } else {
                    Ok(as_text(&audited, curator.policy(), &style))
                }
            })
        });
        explained.is_none()
    })?;
    let place = format!("{}:{wanted}", arguments.file.display());
    match explained {
        None => Err(Failure::Unusable(format!("{place}: there is no such line, or nothing in it"))),
        Some(Err(error)) => Err(Failure::Unusable(format!("{place}: {error}"))),
        Some(Ok(explained)) => {
            output.write_all(explained?.as_bytes())?;
            output.flush()?;
            Ok(Outcome::AllGood)
        }
    }
}

fn excerpt<'e>(audited: &'e AuditedEvent<'_>, finding: &Finding) -> Option<&'e str> {
    let span = finding.span.as_ref()?;
    text_of(audited, span.text).get(span.bytes.clone())
}

fn text_of<'e>(audited: &'e AuditedEvent<'_>, name: TextName) -> &'e str {
    let event = audited.event();
    match name {
        TextName::Prompt => event.prompt.text(),
        TextName::Chosen => &event.chosen,
        TextName::Rejected => &event.rejected,
    }
}

/// The credentials that were found in an event.
fn secrets<'e>(audited: &'e AuditedEvent<'_>) -> impl Iterator<Item = &'e str> {
    let secrets = audited.verdict().findings.iter().filter(|finding| finding.reason == Reason::Secret);
    secrets.filter_map(|finding| excerpt(audited, finding)).filter(|secret| !secret.is_empty())
}

fn masked(text: &str, audited: &AuditedEvent<'_>) -> String {
    secrets(audited).fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
}

fn as_json(audited: &AuditedEvent<'_>, policy: &Policy) -> Result<String, Failure> {
    let verdict = audited.verdict();
    let finding = |finding: &Finding| FindingLine {
        reason: finding.reason,
        rule: finding.rule,
        route: policy.route_of(finding.reason),
        score: finding.score,
        meaning: meaning(finding.reason),
        tune: threshold(finding.reason),
        text: finding.span.as_ref().map(|span| span.text),
        bytes: finding.span.as_ref().map(|span| [span.bytes.start, span.bytes.end]),
        excerpt: excerpt(audited, finding).map(|excerpt| masked(excerpt, audited)),
    };
    let explanation = ExplanationLine {
        event_id: &audited.event().event_id,
        route: verdict.route,
        reasons: &verdict.reasons,
        tags: &verdict.tags,
        scores: &verdict.scores,
        similarity: verdict.similarity,
        findings: verdict.findings.iter().map(finding).collect(),
    };
    Ok(serde_json::to_string(&explanation)? + "\n")
}

/// How what was deleted, inserted and found is told apart.
struct Style {
    deleted: [&'static str; 2],
    inserted: [&'static str; 2],
    found: [&'static str; 2],
}

/// What was found is inverse, which neither ends the colour around it nor is ended by it.
const COLOURS: Style =
    Style { deleted: ["\x1b[31;9m", "\x1b[0m"], inserted: ["\x1b[32m", "\x1b[0m"], found: ["\x1b[7m", "\x1b[27m"] };

const MARKS: Style = Style { deleted: ["[-", "-]"], inserted: ["{+", "+}"], found: ["»", "«"] };

fn as_text(audited: &AuditedEvent<'_>, policy: &Policy, style: &Style) -> String {
    let (event, verdict) = (audited.event(), audited.verdict());
    let mut out = format!("event {} → {}\n", one_line(&event.event_id), verdict.route.as_str());
    if let Some(similarity) = verdict.similarity {
        let _ = writeln!(out, "similarity {similarity:.3}, policy {}", policy.hash());
    }
    let [rejected, chosen] = [TextName::Rejected, TextName::Chosen].map(|name| Marked::new(audited, name, style));
    let _ = writeln!(out, "\n{}\n", indented(&diff(&rejected, &chosen, style)));
    if verdict.findings.is_empty() {
        out.push_str("nothing found: a preference pair\n");
    }
    for finding in &verdict.findings {
        let Finding { reason, rule, score, .. } = finding;
        let route = policy.route_of(*reason).map_or("off", Route::as_str);
        let route = if route == "gold" { "a tag" } else { route };
        let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
        let _ = writeln!(out, "{}{rule} → {route}, score {score:.2}: {}", reason.as_str(), meaning(*reason));
        if let Some(span) = &finding.span {
            let place = Marked::new(audited, span.text, style).around(&span.bytes);
            let _ = writeln!(out, "    in {}: {place}", name(span.text));
        }
        let tune = threshold(*reason).into_iter().map(str::to_owned);
        let tune: Vec<_> = tune.chain(reason.is_policy().then(|| format!("[routes] {}", reason.as_str()))).collect();
        let tune = if tune.is_empty() { "no policy has a say".to_owned() } else { tune.join(", ") };
        let _ = writeln!(out, "    tune: {tune}");
    }
    out
}

fn name(text: TextName) -> &'static str {
    match text {
        TextName::Prompt => "the prompt",
        TextName::Chosen => "the user's text",
        TextName::Rejected => "the model's text",
    }
}

/// A text, with what was found in it.
struct Marked<'e> {
    text: &'e str,
    style: &'e Style,
    /// Where something was found, in order and without overlaps.
    found: Vec<Range<usize>>,
    /// Where credentials are: those that were found, wherever they stand.
    secrets: Vec<Range<usize>>,
}

impl<'e> Marked<'e> {
    fn new(audited: &'e AuditedEvent<'_>, name: TextName, style: &'e Style) -> Self {
        let text = text_of(audited, name);
        let findings = &audited.verdict().findings;
        let spans = findings.iter().filter_map(|finding| finding.span.as_ref());
        let found = spans.filter(|span| span.text == name).map(|span| span.bytes.clone());
        let places = secrets(audited).flat_map(|secret| text.match_indices(secret));
        let places = places.map(|(at, secret)| at..at + secret.len());
        Self { text, style, found: joined(found.collect()), secrets: joined(places.collect()) }
    }

    /// A part of the text as it is shown: what was found is marked, and credentials are masked.
    fn shown(&self, part: Range<usize>) -> String {
        let [start, end] = self.style.found;
        let mut shown = String::new();
        let mut at = part.start;
        for found in self.found.iter().filter(|found| found.start < part.end && found.end > part.start) {
            let inner = found.start.max(part.start)..found.end.min(part.end);
            shown.push_str(&self.masked(at..inner.start));
            at = inner.end;
            let _ = write!(shown, "{start}{}{end}", self.masked(inner));
        }
        shown + &self.masked(at..part.end)
    }

    fn masked(&self, part: Range<usize>) -> String {
        let mut masked = String::new();
        let mut at = part.start;
        for secret in self.secrets.iter().filter(|secret| secret.start < part.end && secret.end > part.start) {
            masked.push_str(&visible(&self.text[at..secret.start.max(at)]));
            masked.push_str(MASK);
            at = secret.end.min(part.end);
        }
        masked + &visible(&self.text[at..part.end])
    }

    /// A place with a little of what stands around it, in one line.
    fn around(&self, place: &Range<usize>) -> String {
        let start = self.text.floor_char_boundary(place.start.saturating_sub(CONTEXT_BYTES));
        let long = self.text.floor_char_boundary(place.start + EXCERPT_BYTES);
        let end = self.text.ceil_char_boundary((place.end.min(long) + CONTEXT_BYTES).min(self.text.len()));
        let [before, after] = [start > 0, end < self.text.len()].map(|is_cut| if is_cut { "…" } else { "" });
        let here = Self { found: vec![place.clone()], secrets: self.secrets.clone(), ..*self };
        format!("{before}{}{after}", here.shown(start..end).replace('\n', "⏎"))
    }
}

/// In order; what overlaps becomes one.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    ranges
}

/// What was changed, word by word. Words that only white space parts are shown as one change.
fn diff(rejected: &Marked<'_>, chosen: &Marked<'_>, style: &Style) -> String {
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_words(rejected.text, chosen.text);
    let mut out = String::new();
    // What is changed up to here, in both texts, and where the rest begins.
    let (mut old, mut new) = (0..0, 0..0);
    let changed = |old: &Range<usize>, new: &Range<usize>, out: &mut String| {
        for (marked, part, [start, end]) in [(rejected, old, style.deleted), (chosen, new, style.inserted)] {
            if !part.is_empty() {
                let _ = write!(out, "{start}{}{end}", marked.shown(part.clone()));
            }
        }
    };
    let mut changes = diff.iter_all_changes().peekable();
    while let Some(change) = changes.next() {
        let length = change.value().len();
        match change.tag() {
            ChangeTag::Delete => old.end += length,
            ChangeTag::Insert => new.end += length,
            ChangeTag::Equal => {
                let is_joint = change.value().trim().is_empty() && !change.value().contains('\n');
                let goes_on = changes.peek().is_some_and(|next| next.tag() != ChangeTag::Equal);
                if is_joint && goes_on && !old.is_empty() && !new.is_empty() {
                    (old.end, new.end) = (old.end + length, new.end + length);
                    continue;
                }
                changed(&old, &new, &mut out);
                out.push_str(&chosen.shown(new.end..new.end + length));
                old = old.end + length..old.end + length;
                new = new.end + length..new.end + length;
            }
        }
    }
    changed(&old, &new, &mut out);
    out
}

/// Characters that would act on the terminal, or that nobody sees, as their escapes.
fn visible(text: &str) -> String {
    let is_unseen = |character: char| {
        character.is_control() && !matches!(character, '\n' | '\t')
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        if is_unseen(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
        out
    })
}

/// A client's word in one line.
fn one_line(text: &str) -> String {
    visible(text).replace('\n', "⏎")
}

fn indented(text: &str) -> String {
    text.split('\n').map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
