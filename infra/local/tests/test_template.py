"""The template's promises that no local cloud can show, read off the template and the code. Without a cloud."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase

import pytest
from ministack.services import stepfunctions

from settings import FUNCTIONS, REPOSITORY
from template_file import template

TEMPLATE = template()
RESOURCES: dict[str, dict] = TEMPLATE["Resources"]
PARAMETERS: dict[str, dict] = TEMPLATE["Parameters"]
WORKFLOW = json.loads((REPOSITORY / "infra" / "finetune.asl.json").read_text())
OWN_METRICS = {"Fn::Sub": "flywheel/${AWS::StackName}"}


def of_type(wanted: str) -> dict[str, dict]:
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == wanted}


# -- alarms -----------------------------------------------------------------------------------------------------------------

ALARMS = {name: alarm["Properties"] for name, alarm in of_type("AWS::CloudWatch::Alarm").items()}
METRICS_OF_AWS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName", "AWS::SQS::Queue"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ("QueueName", "AWS::SQS::Queue"),
    ("AWS/ApiGateway", "5xx"): ("ApiId", "AWS::ApiGatewayV2::Api"),
    ("AWS/Lambda", "Errors"): ("FunctionName", "AWS::Serverless::Function"),
    ("AWS/States", "ExecutionsFailed"): ("StateMachineArn", "AWS::Serverless::StateMachine"),
    ("AWS/States", "ExecutionsTimedOut"): ("StateMachineArn", "AWS::Serverless::StateMachine"),
    ("AWS/States", "ExecutionsAborted"): ("StateMachineArn", "AWS::Serverless::StateMachine"),
}
"""Metrics that AWS emits by itself: the one dimension, and the type of resource that it names."""


def named(value: dict) -> str:
    """The resource that a dimension's value refers to."""
    return value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]


def names_of_metrics() -> dict[str, str]:
    """The names of the metrics that the code emits, by their variants in Rust."""
    rust = (REPOSITORY / "crates" / "runtime" / "src" / "metrics.rs").read_text()
    return dict(re.findall(r'Self::(\w+) => "(\w+)"', rust))


def emitters(metric: str) -> list[str]:
    """The functions that record a metric."""
    variants = [variant for variant, name in names_of_metrics().items() if name == metric]
    source = lambda name: "".join(file.read_text() for file in (REPOSITORY / "functions" / name / "src").rglob("*.rs"))
    return [name for name in FUNCTIONS if any(f"record(Metric::{variant}," in source(name) for variant in variants)]


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_reads_a_metric_that_is_emitted(name):
    alarm = ALARMS[name]
    if alarm["Namespace"] == OWN_METRICS:
        assert "Dimensions" not in alarm, "the code emits without dimensions"
        (function,) = emitters(alarm["MetricName"])
        environment = RESOURCES[f"{function.capitalize()}Function"]["Properties"]["Environment"]["Variables"]
        assert environment["FLYWHEEL_METRICS_NAMESPACE"] == alarm["Namespace"]
        main = (REPOSITORY / "functions" / function / "src" / "main.rs").read_text()
        assert "with_metrics(Metrics::from_settings(&settings)?)" in main
        return
    dimension, resource_type = METRICS_OF_AWS[alarm["Namespace"], alarm["MetricName"]]
    ((found, value),) = [(each["Name"], each["Value"]) for each in alarm["Dimensions"]]
    assert (found, RESOURCES[named(value)]["Type"]) == (dimension, resource_type)


def test_every_metric_of_the_code_has_an_alarm():
    read = {alarm["MetricName"] for alarm in ALARMS.values() if alarm["Namespace"] == OWN_METRICS}
    assert read == set(names_of_metrics().values()) and len(read) == 4


def test_no_alarm_depends_on_the_log_level():
    """A metric filter reads log lines, which LogLevel silences. And AWS itself filters by level only where LoggingConfig says so."""
    assert of_type("AWS::Logs::MetricFilter") == {}
    for function in of_type("AWS::Serverless::Function").values():
        assert set(function["Properties"]["LoggingConfig"]) == {"LogGroup"}


# -- the lake ---------------------------------------------------------------------------------------------------------------

CONDITIONAL = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}
ERASING = {"s3:if-match": "the-tag", "s3:ObjectCreationOperation": "true"}
PLAIN = {"s3:ObjectCreationOperation": "true"}
PART_OF_AN_UPLOAD = {"s3:ObjectCreationOperation": "false"}


def is_denied(key: str, conditions: dict[str, str]) -> bool:
    """Evaluates the bucket policy on a PutObject over TLS. It knows the operators that the policy has, and no others."""
    known = conditions | {"aws:SecureTransport": "true"}

    def holds(operator: str, name: str, wanted: str) -> bool:
        match operator:
            case "Null":
                return (name not in known) == (wanted == "true")
            case "Bool":
                return known.get(name) == wanted
        raise AssertionError(operator)

    def covers(resource: dict) -> bool:
        pattern = resource.get("Fn::Sub", "").removeprefix("${LakeBucket.Arn}/")
        return fnmatchcase(key, pattern)

    for statement in RESOURCES["LakeBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]:
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        conditions_hold = all(holds(operator, name, wanted)
                              for operator, block in statement["Condition"].items() for name, wanted in block.items())
        if statement["Action"] in ("s3:*", "s3:PutObject") and any(map(covers, statement["Resource"])) and conditions_hold:
            return True
    return False


@pytest.mark.parametrize("key", [
    "dpo_gold_v1/route=gold/dt=2026-11-22/hour=10/x.jsonl",
    "dpo_gold_v1/route=quarantine/dt=2026-11-22/hour=10/x.jsonl",
    "dpo_gold_v1/route=dropped/dt=2026-11-22/hour=10/x.jsonl",
    "datasets/dpo_gold_v1/_delta_log/00000000000000000000.json",
    "runs/crossing-000001-attempt-1/input/train.jsonl",
    "runs/crossing-000001-attempt-1/input/run.json",
    "runs/crossing-000001-attempt-1/verdict.json",
])
def test_an_object_that_is_never_replaced_is_refused_without_if_none_match(key):
    assert is_denied(key, PLAIN) and not is_denied(key, CONDITIONAL)
    assert is_denied(key, ERASING) == ("/input/" not in key), "an erasure takes lines out of a run's input"
    assert not is_denied(key, PART_OF_AN_UPLOAD), "the request that completes the upload is the one that counts"


@pytest.mark.parametrize("key", [
    "state/pointer.json", "state/breaker.json", "models/live.json", "models/base.json", "review/x.json",
    "datasets/dpo_gold_v1/part-0.parquet", "datasets/dpo_gold_v1/_flywheel/parts/x.jsonl",
    "datasets/dpo_gold_v1/_delta_log/_last_checkpoint", "datasets/dpo_gold_v1/_delta_log/00000000000000000010.checkpoint.parquet",
    "runs/crossing-000001-attempt-1/review.json", "runs/crossing-000001-attempt-1/output/run.json",
    "runs/crossing-000001-attempt-1/sagemaker/job/output/model/run.json", "checkpoints/crossing-000001-attempt-1/x",
])
def test_an_object_that_is_replaced_or_named_by_its_content_needs_no_condition(key):
    assert not is_denied(key, PLAIN)


def test_all_writers_of_these_objects_send_if_none_match():
    """The code has two ways to S3: the lake, and the table's object store. (The deployed tests run under this policy, too.)"""
    sources = {file.relative_to(REPOSITORY).as_posix(): file.read_text() for folder in ("crates", "functions")
               for file in (REPOSITORY / folder).glob("*/src/**/*.rs")}
    lake = sources["crates/lake/src/s3_lake.rs"]
    assert [name for name, text in sources.items() if ".put_object()\n" in text or ".put_object().bucket" in text] == ["crates/lake/src/s3_lake.rs"]
    assert lake.count(".put_object()") == 2 and "put_object().bucket(&self.bucket).key(key).if_none_match(\"*\")" in lake
    assert "Condition::Absent => request.if_none_match(\"*\")" in lake and lake.count("Condition::Always)") == 1
    # The write without a condition, by its callers: the question to an operator.
    ports = ("crates/lake/", "crates/operator/src/lake.rs")
    unconditional = [name for name, text in sources.items() if ".replace_object(" in text and not name.startswith(ports)]
    assert unconditional == ["functions/promote/src/ask.rs"]
    assert '("AWS_CONDITIONAL_PUT".to_owned(), "etag".to_owned())' in sources["crates/table/src/delta_dataset/mod.rs"]


def lifecycle(rule_id: str) -> dict:
    rules = RESOURCES["LakeBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = (rule for rule in rules if rule["Id"] == rule_id)
    return rule


def test_of_a_run_only_its_copy_of_the_data_expires():
    rule = lifecycle("run-inputs-expire")
    assert (rule["Prefix"], rule["TagFilters"]) == ("runs/", [{"Key": "expires", "Value": "run-input"}])
    assert rule["ExpirationInDays"] == {"Ref": "RunInputDays"}
    main = (REPOSITORY / "functions" / "prepare" / "src" / "main.rs").read_text()
    assert 'with_file_tag("expires", "run-input")' in main
    # A live adapter lies in runs/<run>/output/ or runs/<run>/sagemaker/. No rule without that tag reaches them.
    for rule in RESOURCES["LakeBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]:
        assert "TagFilters" in rule or "ExpirationInDays" not in rule or not "runs/".startswith(rule.get("Prefix", ""))
    # A run that waits for its trainer or for an operator still has its data.
    assert PARAMETERS["RunInputDays"]["MinValue"] * 86_400 > WORKFLOW["TimeoutSeconds"]


def test_checkpoints_go_where_they_expire():
    uri = WORKFLOW["States"]["TrainOnSageMaker"]["Parameters"]["CheckpointConfig"]["S3Uri.$"]
    assert uri.startswith(f"States.Format('s3://${{LakeBucket}}/{lifecycle('checkpoints-expire')['Prefix']}")


def statement(of: str, sid: str) -> dict:
    """The statement of a role or a managed policy."""
    properties = RESOURCES[of]["Properties"]
    documents = [properties["PolicyDocument"]] if "PolicyDocument" in properties else [each["PolicyDocument"] for each in properties["Policies"]]
    (found,) = (each for document in documents for each in document["Statement"] if each.get("Sid") == sid)
    return found


def keys_of(of: str, sid: str) -> list[str]:
    """The patterns of keys that a statement covers."""
    resources = statement(of, sid)["Resource"]
    resources = resources if isinstance(resources, list) else [resources]
    return [each["Fn::Sub"].removeprefix("${LakeBucket.Arn}/") for each in resources]


@pytest.mark.parametrize(("of", "allow", "deny"), [
    ("PrepareRole", "WriteInput", "WriteInputOnce"), ("WorkerPolicy", "WriteOutput", "WriteOutputOnce"),
])
def test_prepare_and_workers_replace_nothing(of, allow, deny):
    assert (statement(of, deny)["Effect"], statement(of, deny)["Action"]) == ("Deny", "s3:PutObject")
    assert keys_of(of, allow) == keys_of(of, deny)
    assert statement(of, deny)["Condition"] == {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}


@pytest.mark.parametrize(("of", "sid"), [
    ("PrepareRole", "ReadVersionReplayAndModels"), ("WorkerPolicy", "ReadRunsAndBases"), ("TrainingRole", "ReadInput"),
])
def test_the_live_adapter_can_be_read_whichever_back_end_trained_it_and_a_review_cannot(of, sid):
    assert {"runs/*/output/*", "runs/*/sagemaker/*"} <= set(keys_of(of, sid))
    assert not any(fnmatchcase("runs/crossing-000001-attempt-1/review.json", pattern) for pattern in keys_of(of, sid))


def test_the_compaction_of_liked_outputs_does_not_expire():
    lake = (REPOSITORY / "crates" / "lake" / "src" / "s3_lake.rs").read_text()
    replay = (REPOSITORY / "functions" / "prepare" / "src" / "replay.rs").read_text()
    assert '!key.contains("/input/replay_log-")' in lake and '("input/replay_log-", ".jsonl")' in replay


def test_the_policy_of_the_lake_outlives_the_stack_as_the_lake_does():
    for name in ("LakeBucket", "LakeBucketPolicy"):
        assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


# -- the queue --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["EditsQueue", "EditsDeadLetterQueue"])
def test_acknowledged_edits_outlive_the_stack(name):
    assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_a_killed_batch_comes_again_soon_and_never_while_it_is_at_work():
    after = {int(window): row["Seconds"] for window, row in TEMPLATE["Mappings"]["RedeliveryAfter"].items()}
    assert sorted(after) == PARAMETERS["BatchWindowSeconds"]["AllowedValues"]
    visibility = RESOURCES["EditsQueue"]["Properties"]["VisibilityTimeout"]
    assert visibility == {"Fn::FindInMap": ["RedeliveryAfter", {"Ref": "BatchWindowSeconds"}, "Seconds"]}
    work = RESOURCES["CurateFunction"]["Properties"]["Timeout"]
    assert all(seconds == window + work + 30 for window, seconds in after.items())
    assert after[PARAMETERS["BatchWindowSeconds"]["Default"]] <= 120
    outlasted = PARAMETERS["MaxReceiveCount"]["Default"] * after[PARAMETERS["BatchWindowSeconds"]["Default"]]
    assert outlasted >= 90 * 60


# -- secrets ----------------------------------------------------------------------------------------------------------------


def test_the_key_of_the_pseudonyms_is_generated_once_and_no_role_may_read_it():
    secret = RESOURCES["ContributorSecret"]
    assert (secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    generated = secret["Properties"]["GenerateSecretString"]["Fn::If"]
    assert generated == ["GenerateContributorKey", {"PasswordLength": 64, "ExcludePunctuation": True}, {"Ref": "AWS::NoValue"}]
    readers = [name for name, function in of_type("AWS::Serverless::Function").items()
               if "ContributorSecret" in json.dumps(function["Properties"].get("Environment", {}))]
    assert readers == ["IngestFunction", "CurateFunction"]
    assert "secretsmanager:" not in json.dumps([*of_type("AWS::IAM::Role").values(), *of_type("AWS::IAM::ManagedPolicy").values()])


def test_a_key_that_is_handed_over_changes_the_functions_that_have_it():
    """CloudFormation resolves a reference to a secret only when the resource with the reference changes."""
    for function in ("IngestFunction", "CurateFunction"):
        key = RESOURCES[function]["Properties"]["Environment"]["Variables"]["FLYWHEEL_CONTRIBUTOR_KEY"]
        generated = {"Fn::Sub": "{{resolve:secretsmanager:${ContributorSecret}:SecretString}}"}
        assert key == {"Fn::If": ["StorePseudonyms", {"Fn::If": ["GenerateContributorKey", generated, {"Ref": "ContributorKey"}]}, ""]}


# -- training jobs ----------------------------------------------------------------------------------------------------------

SAGEMAKER_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def job_name(stack: str, stack_tag: str, run: str, retry: int) -> str:
    """Evaluates the workflow's expression for the job's name."""
    expression = WORKFLOW["States"]["TrainOnSageMaker"]["Parameters"]["TrainingJobName.$"]
    arn = f"arn:aws:states:eu-central-1:123456789012:execution:{stack}-FineTuneStateMachine-AbCdEf:{run}"
    context = {"Execution": {"Id": arn, "Name": run}, "State": {"RetryCount": retry}}
    return stepfunctions._evaluate_intrinsic(expression.replace("${StackTag}", stack_tag), {}, context)


def test_a_training_job_has_a_name_that_sagemaker_takes_whatever_the_stack_is_called():
    names = [job_name(stack, tag, run, retry) for stack, tag in (("f" * 36, "0a1b2c3d"), ("f" * 128, "99887766"))
             for run in ("crossing-000001-attempt-1", "x" * 80) for retry in (0, 5, 99)]
    assert all(SAGEMAKER_NAME.fullmatch(name) for name in names), names
    assert len(set(names)) == len(names)
    assert job_name("shop", "0a1b2c3d", "run", 0) == job_name("shop", "0a1b2c3d", "run", 0)


def test_a_run_that_waits_as_long_as_it_may_for_worker_training_and_operator_does_not_time_out():
    states = WORKFLOW["States"]
    (asked_again,) = (retry["MaxAttempts"] for retry in states["WaitForWorker"]["Retry"] if retry["ErrorEquals"] == ["States.Timeout"])
    waits = states["WaitForWorker"]["TimeoutSeconds"] * (1 + asked_again)
    (review,) = (state for state in states.values() if state.get("TimeoutSeconds") == 259_200)
    assert waits == 9 * 86_400
    assert waits + states["TrainOnWorker"]["TimeoutSeconds"] + review["TimeoutSeconds"] + 43_200 < WORKFLOW["TimeoutSeconds"]


def test_the_workflow_may_start_the_jobs_of_its_own_stack_only():
    substitution = RESOURCES["FineTuneStateMachine"]["Properties"]["DefinitionSubstitutions"]["StackTag"]
    statements = RESOURCES["FineTuneRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (train,) = (each["Fn::If"][1] for each in statements if "Fn::If" in each and each["Fn::If"][1]["Sid"] == "Train")
    pattern, values = train["Resource"]["Fn::Sub"]
    assert pattern.endswith(":training-job/flywheel-${StackTag}-*") and values == {"StackTag": substitution}
    assert job_name("shop", "0a1b2c3d", "run", 0).startswith("flywheel-0a1b2c3d-")
