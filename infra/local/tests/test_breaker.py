"""The circuit breaker on a stack of its own, with IAM enforced: moved by hand, announced by a rule, obeyed by counter and freeze."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

import making
from cloud import LocalCloud
from edits import post_all
from lake import Lake
from operating import operate
from stack import Stack, raise_stack
from workflow import executions, invoke, queue_depth, run_to_end, wait_until

PAIRS = 5


@pytest.fixture(scope="module")
def breaker_stack(template) -> Iterator[Stack]:
    with LocalCloud("test-breaker", enforce_iam=True) as cloud:
        cloud.skip_waits()
        yield raise_stack(cloud, template, {"Threshold": str(PAIRS), "BatchWindowSeconds": "1", "Schedule": "rate(365 days)"})


def flywheel(stack: Stack, *arguments: str) -> dict:
    return operate(stack, "breaker", *arguments)


def post_pairs(stack: Stack, lake: Lake, number: int) -> set[str]:
    events = [making.gold() for _ in range(number)]
    post_all(stack, [json.dumps(event) for event in events])
    ids = {event["event_id"] for event in events}
    arrived = lambda: queue_depth(stack, "EditsQueueUrl") == 0 and ids <= set().union(*lake.events_by_route().values())
    wait_until("curation", arrived, 120, stack.cloud.log_file)
    return ids


def events_heard(stack: Stack, lake: Lake) -> str:
    """A queue that subscribes to the breaker's event."""
    sqs, events = stack.client("sqs"), stack.client("events")
    url = sqs.create_queue(QueueName="breaker-heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [lake.bucket]}, "object": {"key": ["state/breaker.json"]}}}
    events.put_rule(Name="breaker-heard", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="breaker-heard", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def test_a_breaker_opened_by_hand_holds_back_and_one_that_is_closed_lets_go(breaker_stack):
    stack, lake = breaker_stack, Lake(breaker_stack)
    heard = events_heard(stack, lake)
    assert flywheel(stack, "status")["state"] == "closed"
    before = post_pairs(stack, lake, PAIRS)
    opened = flywheel(stack, "open", "--why", "drill", "--by", "kim", "--yes")
    assert (opened["state"], opened["changed"]) == ("open", True)
    receive = lambda: stack.client("sqs").receive_message(QueueUrl=heard).get("Messages")
    wait_until("the event of the change", receive, 30, stack.cloud.log_file)

    count = invoke(stack, "Counter", {})
    assert (count["decision"], count["breaker"], count["pending"]) == ("breaker_open", "open", PAIRS)
    assert executions(stack) == []

    closed = flywheel(stack, "close", "--why", "drill over", "--by", "kim", "--yes")
    assert closed["state"] == "closed" and [change["to"] for change in closed["changes"]] == ["open", "closed"]
    after = post_pairs(stack, lake, PAIRS)
    freezes = []

    def frozen() -> bool:
        # Either the rule on the change has started a run, or this test does. In both cases each pair counts once.
        invoke(stack, "Counter", {})
        runs = [run_to_end(stack, execution["name"]) for execution in executions(stack)]
        assert {run["status"] for run in runs} <= {"SUCCEEDED"}
        freezes[:] = [json.loads(run["output"])["freeze"] for run in runs]
        return sum(freeze["rows"] for freeze in freezes) >= PAIRS

    wait_until("the pairs that were written after it", frozen, 120, stack.cloud.log_file)
    assert [sum(freeze[column] for freeze in freezes) for column in ("rows", "held")] == [PAIRS, PAIRS]
    held = {line["event_id"]: line["reasons"] for line in lake.lines("quarantine")}
    assert held == {event_id: ["breaker_open"] for event_id in before}
    assert not after & set(held)


def test_the_rules_of_the_template_call_the_counter(breaker_stack):
    """The local cloud has no events of Step Functions, so the test evaluates the rule's pattern instead."""
    stack = breaker_stack
    events = stack.client("events")
    counter = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs["CounterFunctionName"])["FunctionArn"]
    rules = {rule["Description"]: rule for rule in events.list_rules()["Rules"] if rule.get("Description")}
    ended = next(rule for description, rule in rules.items() if "run of the workflow has ended" in description)
    assert [target["Arn"] for target in events.list_targets_by_rule(Rule=ended["Name"])["Targets"]] == [counter]
    machine = stack.outputs["FineTuneStateMachineArn"]
    for status, arn, matches in [("TIMED_OUT", machine, True), ("ABORTED", machine, True), ("FAILED", machine, True),
                                 ("SUCCEEDED", machine, True), ("RUNNING", machine, False), ("FAILED", machine + "x", False)]:
        event = {"id": "1", "account": "000000000000", "source": "aws.states", "time": "2026-11-22T10:20:30Z", "region": "us-east-1",
                 "resources": [arn], "detail-type": "Step Functions Execution Status Change",
                 "detail": {"stateMachineArn": arn, "status": status}}
        answer = events.test_event_pattern(EventPattern=ended["EventPattern"], Event=json.dumps(event))
        assert answer["Result"] is matches, (status, arn)
