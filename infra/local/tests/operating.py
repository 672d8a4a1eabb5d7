"""Runs the operator's binary on a stack, as an operator on this machine does."""

from __future__ import annotations

import functools
import json
import os
import subprocess

from settings import REPOSITORY
from stack import Stack


@functools.cache
def binary(name: str = "flywheel") -> str:
    """Returns a binary or an example, from a build of the whole workspace, which the Rust tests have already made."""
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
    """Returns the command's output as JSON."""
    ran = run(stack, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
