//! A model's tokenizer and chat template.

use std::collections::BTreeMap;
use std::path::Path;

use flywheel_training::Message;
use serde_json::Value;
use tokenizers::Tokenizer;

use super::template::{ChatTemplate, Today};
use super::tokenizer::{Loaded, TokenizerFiles};
use crate::failure::{Result, TrainerError};

/// Renders prompts with the model's chat template and tokenizes them.
pub(crate) struct ChatTokenizer {
    tokenizer: Tokenizer,
    template: ChatTemplate,
    /// The named special tokens, such as `bos_token`.
    named: BTreeMap<String, String>,
    end_token: u32,
}

impl ChatTokenizer {
    /// Builds the tokenizer from a base's files in `folder`. `today` is the date for templates.
    pub(crate) fn new(files: &TokenizerFiles<'_>, today: Today, folder: &Path) -> Result<Self> {
        let Loaded { tokenizer, named, config } = files.load(folder)?;
        let path = folder.join("tokenizer_config.json");
        let refuse = |problem: &str| TrainerError::unusable(&path, problem);
        let source = files.chat_template.or_else(|| template_in(&config));
        let source = source.ok_or_else(|| refuse("chat_template: is needed, here or in chat_template.jinja"))?;
        let end = named.get("eos_token").ok_or_else(|| refuse("eos_token: is needed"))?;
        let end_token = tokenizer.token_to_id(end).ok_or_else(|| refuse("eos_token: is not in tokenizer.json"))?;
        let template = ChatTemplate::new(source, today);
        let template = template.map_err(|problem| refuse(&format!("chat_template: {problem}")))?;
        Ok(Self { tokenizer, template, named, end_token })
    }

    /// Returns the tokens of a prompt, up to where the answer begins; at least one.
    pub(crate) fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let refuse = |problem: &str| TrainerError::Other(format!("the chat template refuses a prompt: {problem}"));
        let tokens = self.encode(&self.template.render(messages, &self.named).map_err(|problem| refuse(&problem))?)?;
        if tokens.is_empty() { Err(refuse("it renders it as nothing")) } else { Ok(tokens) }
    }

    /// Returns the tokens of a prompt that is one user message.
    pub(crate) fn user_prompt(&self, text: &str) -> Result<Vec<u32>> {
        self.prompt(&[Message { role: "user".to_owned(), content: text.to_owned() }])
    }

    /// Returns the tokens of an answer, with the one that ends it.
    pub(crate) fn completion(&self, text: &str) -> Result<Vec<u32>> {
        let mut tokens = self.encode(text)?;
        tokens.push(self.end_token);
        Ok(tokens)
    }

    /// Returns the text of generated tokens.
    pub(crate) fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.tokenizer
            .decode(tokens, true)
            .map_err(|_| TrainerError::Other("the model's tokens cannot be decoded".to_owned()))
    }

    /// Returns the token that ends an answer.
    pub(crate) fn end_token(&self) -> u32 {
        self.end_token
    }

    /// Returns the largest token id.
    pub(crate) fn largest_token(&self) -> u32 {
        self.tokenizer.get_vocab(true).into_values().max().unwrap_or_default()
    }

    // The template writes the special tokens, so the tokenizer adds none.
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|_| TrainerError::Other("a text cannot be tokenised".to_owned()))?;
        Ok(encoding.get_ids().to_vec())
    }
}

/// Returns the template, or the one called `default` in a list.
fn template_in(config: &Value) -> Option<&str> {
    let template = &config["chat_template"];
    let default = || template.as_array()?.iter().find(|named| named["name"] == "default")?["template"].as_str();
    template.as_str().or_else(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOKENIZER: &str = include_str!("../../base/tokenizer.json");

    fn tokenizer(config: &Value, chat_template: Option<&str>) -> Result<ChatTokenizer> {
        let config = config.to_string();
        let files =
            TokenizerFiles { tokenizer: TOKENIZER, config: &config, chat_template, ..TokenizerFiles::default() };
        ChatTokenizer::new(&files, Today::default(), Path::new("base"))
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
        assert_eq!(error, "the chat template refuses a prompt: no tools (line 4)");
    }

    #[test]
    fn an_answer_ends_and_nothing_is_added_before_it() {
        let tokenizer = tokenizer(&json!({"eos_token": "<|im_end|>", "chat_template": "x"}), None).unwrap();
        let tokens = tokenizer.completion("pier.orders").unwrap();
        assert_eq!(tokenizer.tokenizer.decode(&tokens, false).unwrap(), "pier.orders<|im_end|>");
        assert_eq!(tokenizer.decode(&tokens).unwrap(), "pier.orders");
    }

    #[test]
    fn a_prompt_of_no_token_is_refused() {
        let error = rendered("{{ nothing }}", &[message("user", "hi")]).unwrap_err().to_string();
        assert_eq!(error, "the chat template refuses a prompt: it renders it as nothing");
    }

    #[test]
    fn a_template_may_be_one_of_many_or_in_a_file_of_its_own() {
        let many = json!({"eos_token": "<|im_end|>", "chat_template": [{"name": "rag", "template": "a"}, {"name": "default", "template": "b"}]});
        let first = |config: &Value, separate| tokenizer(config, separate).unwrap().prompt(&[]).unwrap();
        let b = first(&many, None);
        assert_eq!(first(&json!({"eos_token": "<|im_end|>"}), Some("b")), b);
        // The file takes precedence, as it does when the base is served.
        assert_eq!(first(&many, Some("a")), first(&json!({"eos_token": "<|im_end|>"}), Some("a")));
        for (config, field) in [
            (json!({"eos_token": "<|im_end|>"}), "chat_template"),
            (json!({"chat_template": "b"}), "eos_token"),
            (json!({"chat_template": "{% if", "eos_token": "<|im_end|>"}), "chat_template"),
        ] {
            let error = tokenizer(&config, None).map(|_| ()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("base/tokenizer_config.json: {field}")), "{error}");
        }
    }
}
