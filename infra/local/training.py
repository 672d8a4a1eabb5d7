"""The `worker` back end on this machine: a base model for the lake, and a worker that takes the workflow's training jobs."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import processes
from display import ProgressBar
from progress import Problem, step
from settings import REPOSITORY, plain_environment
from stack import Stack

BASE = REPOSITORY / "crates" / "trainer" / "base"
BASE_ID = "pier-tiny"
RECIPE = {
    "training": {"learning_rate": 2e-3, "epochs": 1, "batch_size": 8, "accumulation": 1, "max_length": 256},
    "generation": {"max_new_tokens": 64},
    "seed": 1,
}
"""The recipe for a model of 350 thousand parameters; the defaults are for billions."""


def put_base(stack: Stack) -> None:
    """Puts the tiny base into the lake, and names it as the base to train from."""
    with step("putting a tiny base model into the lake") as outcome:
        s3, bucket, prefix = stack.client("s3"), stack.outputs["LakeBucket"], f"models/base/{BASE_ID}/"
        files = {path.name: path.read_bytes() for path in sorted(BASE.iterdir()) if path.suffix != ".md"}
        for name, body in files.items():
            s3.put_object(Bucket=bucket, Key=prefix + name, Body=body)
        named = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
        described = {"id": BASE_ID, "prefix": prefix, "files": named, "recipe": RECIPE}
        s3.put_object(Bucket=bucket, Key="models/base.json", Body=json.dumps(described, indent=1))
        outcome(f"{sum(map(len, files.values())) / 1e6:.1f} MB")


def worker_credentials(stack: Stack) -> Mapping[str, str]:
    """Returns the credentials of a role with the template's permissions for a worker, and no others."""
    iam = stack.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="flywheel-worker", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="flywheel-worker", PolicyArn=stack.outputs["WorkerPolicyArn"])
    return stack.assume(role)


class Worker:
    """A worker process, for as long as the context lasts. It ends with its caller, even if that is killed."""

    def __init__(self, stack: Stack, program: Path) -> None:
        self.stack, self.program = stack, program
        self.log_file = stack.cloud.folder / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._bar = ProgressBar("trained", 0)

    def __enter__(self) -> Worker:
        credentials = worker_credentials(self.stack)
        environment = plain_environment() | self.stack.environment() | {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials["SessionToken"],
            "FLYWHEEL_TRAINING_QUEUE_URL": self.stack.outputs["TrainingQueueUrl"],
            "FLYWHEEL_LAKE_BUCKET": self.stack.outputs["LakeBucket"],
            "FLYWHEEL_WORK": str(self.stack.cloud.folder / "work"),
        }
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("leash.py")), str(self.program)], env=environment,
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is None:
            return
        processes.end_group(self._process.pid)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def check(self) -> None:
        """Raises if the worker has died: the workflow would wait for no answer."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise Problem(f"the worker ended (status {status})", f"see {self.log_file}")

    def show_progress(self) -> None:
        """Draws the training's progress."""
        said = [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]
        steps = [line for line in said if "steps" in line]
        if steps and steps[-1]["step"] > self._bar.done:
            self._bar.total = steps[-1]["steps"]
            self._bar.advance(steps[-1]["step"] - self._bar.done)
