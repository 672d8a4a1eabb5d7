//! `flywheel explain`: one event, and what the audit sees in it.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use flywheel_core::{AuditedEvent, Curator, Finding, Policy, Reason, Route, Scores, TextName};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::arguments::ExplainArguments;
use crate::input;
use crate::reasons::{meaning, threshold};
use crate::worker::{BadLine, text};
use crate::{Failure, Outcome, policy};

/// So much of a finding's place is shown.
const EXCERPT_CHARS: usize = 160;

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
    findings: Vec<FindingLine<'e>>,
}

#[derive(Serialize)]
struct FindingLine<'e> {
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
    excerpt: Option<&'e str>,
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
    let event = audited.event();
    let text: &str = match span.text {
        TextName::Prompt => event.prompt.text(),
        TextName::Chosen => &event.chosen,
        TextName::Rejected => &event.rejected,
    };
    text.get(span.bytes.clone())
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
        excerpt: excerpt(audited, finding).map(|excerpt| if finding.reason == Reason::Secret { MASK } else { excerpt }),
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

const COLOURS: Style =
    Style { deleted: ["\x1b[31;9m", "\x1b[0m"], inserted: ["\x1b[32m", "\x1b[0m"], found: ["\x1b[1;33m", "\x1b[0m"] };

const MARKS: Style = Style { deleted: ["[-", "-]"], inserted: ["{+", "+}"], found: ["»", "«"] };

fn as_text(audited: &AuditedEvent<'_>, policy: &Policy, style: &Style) -> String {
    let (event, verdict) = (audited.event(), audited.verdict());
    let mut out = format!("event {} → {}\n", shown(&event.event_id), verdict.route.as_str());
    if let Some(similarity) = verdict.similarity {
        let _ = writeln!(out, "similarity {similarity:.3}, policy {}", policy.hash());
    }
    let masked = |text: &str| mask(text, audited);
    let _ = writeln!(out, "\n{}\n", indented(&diff(&masked(&event.rejected), &masked(&event.chosen), style)));
    if verdict.findings.is_empty() {
        out.push_str("nothing found: a preference pair\n");
    }
    for finding in &verdict.findings {
        let Finding { reason, rule, score, .. } = finding;
        let route = policy.route_of(*reason).map_or("off", Route::as_str);
        let route = if route == "gold" { "a tag" } else { route };
        let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
        let _ = writeln!(out, "{}{rule} → {route}, score {score:.2}: {}", reason.as_str(), meaning(*reason));
        if let (Some(span), Some(excerpt)) = (&finding.span, excerpt(audited, finding)) {
            let excerpt = shown(&mask(excerpt, audited));
            let [start, end] = style.found;
            let _ = writeln!(out, "    in {}: {start}{excerpt}{end}", name(span.text));
        }
        let routes = format!("[routes] {}", reason.as_str());
        let keys = [threshold(*reason).map(str::to_owned), Some(routes)];
        let _ = writeln!(out, "    tune: {}", keys.into_iter().flatten().collect::<Vec<_>>().join(", "));
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

/// `text` without the credentials that were found.
fn mask(text: &str, audited: &AuditedEvent<'_>) -> String {
    let secrets = audited.verdict().findings.iter().filter(|finding| finding.reason == Reason::Secret);
    let secrets = secrets.filter_map(|finding| excerpt(audited, finding)).filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
}

/// What was changed, word by word.
fn diff(rejected: &str, chosen: &str, style: &Style) -> String {
    let mut out = String::new();
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_words(rejected, chosen);
    let mut changes = diff.iter_all_changes().peekable();
    while let Some(change) = changes.next() {
        let mut run = change.value().to_owned();
        while let Some(next) = changes.next_if(|next| next.tag() == change.tag()) {
            run.push_str(next.value());
        }
        let [start, end] = match change.tag() {
            ChangeTag::Equal => ["", ""],
            ChangeTag::Delete => style.deleted,
            ChangeTag::Insert => style.inserted,
        };
        let _ = write!(out, "{start}{}{end}", visible(&run));
    }
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

/// A text in one line, cut to what is worth showing.
fn shown(text: &str) -> String {
    let mut line: String = visible(text).replace('\n', "⏎");
    if let Some((cut, _)) = line.char_indices().nth(EXCERPT_CHARS) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

fn indented(text: &str) -> String {
    text.split('\n').map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
