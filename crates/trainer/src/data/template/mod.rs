//! Renders chat templates as transformers does: by Jinja2, with the additions of transformers.
//!
//! minijinja is close to Jinja2. Each file here covers one difference from it, or one addition of transformers:
//!
//! | file | subject |
//! |---|---|
//! | `date` | `strftime_now`, which uses the run's date and never today's |
//! | `json` | the filter `tojson`, as Python's `json.dumps` writes |
//! | `python` | tests, filters and methods of strings and lists |
//! | `tags` | `{% generation %}`, and the line end after `{% raw %}` |
//!
//! A missing construct is refused by its name when a prompt reaches it: `%` on strings, `{% block %}`, `{% print %}`, `varargs`
//! of macros, some methods and filters. Known differences: floats beyond 16 digits, and a macro's default that is another of its
//! parameters.

mod date;
mod json;
mod python;
mod tags;

use std::collections::BTreeMap;

use flywheel_training::Message;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, context};

pub(crate) use date::Today;

const NAME: &str = "chat_template";

/// A base's chat template.
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
}

impl ChatTemplate {
    /// Compiles a template. `Err` is the reason why it is invalid.
    pub(crate) fn new(source: &str, today: Today) -> Result<Self, String> {
        // Jinja2 normalizes line ends in the same way.
        let source = tags::rewritten(&source.replace("\r\n", "\n").replace('\r', "\n"));
        let environment = environment(&source, today).map_err(|error| error.to_string())?;
        Ok(Self { environment, source })
    }

    /// Renders a prompt up to where the answer begins. `tokens` are the tokenizer's named special tokens, such as `bos_token`.
    ///
    /// `Err` is the reason why the template refuses it, and quotes nothing of the prompt.
    pub(crate) fn render(&self, messages: &[Message], tokens: &BTreeMap<String, String>) -> Result<String, String> {
        let variables = context! {
            messages => Serde(messages),
            tools => (),
            documents => (),
            add_generation_prompt => true,
            ..Value::from(Serde(tokens))
        };
        let rendered = self.environment.get_template(NAME).and_then(|template| template.render(variables));
        rendered.map_err(|error| self.explained(&error))
    }

    /// Returns an error's message if it is safe to show. A message may quote the prompt, as that of `raise_exception` may. It is
    /// shown if it names a construct of the template, or if the template contains it word for word.
    fn explained(&self, error: &Error) -> String {
        let detail = error.detail().unwrap_or_default();
        let names_a_construct = match error.kind() {
            ErrorKind::UnknownFilter
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::UnknownTest => true,
            // The message names an operator and the types of its operands.
            ErrorKind::InvalidOperation => detail.starts_with("tried to use "),
            _ => false,
        };
        let is_said = !detail.is_empty() && (names_a_construct || self.source.contains(detail));
        let what = if is_said { detail.to_owned() } else { error.kind().to_string() };
        match error.line() {
            Some(line) => format!("{what} (line {line})"),
            None => what,
        }
    }
}

fn environment(source: &str, today: Today) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(python::method);
    environment.add_test("iterable", python::is_iterable);
    environment.add_test("sequence", python::is_sequence);
    environment.add_filter("tojson", json::tojson);
    environment.add_filter("trim", python::trim);
    environment.add_filter("default", python::default);
    environment.add_filter("d", python::default);
    environment.add_function("strftime_now", move |format: &str| today.strftime(format));
    environment.add_function("raise_exception", |message: String| {
        Err::<String, _>(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_template_owned(NAME, source.to_owned())?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Renderings by transformers, written by `infra/trainer/golden_templates.py`.
    #[derive(serde::Deserialize)]
    struct Golden {
        prepared_at: String,
        named: BTreeMap<String, String>,
        conversations: BTreeMap<String, Vec<Message>>,
        rendered: BTreeMap<String, BTreeMap<String, Rendered>>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Rendered {
        Text(String),
        Refused(String),
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../../tests/golden/templates/expected.json")).unwrap()
    }

    const PREPARED_AT: &str = "2026-11-05T21:03:07.250Z";

    fn rendered(source: &str, messages: &[Message], tokens: &BTreeMap<String, String>) -> Rendered {
        let template = ChatTemplate::new(source, Today::at(Some(PREPARED_AT))).unwrap();
        match template.render(messages, tokens) {
            Ok(text) => Rendered::Text(text),
            Err(problem) => Rendered::Refused(format!("the chat template refuses a prompt: {problem}")),
        }
    }

    /// Renders one user message with a template.
    fn of_one(source: &str) -> Rendered {
        rendered(source, &[Message { role: "user".to_owned(), content: "my secret".to_owned() }], &BTreeMap::new())
    }

    fn text(text: &str) -> Rendered {
        Rendered::Text(text.to_owned())
    }

    #[test]
    fn every_template_is_rendered_as_transformers_renders_it() {
        let golden = golden();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/templates");
        assert_eq!(golden.prepared_at, PREPARED_AT);
        let mut compared = 0;
        for (name, conversations) in &golden.rendered {
            let source = std::fs::read_to_string(folder.join(name).with_extension("jinja")).unwrap();
            for (conversation, expected) in conversations {
                let found = rendered(&source, &golden.conversations[conversation], &golden.named);
                match (&found, expected) {
                    // This renderer's messages have the line, too.
                    (Rendered::Refused(found), Rendered::Refused(expected)) => {
                        assert!(found.starts_with(expected.as_str()), "{name}, {conversation}: {found}");
                    }
                    _ => assert_eq!(&found, expected, "{name}, {conversation}"),
                }
                compared += 1;
            }
        }
        assert_eq!((compared, golden.rendered.len()), (17 * 13, 17));
    }

    #[test]
    fn tools_are_none_and_none_is_not_iterable() {
        let source = "{{ tools is none }} {{ tools is iterable }} {% if tools is iterable and tools|length > 0 %}tools{% endif %}";
        assert_eq!(of_one(source), text("True False "));
        // Templates from before tools were defined.
        let source = "{% if not tools is defined %}{% set tools = none %}{% endif %}{{ tools is not none }}";
        assert_eq!(of_one(source), text("False"));
        assert_eq!(
            of_one("{{ documents is iterable }} {{ nothing is iterable }} {{ [] is iterable }}"),
            text("False True True")
        );
    }

    #[test]
    fn a_token_that_a_base_does_not_have_is_undefined_and_writes_nothing() {
        assert_eq!(of_one("[{{ bos_token }}]{{ bos_token is defined }}"), text("[]False"));
    }

    #[test]
    fn a_date_is_that_of_the_run_and_no_other() {
        assert_eq!(of_one("{{ strftime_now('%d %b %Y') }}"), text("05 Nov 2026"));
        let undated =
            ChatTemplate::new("{{ strftime_now is defined }}{{ strftime_now('%d') }}", Today::default()).unwrap();
        let problem = undated.render(&[], &BTreeMap::new()).unwrap_err();
        assert_eq!(problem, "strftime_now: run.json has no prepared_at, and the template asks for a date (line 1)");
    }

    #[test]
    fn what_is_missing_is_named_and_the_prompt_is_not_quoted() {
        for (source, named) in [
            ("{{ messages[0].content|wordcount }}", "filter wordcount is unknown (line 1)"),
            ("\n{{ messages is callable }}", "test callable is unknown (line 2)"),
            ("{{ lipsum() }}", "lipsum is unknown (line 1)"),
            ("{{ messages[0].content.swapcase() }}", "string has no method named swapcase (line 1)"),
            ("{{ '%s' % 1 }}", "tried to use % operator on unsupported types string and number (line 1)"),
            ("{{ strftime_now('%f') }}", "strftime_now: `%f` is not supported (line 1)"),
            ("{{ nothing|tojson }}", "tojson: cannot write a value of type undefined (line 1)"),
            ("{{ raise_exception('No secrets here.') }}", "No secrets here. (line 1)"),
            ("{{ raise_exception('I refuse ' ~ messages[0].content) }}", "invalid operation (line 1)"),
        ] {
            let Rendered::Refused(problem) = of_one(source) else { panic!("{source}") };
            assert_eq!(problem, format!("the chat template refuses a prompt: {named}"));
        }
        for (source, named) in
            [("{% block a %}{% endblock %}", "unknown statement block"), ("{% if %}", "syntax error")]
        {
            let problem = ChatTemplate::new(source, Today::default()).map(|_| ()).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
