"""From the start of a process to its first request for an event: each function against a Python one with its clients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import tools
from report import Comparison
from runtime_api import RuntimeApi
from settings import BENCH, FUNCTIONS

RUNS = 15
TARGET = 10

# The AWS clients that each function makes.
SERVICES = {"ingest": ["sqs"], "curate": ["s3"], "counter": ["s3", "stepfunctions"], "freeze": ["s3"]}

SETTINGS = {
    "FLYWHEEL_EDITS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/edits",
    "FLYWHEEL_AUTH": "keys",
    "FLYWHEEL_INGEST_KEYS": "bench:" + "0" * 64,
    "FLYWHEEL_CONTRIBUTOR_KEY": "bench",
    "FLYWHEEL_LAKE_BUCKET": "lake",
    "FLYWHEEL_METRICS_NAMESPACE": "flywheel/bench",
    "FLYWHEEL_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:finetune",
    "FLYWHEEL_THRESHOLD": "5000",
}


def seconds(api: RuntimeApi, command: Sequence[str | Path]) -> float:
    with api.started(command, SETTINGS) as function:
        return function.seconds_to_next()


def measure() -> list[Comparison]:
    api = RuntimeApi()
    comparisons = []
    for name in FUNCTIONS:
        ours = [tools.function(name)]
        python = [tools.python(), BENCH / "boto3_function.py", *SERVICES[name]]
        # The first pair warms up the file cache and Python's compiled files.
        pairs = [(seconds(api, ours), seconds(api, python)) for _ in range(RUNS + 1)][1:]
        comparisons.append(
            Comparison(
                f"`{name}` against boto3 ({', '.join(SERVICES[name])})",
                f"{median(pair[0] for pair in pairs) * 1000:.1f} ms",
                f"{median(pair[1] for pair in pairs) * 1000:.0f} ms",
                median(pair[1] / pair[0] for pair in pairs),
                TARGET,
            )
        )
    api.close()
    return comparisons
