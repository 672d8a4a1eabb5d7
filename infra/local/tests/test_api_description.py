"""The description of the API, without a stack: it is valid, it fits the samples and the code, and docs/API.md is made from it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

import api_reference
from api_description import DESCRIPTION_FILE, JSON, Description
from settings import REPOSITORY
from tools import program

EVENTS = REPOSITORY / "events"
REFUSED_IN_BATCHES = {"ingest.post-batch.json": [2], "ingest.post-feedback-batch.json": [1]}
"""The events of a sample that the front door refuses, as events/README.md says."""
BEYOND_SCHEMAS = {33: "half a surrogate pair in an id"}
"""Lines of events/demo/bad.jsonl that are refused for a reason that JSON Schema cannot express."""

FIELDS_OF_VARIANTS = {"final_user_edit", "kind", "rating", "comment"}
"""The fields of edits and of kinds of feedback, beside those that all events have."""

description = Description()


def request_schema(path: str) -> dict:
    (operation,) = (operation for operation in description.operations if operation.path == path)
    return operation.content["requestBody"]["content"][JSON]["schema"]


def event_schema(path: str) -> dict:
    return {"/v1/edits": description.schemas["EditEvent"], "/v1/feedback": description.schemas["FeedbackEvent"]}[path]


def parsed(text: str) -> object:
    """JSON as the service reads it: without NaN."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def lines(file: Path) -> list[str]:
    return [line for line in file.read_text().split("\n") if line]


def source(name: str) -> str:
    """A Rust file by its name, wherever it is in the core."""
    (file,) = (REPOSITORY / "crates").glob(f"*/src/**/{name}")
    return file.read_text()


def strings(rust: str, constant: str) -> set[str]:
    """The items of a constant list of strings."""
    (items,) = re.findall(rf"const {constant}: \[&str; \d+\] = \[(.*?)\];", rust, re.DOTALL)
    return set(re.findall(r'"(\w+)"', re.sub(r"//.*", "", items)))


def test_the_page_is_made_from_the_description():
    assert api_reference.PAGE.read_text() == api_reference.rendered(description), "stale: make api-reference"


def test_the_description_is_valid():
    validator = [str(program("api", "python")), "-m", "openapi_spec_validator", str(DESCRIPTION_FILE)]
    ran = subprocess.run(validator, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("file", sorted(EVENTS.glob("ingest.post-*.json")), ids=lambda file: file.name)
def test_samples_fit_the_description(file):
    event = json.loads(file.read_text())
    body = base64.b64decode(event["body"]).decode() if event["isBase64Encoded"] else event["body"]
    path, body = event["routeKey"].split(" ")[1], json.loads(body)
    refused = REFUSED_IN_BATCHES.get(file.name, [])
    assert bool(description.errors(request_schema(path), body)) == bool(refused)
    items = body.get("events", [body])
    assert [index for index, item in enumerate(items) if description.errors(event_schema(path), item)] == refused


@pytest.mark.parametrize("file", sorted(set((EVENTS / "demo").glob("*.jsonl")) - {EVENTS / "demo" / "bad.jsonl"}), ids=lambda file: file.name)
def test_good_events_of_the_demo_fit_the_description(file):
    for line in lines(file):
        event = parsed(line)
        path = "/v1/feedback" if event.get("kind") else "/v1/edits"
        assert description.errors(request_schema(path), event) == [], line


def test_bad_bodies_of_the_demo_do_not_fit():
    fitting = []
    for number, line in enumerate(lines(EVENTS / "demo" / "bad.jsonl"), 1):
        try:
            body = parsed(line)
        except ValueError:
            continue
        if not description.errors(request_schema("/v1/edits"), body):
            fitting.append(number)
    assert fitting == list(BEYOND_SCHEMAS)


def test_examples_fit_their_schemas():
    misfits = lambda content: [name for name, example in content["examples"].items() if description.errors(content["schema"], example["value"])]
    for operation in description.operations:
        if "requestBody" in operation.content:
            assert misfits(operation.content["requestBody"]["content"][JSON]) == ["batch"], "one of its events is to be refused"
    responses = [response for operation in description.operations for response in description.responses(operation).values()]
    responses += [response for _, _, response in description.responses_apart()]
    assert [misfits(response["content"][JSON]) for response in responses] == [[]] * len(responses)


def test_every_route_of_the_stack_is_described():
    template = (REPOSITORY / "infra" / "template.yaml").read_text()
    routes = set(re.findall(r"RouteKey: ANY (/\S+)", template))
    assert routes == {operation.path for operation in description.operations} and len(routes) == template.count("RouteKey:")


def test_error_codes_are_those_of_the_code():
    refusals = set(re.findall(r'Self::\w+ => "(\w+)"', source("refusal.rs")))
    response = (REPOSITORY / "functions" / "ingest" / "src" / "response.rs").read_text()
    answers = set(re.findall(r'(?:refused\(\d+, |error\()"(\w+)"', response))
    code = description.schemas["ErrorCode"]
    # A read is answered with 202.
    assert set(code["enum"]) == (refusals | answers) - {"only_read"} and len(refusals) > 10 and len(answers) > 5
    assert list(code["x-enum-descriptions"]) == code["enum"]


def test_fields_and_limits_are_those_of_the_code():
    schemas = description.schemas
    nothing = lambda name: {field for field, schema in schemas[name]["properties"].items() if schema.get("$ref", "").endswith("/Nothing")}
    edit_event, message, feedback = source("edit_event.rs"), (REPOSITORY / "crates/event/src/message.rs").read_text(), source("feedback.rs")
    assert nothing("Event") == strings(edit_event, "UNSUPPORTED") and nothing("ChatMessage") == strings(message, "UNSUPPORTED")
    assert nothing("Batch") == strings(edit_event, "FIELDS") == set(schemas["Event"]["properties"]) | FIELDS_OF_VARIANTS
    assert set(schemas["ChatMessage"]["properties"]["role"]["enum"]) == strings(message, "ROLES")
    variants = [schemas[name]["allOf"][1]["properties"]["kind"] for name in ("StarRating", "FilledForm", "WrittenComment", "Reaction")]
    kinds = {kind for variant in variants for kind in variant.get("enum", [variant.get("const")])}
    assert kinds == set(re.findall(r'Self::\w+ => "(\w+)"', feedback))
    number = lambda rust, name: int(re.search(rf"const {name}: \w+ = ([\d_]+);", rust)[1])
    assert schemas["Event"]["properties"]["context"]["maxProperties"] == number(edit_event, "MAX_CONTEXT_ENTRIES")
    assert schemas["Id"]["maxLength"] == schemas["Label"]["maxLength"] == number(source("fields.rs"), "MAX_LABEL_CHARS")
    limits = (REPOSITORY / "crates/event/src/limits.rs").read_text()
    assert schemas["Content"]["anyOf"][1]["maxItems"] == number(limits, "MAX_PARTS")
    assert schemas["CallsOfTools"]["properties"]["tool_calls"]["maxItems"] == number(limits, "MAX_TOOL_CALLS")
    assert schemas["Event"]["properties"]["tools"]["maxItems"] == number(limits, "MAX_TOOLS")
    for name in ("MAX_ARGUMENTS_BYTES", "MAX_TOOLS_BYTES", "MAX_JSON_DEPTH"):
        assert f"{number(limits, name):,}" in description.document["info"]["description"], name
    assert schemas["Stars"]["maximum"] == number(feedback, "MOST_STARS")
    for name in ("EditBatch", "FeedbackBatch"):
        assert schemas[name]["properties"]["events"]["maxItems"] == number(source("submission.rs"), "MAX_EVENTS")
