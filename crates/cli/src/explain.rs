//! `flywheel explain`: the audit's findings in one event.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};

use flywheel_audit::{Finding, Scores, TextName};
use flywheel_base::{Reason, Route};
use flywheel_curation::{AuditedEvent, CurationRules, Curator};
use serde::Serialize;

use crate::arguments::ExplainArguments;
use crate::input;
use crate::marked::{MASK, Marked, Style, diff, indented, one_line};
use crate::reasons::{meaning, threshold};
use crate::worker::{BadLine, text};
use crate::{Failure, Outcome, policy};

/// An explanation, printed as JSON.
#[derive(Serialize)]
struct ExplanationLine<'e> {
    event_id: &'e str,
    route: Route,
    reasons: &'e [Reason],
    tags: &'e [Reason],
    scores: &'e Scores,
    similarity: Option<f64>,
    /// The fields in which the user's text was given the model's spelling.
    respelled: Vec<&'static str>,
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
    /// The range in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

pub(crate) fn run(arguments: &ExplainArguments) -> Result<Outcome, Failure> {
    let curator = Curator::new(policy::read(arguments.policy.as_deref())?, None);
    let mut output = stdout().lock();
    let style = Style::of(&output);
    let mut explained = None;
    let wanted = arguments.line.get() as u64;
    input::read(std::slice::from_ref(&arguments.file), |chunk| {
        let line = chunk.lines().find(|line| line.number == wanted);
        explained = line.map(|line| {
            let audited = text(&line).and_then(|text| curator.audit(text).map_err(BadLine::from));
            audited.map(|audited| {
                if arguments.json {
                    as_json(&audited, curator.rules())
                } else {
                    Ok(as_text(&audited, curator.rules(), style))
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

/// Returns the credentials that were found in an event.
fn secrets<'e>(audited: &'e AuditedEvent<'_>) -> impl Iterator<Item = &'e str> {
    let secrets = audited.verdict().findings.iter().filter(|finding| finding.reason == Reason::Secret);
    secrets.filter_map(|finding| excerpt(audited, finding)).filter(|secret| !secret.is_empty())
}

fn masked(text: &str, audited: &AuditedEvent<'_>) -> String {
    secrets(audited).fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
}

fn as_json(audited: &AuditedEvent<'_>, rules: &CurationRules) -> Result<String, Failure> {
    let verdict = audited.verdict();
    let finding = |finding: &Finding| FindingLine {
        reason: finding.reason,
        rule: finding.rule,
        route: route_of(audited, finding.reason, rules),
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
        respelled: audited.respelled().names().collect(),
        findings: verdict.findings.iter().map(finding).collect(),
    };
    Ok(serde_json::to_string(&explanation)? + "\n")
}

fn as_text(audited: &AuditedEvent<'_>, rules: &CurationRules, style: &Style) -> String {
    let (event, verdict) = (audited.event(), audited.verdict());
    let mut out = format!("event {} → {}\n", one_line(&event.event_id), verdict.route.as_str());
    if let Some(similarity) = verdict.similarity {
        let _ = writeln!(out, "similarity {similarity:.3}, policy {}", rules.hash());
    }
    if let Some(similarity) = verdict.scores.region_similarity {
        let below = rules.audit.local_correction_below;
        let _ = writeln!(
            out,
            "similarity of the place that changed most {similarity:.3}; below {below} it is a local_correction"
        );
    }
    let respelled: Vec<_> = audited.respelled().names().map(|name| name.replace('_', " ")).collect();
    if !respelled.is_empty() {
        let _ = writeln!(out, "as the model spells: {}", respelled.join(", "));
    }
    let [rejected, chosen] = [TextName::Rejected, TextName::Chosen].map(|name| marked(audited, name, style));
    let _ = writeln!(out, "\n{}\n", indented(&diff(&rejected, &chosen, style)));
    if verdict.findings.is_empty() {
        out.push_str("nothing found: a preference pair\n");
    }
    for finding in &verdict.findings {
        let Finding { reason, rule, score, .. } = finding;
        let route = match route_of(audited, *reason, rules) {
            None => "off",
            Some(Route::Gold) => "a tag",
            Some(route) => route.as_str(),
        };
        let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
        let _ = writeln!(out, "{}{rule} → {route}, score {score:.2}: {}", reason.as_str(), meaning(*reason));
        if let Some(span) = &finding.span {
            let place = marked(audited, span.text, style).around(&span.bytes);
            let _ = writeln!(out, "    in {}: {place}", name(span.text));
        }
        let tune = threshold(*reason).into_iter().map(str::to_owned);
        let tune: Vec<_> = tune.chain(reason.is_policy().then(|| format!("[routes] {}", reason.as_str()))).collect();
        let tune = if tune.is_empty() { "no policy has a say".to_owned() } else { tune.join(", ") };
        let _ = writeln!(out, "    tune: {tune}");
    }
    out
}

/// Returns the route of a finding by the policy. Another finding can reduce this one to a note.
fn route_of(audited: &AuditedEvent<'_>, reason: Reason, rules: &CurationRules) -> Option<Route> {
    let is_tag = audited.verdict().tags.contains(&reason);
    if is_tag { Some(Route::Gold) } else { rules.route_of(reason) }
}

fn name(text: TextName) -> &'static str {
    match text {
        TextName::Prompt => "the prompt",
        TextName::Chosen => "the user's text",
        TextName::Rejected => "the model's text",
    }
}

/// Returns a text of an event with its findings marked.
fn marked<'e>(audited: &'e AuditedEvent<'_>, name: TextName, style: &'e Style) -> Marked<'e> {
    let text = text_of(audited, name);
    let spans = audited.verdict().findings.iter().filter_map(|finding| finding.span.as_ref());
    let found = spans.filter(|span| span.text == name).map(|span| span.bytes.clone());
    // Credentials are masked at every occurrence.
    let places = secrets(audited).flat_map(|secret| text.match_indices(secret));
    let places = places.map(|(at, secret)| at..at + secret.len());
    Marked::new(text, style, found.collect(), places.collect())
}
