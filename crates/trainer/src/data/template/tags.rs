//! Rewrites tags that minijinja lacks or reads differently.
//!
//! `{% generation %}` marks the model's output, for training on nothing else. It renders as its body in a scope of its own, as
//! `{% with %}` does. After `{% raw %}` Jinja2 keeps the line end; minijinja needs `+` for that.

/// Rewrites a template into minijinja's tags. White space and the effect of `-` on it stay unchanged.
pub(super) fn rewritten(source: &str) -> String {
    let (mut rewritten, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(start) = rest.find('{') {
        let (text, tag) = rest.split_at(start);
        rewritten.push_str(text);
        let end = match tag.as_bytes().get(1) {
            Some(b'#') => tag.find("#}").map(|end| end + 2),
            Some(b'{') => end_of(tag, "}}"),
            Some(b'%') => {
                rest = block(tag, &mut rewritten);
                continue;
            }
            _ => Some(1),
        };
        let (tag, after) = tag.split_at(end.unwrap_or(tag.len()));
        rewritten.push_str(tag);
        rest = after;
    }
    rewritten + rest
}

/// Copies a `{% … %}`, or a raw block as a whole, and returns the rest.
fn block<'s>(tag: &'s str, rewritten: &mut String) -> &'s str {
    let after_sign = tag[2..].trim_start_matches(['-', '+']);
    let named = after_sign.trim_start();
    let name = named.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    let renamed = match name {
        "generation" => "with",
        "endgeneration" => "endwith",
        name => name,
    };
    let (sign, after_name) = (&tag[..tag.len() - named.len()], &named[name.len()..]);
    let (arguments, after) = after_name.split_at(end_of(after_name, "%}").unwrap_or(after_name.len()));
    if name != "raw" {
        rewritten.extend([sign, renamed, arguments]);
        return after;
    }
    let keeps_line_end = if arguments.trim() == "%}" { " +%}" } else { arguments };
    let (raw, after) = after.split_at(after.find("endraw").unwrap_or(after.len()));
    rewritten.extend([sign, renamed, keeps_line_end, raw]);
    after
}

/// Returns the position after a tag's end, ignoring ends inside of string literals.
fn end_of(tag: &str, end: &str) -> Option<usize> {
    let (mut quote, mut is_escaped) = (None, false);
    for (index, letter) in tag.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if letter == '\\' => is_escaped = true,
            Some(opened) if letter == opened => quote = None,
            Some(_) => {}
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None if tag[index..].starts_with(end) => return Some(index + end.len()),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_rewritten_where_it_is_one() {
        for (source, expected) in [
            ("a{% generation %}b{% endgeneration %}c", "a{% with %}b{% endwith %}c"),
            ("{%- generation -%} x {%+ endgeneration +%}", "{%- with -%} x {%+ endwith +%}"),
            ("{% raw %}\n{% generation %}{% endraw %}\n", "{% raw +%}\n{% generation %}{% endraw %}\n"),
            ("{%generation%}{%\n endgeneration\n%}", "{%with%}{%\n endwith\n%}"),
        ] {
            assert_eq!(rewritten(source), expected);
        }
        for same in [
            "{% if generation %}{{ generation }}{% endif %}",
            "{# {% generation %} #}",
            "{{ '{% generation %}' }}",
            r#"{{ "\"{% generation %}" }}"#,
            "{% set a = '%}{% generation %}' %}",
            "{%- raw -%}{% generation %}{%- endraw -%}",
            "{% generations %} generation { % generation %",
            "{% if",
            "{{",
            "",
        ] {
            assert_eq!(rewritten(same), same);
        }
    }
}
