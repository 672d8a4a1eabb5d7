"""The API over HTTP, as any client sees it."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.request
from urllib.parse import urlsplit

import pytest

from making import feedback, gold, sized
from settings import REPOSITORY
from workflow import invoke

MEBIBYTE = 1_048_576


def post(stack, body, **headers):
    defaults = {"Authorization": f"Bearer {stack.keys.ingest}", "Content-Type": "application/json"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in (defaults | given).items() if value is not None}
    status, answer = stack.request("POST", "/v1/edits", body, sent)
    return status, json.loads(answer)


def test_the_minimal_payload_works_exactly_as_it_is(stack):
    minimal = ('{"prompt": "Write a python function", "original_llm_output": "def foo(): pass", '
               '"final_user_edit": "def calculate_tax(): return 0.2"}')
    status, answer = post(stack, minimal)
    assert (status, answer["accepted"], len(answer["event_ids"])) == (202, 1, 1)
    assert post(stack, minimal) == (202, answer), "a client that retries gets the same id"


def test_it_works_with_curl(stack):
    command = ["curl", "--silent", "--show-error", f"{stack.api_url}/v1/edits",
               "--header", f"Authorization: Bearer {stack.keys.ingest}", "--header", "Content-Type: application/json",
               "--data", json.dumps(gold())]
    assert json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["accepted"] == 1


def test_it_works_with_a_client_that_resolves_no_localhost_names(stack):
    request = urllib.request.Request(f"{stack.api_url}/v1/edits", json.dumps(gold()).encode(), method="POST", headers={
        "Authorization": f"Bearer {stack.keys.ingest}", "Content-Type": "application/json"})
    assert urlsplit(stack.api_url).hostname == "127.0.0.1"
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert (answer.status, json.loads(answer.read())["accepted"]) == (202, 1)


def test_health_needs_no_key(stack):
    assert stack.request("GET", "/v1/health")[0] == 200


@pytest.mark.parametrize("authorization", [None, "", "Bearer ", "Bearer wrong", "Basic abc"])
def test_without_a_valid_key_nothing_is_taken(stack, authorization):
    status, answer = post(stack, json.dumps(gold()), Authorization=authorization)
    assert (status, answer["error"]["code"]) == (401, "unauthorized")


def test_wrong_methods_and_paths(stack):
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        assert stack.request(method, "/v1/edits")[0] == 405, method
    assert stack.request("POST", "/v1/health")[0] == 405
    for path in ("/", "/v1", "/v1/edits/1", "/v2/edits"):
        assert stack.request("POST", path, "{}")[0] == 404, path


def test_feedback_has_an_endpoint_of_its_own(stack):
    def post_feedback(event):
        return stack.post_raw(json.dumps(event), "/v1/feedback")

    status, answer = post_feedback(feedback("thumbs_down"))
    assert (status, answer["accepted"]) == (202, 1)
    assert post_feedback({"kind": "read"}) == (202, {"accepted": 0, "event_ids": [], "reads": 1})
    status, answer = post_feedback(feedback("stars", rating=9))
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (400, "invalid_value", "rating")
    status, answer = post_feedback(gold())
    assert (status, answer["error"]["field"]) == (400, "kind")
    status, answer = stack.post_edits(feedback("accept"))
    assert (status, answer["error"]["field"]) == (400, "final_user_edit")
    status, answer = post_feedback({"events": [feedback("copy"), {"kind": "read"}, feedback("applause")]})
    assert (status, answer["accepted"], answer["reads"], answer["errors"][0]["index"]) == (207, 1, 1, 2)
    assert stack.request("POST", "/v1/feedback", "{}")[0] == 401
    assert stack.request("GET", "/v1/feedback")[0] == 405


def test_wrong_content_type(stack):
    assert post(stack, json.dumps(gold()), Content_Type="text/plain")[0] == 415
    assert post(stack, json.dumps(gold()), Content_Type="application/json; charset=utf-16")[0] == 415
    assert post(stack, json.dumps(gold()), Content_Encoding="gzip")[0] == 415
    assert post(stack, json.dumps(gold()), Content_Type="application/json; charset=utf-8")[0] == 202


@pytest.mark.parametrize(("body", "code", "field"), [
    ("", "malformed_json", None),
    ("{", "malformed_json", None),
    ("[]", "wrong_type", "body"),
    ("{}", "missing_field", "prompt"),
    (json.dumps(gold() | {"prompt": None}), "null_field", "prompt"),
    (json.dumps(gold() | {"final_user_edit": ""}), "empty_field", "final_user_edit"),
    (json.dumps(gold() | {"original_llm_output": 7}), "wrong_type", "original_llm_output"),
    (json.dumps(gold() | {"occurred_at": "today"}), "invalid_value", "occurred_at"),
    (json.dumps(gold() | {"thread_id": "\ud83d"}), "invalid_value", "thread_id"),
    (json.dumps(gold() | {"functions": [{"name": "f"}]}), "unsupported_field", "functions"),
    (json.dumps(gold() | {"tools": [{"type": "function"}]}), "missing_field", "tools[0].function"),
    (json.dumps(gold() | {"prompt": [{"role": "user", "content": [{"type": "video"}]}]}), "invalid_value", "prompt[0].content[0].type"),
    (json.dumps(gold() | {"score": float("nan")}), "malformed_json", "score"),
    (json.dumps({"events": [gold()] * 501}), "too_many_events", "events"),
    (json.dumps({"events": [gold()], "prompt": "outer"}), "unsupported_field", "prompt"),
])
def test_bad_bodies_are_refused_by_code_and_field(stack, body, code, field):
    status, answer = post(stack, body)
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (400, code, field)
    assert answer["error"]["message"]


def test_a_batch_is_taken_as_far_as_it_is_good(stack):
    status, answer = stack.post_edits({"events": [gold(), {"prompt": "p"}, gold(), 7]})
    assert (status, answer["accepted"]) == (207, 2)
    assert [error["index"] for error in answer["errors"]] == [1, 3]
    assert stack.post_edits({"events": [{}, 7]})[0] == 422
    status, answer = stack.post_edits({"events": [gold() for _ in range(500)]})
    assert (status, answer["accepted"], len(set(answer["event_ids"]))) == (202, 500, 500)


def test_one_bad_character_refuses_no_batch(stack):
    half = gold() | {"final_user_edit": gold()["final_user_edit"] + "\ud83d"}
    events = [gold(), half, gold() | {"ignored": {"score": float("nan")}}, gold() | {"event_id": "\udc00"}, gold()]
    status, answer = post(stack, json.dumps({"events": events}))
    assert (status, answer["accepted"]) == (207, 3)
    named = [(error["index"], error["error"]["field"]) for error in answer["errors"]]
    assert named == [(2, "ignored.score"), (3, "event_id")]
    assert post(stack, json.dumps(half)) == (202, {"accepted": 1, "event_ids": [answer["event_ids"][1]]})


def test_the_limit_is_one_mebibyte(stack):
    assert post(stack, sized(MEBIBYTE - 1))[0] == 202
    assert post(stack, sized(MEBIBYTE))[0] == 202
    status, answer = post(stack, sized(MEBIBYTE + 1))
    assert (status, answer["error"]["code"]) == (413, "too_large")


def test_requests_under_a_base_path_are_answered(stack):
    """API Gateway maps a custom domain's base path to the API. The request goes to the function itself: the local cloud has no such domain."""
    event = json.loads((REPOSITORY / "events" / "ingest.post-edit-mapped.json").read_text())
    event["headers"]["authorization"] = f"Bearer {stack.keys.ingest}"
    assert invoke(stack, "Ingest", event | {"body": json.dumps(gold())})["statusCode"] == 202


def test_bodies_in_base64_are_read(stack):
    """API Gateway encodes bodies that are no text to it. The request goes to the function itself: the local cloud never encodes."""
    event = json.loads((REPOSITORY / "events" / "ingest.post-edit.json").read_text())
    event["headers"]["authorization"] = f"Bearer {stack.keys.ingest}"

    def answer(body: bytes) -> dict:
        return invoke(stack, "Ingest", event | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True})

    assert answer(json.dumps(gold()).encode())["statusCode"] == 202
    refusal = answer(b'{"prompt": "\xff"}')
    assert (refusal["statusCode"], json.loads(refusal["body"])["error"]["code"]) == (400, "not_utf8")
