"""The suite that the in-memory lake passes, on a real bucket of the local cloud."""

from __future__ import annotations

import os
import subprocess

from settings import REPOSITORY


def test_the_lake_in_s3_conforms(stack):
    bucket = "flywheel-conformance"
    stack.client("s3").create_bucket(Bucket=bucket)
    command = ["cargo", "test", "--locked", "--package", "flywheel-lake", "--test", "conformance", "--", "--nocapture"]
    environment = os.environ | stack.cloud.environment() | {"FLYWHEEL_TEST_EMPTY_BUCKET": bucket}
    ran = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout and "skipped" not in ran.stdout
