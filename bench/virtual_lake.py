"""A stub of S3 and Step Functions over a computed lake: any number of parts, and a count of the requests."""

from __future__ import annotations

import datetime
import json
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BUCKET = "lake"
PREFIX = "dpo_gold_v1/route=gold/"
PAGE = 1_000
ROWS = 50
MINUTE = 60_000
WINDOW = 15 * MINUTE
NEWEST = 1_795_342_830_007


@dataclass
class VirtualLake:
    """One part a minute, the newest `pending` of them not frozen."""

    parts: int
    pending: int
    requests: Counter[str] = field(default_factory=Counter)

    def written_at(self, part: int) -> int:
        return NEWEST - (self.parts - 1 - part) * MINUTE

    def name(self, part: int) -> str:
        return f"{self.written_at(part):013}-{part:032x}-n{ROWS}"

    def key(self, part: int) -> str:
        hour = datetime.datetime.fromtimestamp(self.written_at(part) / 1000, datetime.UTC)
        return f"{PREFIX}{hour:dt=%Y-%m-%d/hour=%H}/{self.name(part)}.jsonl"

    def pointer(self) -> bytes:
        """The pointer after the last freeze: parts older than the window are consumed, the rest are remembered by name."""
        frozen = range(self.parts - self.pending)
        settled_before = self.written_at(frozen[-1]) - WINDOW if frozen else 0
        consumed = [self.name(part) for part in frozen[-60:] if self.written_at(part) >= settled_before]
        watermark = {"settled_before": settled_before, "consumed": consumed}
        return json.dumps({"crossing": 7, "carried_over": 0, "watermark": watermark, "last_freeze": None}).encode()

    def page(self, after: str) -> bytes:
        """ListObjectsV2: the keys after the given one, at most a page of them. The last key continues it."""
        first = bisect_right(range(self.parts), after, key=self.key)
        page = range(first, min(first + PAGE, self.parts))
        is_truncated = page.stop < self.parts
        contents = "".join(
            f"<Contents><Key>{self.key(part)}</Key><LastModified>{self.last_modified(part)}</LastModified>"
            f"<ETag>&quot;{part:032x}&quot;</ETag><Size>60000</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for part in page
        )
        token = f"<NextContinuationToken>{self.key(page[-1])}</NextContinuationToken>" if is_truncated else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{BUCKET}</Name><Prefix>{PREFIX}</Prefix><KeyCount>{len(page)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
            f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        ).encode()

    def last_modified(self, part: int) -> str:
        moment = datetime.datetime.fromtimestamp(self.written_at(part) / 1000, datetime.UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"

    def get(self, target: str) -> tuple[str, int, bytes]:
        """The request's kind, and the answer with its status."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == f"/{BUCKET}/state/pointer.json":
            return "GetObject", 200, self.pointer()
        if url.path == f"/{BUCKET}/state/breaker.json":
            # The object does not exist until the breaker opens for the first time.
            return "GetObject", 404, b"<Error><Code>NoSuchKey</Code></Error>"
        if url.path.rstrip("/") == f"/{BUCKET}" and query.get("list-type") == "2" and query.get("prefix") == PREFIX:
            return "ListObjectsV2", 200, self.page(query.get("continuation-token") or query.get("start-after", ""))
        return f"unexpected: {target}", 404, b""

    def call_step_functions(self, action: str) -> tuple[int, dict[str, object]]:
        if action == "StartExecution":
            return 200, {"executionArn": "arn:aws:states:us-east-1:123456789012:execution:finetune:x", "startDate": 1.0}
        return 400, {"__type": "ExecutionDoesNotExist", "message": "there is none"}


@contextmanager
def served(lake: VirtualLake) -> Iterator[str]:
    """Serves the lake, and yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, status, body = lake.get(self.path)
            lake.requests[kind] += 1
            self.answer(status, "application/xml", body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            action = self.headers["X-Amz-Target"].rpartition(".")[2]
            lake.requests[action] += 1
            status, body = lake.call_step_functions(action)
            self.answer(status, "application/x-amz-json-1.0", json.dumps(body).encode())

        def answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "http://{}:{}".format(*server.server_address)
        server.shutdown()
