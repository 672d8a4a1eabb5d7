"""Drives and watches the parts of the stack behind the front door: queue, counter, state machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from progress import Problem
from stack import Stack

POLL_SECONDS = 0.5


def wait_until(what: str, is_so: Callable[[], object], within: float, log: object = "") -> object:
    """Polls until `is_so` returns a true value, and returns that."""
    deadline = time.monotonic() + within
    while True:
        if found := is_so():
            return found
        if time.monotonic() > deadline:
            raise Problem(f"{what}: not within {within:.0f} s", f"see {log}" if log else "")
        time.sleep(POLL_SECONDS)


def queue_depth(stack: Stack, output: str) -> int:
    """Returns the number of messages in the queue of the given output, with those that are taken and not yet deleted."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs[output], AttributeNames=names)["Attributes"]
    return sum(int(attributes.get(name, 0)) for name in names)


def redeliver_after(stack: Stack, seconds: int) -> None:
    """Sets the time until a message that curate did not acknowledge comes back. The template has minutes, longer than any invocation."""
    stack.client("sqs").set_queue_attributes(QueueUrl=stack.outputs["EditsQueueUrl"], Attributes={"VisibilityTimeout": str(seconds)})


def invoke(stack: Stack, function: str, payload: object) -> dict:
    """Invokes a function by hand (`Ingest`, `Curate`, `Counter`, `Freeze`, `Prepare`, `Promote`) and returns its answer."""
    answer = stack.client("lambda").invoke(FunctionName=stack.outputs[f"{function}FunctionName"], Payload=json.dumps(payload))
    body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        raise FunctionFailed(function, body)
    return body


class FunctionFailed(Problem):
    """A function answered with an error."""

    def __init__(self, function: str, error: dict) -> None:
        super().__init__(f"{function} failed: {error.get('errorType')}: {error.get('errorMessage')}")
        self.error_type = error.get("errorType")


def executions(stack: Stack) -> list[dict]:
    arn = stack.outputs["FineTuneStateMachineArn"]
    return stack.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]


def describe(stack: Stack, run: str) -> dict:
    """The execution of that name."""
    arn = stack.outputs["FineTuneStateMachineArn"].replace(":stateMachine:", ":execution:") + f":{run}"
    return stack.client("stepfunctions").describe_execution(executionArn=arn)


def run_to_end(stack: Stack, name: str, within: float = 120) -> dict:
    """Waits until the execution of that name has ended, and describes it."""

    def ended() -> dict | None:
        execution = describe(stack, name)
        return execution if execution["status"] != "RUNNING" else None

    return wait_until(f"the end of run {name}", ended, within, stack.cloud.log_file)
