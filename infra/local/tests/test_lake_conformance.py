"""The suites that the lake and the dataset pass in memory and in a folder, on real buckets of the local cloud."""

from __future__ import annotations

import os
import subprocess

import pytest

from settings import REPOSITORY


@pytest.mark.parametrize("suite", ["conformance", "delta_dataset"])
def test_s3_keeps_the_promises(stack, suite):
    bucket = f"flywheel-test-{suite.replace('_', '-')}"
    stack.client("s3").create_bucket(Bucket=bucket)
    # The whole workspace, though only one suite runs: this reuses the dependencies that `make test-rust` has built.
    command = ["cargo", "test", "--locked", "--workspace", "--test", suite, "s3", "--", "--ignored"]
    environment = os.environ | stack.cloud.environment() | {"FLYWHEEL_TEST_BUCKET": bucket}
    ran = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
