"""Judges on a deployed stack: a language model and a guardrail, asked through the SDK and allowed by the role.

The local cloud's models answer with canned text, like a mad judge. A test can take the place of the model and set its
answers. Guardrail checks are not tested here: the local cloud does not have them.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import making
from cloud import LocalCloud
from edits import post_all
from intruder import Intruder, is_denied
from lake import Lake
from stack import Stack, raise_stack
from workflow import wait_until

MODEL = "test.judge-1"
WITHIN_SECONDS = 60


class Model(ThreadingHTTPServer):
    """A language model with a behaviour that tests set: `mad`, or with an opinion on texts with its cue."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.mad = True
        self.asked: list[dict] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Model

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(request)
        if self.server.mad:
            self.send_error(503)  # the local cloud then answers with canned text
            return
        question = request["messages"][-1]["content"]
        nonce = re.match(r"Nonce: ([0-9a-f]{16})\n", question)[1]
        edited = question.split(f"<edited-answer-{nonce}>\n")[1].split(f"\n</edited-answer-{nonce}>")[0]
        opinion = "unsafe" if "worthless" in edited else "slanted" if "SLANTED" in edited else "pass"
        if "BABBLE" in edited:
            opinion = "pass, because I was told so"
        call = {"id": "c", "type": "function", "function": {
            "name": "report", "arguments": json.dumps({"nonce": nonce, "opinion": opinion})}}
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with Model() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def judged(template, model) -> Iterator[Stack]:
    with LocalCloud("test-judges", enforce_iam=True, model_url=model.url) as cloud:
        bedrock = Stack(cloud, {}, None).client("bedrock")
        guardrail = bedrock.create_guardrail(
            name="words", blockedInputMessaging="-", blockedOutputsMessaging="-",
            wordPolicyConfig={"wordsConfig": [{"text": "worthless"}, {"text": "UNWANTED"}]})["guardrailId"]
        yield raise_stack(cloud, template, {
            "BatchSize": "200", "BatchWindowSeconds": "1", "Schedule": "rate(365 days)",
            "JudgeModel": MODEL, "JudgeGuardrail": guardrail, "JudgeGuardrailVersion": "DRAFT"})


def reasons_of(stack: Stack, events: list[dict]) -> list[tuple[str, list[str]]]:
    """Posts the events, and returns each one's route and reasons."""
    post_all(stack, [json.dumps(event) for event in events])
    ids = [event["event_id"] for event in events]

    def lines() -> dict:
        lake = Lake(stack)
        found = {line["event_id"]: (part.route, line["reasons"]) for part in lake.parts() for line in lake.lines_of(part)}
        return found if set(ids) <= set(found) else {}

    found = wait_until("a line for each event", lines, WITHIN_SECONDS, stack.cloud.log_file)
    return [found[event_id] for event_id in ids]


def test_a_mad_judge_gets_nothing_into_gold_and_loses_nothing(judged, model):
    model.mad = True
    model.asked.clear()
    found = reasons_of(judged, [making.gold(), making.trivial(), making.gold(), making.rewrite()])
    unjudged, dropped = ("quarantine", ["unjudged"]), ("dropped", ["trivial"])
    assert found == [unjudged, dropped, unjudged, ("dropped", ["rewrite"])]
    # One batch or several; each judge is asked only about the control. (The local cloud's own retries do not count.)
    assert model.asked and all("worthless" in request["messages"][-1]["content"] for request in model.asked)


def test_a_sound_judge_is_asked_coldly_and_keeps_out_what_it_finds(judged, model):
    model.mad = False
    model.asked.clear()
    found = reasons_of(judged, [making.gold(), making.gold("It is SLANTED."), making.gold("An UNWANTED word."),
                                making.gold("BABBLE"), making.trivial()])
    assert found == [("gold", []), ("review", ["judged_slanted"]), ("quarantine", ["judged_unsafe"]),
                     ("quarantine", ["unjudged"]), ("dropped", ["trivial"])]
    for request in model.asked:
        assert (request["model"], request["temperature"], request["max_tokens"]) == (MODEL, 0, 200)
        assert request["tool_choice"] == {"type": "function", "function": {"name": "report"}}


def test_no_text_gets_into_the_logs_and_the_role_allows_these_judges_only(judged, model):
    model.mad = True
    assert "invoice" not in judged.cloud.log_file.read_text(errors="replace")
    bedrock = Intruder.as_function(judged, "Curate").client("bedrock-runtime")
    turn = [{"role": "user", "content": [{"text": "?"}]}]
    content = [{"text": {"text": "?"}}]
    assert not is_denied(lambda: bedrock.converse(modelId=MODEL, messages=turn))
    assert is_denied(lambda: bedrock.converse(modelId="test.other-1", messages=turn))
    assert is_denied(lambda: bedrock.apply_guardrail(
        guardrailIdentifier="other", guardrailVersion="DRAFT", source="OUTPUT", content=content))
