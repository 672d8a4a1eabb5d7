"""Starts ministack and repairs a few of its differences from AWS. Runs in the local cloud's own Python.

The repaired differences are those that this product depends on. With them a test would pass or fail for the wrong reason:

* Plain HTTP counts as TLS that was terminated in front. The template denies everything that does not come over TLS; with IAM
  enforced, the functions' own calls would be refused.
* Queue mappings fill their batches up to BatchSize messages, 6 MB of event, or the end of the batching window.
  ministack delivers the waiting messages at once, ten at most.
* A mapping's MaximumConcurrency may be text; a template's Number parameter makes it so. ministack's poller
  fails to compare it with a number, and then delivers nothing.
* A bucket policy can require If-None-Match of a write, by the condition keys s3:if-none-match, s3:if-match and s3:ObjectCreationOperation.
* Bedrock's Converse needs bedrock:InvokeModel, and a guardrail has an ARN of its own to be allowed by.

On demand its S3 fails, loses answers and is slow (`faults.py`), as S3 is under load.

The names below are ministack's internals, so its version is pinned; a missing name fails at the start, not in a test.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable

import hypercorn.asyncio
import hypercorn.config
from ministack import app
from ministack.core import iam_actions
from ministack.services import lambda_svc, sqs

from faults import Faults

CONTAINER_GATEWAY = os.environ.get("CONTAINER_GATEWAY", "")
"""The address at which containers find this machine, or empty. Listening there is safer than listening everywhere."""

EVENT_LIMIT_BYTES = 6_000_000
RECORD_OVERHEAD_BYTES = 1_000  # what a record holds besides its body: ids, attributes, ARNs
BATCH_LIMIT_WITHOUT_WINDOW = 10

_serve: Callable[..., Awaitable[None]] = app.app
_listen: Callable[..., Awaitable[None]] = hypercorn.asyncio.serve
_concurrency: Callable[..., int] = lambda_svc._sqs_esm_concurrency
_action: Callable[..., str | None] = iam_actions.extract_iam_action
_resource: Callable[..., str] = iam_actions.extract_resource_arn
_s3_conditions: Callable[..., dict] = iam_actions.s3_service_context


async def serve_as_behind_tls(scope: dict, receive: object, send: object) -> None:
    if scope["type"] == "http" and not any(name == b"x-forwarded-proto" for name, _ in scope["headers"]):
        scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
    await _serve(scope, receive, send)


async def listen_for_containers_too(application: object, config: hypercorn.config.Config) -> None:
    port = config.bind[0].rpartition(":")[2]
    config.bind = [*config.bind, f"{CONTAINER_GATEWAY}:{port}"]
    await _listen(application, config)


def concurrency_as_number(mapping: dict, *rest: object) -> int:
    scaling = mapping.get("ScalingConfig") or {}
    if isinstance(scaling.get("MaximumConcurrency"), str):
        mapping = {**mapping, "ScalingConfig": {**scaling, "MaximumConcurrency": int(scaling["MaximumConcurrency"])}}
    return _concurrency(mapping, *rest)


def action_as_on_aws(*request: object) -> str | None:
    action = _action(*request)
    return "bedrock:InvokeModel" if action == "bedrock:Converse" else action


def resource_as_on_aws(*request: object) -> str:
    service, _method, path, *_, region, account_id = request
    if service == "bedrock-runtime" and str(path).startswith("/guardrail/"):
        return f"arn:aws:bedrock:{region}:{account_id}:guardrail/{str(path).split('/')[2]}"
    return _resource(*request)


def s3_conditions_as_on_aws(action: str, query: dict | None, path: str = "", headers: dict | None = None) -> dict:
    conditions = _s3_conditions(action, query, path, headers)
    if action == "s3:PutObject":
        # The start of an upload in parts and each part create no object.
        creates = not {"uploads", "partNumber"} & set(query or {})
        conditions["s3:ObjectCreationOperation"] = str(creates).lower()
        for header in ("if-match", "if-none-match"):
            if condition := (headers or {}).get(header):
                conditions[f"s3:{header}"] = condition
    return conditions


def batching_window(queue_arn: str) -> float:
    for _account, _region, mapping in lambda_svc._iter_all_esms():
        if mapping.get("EventSourceArn") == queue_arn:
            return float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    return 0.0


def fitting(waiting: Iterable[dict], limit: int) -> tuple[int, bool]:
    """Returns the number of waiting messages that one event takes, and `True` if they fill it."""
    taken = event_bytes = 0
    for message in waiting:
        if taken == limit:
            return taken, True
        event_bytes += len(json.dumps(message["body"], ensure_ascii=False).encode()) + RECORD_OVERHEAD_BYTES
        if taken and event_bytes > EVENT_LIMIT_BYTES:
            return taken, True
        taken += 1
    return taken, taken == limit


def receive_batch(queue_url: str, batch_size: int | str) -> list[dict]:
    """Takes a batch off the queue, or nothing while it may still grow."""
    with sqs._queues_lock:
        queue = sqs._get_q(queue_url)
        sqs._expire_retained(queue)
        sqs._dlq_sweep(queue)
        now = time.time()
        for message in queue["messages"]:
            sqs._ensure_msg_fields(message)
        waiting = [message for message in queue["messages"] if message["visible_at"] <= now]
        if not waiting:
            return []
        window = batching_window(queue["attributes"]["QueueArn"])
        limit = int(batch_size) if window else min(int(batch_size), BATCH_LIMIT_WITHOUT_WINDOW)
        count, is_full = fitting(waiting, limit)
        has_waited = now - min(message["visible_at"] for message in waiting)
        if not is_full and has_waited < window:
            return []
        return sqs._collect_msgs(queue, count, int(queue["attributes"]["VisibilityTimeout"]))


def mend() -> None:
    for module, names in ((sqs, ("_queues_lock", "_get_q", "_expire_retained", "_dlq_sweep", "_ensure_msg_fields",
                                 "_collect_msgs", "_receive_messages_for_esm")),
                          (lambda_svc, ("_iter_all_esms",))):
        if missing := [name for name in names if not hasattr(module, name)]:
            sys.exit(f"{module.__name__} has no {', '.join(missing)}: this ministack is not the pinned one, or emulator.py is behind")
    if CONTAINER_GATEWAY:
        hypercorn.asyncio.serve = listen_for_containers_too
    app.app = Faults().wrapped(serve_as_behind_tls)
    iam_actions.extract_iam_action = action_as_on_aws
    iam_actions.extract_resource_arn = resource_as_on_aws
    iam_actions.s3_service_context = s3_conditions_as_on_aws
    lambda_svc._sqs_esm_concurrency = concurrency_as_number
    sqs._receive_messages_for_esm = receive_batch


if __name__ == "__main__":
    mend()
    app.main()
