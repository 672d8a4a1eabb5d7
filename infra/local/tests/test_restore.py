"""The drills of docs/RESTORE.md, on a stack of their own: each deletes an object, checks the effect, and repairs it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import making
from cloud import LocalCloud
from edits import post_all
from lake import DATASET_PREFIX, POINTER_KEY, Lake
from operating import binary
from stack import Stack, raise_stack
from test_breaker import post_pairs
from workflow import FunctionFailed, executions, invoke, queue_depth, run_to_end, wait_until

PAIRS = 3
LOG = f"{DATASET_PREFIX}_delta_log/"
BACK_TO_THE_TABLE = {"crossing": 1, "threshold": 1}


@dataclass(frozen=True)
class Restored:
    """A lake with versions, and an operator of it."""

    stack: Stack
    lake: Lake

    def flywheel(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = os.environ | self.stack.cloud.environment() | {"FLYWHEEL_CONTRIBUTOR_KEY": self.stack.contributor_key()}
        command = [binary(), *arguments, "--lake", f"s3://{self.lake.bucket}", "--json"]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def says(self, *arguments: str) -> dict:
        ran = self.flywheel(*arguments)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def freeze(self) -> dict:
        """The input of the workflow at the lake's current crossing."""
        return invoke(self.stack, "Freeze", {"crossing": (self.lake.pointer() or {"crossing": 1})["crossing"], "threshold": 1_000})

    def delete(self, key: str) -> None:
        assert self.lake.s3.delete_object(Bucket=self.lake.bucket, Key=key)["DeleteMarker"]

    def undelete(self, key: str) -> None:
        """Deletes the delete marker, as the page says."""
        found = self.lake.s3.list_object_versions(Bucket=self.lake.bucket, Prefix=key)["DeleteMarkers"]
        for marker in found:
            if marker["IsLatest"] and marker["Key"] == key:
                self.lake.s3.delete_object(Bucket=self.lake.bucket, Key=key, VersionId=marker["VersionId"])

    def entries(self) -> list[str]:
        return sorted(key for key in self.lake.keys(LOG) if key.endswith(".json"))

    def data_file(self) -> str:
        """The first file that the log names. (The folder has others: a lost version leaves its file behind.)"""
        actions = (json.loads(line) for entry in self.entries() for line in self.lake.read(entry).splitlines())
        return DATASET_PREFIX + next(action["add"]["path"] for action in actions if "add" in action)

    def refuses(self, expected: str) -> None:
        """Checks that no freeze happens."""
        before = self.entries()
        with pytest.raises(FunctionFailed) as failure:
            self.freeze()
        assert expected in str(failure.value), failure.value
        assert self.entries() == before


@pytest.fixture(scope="module")
def drilled(template) -> Iterator[Restored]:
    """Makes three versions with pairs, the first by a run of the workflow."""
    with LocalCloud("test-restore", enforce_iam=True) as cloud:
        cloud.skip_waits()
        stack = raise_stack(cloud, template, {"Threshold": str(PAIRS), "BatchWindowSeconds": "1", "Schedule": "rate(365 days)"})
        found = Restored(stack, Lake(stack))
        post_pairs(stack, found.lake, PAIRS)
        assert run_to_end(stack, invoke(stack, "Counter", {})["run"])["status"] == "SUCCEEDED"
        for _ in range(2):
            post_pairs(stack, found.lake, PAIRS - 1)
            assert found.freeze()["rows"] == PAIRS - 1
        yield found


@pytest.fixture
def whole(drilled) -> Iterator[Restored]:
    """The lake is whole before the drill, and after it."""
    before = drilled.says("verify")
    yield drilled
    after = drilled.says("verify")
    assert after["versions"] >= before["versions"]


def test_a_pointer_that_was_deleted(whole):
    pointer, runs = whole.lake.pointer(), len(executions(whole.stack))
    whole.delete(POINTER_KEY)
    assert invoke(whole.stack, "Counter", {})["decision"] != "start" and len(executions(whole.stack)) == runs
    whole.undelete(POINTER_KEY)
    assert whole.lake.pointer() == pointer

    whole.delete(POINTER_KEY)
    with pytest.raises(FunctionFailed) as failure:
        invoke(whole.stack, "Freeze", BACK_TO_THE_TABLE)
    assert failure.value.error_type == "StaleCrossing"
    assert whole.lake.pointer() == pointer, "the newest version carries it"


def test_a_newest_log_entry_that_was_deleted(whole):
    newest = whole.entries()[-1]
    whole.delete(newest)
    whole.refuses("is missing")
    refused = whole.flywheel("rollback", "--to", "1", "--why", "drill", "--by", "kim", "--yes")
    assert refused.returncode == 2 and "is missing" in refused.stderr
    whole.undelete(newest)
    assert whole.freeze()["rows"] == 0


def test_a_newest_log_entry_that_cannot_be_undeleted(whole):
    """Its pairs are frozen again, by another version."""
    post_pairs(whole.stack, whole.lake, PAIRS - 1)
    lost = whole.freeze()
    pairs = lambda: whole.says("rollback", "--to", "0", "--why", "how many?", "--by", "kim", "--dry-run")["removed"]
    before = pairs()
    newest = whole.entries()[-1]
    whole.lake.s3.delete_object(Bucket=whole.lake.bucket, Key=newest)
    whole.delete(POINTER_KEY)
    with pytest.raises(FunctionFailed):
        invoke(whole.stack, "Freeze", BACK_TO_THE_TABLE)
    again = whole.freeze()
    assert (again["version"], again["rows"]) == (lost["version"], lost["rows"]) and pairs() == before


def test_a_data_file_that_was_deleted(whole):
    post_pairs(whole.stack, whole.lake, PAIRS - 1)
    file = whole.data_file()
    whole.delete(file)
    whole.refuses(Path(file).name)
    ran = whole.flywheel("verify")
    assert ran.returncode != 0
    whole.undelete(file)
    assert whole.freeze()["rows"] == PAIRS - 1, "what is pending has waited"


def test_a_checkpoint_that_was_deleted(whole):
    checkpoints = lambda: sorted(key for key in whole.lake.keys(LOG) if key.endswith(".checkpoint.parquet"))
    while not checkpoints():
        whole.freeze()
    newest = checkpoints()[-1]
    whole.delete(newest)
    loads = whole.flywheel("versions").returncode == 0
    whole.undelete(newest)
    assert whole.freeze()["rows"] == 0

    newest = checkpoints()[-1]
    whole.lake.s3.delete_object(Bucket=whole.lake.bucket, Key=newest)
    whole.lake.s3.delete_object(Bucket=whole.lake.bucket, Key=f"{LOG}_last_checkpoint")
    assert whole.freeze()["rows"] == 0, f"by the log alone (with the hint: {loads})"
    whole.undelete(newest)


def test_a_background_that_was_deleted(whole):
    record = next(json.loads(line)["commitInfo"] for line in whole.lake.read(whole.entries()[-1]).splitlines() if b"commitInfo" in line)
    background = DATASET_PREFIX + record["flywheel.version"]["background"]["name"]
    whole.delete(background)
    whole.refuses(Path(background).name)
    whole.undelete(background)
    assert whole.freeze()["rows"] == 0


def test_a_frozen_part_that_was_deleted(whole):
    part = next(part.key for part in whole.lake.parts() if part.route == "gold")
    whole.delete(part)
    ran = whole.flywheel("verify")
    assert ran.returncode != 0 and "its part is gone" in ran.stdout + ran.stderr
    assert whole.freeze()["rows"] == 0, "freezes go on"
    whole.undelete(part)


def test_people_change_versions_on_s3(whole):
    """Not a drill of a loss: runs every command that changes the lake, once, with the operator's rights."""
    days = "MARKER-MALLORY returns unused goods within {} days of delivery, with the label that came with the parcel."
    mallory = [making.gold("MARKER-MALLORY", contributor_id="mallory") for _ in range(7)]
    mallory += [making.edit(days.format(30), days.format(14), contributor_id="mallory") for _ in range(2)]
    post_all(whole.stack, [json.dumps(event) for event in mallory])
    ids = {event["event_id"] for event in mallory}
    arrived = lambda: queue_depth(whole.stack, "EditsQueueUrl") == 0 and ids <= set().union(*whole.lake.events_by_route().values())
    wait_until("curation", arrived, 120, whole.stack.cloud.log_file)
    frozen = whole.freeze()
    assert (frozen["rows"], frozen["held"]) == (7, 0)
    by = ("--why", "a test", "--by", "kim", "--yes")
    held = sorted(ids & whole.lake.events_by_route()["review"])
    assert whole.says("release", "--event", held[0], *by)["events"] == held[:1]
    assert whole.says("reject", "--event", held[1], *by)["events"] == held[1:]
    assert whole.freeze()["rows"] == 1
    excluded = whole.says("exclude", "--contributor-id", "mallory", *by)
    assert (excluded["changed"], excluded["removed"]) == (True, 8)
    back = whole.says("rollback", "--to", str(excluded["version"] - 1), *by)
    assert (back["changed"], back["added"]) == (True, 8)
    forgotten = whole.says("forget", "--contributor-id", "mallory", *by)
    assert forgotten["changed"] and forgotten["rows"] >= 8
    for page in whole.lake.s3.get_paginator("list_object_versions").paginate(Bucket=whole.lake.bucket):
        for found in page.get("Versions", ()):
            if found["Key"].endswith((".jsonl", ".json")):
                body = whole.lake.s3.get_object(Bucket=whole.lake.bucket, Key=found["Key"], VersionId=found["VersionId"])["Body"].read()
                assert b"MARKER-MALLORY" not in body, found["Key"]
    assert whole.says("forget", "--contributor-id", "mallory", *by)["changed"] is False
    assert whole.freeze()["rows"] == 0
