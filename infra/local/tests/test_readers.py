"""A lake of two versions on a stack of its own, with IAM enforced, read by operators and by other readers."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import making
from cloud import LocalCloud
from edits import post_all
from lake import DATASET_PREFIX, LOG_PREFIX, Lake
from operating import operate, run
from stack import Stack, raise_stack
from tools import program
from workflow import executions, invoke, queue_depth, run_to_end, wait_until

PAIRS = 6
FORMATS = {
    "trl": {"prompt", "chosen", "rejected"},
    "trl-messages": {"prompt", "chosen", "rejected"},
    "openai": {"input", "preferred_output", "non_preferred_output"},
    "kto": {"prompt", "completion", "label"},
    "sft": {"messages"},
}


@pytest.fixture(scope="module")
def frozen(template) -> Iterator[tuple[Stack, Lake]]:
    with LocalCloud("test-readers", enforce_iam=True) as cloud:
        cloud.skip_waits()
        stack = raise_stack(cloud, template, {"Threshold": str(PAIRS), "BatchWindowSeconds": "1", "Schedule": "rate(365 days)"})
        lake = Lake(stack)
        feedback = [making.feedback("copy"), making.feedback("regenerate"), making.feedback("thumbs_down"), making.trivial()]
        # The first part has no value from which to infer most columns' types.
        arrive(stack, lake, [making.gold() for _ in range(PAIRS - 1)])
        freeze(stack, lake, [making.rich(making.gold()), *feedback])
        # The key names contributors since then, so pairs without one would share a cap.
        freeze(stack, lake, [making.gold(contributor_id=f"reader-{number}") for number in range(PAIRS)])
        yield stack, lake


def arrive(stack: Stack, lake: Lake, events: list[dict]) -> None:
    """Posts events, and waits for their lines."""
    post_all(stack, [json.dumps(event) for event in events])
    ids = {event["event_id"] for event in events}
    arrived = lambda: queue_depth(stack, "EditsQueueUrl") == 0 and ids <= set().union(*lake.events_by_route().values())
    wait_until("curation", arrived, 120, stack.cloud.log_file)


def freeze(stack: Stack, lake: Lake, events: list[dict]) -> None:
    """Posts events, and freezes them."""
    arrive(stack, lake, events)
    started = invoke(stack, "Counter", {})
    assert started["decision"] == "start", started
    assert run_to_end(stack, started["run"])["status"] == "SUCCEEDED", executions(stack)


def read(stack: Stack, reader: str, *arguments: str) -> dict:
    script = Path(__file__).with_name("outside_readers.py")
    command = [str(program("readers", "python")), str(script), reader, *arguments]
    ran = subprocess.run(command, env=os.environ | stack.cloud.environment(), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def copied(lake: Lake, prefix: str, folder: Path) -> Path:
    """A prefix of the bucket as a folder, as `aws s3 sync` makes it."""
    for key in lake.keys(prefix):
        place = folder / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(lake.read(key))
    return folder / prefix.rstrip("/")


def test_operators_see_the_versions(frozen):
    stack, lake = frozen
    versions = operate(stack, "versions")["versions"]
    assert [(row["version"], row["pairs"], row["added"]) for row in versions] == [(2, 2 * PAIRS, PAIRS), (1, PAIRS, PAIRS), (0, 0, None)]
    assert operate(stack, "show", versions[1]["committed_at"])["version"] == 1
    shown = run(stack, "show", "latest", "--pairs", "1").stdout
    assert "prompt: Question" in shown and "{+" in shown, shown
    difference = operate(stack, "diff", "1", "2")
    assert (difference["added_pairs"], difference["removed_pairs"], difference["statistics"][1]["rows"]) == (PAIRS, 0, 2 * PAIRS)
    verified = operate(stack, "verify", "--expect-digest", versions[0]["digest"])
    assert (verified["fits"], verified["versions"], verified["rows"]) == (True, 2, 2 * PAIRS)
    status = operate(stack, "status", "--threshold", str(PAIRS))
    assert (status["pending"]["pairs"], status["last_version"]["version"], status["breaker"]["state"]) == (0, 2, "closed")
    routes = {route: sum(counts) for route, counts in status["routes"]["rows"].items()}
    assert (routes["gold"], routes["signals"], routes["review"], routes["dropped"]) == (2 * PAIRS, 2, 1, 1)
    assert sum(status["reasons"]["rows"]["trivial"]) == 1


def test_a_bucket_without_a_dataset_is_said_to_have_none(frozen):
    stack, _ = frozen
    bucket = "flywheel-test-no-dataset"
    stack.client("s3").create_bucket(Bucket=bucket)
    ran = run(stack, "versions", bucket=bucket)
    assert (ran.returncode, ran.stdout) == (2, "") and "has no dataset yet" in ran.stderr, ran.stderr
    assert stack.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    missing = run(stack, "show", "latest", bucket="flywheel-test-no-bucket")
    assert missing.returncode == 2 and "NoSuchBucket" in missing.stderr, missing.stderr


def test_the_table_is_read_by_version_and_by_date(frozen):
    stack, lake = frozen
    table = f"s3://{lake.bucket}/{DATASET_PREFIX}".rstrip("/")
    gold = sorted(lake.events_by_route()["gold"])
    newest, first = read(stack, "delta", table), read(stack, "delta", table, "1")
    assert (newest["version"], newest["events"], first["version"], len(first["events"])) == (2, gold, 1, PAIRS)
    assert set(first["events"]) < set(gold) and newest["within_the_rule"] == len(gold)
    assert sum(newest["by_split"].values()) == len(gold) and set(newest["by_split"]) <= {"train", "heldout"}
    versions = {row["version"]: row for row in operate(stack, "versions")["versions"]}
    assert newest["record"]["digest"] == versions[2]["digest"]
    # A second after its commit a version is visible, to other readers and to ours.
    between = versions[1]["committed_at"][:-5] + ".999Z"
    assert read(stack, "delta", table, between)["version"] == operate(stack, "show", between)["version"] == 1


def test_the_table_is_read_without_any_reader_of_delta_tables(frozen, tmp_path):
    stack, lake = frozen
    found = read(stack, "parquet", str(copied(lake, DATASET_PREFIX, tmp_path)))
    assert (found["files"], found["events"]) == (2, sorted(lake.events_by_route()["gold"]))


def test_the_log_is_read_by_its_partitions(frozen, tmp_path):
    stack, lake = frozen
    found = read(stack, "partitions", str(copied(lake, LOG_PREFIX, tmp_path)))
    events = lake.events_by_route()
    assert found["by_route"] == {route: len(of_route) for route, of_route in events.items()}
    assert found["gold"] == sorted(events["gold"]) and {"dt", "hour", "prompt", "chosen", "rejected"} <= set(found["gold_columns"])
    hours = {tuple(part.key.split("/")[2:4]) for part in lake.parts() if part.route == "gold"}
    assert {(f"dt={day}", f"hour={hour:02}") for day, hour in found["gold_hours"]} == hours


def test_parts_of_the_log_load_in_any_order(frozen, tmp_path):
    stack, lake = frozen
    parts = sorted(copied(lake, f"{LOG_PREFIX}route=gold/", tmp_path).rglob("*.jsonl"))[:4]
    found = read(stack, "orders", *map(str, parts))
    assert found["rows"] >= PAIRS and set(found["alike"].values()) == {found["orders"]}


@pytest.mark.parametrize("encoding", ["jsonl", "parquet"])
def test_exports_load_into_datasets(frozen, tmp_path, encoding):
    stack, lake = frozen
    pairs = {(line["chosen"], line["rejected"]) for line in lake.lines("gold")}
    for form, columns in FORMATS.items():
        path = tmp_path / f"{form}.{encoding}"
        report = operate(stack, "export", "--format", form, "--as", encoding, "--output", str(path))
        assert report["pairs"] == len(pairs)
        loaded = read(stack, "exports", str(path))[str(path)]
        assert set(loaded["columns"]) == columns
        rows = loaded["rows"]
        match form:
            case "trl":
                assert {(row["chosen"], row["rejected"]) for row in rows} == pairs
            case "trl-messages" | "openai":
                chosen, rejected = ("chosen", "rejected") if form == "trl-messages" else ("preferred_output", "non_preferred_output")
                assert {(row[chosen][0]["content"], row[rejected][0]["content"]) for row in rows} == pairs
                prompts = [row["prompt"] if form == "trl-messages" else row["input"]["messages"] for row in rows]
                assert sorted(len(prompt) for prompt in prompts) == [1] * (len(pairs) - 1) + [2], "messages are as they were sent"
            case "kto":
                assert report["feedback"] == 2 and len(rows) == 2 * len(pairs) + 2
                assert [row["label"] for row in rows].count(True) == report["desirable"] == len(pairs) + 1
            case "sft":
                assert {row["messages"][-1]["content"] for row in rows} == {chosen for chosen, _ in pairs}


def test_what_is_disliked_is_exported_once_it_is_released(frozen, tmp_path):
    stack, _ = frozen
    released = operate(stack, "release", "--reason", "disliked", "--why", "read it", "--by", "kim", "--yes")
    assert len(released["events"]) == 1 and "route=signals/" in released["parts"][0]
    path = tmp_path / "kto.parquet"
    report = operate(stack, "export", "--format", "kto", "--as", "parquet", "--output", str(path))
    assert (report["feedback"], report["undesirable"]) == (3, 2 * PAIRS + 2)
    labels = [row["label"] for row in read(stack, "exports", str(path))[str(path)]["rows"]]
    assert labels.count(False) == report["undesirable"] and labels.count(True) == report["desirable"]
