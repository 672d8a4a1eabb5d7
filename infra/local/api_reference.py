"""Renders infra/openapi.yaml into docs/API.md.

    api_reference.py            writes the page
    api_reference.py --check    writes nothing; fails if the page is stale
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import generated
from api_description import JSON, Description, Operation
from progress import Problem, run_main
from settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "API.md"
MADE_FROM = "<!-- Made from infra/openapi.yaml by `make api-reference`. Change that file, not this one. -->"
ANSWERED_BY = {"service": "service", "api-gateway": "API Gateway", "both": "either"}


def rendered(description: Description) -> str:
    """The page."""
    info = description.document["info"]
    lines = [MADE_FROM, "# The API", "", info["summary"], "", info["description"].strip(), "", "## Endpoints",
             "| endpoint | what it does | key |", "|---|---|---|"]
    for operation in description.operations:
        key = "no" if operation.content.get("security") == [] else "yes"
        lines.append(f"| [`{operation.label}`](#{anchor(operation.label)}) | {operation.content['summary']} | {key} |")
    lines += ["", "The whole description in OpenAPI 3.1 is [infra/openapi.yaml](../infra/openapi.yaml). Generate clients from it."]
    for operation in description.operations:
        lines += ["", *endpoint(description, operation)]
    lines += ["", *other_answers(description), "", *error_codes(description), "", *schemas(description)]
    return "\n".join(lines) + "\n"


def endpoint(description: Description, operation: Operation) -> Iterator[str]:
    yield f"### {operation.label}"
    yield operation.content["description"]
    responses = description.responses(operation)
    if body := operation.content.get("requestBody"):
        content = body["content"][JSON]
        yield f"\nBody: `{JSON}`, {typed(description, content['schema'])}. {body['description']}"
        for name, example in content["examples"].items():
            yield f"\n{example['summary']}:"
            yield from curl(operation, example["value"])
            yield from answer_to(name, responses)
    else:
        yield "```sh"
        yield f'curl -i "$FLYWHEEL_API_URL{operation.path}"'
        yield "```"
        yield from answer_to(next(iter(responses["200"]["content"][JSON]["examples"])), responses)
    yield "\n| status | from | body | when |"
    yield "|---|---|---|---|"
    for status, response in responses.items():
        yield answer_row(description, status, response)


def curl(operation: Operation, value: object) -> Iterator[str]:
    yield "```sh"
    yield f"curl -i \"$FLYWHEEL_API_URL{operation.path}\" -H \"Authorization: Bearer $FLYWHEEL_INGEST_KEY\" -H 'Content-Type: {JSON}' -d @- <<'BODY'"
    yield indented(value)
    yield "BODY"
    yield "```"


def answer_to(name: str, responses: dict[str, dict]) -> Iterator[str]:
    """The answer to the request example of that name."""
    for status, response in responses.items():
        if example := response["content"][JSON]["examples"].get(name):
            yield f"The answer is {status}:"
            yield "```json"
            yield indented(example["value"])
            yield "```"


def answer_row(description: Description, status: str, response: dict) -> str:
    codes = "".join(f" `{code}`" for code in response.get("x-codes", []))
    when = response["description"].strip() + (f" Codes:{codes}." if codes else "")
    headers = "".join(f" Header `{name}`: {description.resolved(header)['description']}" for name, header in response.get("headers", {}).items())
    body = typed(description, response["content"][JSON]["schema"])
    return f"| {status} | {ANSWERED_BY[response['x-answered-by']]} | {body} | {when}{headers} |"


def other_answers(description: Description) -> Iterator[str]:
    yield "### Other methods and paths"
    yield "| on | status | from | body | when |"
    yield "|---|---|---|---|---|"
    for place, status, response in description.responses_apart():
        on = f"`{place}`" if place.startswith("/") else place
        yield f"| {on} {answer_row(description, status, response)}"


def error_codes(description: Description) -> Iterator[str]:
    yield "## Error codes"
    yield "| code | status | meaning |"
    yield "|---|---|---|"
    statuses: dict[str, set[str]] = {}
    found = [pair for operation in description.operations for pair in description.responses(operation).items()]
    found += [(status, response) for _, status, response in description.responses_apart()]
    for status, response in found:
        for code in response.get("x-codes", []):
            statuses.setdefault(code, set()).add(status)
    for code, meaning in description.schemas["ErrorCode"]["x-enum-descriptions"].items():
        yield f"| `{code}` | {', '.join(sorted(statuses[code]))} | {meaning} |"
    yield "\nIn a batch, the same codes stand in `errors`, under the status of the whole request."
    yield "\nBodies of errors, by status:"
    bodies = {f"- {status}: `{json.dumps(example['value'])}`": None for status, response in sorted(found, key=lambda pair: pair[0]) if status >= "400"
              for example in response["content"][JSON]["examples"].values()}
    yield from bodies


# -- schemas ----------------------------------------------------------------------------------------------------------------


def schemas(description: Description) -> Iterator[str]:
    yield "## Schemas"
    yield "Fields without “required” may be left out."
    for name, schema in description.schemas.items():
        if has_section(schema):
            yield f"\n### {name}"
            yield schema["description"]
            yield from section(description, schema)


def has_section(schema: dict) -> bool:
    """Objects and choices have a section of their own. Texts and numbers are described where they are used."""
    return "properties" in schema or "allOf" in schema or "anyOf" in schema


def section(description: Description, schema: dict) -> Iterator[str]:
    if variants := schema.get("anyOf"):
        yield "One of:"
        yield from (f"- {typed(description, variant)}" for variant in variants)
    for part in schema.get("allOf", []):
        if "$ref" in part:
            yield f"It has the fields of {typed(description, part)}, and:"
    own = [schema, *(part for part in schema.get("allOf", []) if "$ref" not in part)]
    rows = [row for part in own for row in fields(description, part)]
    if rows:
        yield from ["", "| field | | type | |", "|---|---|---|---|", *rows]


def fields(description: Description, schema: dict) -> Iterator[str]:
    required = schema.get("required", [])
    unsupported = []
    for name, field in schema.get("properties", {}).items():
        if field.get("$ref") == "#/components/schemas/Nothing":
            unsupported.append(f"`{name}`")
            continue
        text = field.get("description") or description.resolved(field).get("description", "")
        yield f"| `{name}` | {'required' if name in required else ''} | {typed(description, field)} | {text} |"
    if unsupported:
        yield f"| {', '.join(unsupported)} | | nothing: `null`, `\"\"`, `[]` or `{{}}` | {description.schemas['Nothing']['description']} |"


def typed(description: Description, schema: dict) -> str:
    """A schema in words: its type, and its bounds."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        target = description.resolved(schema)
        if has_section(target):
            return f"[{name}](#{name.lower()})" + (" or null" if "null" in target.get("type", "") else "")
        return typed(description, target)
    for key, joint in (("anyOf", "; or "), ("oneOf", " or "), ("allOf", " with ")):
        if key in schema:
            return joint.join(typed(description, part) for part in schema[key])
    if "not" in schema:
        return "no " + " and ".join(f"`{name}`" for name in schema["not"]["required"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of [the codes](#error-codes)" if "x-enum-descriptions" in schema else ", ".join(f"`{'null' if value is None else value}`" for value in schema["enum"])
    return plain_type(description, schema)


def plain_type(description: Description, schema: dict) -> str:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    names = {"string": "text", "integer": "whole number", "array": "list", "object": "map", "boolean": "true or false", "null": "null"}
    words = names[types[0]]
    if items := schema.get("items"):
        words += f" of {typed(description, items)}"
    if values := schema.get("additionalProperties"):
        words += f" of texts, each {bounds(description.resolved(values))}"
    limits = "instant in RFC 3339" if schema.get("format") == "date-time" else bounds(schema)
    return " or ".join([f"{words}, {limits}" if limits else words, *(names[name] for name in types[1:])])


def bounds(schema: dict) -> str:
    for low, high, unit in (("minLength", "maxLength", " characters"), ("minimum", "maximum", ""), ("minItems", "maxItems", " items"),
                            ("minProperties", "maxProperties", " entries")):
        least, most = schema.get(low), schema.get(high)
        if most is not None:
            return f"at most {most}{unit}" if least is None else f"{least} to {most}{unit}"
        if least is not None:
            return "not empty" if unit else f"at least {least}"
    return ""


def indented(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return "".join(letter for letter in heading.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def main() -> int:
    outdated = Problem("docs/API.md is not what infra/openapi.yaml says", "make api-reference")
    generated.write(PAGE, rendered(Description()), "--check" in sys.argv[1:], outdated)
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
