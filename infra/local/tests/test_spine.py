"""The whole spine with nobody's hand in it: the schedule counts, and the workflow freezes."""

from __future__ import annotations

import json

import making
from cloud import LocalCloud
from edits import post_all
from lake import Lake
from stack import raise_stack
from workflow import executions, run_to_end, wait_until

PAIRS = 5


def test_edits_at_the_front_door_become_a_version_by_themselves(template):
    parameters = {"Threshold": str(PAIRS), "BatchWindowSeconds": "1", "Schedule": "rate(1 minute)"}
    with LocalCloud("test-spine", enforce_iam=True) as cloud:
        stack = raise_stack(cloud, template, parameters)
        post_all(stack, [json.dumps(making.gold()) for _ in range(PAIRS)])
        wait_until("a run started by the schedule", lambda: executions(stack), 200, cloud.log_file)
        (execution,) = executions(stack)
        run = run_to_end(stack, execution["name"])
        freeze = json.loads(run["output"])["freeze"]
        assert (run["status"], freeze["rows"], freeze["trainable"]) == ("SUCCEEDED", PAIRS, True)
        assert Lake(stack).pointer()["crossing"] == 2
