"""Every acknowledged event ends in exactly one route, or in the dead-letter queue, even if processes are killed on the way."""

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
FEEDBACK_KINDS = {
    "liked": making.thumbs_up,
    "disliked": making.disliked,
    "weak_signal": making.weak_signal,
    "gold": making.edited_feedback,
    "no_consent": making.feedback_without_consent,
}
FEEDBACK_OF_A_KIND = 300
LIKED = 2000
"""Enough that the sample of one in a hundred is not empty."""
READS = 250
ROUTES = {
    "gold": {("gold", ())},
    "hidden_text": {("quarantine", ("hidden_text",))},
    "liked": {("replay", ("liked",)), ("dropped", ("unsampled",))},
    "disliked": {("review", ("disliked",))},
    "weak_signal": {("signals", ("weak_signal",))},
}
"""Routes and reasons by kind of event. A kind that is not listed is dropped for the reason that it is named by."""
MALFORMED = ["not JSON", "{", "[]", json.dumps({"prompt": "p"}), json.dumps(making.gold() | {"final_user_edit": None})]
SEED = 20261122
KILLS = 3
MEBIBYTE = 1_048_576


@pytest.fixture(scope="module")
def sent(stack):
    """The posted events, kind by event id; curate was killed meanwhile."""
    random.seed(SEED)
    kind_of = {}
    lines = []
    for kind, make in KINDS.items():
        for _ in range(EVENTS_OF_A_KIND):
            event = make()
            kind_of[event["event_id"]] = kind
            lines.append(json.dumps(event, ensure_ascii=False))
    for kind, make in FEEDBACK_KINDS.items():
        for _ in range(LIKED if kind == "liked" else FEEDBACK_OF_A_KIND):
            event = make()
            kind_of[event["event_id"]] = kind
            lines.append(json.dumps(event, ensure_ascii=False))
    for name, text in making.HARD_TEXTS.items():
        event = making.gold(text)
        kind_of[event["event_id"]] = "hidden_text" if name in making.HIDING else "gold"
        lines.append(json.dumps(event, ensure_ascii=name in ("quotes",)))
    lines += random.sample(lines, 100)  # clients that send again
    acknowledged = len(lines)
    lines += [json.dumps(making.read()) for _ in range(READS)]
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
        # Not every kill hits a process at work, and an empty queue offers no more targets: so the test keeps posting.
        deadline = time.monotonic() + 180
        while killer.hits() < KILLS:
            assert time.monotonic() < deadline, f"{killer.hits()} of {killer.killed} kills hit curate at work"
            more = [making.gold() for _ in range(50)]
            kind_of |= {event["event_id"]: "gold" for event in more}
            acknowledged += len(more)
            posted += post_all(stack, [json.dumps(event) for event in more])
            time.sleep(0.3)
    assert len(posted.accepted) == acknowledged and not posted.refused
    assert posted.reads == READS, "reads are answered, and counted, and have no ids"
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
            expected = ROUTES.get(kind, {("dropped", (kind,))})
            assert (part.route, tuple(line["reasons"])) in expected, line["event_id"]


def test_the_bad_messages_went_to_the_dead_letter_queue_alone_and_whole(stack, sent):
    sqs = stack.client("sqs")
    bodies = []
    while found := sqs.receive_message(QueueUrl=stack.outputs["EditsDlqUrl"], MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in found]
    assert sorted(bodies) == sorted(MALFORMED)


def test_texts_come_through_unharmed(lake, sent):
    chosen = {line["chosen"] for route in ("gold", "quarantine") for line in lake.lines(route)}
    for name, text in making.STORED_TEXTS.items():
        assert any(edit.endswith(f" {text}") for edit in chosen), name


def test_of_liked_outputs_one_in_a_hundred_is_kept(lake, sent):
    liked = {event_id for event_id, kind in sent.items() if kind == "liked"}
    replayed = {line["event_id"] for line in lake.lines("replay")}
    assert replayed <= liked
    mean, deviation = LIKED / 100, (LIKED * 0.01 * 0.99) ** 0.5
    assert abs(len(replayed) - mean) < 4.2 * deviation, "a binomial bound, missed once in 40,000 runs: ids are random"
    for line in lake.lines("replay"):
        assert (line["chosen"], line["rejected"], line["feedback"]["label"]) == (making.ORIGINAL, None, True)


def test_what_is_disliked_is_no_pair_unless_it_was_edited(lake, sent):
    for line in lake.lines("review") + lake.lines("signals"):
        assert line["chosen"] is None or line["rejected"] is None
    edited = [line for line in lake.lines("gold") if line["feedback"]]
    assert {line["event_id"] for line in edited} <= {event_id for event_id, kind in sent.items() if kind == "gold"}
    assert edited and all(line["chosen"] and line["rejected"] for line in edited)


def test_of_reads_nothing_is_kept(lake, sent):
    assert not any("MARKER-READ" in json.dumps(line) for line in lake.lines())


def test_what_trains_nobody_is_not_kept(lake, sent):
    dropped = lake.lines("dropped")
    assert dropped and all(line[column] is None for line in dropped for column in ("prompt", "chosen", "rejected"))
    assert not any("MARKER-LIKED" in json.dumps(line) for line in dropped)
    assert not any("MARKER-NO-CONSENT" in json.dumps(line) for line in lake.lines())
