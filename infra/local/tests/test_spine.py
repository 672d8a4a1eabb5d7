"""The whole loop without manual steps, under a policy of its own: the schedule counts, and the workflow freezes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import making
from cloud import LocalCloud
from edits import post_all
from lake import Lake
from settings import STAGE
from stack import raise_stack
from workflow import executions, run_to_end, wait_until

PAIRS = 5


@pytest.fixture
def template_with_policy(template) -> Iterator[Path]:
    """The staged files, with trivial edits routed to review."""
    package = STAGE.with_name("stage-of-policy-test")
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(STAGE, package, copy_function=os.link)
    policy = package / "target" / "lambda" / "curate" / "policy.toml"
    policy.unlink()  # or the staged one would change, too: they are one file
    policy.write_text('[routes]\ntrivial = "review"\n')
    yield package / template.relative_to(STAGE)
    shutil.rmtree(package)


def test_edits_at_the_front_door_become_a_version_by_themselves(template_with_policy):
    parameters = {"Threshold": str(PAIRS), "BatchWindowSeconds": "1", "Schedule": "rate(1 minute)"}
    with LocalCloud("test-spine", enforce_iam=True) as cloud:
        stack = raise_stack(cloud, template_with_policy, parameters)
        events = [making.gold() for _ in range(PAIRS)] + [making.trivial()]
        post_all(stack, [json.dumps(event) for event in events])
        wait_until("a run started by the schedule", lambda: executions(stack), 200, cloud.log_file)
        (execution,) = executions(stack)
        run = run_to_end(stack, execution["name"])
        freeze = json.loads(run["output"])["freeze"]
        assert (run["status"], freeze["rows"], freeze["trainable"]) == ("SUCCEEDED", PAIRS, True)
        lake = Lake(stack)
        assert lake.pointer()["crossing"] == 2
        (reviewed,) = lake.lines("review")
        assert reviewed["event_id"] == events[-1]["event_id"] and reviewed["reasons"] == ["trivial"]
        assert reviewed["prompt"], "what a person is to look at has its text"
