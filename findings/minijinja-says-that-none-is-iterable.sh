#!/usr/bin/env bash
# In minijinja `none is iterable` is true. In Jinja2 it is false.
#
# Chat templates ask `tools is iterable and tools|length > 0`, and transformers renders them with `tools` none where there are no tools. So a
# renderer on minijinja that passes `tools` as none, as transformers does, fails at `tools|length` on templates that worked without it.
#
# Run by hand. It installs pinned packages into a temporary folder, and fails if the behaviour is another one. It needs python3 and cargo.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TEMPLATE='{{ none is iterable }}|{% if tools is iterable and tools|length > 0 %}tools{% else %}no tools{% endif %}'

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jinja2==3.1.6
mkdir -p "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
minijinja = "=3.1.0"
TOML
cat >"$folder/src/main.rs" <<'RUST'
fn main() {
    let template = std::env::var("TEMPLATE").unwrap();
    let environment = minijinja::Environment::new();
    let rendered = environment.render_str(&template, minijinja::context! { tools => () });
    println!("{}", rendered.unwrap_or_else(|error| format!("error: {:?}", error.detail().unwrap_or_default())));
}
RUST
jinja2=$("$folder/venv/bin/python" -c 'import os, jinja2; print(jinja2.Template(os.environ["TEMPLATE"]).render(tools=None))')
minijinja=$(CARGO_TARGET_DIR="$folder/target" cargo run --quiet --manifest-path "$folder/Cargo.toml")
alone=$(TEMPLATE='{{ none is iterable }}' CARGO_TARGET_DIR="$folder/target" cargo run --quiet --manifest-path "$folder/Cargo.toml")

echo "jinja2 3.1.6, minijinja 3.1.0"
echo "template: $TEMPLATE, with tools none"
echo "  jinja2:    $jinja2"
echo "  minijinja: $minijinja; and of the first part alone: $alone"
echo "To minijinja none is iterable, so that the length of none is asked for."
[ "$jinja2" = 'False|no tools' ] && [ "$alone" = 'True' ] && [[ $minijinja == error:*'length'* ]]
