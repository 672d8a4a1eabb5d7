"""A trainer that trains nothing: it takes a job, and answers with rows of an adapter of a given kind. For the tests of the workflow."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from botocore.exceptions import ClientError

from stack import Stack
from workflow import wait_until

KINDS = {
    # ln p(chosen), ln p(rejected), and its answer, one of the pair's texts
    "good": (-1.0, -9.0, "chosen"),
    "displaced": (-40.0, -90.0, "rejected"),
    "undecided": (-1.0, -9.0, "rejected"),
}
INCUMBENT = (-5.0, -2.0)
CONFIGURATION = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 16.0, "target_modules": ["q_proj"], "bias": "none"}
"""The configuration of an adapter of the default recipe."""


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def weights(run: str) -> bytes:
    """The weights of an adapter of the default recipe: the smallest that the gate takes, other ones for each run."""
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    header = json.dumps({"__metadata__": {"run": run}} | {
        name.format(letter): {"dtype": "F32", "shape": shape, "data_offsets": [begin, begin + 64]}
        for letter, shape, begin in (("A", [8, 2], 0), ("B", [2, 8], 64))}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", 0.5) * 32


@dataclass(frozen=True)
class Job:
    """A message of the training queue."""

    task_token: str
    run: str
    bucket: str
    input: str
    output: str
    request: str = "train"


Files = dict[str, bytes]
"""An output's files, by name."""


def unchanged(files: Files) -> Files:
    return files


class Trainer:
    """One worker of a stack, with these credentials, or the administrator's."""

    def __init__(self, stack: Stack, credentials: Mapping[str, str] | None = None) -> None:
        self._stack = stack
        self.credentials = credentials
        self._s3, self._sqs, self._runs = (stack.client(name, self.credentials) for name in ("s3", "sqs", "stepfunctions"))
        self._queue = stack.outputs["TrainingQueueUrl"]

    def take(self, run: str, within: float = 90, leave: bool = False) -> Job:
        """Takes the run's job off the queue, and discards other runs' jobs. `leave`: it is delivered again soon.

        Before the job the workflow asks if a worker is there."""
        def taken() -> Job | None:
            for message in self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=1).get("Messages", ()):
                job = Job(**json.loads(message["Body"]))
                if job.request == "ready":
                    self.answer_ready(job)
                if leave and job.run == run and job.request == "train":
                    self._sqs.change_message_visibility(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
                else:
                    self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                if job.run == run and job.request == "train":
                    return job
            return None

        return wait_until(f"the training job of {run}", taken, within, self._stack.cloud.log_file)

    def answer_ready(self, job: Job) -> None:
        """Answers that a worker is there, also to a question that the workflow has forgotten."""
        try:
            self._runs.send_task_success(taskToken=job.task_token, output="{}")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("TaskTimedOut", "TaskDoesNotExist"):
                raise

    def read(self, job: Job, name: str) -> bytes:
        return self._s3.get_object(Bucket=job.bucket, Key=job.input + name)["Body"].read()

    def lines(self, job: Job, name: str) -> list[dict]:
        return [json.loads(line) for line in self.read(job, name).splitlines()]

    def train(self, job: Job, kind: str = "good", damage: Callable[[Files], Files] = unchanged,
              forged: Mapping[str, bytes] = MappingProxyType({})) -> None:
        """Writes a trainer's output, the report last. The report fits the files as `damage` returns them, and not those in `forged`."""
        files = damage(self._adapter_and_rows(job, kind))
        for name, body in (files | {"run.json": self._report(job, files)} | forged).items():
            self._write_once(job, name, body)

    def _adapter_and_rows(self, job: Job, kind: str) -> Files:
        chosen, rejected, answered = KINDS[kind]
        rows = []
        for pair in self.lines(job, "heldout.jsonl"):
            rows.append({"kind": "pair", "pair_id": pair["pair_id"], "chosen_tokens": 20, "rejected_tokens": 20,
                         "incumbent": {"logp_chosen": INCUMBENT[0], "logp_rejected": INCUMBENT[1], "output": pair["rejected"]},
                         "candidate": {"logp_chosen": chosen, "logp_rejected": rejected, "output": pair[answered]}})
        for row in self.lines(job, "replay_heldout.jsonl"):
            rows.append({"kind": "replay", "event_id": row["event_id"], "tokens": 20, "incumbent": {"logp": -1.0}, "candidate": {"logp": -1.1}})
        return {"adapter_model.safetensors": weights(job.run),
                "adapter_config.json": json.dumps(CONFIGURATION).encode(),
                "rows.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()}

    def _report(self, job: Job, files: Files) -> bytes:
        description = self.read(job, "run.json")
        digests = {f"{field}_sha256": sha256(files[name]) for field, name in (
            ("adapter", "adapter_model.safetensors"), ("config", "adapter_config.json"), ("rows", "rows.jsonl"))}
        report = {"run": job.run, "truncated": 0, "dropped": 0, "trainer": {"name": "none", "version": "1"}, "seconds": 0.1,
                  "summary": {"decision": "promote"}, "rows": len(files["rows.jsonl"].splitlines()),
                  "base_files": json.loads(description)["base"]["files"], "input_sha256": sha256(description)}
        return json.dumps(report | digests).encode()

    def _write_once(self, job: Job, name: str, body: bytes) -> None:
        """Another worker's output of the same job is the same, and stays."""
        try:
            self._s3.put_object(Bucket=job.bucket, Key=job.output + name, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise

    def succeed(self, job: Job) -> None:
        self._runs.send_task_success(taskToken=job.task_token, output=json.dumps({"run": job.run, "output": job.output}))

    def fail(self, job: Job) -> None:
        self._runs.send_task_failure(taskToken=job.task_token, error="TrainerFailed", cause="out of memory")
