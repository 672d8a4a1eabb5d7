"""The calls that only one function or operator may make, and an attacker that tries them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from botocore.exceptions import ClientError

from stack import Stack

GOLD = "dpo_gold_v1/route=gold/dt=2026-11-22/hour=10/x.jsonl"
POINTER = "state/pointer.json"
BREAKER = "state/breaker.json"
RUN = "runs/crossing-000001-attempt-1/"


class Intruder:
    """An attacker with stolen credentials, and the calls that it tries."""

    def __init__(self, stack: Stack, credentials: Mapping[str, str]) -> None:
        self.stack, self.credentials = stack, credentials
        self.bucket, self.queue = stack.outputs["LakeBucket"], stack.outputs["EditsQueueUrl"]
        self.workflow = stack.outputs["FineTuneStateMachineArn"]

    @classmethod
    def as_function(cls, stack: Stack, function: str) -> Intruder:
        """Returns an attacker with the credentials of a function."""
        role = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs[f"{function}FunctionName"])["Role"]
        return cls(stack, stack.assume(role))

    def denied(self, allowed: set[str]) -> set[str]:
        """Tries all calls except the allowed ones, and returns the denied ones."""
        return {name for name, attempt in self.attempts().items() if name not in allowed and is_denied(attempt)}

    def client(self, service: str):
        return self.stack.client(service, self.credentials)

    def attempts(self) -> dict:
        s3, sqs, runs = self.client("s3"), self.client("sqs"), self.client("stepfunctions")
        bedrock = self.client("bedrock-runtime")
        return {
            "list gold": lambda: s3.list_objects_v2(Bucket=self.bucket, Prefix="dpo_gold_v1/route=gold/"),
            "list review": lambda: s3.list_objects_v2(Bucket=self.bucket, Prefix="dpo_gold_v1/route=review/"),
            "read gold": lambda: s3.get_object(Bucket=self.bucket, Key=GOLD),
            "read dropped": lambda: s3.get_object(Bucket=self.bucket, Key=GOLD.replace("gold/", "dropped/", 1)),
            "write gold": lambda: s3.put_object(Bucket=self.bucket, Key=GOLD, Body=b""),
            "write quarantine": lambda: s3.put_object(Bucket=self.bucket, Key=GOLD.replace("gold/", "quarantine/", 1), Body=b""),
            "read quarantine": lambda: s3.get_object(Bucket=self.bucket, Key=GOLD.replace("gold/", "quarantine/", 1)),
            "write anywhere": lambda: s3.put_object(Bucket=self.bucket, Key="elsewhere", Body=b""),
            "delete gold": lambda: s3.delete_object(Bucket=self.bucket, Key=GOLD),
            "read pointer": lambda: s3.get_object(Bucket=self.bucket, Key=POINTER),
            "move pointer": lambda: s3.put_object(Bucket=self.bucket, Key=POINTER, Body=b"{}", IfMatch='"0"'),
            "read breaker": lambda: s3.get_object(Bucket=self.bucket, Key=BREAKER),
            "move breaker": lambda: s3.put_object(Bucket=self.bucket, Key=BREAKER, Body=b"{}", IfMatch='"0"'),
            "write table": lambda: s3.put_object(Bucket=self.bucket, Key="datasets/dpo_gold_v1/intruder", Body=b""),
            "open the bucket": lambda: s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Statement": []})),
            "send": lambda: sqs.send_message(QueueUrl=self.queue, MessageBody="intruder"),
            "purge": lambda: sqs.purge_queue(QueueUrl=self.queue),
            "read dead letters": lambda: sqs.receive_message(QueueUrl=self.stack.outputs["EditsDlqUrl"]),
            "start run": lambda: runs.start_execution(stateMachineArn=self.workflow, name="intruder", input="{}"),
            "change workflow": lambda: runs.update_state_machine(stateMachineArn=self.workflow, definition="{}"),
            "ask a model": lambda: bedrock.converse(modelId="test.judge-1", messages=[{"role": "user", "content": [{"text": "?"}]}]),
            "apply a guardrail": lambda: bedrock.apply_guardrail(
                guardrailIdentifier="abc", guardrailVersion="DRAFT", source="OUTPUT", content=[{"text": {"text": "?"}}]),
            "list replay": lambda: s3.list_objects_v2(Bucket=self.bucket, Prefix="dpo_gold_v1/route=replay/"),
            "read replay": lambda: s3.get_object(Bucket=self.bucket, Key=GOLD.replace("gold/", "replay/", 1)),
            "read table": lambda: s3.get_object(Bucket=self.bucket, Key="datasets/dpo_gold_v1/_delta_log/00000000000000000000.json"),
            "read input": lambda: s3.get_object(Bucket=self.bucket, Key=f"{RUN}input/train.jsonl"),
            "write input": lambda: s3.put_object(Bucket=self.bucket, Key=f"{RUN}input/intruder", Body=b""),
            "read output": lambda: s3.get_object(Bucket=self.bucket, Key=f"{RUN}output/rows.jsonl"),
            "write output": lambda: s3.put_object(Bucket=self.bucket, Key=f"{RUN}output/intruder", Body=b""),
            "read review": lambda: s3.get_object(Bucket=self.bucket, Key=f"{RUN}review.json"),
            "write verdict": lambda: s3.put_object(Bucket=self.bucket, Key=f"{RUN}verdict.json", Body=b"", IfMatch='"0"'),
            "read base": lambda: s3.get_object(Bucket=self.bucket, Key="models/base.json"),
            "write base": lambda: s3.put_object(Bucket=self.bucket, Key="models/base.json", Body=b"{}", IfMatch='"0"'),
            "read live": lambda: s3.get_object(Bucket=self.bucket, Key="models/live.json"),
            "move live": lambda: s3.put_object(Bucket=self.bucket, Key="models/live.json", Body=b"{}", IfMatch='"0"'),
            "send a job": lambda: sqs.send_message(QueueUrl=self.stack.outputs["TrainingQueueUrl"], MessageBody="intruder"),
            "take a job": lambda: sqs.receive_message(QueueUrl=self.stack.outputs["TrainingQueueUrl"]),
            "answer a run": lambda: runs.send_task_success(taskToken="intruder", output="{}"),
            "put an event": lambda: self.client("events").put_events(Entries=[{"Source": "flywheel", "DetailType": "x", "Detail": "{}"}]),
            "invoke freeze": lambda: self.client("lambda").invoke(FunctionName=self.stack.outputs["FreezeFunctionName"], Payload="{}"),
        }


def is_denied(attempt) -> bool:
    try:
        attempt()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "AccessDenied.Queue")
    return False
