//! A model's tokenizer and chat template.

use std::path::Path;

use flywheel_core::training::Message;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::Value;
use tokenizers::Tokenizer;

use crate::failure::{Result, TrainerError};

/// Renders prompts as the model was taught to read them, and knows its tokens.
pub(crate) struct ChatTokenizer {
    tokenizer: Tokenizer,
    template: Environment<'static>,
    beginning: Option<String>,
    end: String,
    end_token: u32,
}

const TEMPLATE: &str = "chat";

impl ChatTokenizer {
    /// Reads `tokenizer.json` and `tokenizer_config.json`. Where the latter has no template, that of `chat_template.jinja` is taken.
    pub(crate) fn new(tokenizer: &[u8], config: &str, separate_template: Option<&str>, folder: &Path) -> Result<Self> {
        let path = folder.join("tokenizer.json");
        // tokenizers' messages are about the file's structure.
        let mut tokenizer =
            Tokenizer::from_bytes(tokenizer).map_err(|error| TrainerError::unusable(&path, error.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| TrainerError::unusable(&path, error.to_string()))?;
        let path = folder.join("tokenizer_config.json");
        let refuse = |problem: &str| TrainerError::unusable(&path, problem);
        let config: Value = serde_json::from_str(config).map_err(|error| refuse(&error.to_string()))?;
        let source = template_in(&config).or(separate_template);
        let source = source.ok_or_else(|| refuse("chat_template: is needed, here or in chat_template.jinja"))?;
        let end = special_token(&config["eos_token"]).ok_or_else(|| refuse("eos_token: is needed"))?;
        let end_token = tokenizer.token_to_id(&end).ok_or_else(|| refuse("eos_token: is not in tokenizer.json"))?;
        let beginning = special_token(&config["bos_token"]);
        let template = environment(source).map_err(|error| refuse(&format!("chat_template: {error}")))?;
        Ok(Self { tokenizer, template, beginning, end, end_token })
    }

    /// The tokens of a prompt, up to where the answer begins.
    pub(crate) fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let variables = context! {
            messages => Serde(messages),
            add_generation_prompt => true,
            bos_token => self.beginning.as_deref(),
            eos_token => self.end.as_str(),
        };
        let rendered = self.template.get_template(TEMPLATE).and_then(|template| template.render(variables));
        // Jinja's own messages may quote the prompt.
        let rendered = rendered
            .map_err(|error| TrainerError::Other(format!("the chat template refuses a prompt: {:?}", error.kind())))?;
        self.encode(&rendered)
    }

    /// The tokens of a prompt that is one text: what a user says.
    pub(crate) fn user_prompt(&self, text: &str) -> Result<Vec<u32>> {
        self.prompt(&[Message { role: "user".to_owned(), content: text.to_owned() }])
    }

    /// The tokens of an answer, with the one that ends it.
    pub(crate) fn completion(&self, text: &str) -> Result<Vec<u32>> {
        let mut tokens = self.encode(text)?;
        tokens.push(self.end_token);
        Ok(tokens)
    }

    /// The text of tokens that a model made.
    pub(crate) fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.tokenizer
            .decode(tokens, true)
            .map_err(|_| TrainerError::Other("the model's tokens cannot be decoded".to_owned()))
    }

    /// The token that ends an answer.
    pub(crate) fn end_token(&self) -> u32 {
        self.end_token
    }

    /// The largest token's number.
    pub(crate) fn largest_token(&self) -> u32 {
        self.tokenizer.get_vocab(true).into_values().max().unwrap_or_default()
    }

    // The template writes the special tokens, so that none is added.
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|_| TrainerError::Other("a text cannot be tokenised".to_owned()))?;
        Ok(encoding.get_ids().to_vec())
    }
}

/// The template itself, or the one that is called `default` in a list of them.
fn template_in(config: &Value) -> Option<&str> {
    let template = &config["chat_template"];
    let default = || template.as_array()?.iter().find(|named| named["name"] == "default")?["template"].as_str();
    template.as_str().or_else(default)
}

/// Written as a text, or as an object with its `content`.
fn special_token(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned)
}

/// Jinja as transformers sets it up for templates.
fn environment(source: &str) -> std::result::Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |_: String| {
        Err::<String, _>(Error::new(ErrorKind::InvalidOperation, "raised"))
    });
    environment.add_template_owned(TEMPLATE, source.to_owned())?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOKENIZER: &[u8] = include_bytes!("../../base/tokenizer.json");

    fn tokenizer(config: &Value, separate_template: Option<&str>) -> Result<ChatTokenizer> {
        ChatTokenizer::new(TOKENIZER, &config.to_string(), separate_template, Path::new("base"))
    }

    fn rendered(template: &str, messages: &[Message]) -> Result<String> {
        let config =
            json!({"eos_token": "<|im_end|>", "bos_token": {"content": "<|im_start|>"}, "chat_template": template});
        let tokenizer = tokenizer(&config, None)?;
        let tokens = tokenizer.prompt(messages)?;
        Ok(tokenizer.tokenizer.decode(&tokens, false).unwrap())
    }

    fn message(role: &str, content: &str) -> Message {
        Message { role: role.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn chatml_is_rendered() {
        let config: Value = serde_json::from_str(include_str!("../../base/tokenizer_config.json")).unwrap();
        let template = config["chat_template"].as_str().unwrap();
        let text = rendered(template, &[message("system", "Be brief."), message("user", "Fetch\nit.")]).unwrap();
        assert_eq!(
            text,
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nFetch\nit.<|im_end|>\n<|im_start|>assistant\n"
        );
    }

    #[test]
    fn templates_may_do_what_they_do_in_python() {
        let template = "{{ bos_token }}\n{%- for message in messages %}\n    {%- if message['role'] == 'tool' %}\n        \
                        {{- raise_exception('no tools') }}\n    {%- endif %}\n    {{- message.role.upper() + ':' + message['content'].strip() }}\n\
                        {%- endfor %}\n{% if add_generation_prompt %}ANSWER:{% endif %}";
        assert_eq!(rendered(template, &[message("user", "  hi ")]).unwrap(), "<|im_start|>USER:hiANSWER:");
        let error = rendered(template, &[message("tool", "my secret")]).unwrap_err().to_string();
        assert!(error.starts_with("the chat template refuses a prompt") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn an_answer_ends_and_nothing_is_added_before_it() {
        let tokenizer = tokenizer(&json!({"eos_token": "<|im_end|>", "chat_template": "x"}), None).unwrap();
        let tokens = tokenizer.completion("pier.orders").unwrap();
        assert_eq!(tokenizer.tokenizer.decode(&tokens, false).unwrap(), "pier.orders<|im_end|>");
        assert_eq!(tokenizer.decode(&tokens).unwrap(), "pier.orders");
    }

    #[test]
    fn a_template_may_be_one_of_many_or_in_a_file_of_its_own() {
        let many = json!({"eos_token": "<|im_end|>", "chat_template": [{"name": "rag", "template": "a"}, {"name": "default", "template": "b"}]});
        let first = |config: &Value, separate| tokenizer(config, separate).unwrap().prompt(&[]).unwrap();
        let b = first(&many, None);
        assert_eq!(first(&json!({"eos_token": "<|im_end|>"}), Some("b")), b);
        for (config, field) in [
            (json!({"eos_token": "<|im_end|>"}), "chat_template"),
            (json!({"chat_template": "b"}), "eos_token"),
            (json!({"chat_template": "b", "eos_token": "</s>"}), "eos_token"),
            (json!({"chat_template": "{% if", "eos_token": "<|im_end|>"}), "chat_template"),
        ] {
            let error = tokenizer(&config, None).map(|_| ()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("base/tokenizer_config.json: {field}")), "{error}");
        }
    }
}
