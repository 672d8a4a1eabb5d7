"""Crossings on the deployed stack: one run each, for any number of counts and crashes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

import making
from conftest import THRESHOLD
from edits import post_all
from killing import Killer
from lake import DATASET_PREFIX
from workflow import FunctionFailed, executions, invoke, queue_depth, run_to_end, wait_until

ROUNDS = 4


def curate(stack, lake, events: list[dict]) -> None:
    """Posts events and waits until they are in the lake."""
    post_all(stack, [json.dumps(event) for event in events])
    ids = {event["event_id"] for event in events}

    def arrived() -> bool:
        return queue_depth(stack, "EditsQueueUrl") == 0 and ids <= set().union(*lake.events_by_route().values())

    wait_until("curation", arrived, 120, stack.cloud.log_file)


def versions(lake) -> int:
    """Commits in the Delta log."""
    return sum(key.endswith(".json") for key in lake.keys(f"{DATASET_PREFIX}_delta_log/0"))


def frozen(run: dict) -> dict:
    return json.loads(run["output"])["freeze"]


def gold_pairs(lake) -> int:
    return len({line["pair_id"] for line in lake.lines("gold")})


@pytest.fixture(scope="module")
def crossed(stack, lake) -> dict:
    """The first crossing: reached, counted by twenty at once, and frozen by a function that is killed."""
    curate(stack, lake, [making.gold() for _ in range(THRESHOLD)])
    with ThreadPoolExecutor(20) as counters:
        counts = list(counters.map(lambda _: invoke(stack, "Counter", {}), range(20)))
    assert {count["decision"] for count in counts} <= {"start", "already_running", "already_frozen", "below_threshold"}
    started = {count["run"] for count in counts if count["decision"] == "start"}
    assert len(started) == 1
    run = run_to_end(stack, started.pop())
    assert run["status"] == "SUCCEEDED", run
    return run


def test_twenty_counters_at_once_start_one_run(stack, crossed):
    assert [run["name"] for run in executions(stack)] == [crossed["name"]]


def test_the_version_holds_every_gold_pair_once(lake, crossed):
    freeze = frozen(crossed)
    assert freeze["rows"] == gold_pairs(lake)
    assert freeze["trainable"] is True
    assert lake.pointer()["last_freeze"] == freeze | {"threshold": THRESHOLD}


def test_counted_again_there_is_nothing_to_start(stack, crossed):
    count = invoke(stack, "Counter", {})
    assert (count["decision"], count["pending"]) == ("below_threshold", 0)


def test_frozen_again_for_the_same_crossing_it_commits_nothing(stack, lake, crossed):
    before = versions(lake)
    freeze = frozen(crossed)
    assert invoke(stack, "Freeze", {"crossing": freeze["crossing"], "threshold": THRESHOLD}) == freeze | {"threshold": THRESHOLD}
    assert versions(lake) == before


def test_a_crossing_that_the_lake_does_not_stand_at_is_refused(stack, crossed):
    with pytest.raises(FunctionFailed) as failure:
        invoke(stack, "Freeze", {"crossing": 99, "threshold": THRESHOLD})
    assert failure.value.error_type == "StaleCrossing"


def test_a_crossing_of_duplicates_trains_nothing_and_blocks_nothing(stack, lake, crossed):
    again = [{"event_id": None, "prompt": line["prompt"], "original_llm_output": line["rejected"], "final_user_edit": line["chosen"],
              "thread_id": f"again-{number}"} for number, line in enumerate(lake.lines("gold")) if len(line["prompt"]) < 1_000]
    post_all(stack, [json.dumps(event) for event in again])
    wait_until("curation", lambda: queue_depth(stack, "EditsQueueUrl") == 0, 120, stack.cloud.log_file)
    new = [making.gold() for _ in range(5)]
    curate(stack, lake, new)
    count = invoke(stack, "Counter", {})
    assert count["decision"] == "start" and count["pending"] >= THRESHOLD
    run = run_to_end(stack, count["run"])
    assert run["status"] == "SUCCEEDED"
    freeze = frozen(run)
    assert (freeze["rows"], freeze["trainable"], freeze["net_new"]) == (len(new), False, len(new))
    assert freeze["duplicates"] >= THRESHOLD - len(new)
    # The five are carried over: the next crossing needs five fewer.
    curate(stack, lake, [making.gold() for _ in range(THRESHOLD - 5)])
    count = invoke(stack, "Counter", {})
    assert (count["decision"], count["pending"]) == ("start", THRESHOLD)
    run = run_to_end(stack, count["run"])
    assert (frozen(run)["net_new"], frozen(run)["trainable"]) == (THRESHOLD, True)


def test_a_freeze_that_is_killed_is_done_again_once(stack, lake, crossed):
    """A freeze takes a fraction of a second, so not every kill hits it at work. Every round must pass, and one kill must hit."""
    hits = rounds = 0
    while rounds < ROUNDS or not hits:
        assert rounds < 5 * ROUNDS, "no freeze died in the middle of its work"
        rounds += 1
        curate(stack, lake, [making.gold() for _ in range(THRESHOLD)])
        before = versions(lake)
        with Killer(stack, "Freeze", within_seconds=0.08, wanted=2, most=2) as killer:
            run = run_to_end(stack, invoke(stack, "Counter", {})["run"], within=180)
        assert run["status"] == "SUCCEEDED", run
        assert versions(lake) == before + 1
        hits += killer.hits()
    rows = sum(frozen(run_to_end(stack, run["name"]))["rows"] for run in executions(stack))
    assert rows == gold_pairs(lake), "over all versions, every pair once"


def test_a_run_that_fails_is_attempted_again_later_and_loses_nothing(stack, lake, crossed):
    """A damaged part fails the freeze for good, in a clear state; nothing moves."""
    now = datetime.now(UTC)
    key = f"dpo_gold_v1/route=gold/{now:dt=%Y-%m-%d/hour=%H}/{int(now.timestamp() * 1000)}-{'0' * 32}-n{THRESHOLD}.jsonl"
    pointer = lake.pointer()
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=b"damaged\n")
    try:
        count = invoke(stack, "Counter", {})
        assert count["decision"] == "start"
        run = run_to_end(stack, count["run"])
        assert (run["status"], run["error"]) == ("FAILED", "NotTrained.CorruptPart")
        assert lake.pointer() == pointer
        assert invoke(stack, "Counter", {})["decision"] == "backing_off"
    finally:
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    assert invoke(stack, "Counter", {})["decision"] == "below_threshold"
