"""Reads the metrics that functions emit: lines of their logs in CloudWatch's embedded metric format, which CloudWatch itself would read."""

from __future__ import annotations

import json

from stack import Stack


def log_lines(stack: Stack, function: str) -> list[str]:
    """All lines of a function's log group, those of the platform included."""
    logs = stack.client("logs")
    name = stack.outputs[f"{function}FunctionName"]
    group = stack.client("lambda").get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


def recorded(stack: Stack, function: str) -> list[tuple[str, str, float]]:
    """The values that a function has recorded: namespace, metric, value. All are without dimensions, as the alarms are."""
    found = []
    for line in log_lines(stack, function):
        if not line.startswith('{"') or '"_aws"' not in line:
            continue
        document = json.loads(line)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            assert directive["Dimensions"] == [[]], line
            found += [(directive["Namespace"], metric["Name"], document[metric["Name"]]) for metric in directive["Metrics"]]
        assert isinstance(document["_aws"]["Timestamp"], int)
    return found


def logged(stack: Stack, function: str) -> list[dict]:
    """The lines that a function has logged at a level."""
    documents = (json.loads(line) for line in log_lines(stack, function) if line.startswith('{"'))
    return [document for document in documents if "level" in document]
