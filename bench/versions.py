"""Measures the operator's reading commands over a dataset of many versions: time, peak memory, and the requests on a bucket."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import tools
from folder_bucket import BUCKET, FolderBucket, served
from settings import SCRATCH

VERSIONS = (100, 1_000)
PAIRS = 20

HEAD = ["", "versions", "time", "peak memory", "LIST", "GET", "HEAD", "bytes"]

SETTINGS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true"}


def commands(newest: int, date: str) -> list[list[str]]:
    last = str(newest - 1)
    return [
        ["versions"],
        ["versions", "--all"],
        ["show", date],
        ["diff", last, "latest", "--quick"],
        ["diff", "1", "latest", "--quick"],
        ["diff", "1", "latest"],
    ]


def ran(command: list[str], environment: dict[str, str]) -> tuple[float, int]:
    """Seconds, and peak memory in bytes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_maxrss * 1024


def measured(flywheel: Path, lake: Path, newest: int) -> list[list[str]]:
    listed = subprocess.run([flywheel, "versions", "--all", "--json", "--lake", lake], stdout=subprocess.PIPE, check=True)
    versions = json.loads(listed.stdout)["versions"]
    if [row["version"] for row in versions] != list(range(newest, -1, -1)) or versions[0]["pairs"] != newest * PAIRS:
        raise SystemExit("the versions are not those that were made")
    date = versions[len(versions) // 3]["committed_at"]
    rows = []
    for command in commands(newest, date):
        # The median of three runs in a row: after the first, the files are in memory.
        runs = sorted(ran([str(flywheel), *command, "--lake", str(lake)], {}) for _ in range(3))
        seconds, memory = runs[1]
        bucket = FolderBucket(lake)
        with served(bucket) as url:
            ran([str(flywheel), *command, "--lake", f"s3://{BUCKET}"], SETTINGS | {"AWS_ENDPOINT_URL": url})
        named = ["a third back by date" if argument == date else argument for argument in command]
        asked = [f"{bucket.requests[kind]:,}" for kind in ("LIST", "GET", "HEAD")]
        rows.append([f"`{' '.join(named)}`", f"{newest:,}", f"{seconds * 1000:,.0f} ms", f"{memory / 1e6:,.0f} MB", *asked,
                     f"{bucket.bytes / 1e6:,.1f} MB"])
    return rows


def measure() -> list[list[str]]:
    flywheel, many_versions = tools.operator()
    by_size = []
    for newest in VERSIONS:
        with tempfile.TemporaryDirectory(dir=SCRATCH) as lake:
            subprocess.run([many_versions, lake, str(newest), str(PAIRS)], stdout=subprocess.DEVNULL, check=True)
            by_size.append(measured(flywheel, Path(lake), newest))
    return [row for rows in zip(*by_size) for row in rows]
