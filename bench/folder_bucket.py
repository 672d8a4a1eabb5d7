"""A folder served as an S3 bucket, and a count of the requests that a command would send to S3."""

from __future__ import annotations

import datetime
import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "lake"
PAGE = 1_000


class FolderBucket:
    """The folder's files when it is opened: readers change nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        self.requests: Counter[str] = Counter()
        self.bytes = 0

    def page(self, query: dict[str, str]) -> bytes:
        """ListObjectsV2: keys, or their common prefixes up to a delimiter."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after", "")
        most = min(int(query.get("max-keys", PAGE)), PAGE)
        contents, folders, truncated, last = [], [], False, ""
        first = bisect_left(self.keys, prefix) if after < prefix else bisect_right(self.keys, after)
        for key in self.keys[first:]:
            if not key.startswith(prefix):
                break
            if len(contents) + len(folders) == most:
                truncated = True
                break
            last = key
            rest = key[len(prefix):]
            if delimiter and delimiter in rest:
                folder = prefix + rest.split(delimiter)[0] + delimiter
                if folder not in folders:
                    folders.append(folder)
                continue
            contents.append(key)
        token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if truncated else ""
        listed = "".join(map(self.described, contents))
        common = "".join(f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders)
        return ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(contents) + len(folders)}</KeyCount>"
                f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(truncated).lower()}</IsTruncated>{token}{listed}{common}"
                "</ListBucketResult>").encode()

    def described(self, key: str) -> str:
        status = (self.folder / key).stat()
        modified = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC)
        return (f"<Contents><Key>{escape(key)}</Key><LastModified>{modified:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
                f'<ETag>&quot;{status.st_mtime_ns}&quot;</ETag><Size>{status.st_size}</Size><StorageClass>STANDARD</StorageClass></Contents>')


@contextmanager
def served(bucket: FolderBucket) -> Iterator[str]:
    """Serves the bucket, and yields its URL."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            key = unquote(url.path).removeprefix(f"/{BUCKET}").lstrip("/")
            if not key:
                self.answer("LIST", 200, bucket.page(query))
                return
            path = bucket.folder / key
            kind = "GET" if self.command == "GET" else "HEAD"
            if not path.is_file():
                self.answer(kind, 404, b"<Error><Code>NoSuchKey</Code></Error>")
                return
            body = path.read_bytes()
            asked = self.headers.get("Range")
            if asked and kind == "GET":
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start = int(first) if first else len(body) - int(last)
                end = min(int(last) + 1, len(body)) if first and last else len(body)
                self.answer(kind, 206, body[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}"}, path)
                return
            self.answer(kind, 200, body, {}, path)

        def answer(self, kind: str, status: int, body: bytes, headers: dict[str, str] = {}, path: Path | None = None) -> None:
            with lock:
                bucket.requests[kind] += 1
                bucket.bytes += len(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if path:
                modified = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
                self.send_header("Last-Modified", f"{modified:%a, %d %b %Y %H:%M:%S GMT}")
                self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client closes the connection once it has its data."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "http://{}:{}".format(*server.server_address)
        server.shutdown()
