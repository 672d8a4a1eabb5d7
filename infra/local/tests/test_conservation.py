"""Every acknowledged event ends in exactly one route, or in the dead-letter queue, whatever is killed on the way."""

from __future__ import annotations

import json
import random
import time

import pytest

import making
from edits import post_all
from killing import Killer
from workflow import queue_depth, wait_until

KINDS = {
    "gold": making.gold,
    "trivial": making.trivial,
    "rewrite": making.rewrite,
    "unchanged": making.unchanged,
    "no_consent": making.without_consent,
}
EVENTS_OF_A_KIND = 420
MALFORMED = ["not JSON", "{", "[]", json.dumps({"prompt": "p"}), json.dumps(making.gold() | {"final_user_edit": None})]
SEED = 20261122
KILLS = 3
MEBIBYTE = 1_048_576


@pytest.fixture(scope="module")
def sent(stack):
    """What was posted, kind by event id, while curate was being killed."""
    random.seed(SEED)
    kind_of = {}
    lines = []
    for kind, make in KINDS.items():
        for _ in range(EVENTS_OF_A_KIND):
            event = make()
            kind_of[event["event_id"]] = kind
            lines.append(json.dumps(event, ensure_ascii=False))
    for name, text in making.HARD_TEXTS.items():
        event = making.gold(text)
        kind_of[event["event_id"]] = "hidden_text" if name in making.HIDING else "gold"
        lines.append(json.dumps(event, ensure_ascii=name in ("quotes",)))
    lines += random.sample(lines, 100)  # clients that send again
    random.shuffle(lines)
    for size in (MEBIBYTE - 1, MEBIBYTE):
        big = making.sized(size)
        kind_of[json.loads(big)["event_id"]] = "gold"
        status, _ = stack.post_raw(big)
        assert status == 202
    assert stack.post_raw(making.sized(MEBIBYTE + 1))[0] == 413

    with Killer(stack, "Curate", within_seconds=0.05, wanted=KILLS) as killer:
        posted = post_all(stack, lines)
        sqs = stack.client("sqs")
        for body in MALFORMED:
            sqs.send_message(QueueUrl=stack.outputs["EditsQueueUrl"], MessageBody=body)
        # Not every shot hits a process at work, and a queue that has run dry offers no more targets: so there is always more.
        deadline = time.monotonic() + 180
        while killer.hits() < KILLS:
            assert time.monotonic() < deadline, f"{killer.hits()} of {killer.killed} kills hit curate at work"
            more = [making.gold() for _ in range(50)]
            kind_of |= {event["event_id"]: "gold" for event in more}
            lines += (texts := [json.dumps(event) for event in more])
            posted += post_all(stack, texts)
            time.sleep(0.3)
    assert len(posted.accepted) == len(lines) and not posted.refused
    assert set(posted.accepted) <= set(kind_of)
    return kind_of


def test_every_acknowledged_event_is_in_exactly_one_route(stack, lake, sent):
    def drained() -> bool:
        return queue_depth(stack, "EditsQueueUrl") == 0

    wait_until("an empty queue", drained, 240, stack.cloud.log_file)
    routes = lake.events_by_route()
    everywhere = [event for events in routes.values() for event in events]
    assert len(everywhere) == len(set(everywhere)), "no event is in two routes"
    assert set(sent) <= set(everywhere)
    assert queue_depth(stack, "EditsDlqUrl") == len(MALFORMED)


def test_every_event_is_where_it_belongs_and_says_why(lake, sent):
    for part in lake.parts():
        for line in lake.lines_of(part):
            kind = sent.get(line["event_id"])
            if kind is None:
                continue
            assert part.route == {"gold": "gold", "hidden_text": "quarantine"}.get(kind, "dropped"), line["event_id"]
            assert line["reasons"] == ([] if kind == "gold" else [kind])


def test_the_bad_messages_went_to_the_dead_letter_queue_alone_and_whole(stack, sent):
    sqs = stack.client("sqs")
    bodies = []
    while found := sqs.receive_message(QueueUrl=stack.outputs["EditsDlqUrl"], MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in found]
    assert sorted(bodies) == sorted(MALFORMED)


def test_texts_come_through_unharmed(lake, sent):
    chosen = {line["chosen"] for route in ("gold", "quarantine") for line in lake.lines(route)}
    for name, text in making.HARD_TEXTS.items():
        assert making.gold(text)["final_user_edit"] in chosen, name


def test_what_trains_nobody_is_not_kept(lake, sent):
    dropped = lake.lines("dropped")
    assert dropped and all(line[column] is None for line in dropped for column in ("prompt", "chosen", "rejected"))
    assert not any("MARKER-NO-CONSENT" in json.dumps(line) for line in lake.lines())
