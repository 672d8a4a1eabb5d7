"""The running front door agrees with infra/openapi.yaml: each answer is described, and each described answer is given."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api_description import DESCRIPTION_FILE, JSON, Description
from cloud import LocalCloud
from making import feedback, gold, sized
from settings import REPOSITORY
from stack import Stack, raise_stack
from tools import program
from workflow import invoke

HERE = Path(__file__).parent
WITHIN_SECONDS = 300
CODES_OUT_OF_REACH = {
    "not_queueable": "SQS takes every message that the service sends, because the service has checked size and characters",
}
"""The service gives these codes, but no request to a stack provokes them. Tests of the handler do."""
STATUSES_OUT_OF_REACH = {
    "429": "the local cloud does not throttle",
    "500": "the local cloud answers 502 where a function fails",
    "503": "of /v1/health, which the service always answers, and the local cloud has no time-out",
}
"""API Gateway answers these by itself, and the local cloud does not."""

description = Description()


@dataclass(frozen=True)
class Answer:
    """An answer of the front door."""

    status: str
    headers: dict[str, str]
    body: object

    @property
    def codes(self) -> set[str]:
        """The codes in the answer, those of a batch's events included."""
        errors = [self.body, *self.body.get("errors", [])]
        return {error["error"]["code"] for error in errors if "error" in error}


@pytest.fixture(scope="module")
def front(template) -> Iterator[Stack]:
    """A stack of its own: the posts here count as edits, and one test removes its queue."""
    with LocalCloud("test-openapi", enforce_iam=True) as cloud:
        yield raise_stack(cloud, template, {"Threshold": "1000000", "Schedule": "rate(365 days)"})


def ask(stack: Stack, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
    """Sends a request over HTTP, with the stack's key and as JSON unless told otherwise. Texts and bytes are sent unchanged."""
    defaults = {"Host": stack.api_host, "Authorization": f"Bearer {stack.keys.ingest}", "Content-Type": JSON}
    sent = defaults | {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if body is None or isinstance(body, bytes | str) else json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", stack.cloud.port, timeout=60)
    try:
        connection.request(method, path, content, {name: value for name, value in sent.items() if value is not None})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(str(answer.status), named, json.loads(answer.read()))
    finally:
        connection.close()


def ask_function(stack: Stack, path: str, route: str, body: str) -> Answer:
    """Hands the function a request with a body in base64, as API Gateway does with bytes that are no text. The local cloud never does."""
    event = json.loads((REPOSITORY / "events" / "ingest.post-edit.json").read_text())
    event["headers"]["authorization"] = f"Bearer {stack.keys.ingest}"
    answer = invoke(stack, "Ingest", event | {"rawPath": path, "routeKey": route, "body": body, "isBase64Encoded": True})
    return Answer(str(answer["statusCode"]), answer["headers"], json.loads(answer["body"]))


@contextmanager
def queue_away(stack: Stack) -> Iterator[None]:
    """Points the service at a queue that does not exist."""
    client, name = stack.client("lambda"), stack.outputs["IngestFunctionName"]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    missing = variables | {"FLYWHEEL_EDITS_QUEUE_URL": variables["FLYWHEEL_EDITS_QUEUE_URL"] + "-away"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": missing})
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def check(response: dict, answer: Answer) -> None:
    """Holds an answer to the description of its status."""
    content_type = answer.headers["content-type"]
    assert content_type in response["content"], content_type
    assert description.errors(response["content"][content_type]["schema"], answer.body) == []
    for name, header in response.get("headers", {}).items():
        header, value = description.resolved(header), answer.headers.get(name.lower())
        assert value is not None or not header.get("required"), name
        if value is not None:
            typed = int(value) if header["schema"]["type"] == "integer" else value
            assert description.errors(header["schema"], typed) == [], (name, value)
    if answer.codes and answer.status != "207" and "x-codes" in response:
        assert answer.body["error"]["code"] in response["x-codes"]


def requests_to(stack: Stack, path: str) -> Iterator[Answer]:
    """Requests to one of the two endpoints for events: one for each status and code."""
    event = gold(kind="stars", rating=4)
    post = lambda body, **headers: ask(stack, "POST", path, body, **headers)
    yield post(event)
    yield post({"events": [event, {}]})
    yield post({"events": [{}, 7]})
    yield post(event, Authorization=None)
    yield post(event, Authorization="Bearer wrong")
    yield post(event, Content_Type="text/plain")
    yield post(sized(1_048_577).replace("{", '{"kind":"accept",', 1))
    yield post("{")
    yield post("[]")
    yield post({})
    yield post(event | {"prompt": None})
    yield post(event | {"prompt": ""})
    yield post(event | {"rating": 6})
    yield post(event | {"functions": [{"name": "f"}]})
    yield post({"events": [{}] * 501})
    yield post('{"kind":"accept","prompt":"p","prompt":"p","original_llm_output":"o","final_user_edit":"e"}')
    yield ask_function(stack, path, f"ANY {path}", base64.b64encode(b'{"prompt": "\xff"}').decode())
    yield ask_function(stack, path, f"ANY {path}", "%%%")
    with queue_away(stack):
        yield post(event)
        yield post({"events": [event, {}]})


def test_generated_requests_are_answered_as_described(front, tmp_path):
    report = tmp_path / "report.ndjson"
    command = [str(program("api", "schemathesis")), "--config-file", str(HERE / "schemathesis.toml"), "run", str(DESCRIPTION_FILE),
               "--report", "ndjson", "--report-ndjson-path", str(report), "--no-color"]
    told = {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"), "FLYWHEEL_API_ENDPOINT": front.cloud.endpoint,
            "FLYWHEEL_API_HOST": front.api_host, "FLYWHEEL_INGEST_KEY": front.keys.ingest}
    ran = subprocess.run(command, cwd=tmp_path, env=os.environ | told, capture_output=True, text=True, timeout=WITHIN_SECONDS)
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    sent = sent_by(report)
    for path in ("/v1/edits", "/v1/feedback"):
        assert sent[path, "positive", 202] > 50 and sent[path, "negative", 400] > 20 and sent[path, "negative", 422] > 20, sent
        assert not sent[path, "negative", 202], sent
    assert sent["/v1/health", "positive", 200], sent


def sent_by(report: Path) -> Counter[tuple[str, str, int]]:
    """Counts the requests by path, by mode (`positive` for valid ones, `negative` for invalid ones) and by the status of the answer."""
    sent: Counter[tuple[str, str, int]] = Counter()
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
        for case, exchange in recorder.get("interactions", {}).items():
            meta = recorder["cases"][case]["value"].get("meta")
            if meta and exchange.get("response"):
                path = recorder["cases"][case]["value"]["path"]
                sent[path, meta["generation"]["mode"], exchange["response"]["status_code"]] += 1
    return sent


def test_documented_examples_are_answered_as_documented(front):
    for operation in description.operations:
        responses = description.responses(operation)
        examples = operation.content.get("requestBody", {"content": {JSON: {"examples": {}}}})["content"][JSON]["examples"]
        for name, example in examples.items():
            answer = ask(front, operation.method, operation.path, example["value"])
            documented = {status: response["content"][JSON]["examples"][name]["value"]
                          for status, response in responses.items() if name in response["content"][JSON]["examples"]}
            assert documented == {answer.status: answer.body}, f"{operation.label}: {name}"


def test_every_described_status_and_code_is_reached(front):
    answers = {"GET /v1/health": [ask(front, "GET", "/v1/health", Authorization=None, Content_Type=None)]}
    answers |= {f"POST {path}": list(requests_to(front, path)) for path in ("/v1/edits", "/v1/feedback")}
    missed, codes = set(), set()
    for operation in description.operations:
        responses = description.responses(operation)
        for answer in answers[operation.label]:
            assert answer.status in responses, f"{operation.label}: {answer}"
            check(responses[answer.status], answer)
            codes |= answer.codes
        for status in set(responses) - {answer.status for answer in answers[operation.label]}:
            assert responses[status]["x-answered-by"] == "api-gateway", f"{operation.label}: {status} is not reached"
            missed.add(status)
    for place, status, response in description.responses_apart():
        for answer in answers_apart(front, place):
            assert answer.status == status, f"{place}: {answer}"
            check(response, answer)
            codes |= answer.codes
    assert set(description.schemas["ErrorCode"]["enum"]) - codes == set(CODES_OUT_OF_REACH)
    assert missed == set(STATUSES_OUT_OF_REACH)


def answers_apart(stack: Stack, place: str) -> Iterator[Answer]:
    """Answers to wrong methods on a path, or to other paths: by API Gateway, and by the service behind a route that names no path."""
    if place == "other paths":
        yield from (ask(stack, "POST", path, {}) for path in ("/", "/v1", "/v1/edits/1", "/v2/edits"))
        yield ask_function(stack, "/v1/other", "$default", "")
        return
    right = next(operation.method for operation in description.operations if operation.path == place)
    yield from (ask(stack, method, place, feedback("copy")) for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method != right)
