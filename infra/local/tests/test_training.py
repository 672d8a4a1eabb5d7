"""The workflow after the freeze, on a stack of its own with IAM enforced: every outcome of a training.

The worker is the test's own. It takes jobs off the queue and answers as told. The gate judges its output, under a policy with bounds
that a few dozen rows can meet. Tests share the stack and run in order: each crossing has a run, and is over at the end of its test.
"""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import making
from cloud import LocalCloud
from edits import post_all
from fake_trainer import CONFIGURATION, Files, Job, Trainer, sha256
from intruder import Intruder
from lake import Lake
from metrics import logged, recorded
from operating import run as run_binary
from stage import package_of, rewrite, staged_with_policy
from stack import Stack, raise_stack
from training import worker_credentials
from workflow import executions, invoke, queue_depth, run_to_end, wait_until

PAIRS = 200
"""The pairs of a round: enough that at least four are held out, in all but one of a hundred thousand rounds. All of them are new to the live adapter,
and four wins of four meet the gate's bound."""
PATIENCE_SECONDS = 25
"""Seconds that the workflow waits here for a worker, and for an operator."""
POLICY = """
[sampling]
thumbs_up = 1.0
[dataset]
burst_pairs = 1000
[breaker]
min_events = 100000
[gate]
min_held_out = 1
min_replay = 1
learned_from = 0.1
review_within = 0.5
length_within = 1.0
"""


@pytest.fixture(scope="module")
def impatient(template) -> Iterator[Path]:
    """The staged files, with a workflow that waits for seconds instead of days, and a policy for few rows."""
    copy = staged_with_policy(POLICY, "of-training-test")
    workflow = copy.with_name("finetune.asl.json")
    text = workflow.read_text()
    patience = f'"TimeoutSeconds": {PATIENCE_SECONDS}'
    assert text.count('"TimeoutSeconds": 86400') == 2 and text.count('"TimeoutSeconds": 259200') == 1
    rewrite(workflow, text.replace('"TimeoutSeconds": 86400', patience).replace('"TimeoutSeconds": 259200', patience))
    yield copy
    shutil.rmtree(package_of(copy))


@pytest.fixture(scope="module")
def stack(impatient) -> Iterator[Stack]:
    with LocalCloud("test-training", enforce_iam=True) as cloud:
        cloud.skip_waits()
        stack = raise_stack(cloud, impatient, {
            "Threshold": str(PAIRS - 20), "BatchWindowSeconds": "1", "Schedule": "rate(365 days)", "TrainingBackEnd": "worker",
            "LogLevel": "error"})
        listen(stack)
        yield stack


@pytest.fixture(scope="module")
def lake(stack) -> Lake:
    return Lake(stack)


@pytest.fixture(scope="module")
def trainer(stack) -> Trainer:
    """A worker with the rights of the template's policy, and no others."""
    return Trainer(stack, worker_credentials(stack))


def listen(stack: Stack) -> None:
    """A queue that subscribes to the runs' events, as a product may."""
    sqs, events = stack.client("sqs"), stack.client("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="heard", EventPattern=json.dumps({"source": ["flywheel"], "detail-type": ["Fine-tuning run ended"]}))
    events.put_targets(Rule="heard", Targets=[{"Id": "heard", "Arn": arn}])


def heard(stack: Stack, run: str) -> dict:
    """The event of a run's end."""
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName="heard")["QueueUrl"]

    def said() -> dict | None:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages", ()):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            detail = json.loads(message["Body"])["detail"]
            if detail["run"] == run:
                return detail
        return None

    return wait_until(f"the event of {run}", said, 30, stack.cloud.log_file)


def cross(stack: Stack, lake: Lake, pairs: int = PAIRS, liked: int = 0) -> str:
    """Posts new pairs to the front door, until a run is started; returns its name."""
    events = [making.gold() for _ in range(pairs)] + [making.thumbs_up() for _ in range(liked)]
    assert not post_all(stack, [json.dumps(event) for event in events]).refused
    ids = {event["event_id"] for event in events}
    arrived = lambda: queue_depth(stack, "EditsQueueUrl") == 0 and ids <= set().union(*lake.events_by_route().values())
    wait_until("curation", arrived, 120, stack.cloud.log_file)

    def started() -> str | None:
        # The rule on the end of the run before counts, too, and may be faster.
        count = invoke(stack, "Counter", {})
        assert count["decision"] in ("start", "already_running", "already_frozen"), count
        return count["run"] if count["decision"] != "already_frozen" else None

    return wait_until("a run", started, 30, stack.cloud.log_file)


def attempt_again(stack: Stack, run: str) -> str:
    """Starts the next attempt at a run's crossing, as the counter does after 15 minutes and more."""
    count = invoke(stack, "Counter", {})
    number = int(run.rsplit("-", 1)[1]) + 1
    again = f"{run.rsplit('-', 1)[0]}-{number}"
    assert (count["decision"], count["run"]) == ("backing_off", again)
    runs = stack.client("stepfunctions")
    arn = stack.outputs["FineTuneStateMachineArn"]
    failed = runs.describe_execution(executionArn=arn.replace(":stateMachine:", ":execution:") + f":{run}")
    runs.start_execution(stateMachineArn=arn, name=again, input=failed["input"])
    return again


def ends(stack: Stack, run: str) -> tuple[str, str]:
    """The status of an ended run, and the state that it ended in."""
    execution = run_to_end(stack, run)
    return execution["status"], execution.get("error") or states(stack, run)[-1]


def history(stack: Stack, run: str) -> list[dict]:
    arn = stack.outputs["FineTuneStateMachineArn"].replace(":stateMachine:", ":execution:") + f":{run}"
    return stack.client("stepfunctions").get_execution_history(executionArn=arn, maxResults=1000)["events"]


def states(stack: Stack, run: str) -> list[str]:
    return [event["stateEnteredEventDetails"]["name"] for event in history(stack, run) if "stateEnteredEventDetails" in event]


def verdict(lake: Lake, run: str) -> dict:
    return json.loads(lake.read(f"runs/{run}/verdict.json"))


def live(lake: Lake) -> str | None:
    try:
        adapter = json.loads(lake.read("models/live.json"))["adapter"]
    except lake.s3.exceptions.NoSuchKey:
        return None
    return adapter and adapter["adapter"]


def reject(stack: Stack, lake: Lake, trainer: Trainer, run: str) -> None:
    """Ends a crossing without a change of the live adapter."""
    job = trainer.take(run)
    trainer.train(job, "displaced")
    trainer.succeed(job)
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    assert heard(stack, run)["outcome"] == "rejected"


def flywheel(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_binary(stack, *arguments, "--json")


def put_base(lake: Lake) -> None:
    base = {"id": "tiny", "prefix": "models/tiny/", "files": {"model.safetensors": sha256(b"base")}}
    lake.s3.put_object(Bucket=lake.bucket, Key="models/base.json", Body=json.dumps(base).encode())


def test_without_a_base_the_run_fails_and_is_attempted_again(stack, lake, trainer):
    run = cross(stack, lake, liked=PAIRS)
    assert ends(stack, run) == ("FAILED", "NotTrained.NoBase")
    put_base(lake)
    again = attempt_again(stack, run)
    reject(stack, lake, trainer, again)
    # The freeze gave its earlier answer for this crossing: there is one version.
    assert lake.pointer()["crossing"] == 2
    assert live(lake) is None
    assert invoke(stack, "Counter", {})["decision"] == "below_threshold"


def test_a_worker_may_do_its_own_work_and_nothing_else(stack, trainer):
    """The other tests show the allowed calls: their trainer has the rights of a worker."""
    allowed = {"read input", "read output", "write output", "read base", "read live", "take a job", "answer a run"}
    intruder = Intruder(stack, trainer.credentials)
    assert intruder.denied(allowed) == set(intruder.attempts()) - allowed


def test_a_better_adapter_goes_live(stack, lake, trainer):
    run = cross(stack, lake)
    job = trainer.take(run)
    assert job == Job(job.task_token, run, lake.bucket, f"runs/{run}/input/", f"runs/{run}/output/")
    description = json.loads(trainer.read(job, "run.json"))
    assert description["incumbent"] is None and description["dataset"]["digest"]
    split = {name: {row.get("pair_id", row.get("event_id")) for row in trainer.lines(job, f"{name}.jsonl")}
             for name in ("train", "heldout", "replay_train", "replay_heldout")}
    assert len(split["train"] | split["heldout"]) == 2 * PAIRS
    assert len(split["replay_train"] | split["replay_heldout"]) == PAIRS
    # A lifecycle rule goes by the tag: the copy of the data expires, its description stays.
    s3 = stack.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=lake.bucket, Prefix=job.input)["Contents"]]
    tags = {key.removeprefix(job.input): s3.get_object_tagging(Bucket=lake.bucket, Key=key)["TagSet"] for key in keys}
    assert {"train.jsonl", "replay_heldout.jsonl", "run.json"} <= set(tags)
    expires = [{"Key": "expires", "Value": "run-input"}]
    assert tags == {name: [] if name == "run.json" or name.startswith("replay_log-") else expires for name in tags}
    trainer.train(job)
    stack.client("stepfunctions").send_task_heartbeat(taskToken=job.task_token)
    trainer.succeed(job)
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    assert heard(stack, run) == {"run": run, "outcome": "promoted", "version": 2, "bucket": lake.bucket}
    assert live(lake) == run
    assert verdict(lake, run)["ruling"] == "promote"


def test_a_worse_adapter_is_refused_and_the_crossing_is_over(stack, lake, trainer):
    before = live(lake)
    run = cross(stack, lake)
    reject(stack, lake, trainer, run)
    assert live(lake) == before
    assert any(reason.startswith("G2 no_displacement") for reason in verdict(lake, run)["reasons"])
    assert verdict(lake, run)["incumbent"]["adapter"] == before
    assert invoke(stack, "Counter", {})["decision"] == "below_threshold"


def without_a_number(files: Files) -> Files:
    return files | {"rows.jsonl": files["rows.jsonl"].replace(b'"candidate": {"logp_chosen": -1.0', b'"candidate": {"logp_chosen": null', 1)}


def pickled(files: Files) -> Files:
    return files | {"adapter_model.safetensors": pickle.dumps({"weights": [1.0]})}


def configured_to_import(files: Files) -> Files:
    return files | {"adapter_config.json": json.dumps(CONFIGURATION | {"auto_mapping": {"parent_library": "os"}}).encode()}


@pytest.mark.parametrize("damage", [without_a_number, pickled, configured_to_import])
def test_an_output_that_is_reported_truly_and_is_unfit_is_refused(stack, lake, trainer, damage):
    before, run = live(lake), cross(stack, lake)
    job = trainer.take(run)
    trainer.train(job, damage=damage)
    assert_refused(stack, lake, trainer, job, before)


@pytest.mark.parametrize("forged", [{"adapter_model.safetensors": b"other weights"}, {"run.json": b'{"decision": "promote"}'}])
def test_an_output_that_is_not_the_reported_one_is_refused(stack, lake, trainer, forged):
    before, run = live(lake), cross(stack, lake)
    job = trainer.take(run)
    trainer.train(job, forged=forged)
    assert_refused(stack, lake, trainer, job, before)


def test_held_out_pairs_among_the_training_data_are_noticed(stack, lake, trainer):
    """They are added after the input was described. Only an administrator can do that: no role may replace an input."""
    before, run = live(lake), cross(stack, lake)
    job = trainer.take(run)
    trainer.train(job)
    key, leaked = f"{job.input}train.jsonl", trainer.read(job, "train.jsonl") + trainer.read(job, "heldout.jsonl")
    version = lake.s3.head_object(Bucket=job.bucket, Key=key)["ETag"]
    lake.s3.put_object(Bucket=job.bucket, Key=key, Body=leaked, IfMatch=version)
    assert_refused(stack, lake, trainer, job, before)


def assert_refused(stack: Stack, lake: Lake, trainer: Trainer, job: Job, before: str | None) -> None:
    """Ends a run whose output the gate has to refuse."""
    run = job.run
    trainer.succeed(job)
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    assert heard(stack, run)["outcome"] == "rejected"
    assert any(reason.startswith("G0 integrity") for reason in verdict(lake, run)["reasons"])
    assert live(lake) == before


def test_what_the_gate_leaves_to_a_person_waits_for_one(stack, lake, trainer):
    run = cross(stack, lake)
    job = trainer.take(run)
    trainer.train(job, "undecided")
    trainer.succeed(job)
    wait_until("the question", lambda: list(lake.keys(f"runs/{run}/review.json")), 60, stack.cloud.log_file)
    assert live(lake) != run
    # The alarm's metric is a line that no log level silences.
    asked = lambda: ("flywheel/flywheel", "ReviewsAsked", 1) in recorded(stack, "Promote")
    wait_until("the metric of the question", asked, 10, stack.cloud.log_file)
    assert {line["level"] for line in logged(stack, "Promote")} <= {"ERROR"}
    shown = flywheel(stack, "promote", "--run", run, "--why", "looks fine", "--by", "kim", "--dry-run")
    assert json.loads(shown.stdout)["answered"] is False, shown.stderr
    answered = flywheel(stack, "promote", "--run", run, "--why", "looks fine", "--by", "kim", "--yes")
    assert json.loads(answered.stdout)["answered"] is True, answered.stderr
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    assert heard(stack, run)["outcome"] == "promoted"
    listed = json.loads(flywheel(stack, "adapters").stdout)
    assert (listed["adapter"]["adapter"], listed["changes"][-1]["cause"]) == (run, {"kind": "review", "who": "kim", "why": "looks fine"})
    again = flywheel(stack, "reject", "--run", run, "--why", "on second thoughts", "--by", "kim", "--yes")
    assert again.returncode == 2 and "waits no more" in again.stderr
    assert live(lake) == run


def test_a_person_may_say_no(stack, lake, trainer):
    before = live(lake)
    run = cross(stack, lake)
    job = trainer.take(run)
    trainer.train(job, "undecided")
    answer = ("reject", "--run", run, "--why", "it rambles", "--by", "kim")
    early = flywheel(stack, *answer, "--yes")
    assert early.returncode == 2 and f"{run} waits for no answer" in early.stderr
    trainer.succeed(job)
    wait_until("the question", lambda: list(lake.keys(f"runs/{run}/review.json")), 60, stack.cloud.log_file)
    shown = json.loads(flywheel(stack, *answer, "--dry-run").stdout)
    assert (shown["decision"], shown["answered"]) == ("reject", False) and shown["reasons"]
    assert flywheel(stack, *answer, "--yes").returncode == 0
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    answers = [event["taskSucceededEventDetails"]["output"] for event in history(stack, run) if "taskSucceededEventDetails" in event]
    assert {"decision": "reject", "who": "kim", "why": "it rambles"} in [json.loads(each) for each in answers]
    assert heard(stack, run)["outcome"] == "rejected"
    assert live(lake) == before
    late = flywheel(stack, *answer, "--yes")
    assert late.returncode == 2 and "waits no more" in late.stderr


def test_what_nobody_answers_does_not_go_live(stack, lake, trainer):
    before = live(lake)
    run = cross(stack, lake)
    job = trainer.take(run)
    trainer.train(job, "undecided")
    trainer.succeed(job)
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    assert heard(stack, run)["outcome"] == "not_reviewed"
    assert live(lake) == before


def test_an_absent_worker_fails_no_run(stack, lake, trainer):
    run = cross(stack, lake)
    # Longer than the workflow waits for an answer to one question: it has asked again.
    time.sleep(2 * PATIENCE_SECONDS)
    assert states(stack, run)[-1] == "WaitForWorker" and invoke(stack, "Counter", {})["decision"] == "already_running"
    reject(stack, lake, trainer, run)
    assert states(stack, run).count("TrainOnWorker") == 1


def test_a_trainer_that_fails_is_asked_again(stack, lake, trainer):
    run = cross(stack, lake)
    trainer.fail(trainer.take(run))
    assert ends(stack, run) == ("FAILED", "TrainerFailed")
    again = attempt_again(stack, run)
    reject(stack, lake, trainer, again)
    assert invoke(stack, "Counter", {})["decision"] == "below_threshold"


def test_a_trainer_that_left_nothing_has_failed(stack, lake, trainer):
    run = cross(stack, lake)
    trainer.succeed(trainer.take(run))
    assert ends(stack, run) == ("FAILED", "NoOutput")
    reject(stack, lake, trainer, attempt_again(stack, run))


def test_a_trainer_that_never_answers_is_given_up(stack, lake, trainer):
    run = cross(stack, lake)
    job = trainer.take(run)
    assert ends(stack, run) == ("FAILED", "States.Timeout")
    # Its late callback is refused: the workflow no longer waits.
    trainer.train(job)
    with pytest.raises(ClientError) as refused:
        trainer.succeed(job)
    assert refused.value.response["Error"]["Code"] in ("TaskTimedOut", "TaskDoesNotExist")
    assert live(lake) != run
    reject(stack, lake, trainer, attempt_again(stack, run))


def test_a_job_that_is_delivered_twice_and_answered_twice_counts_once(stack, lake, trainer):
    run = cross(stack, lake)
    first, second = trainer.take(run, leave=True), trainer.take(run)
    assert first == second
    trainer.train(first)
    trainer.train(second)
    trainer.succeed(second)
    with pytest.raises(ClientError):
        trainer.succeed(first)
    with pytest.raises(ClientError):
        trainer.fail(first)
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    assert live(lake) == run
    changes = json.loads(lake.read("models/live.json"))["changes"]
    assert [change["to"]["adapter"] for change in changes].count(run) == 1
    # A second request for the promotion changes nothing.
    assert invoke(stack, "Promote", {"step": "promote", "run": run}) == {"run": run, "outcome": "promoted"}
    assert json.loads(lake.read("models/live.json"))["changes"] == changes


def test_what_was_trained_on_what_is_rolled_back_does_not_stay_live_nor_become_so(stack, lake, trainer):
    pointer = json.loads(lake.read("models/live.json"))
    was_live, version = pointer["adapter"]["adapter"], pointer["adapter"]["dataset"]["version"]
    older = next(change["to"]["adapter"] for change in reversed(pointer["changes"]) if change["to"]["dataset"]["version"] < version)
    run = cross(stack, lake)
    job = trainer.take(run)
    assert json.loads(trainer.read(job, "run.json"))["incumbent"].keys() == {"adapter", "prefix", "sha256", "config_sha256"}
    rollback = ("rollback", "--to", str(version - 1), "--why", "poisoned", "--by", "kim")
    made = json.loads(flywheel(stack, *rollback, "--yes").stdout)
    taken_back = [{"above": version - 1, "below": made["version"]}]
    assert made["live"] == {"from": was_live, "to": older, "taken_back": taken_back}
    assert {was_live, run} <= {named["run"] for named in made["runs"]}
    trainer.train(job)
    trainer.succeed(job)
    assert ends(stack, run) == ("SUCCEEDED", "Ended")
    assert heard(stack, run)["outcome"] == "taken_back"
    listed = json.loads(flywheel(stack, "adapters").stdout)
    assert (listed["adapter"]["adapter"], listed["taken_back"]) == (older, taken_back)
    assert json.loads(flywheel(stack, *rollback, "--yes").stdout)["changed"] is False


def test_what_was_put_back_by_hand_does_not_come_back(stack, lake, trainer):
    was_live = cross(stack, lake)
    job = trainer.take(was_live)
    trainer.train(job)
    trainer.succeed(job)
    assert ends(stack, was_live) == ("SUCCEEDED", "Ended")
    assert live(lake) == was_live
    demoted = json.loads(flywheel(stack, "demote", "--to", "base", "--why", "it rambles", "--by", "kim", "--yes").stdout)
    assert demoted["adapter"] is None
    assert invoke(stack, "Promote", {"step": "promote", "run": was_live})["outcome"] == "superseded"
    assert live(lake) is None


def test_no_history_holds_a_text(stack, lake):
    """All texts of the tests' events share a word."""
    found = 0
    for run in executions(stack):
        text = json.dumps(history(stack, run["name"]), default=str)
        found += "runs/" in text
        assert making.ORIGINAL[:20] not in text and "Question" not in text and "invoice" not in text, run["name"]
    assert found > 10, "or nothing would have been searched"
