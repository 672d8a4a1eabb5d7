"""The operator's binary on a stack, as an operator on this machine runs it."""

from __future__ import annotations

import functools
import json
import os
import subprocess

from settings import REPOSITORY
from stack import Stack


@functools.cache
def binary(name: str = "flywheel") -> str:
    """A binary or an example, built with the whole workspace, as the tests of Rust have it already."""
    scope = ["--workspace", "--bins", "--tests", "--examples"]
    command = ["cargo", "build", "--locked", *scope, "--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True)
    artifacts = map(json.loads, built.stdout.splitlines())
    return next(found["executable"] for found in artifacts
                if found.get("executable") and found["target"]["name"] == name and not found["profile"]["test"])


def run(stack: Stack, *arguments: str, bucket: str = "") -> subprocess.CompletedProcess[str]:
    command = [binary(), *arguments, "--lake", f"s3://{bucket or stack.outputs['LakeBucket']}"]
    return subprocess.run(command, env=os.environ | stack.cloud.environment(), capture_output=True, text=True)


def operate(stack: Stack, *arguments: str) -> dict:
    """What the command says as JSON."""
    ran = run(stack, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
