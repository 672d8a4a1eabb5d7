"""One deployed stack for all tests, with IAM enforced: a test that passes here passes with the template's roles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud import LocalCloud
from lake import Lake
from stack import Stack, raise_stack
from stage import build_and_stage
from workflow import redeliver_after

THRESHOLD = 200
REDELIVERY_SECONDS = 4


@pytest.fixture(scope="session")
def template():
    return build_and_stage()


@pytest.fixture(scope="session")
def stack(template) -> Iterator[Stack]:
    """No test here waits for the schedule: they invoke counters by hand. `test_spine.py` has a stack that does wait."""
    with LocalCloud("test", enforce_iam=True) as cloud:
        cloud.skip_waits()
        deployed = raise_stack(cloud, template, {
            "Threshold": str(THRESHOLD), "BatchWindowSeconds": "1", "BatchSize": "200", "MaxReceiveCount": "8",
            "Schedule": "rate(365 days)"})
        redeliver_after(deployed, REDELIVERY_SECONDS)
        yield deployed


@pytest.fixture(scope="session")
def lake(stack: Stack) -> Lake:
    return Lake(stack)
