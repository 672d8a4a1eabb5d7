"""One deployed stack for all tests, with IAM enforced: whatever passes here passes with the roles of the template."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud import LocalCloud
from lake import Lake
from stack import Stack, raise_stack
from stage import build_and_stage

THRESHOLD = 200
REDELIVERY_SECONDS = 4


@pytest.fixture(scope="session")
def template():
    return build_and_stage()


@pytest.fixture(scope="session")
def stack(template) -> Iterator[Stack]:
    """Nothing here waits for the schedule: counters are invoked by hand. `test_spine.py` has a stack that does."""
    with LocalCloud("test", enforce_iam=True) as cloud:
        cloud.skip_waits()
        deployed = raise_stack(cloud, template, {
            "Threshold": str(THRESHOLD), "BatchWindowSeconds": "1", "BatchSize": "200", "MaxReceiveCount": "8",
            "Schedule": "rate(365 days)"})
        redeliver_soon(deployed)
        yield deployed


def redeliver_soon(stack: Stack) -> None:
    """What curate did not acknowledge comes back after seconds. The template's time is above any invocation's, in minutes."""
    stack.client("sqs").set_queue_attributes(
        QueueUrl=stack.outputs["EditsQueueUrl"], Attributes={"VisibilityTimeout": str(REDELIVERY_SECONDS)})


@pytest.fixture(scope="session")
def lake(stack: Stack) -> Lake:
    return Lake(stack)
