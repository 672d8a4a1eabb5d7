"""What alarms and operators rely on, on a stack that logs errors only: metrics that no log level silences, and a killed batch that comes again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

import making
from cloud import LocalCloud
from edits import post_all
from killing import Killer
from lake import Lake
from metrics import logged, recorded
from operating import operate
from settings import STACK_NAME
from stack import Stack, raise_stack
from workflow import invoke, queue_depth, wait_until

NAMESPACE = f"flywheel/{STACK_NAME}"
WINDOW_SECONDS = 1
REDELIVERED_AFTER_SECONDS = WINDOW_SECONDS + 90


@pytest.fixture(scope="module")
def quiet(template) -> Iterator[Stack]:
    """No model answers for the judge, so it judges nothing."""
    with LocalCloud("test-alarms", enforce_iam=True) as cloud:
        cloud.skip_waits()
        yield raise_stack(cloud, template, {
            "LogLevel": "error", "JudgeModel": "test.judge-1", "BatchSize": "200", "BatchWindowSeconds": str(WINDOW_SECONDS),
            "Schedule": "rate(365 days)"})


def test_the_breakers_state_is_recorded_with_each_count(quiet):
    invoke(quiet, "Counter", {})
    assert (NAMESPACE, "BreakerOpen", 0) in recorded(quiet, "Counter")
    operate(quiet, "breaker", "open", "--why", "drill", "--by", "kim", "--yes")
    invoke(quiet, "Counter", {})
    assert recorded(quiet, "Counter")[-2:] == [(NAMESPACE, "BreakerOpen", 1), (NAMESPACE, "AttemptsSpent", 0)]
    operate(quiet, "breaker", "close", "--why", "drill over", "--by", "kim", "--yes")
    assert logged(quiet, "Counter") == [], "the level silences every other line"


def test_a_killed_batch_comes_again_within_two_minutes_and_is_counted_once(quiet):
    queue = quiet.client("sqs").get_queue_attributes(QueueUrl=quiet.outputs["EditsQueueUrl"], AttributeNames=["VisibilityTimeout"])
    assert int(queue["Attributes"]["VisibilityTimeout"]) == REDELIVERED_AFTER_SECONDS
    sent: set[str] = set()
    deadline = time.monotonic() + 60
    with Killer(quiet, "Curate", within_seconds=0.05) as killer:
        while not killer.hits():
            assert time.monotonic() < deadline, f"{killer.killed} kills did not hit curate at work"
            events = [making.gold() for _ in range(50)]
            sent |= {event["event_id"] for event in events}
            post_all(quiet, [json.dumps(event) for event in events])
            time.sleep(0.3)

    def arrived() -> bool:
        return queue_depth(quiet, "EditsQueueUrl") == 0 and sent <= set().union(*Lake(quiet).events_by_route().values())

    wait_until("the killed batch", arrived, REDELIVERED_AFTER_SECONDS + 30, quiet.cloud.log_file)
    # A killed attempt may have written its lines already. Lines are deduplicated by their event: each is in one route.
    everywhere = [event for events in Lake(quiet).events_by_route().values() for event in events]
    assert sorted(everywhere) == sorted(sent)
    assert queue_depth(quiet, "EditsDlqUrl") == 0


def test_edits_that_no_judge_judged_are_recorded(quiet):
    unjudged = sum(line["reasons"] == ["unjudged"] for line in Lake(quiet).lines("quarantine"))
    values = [value for namespace, name, value in recorded(quiet, "Curate") if (namespace, name) == (NAMESPACE, "Unjudged")]
    assert unjudged > 0 and sum(values) >= unjudged
    assert {line["level"] for line in logged(quiet, "Curate")} <= {"ERROR"}
