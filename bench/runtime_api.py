"""A stub of the Lambda Runtime API: enough to start a function, and to invoke it once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TIMEOUT_SECONDS = 30


class RuntimeApi:
    """Serves one function at a time."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(TIMEOUT_SECONDS)
        host, port = self._server.getsockname()
        self.address = f"{host}:{port}"

    def close(self) -> None:
        self._server.close()

    @contextmanager
    def started(self, command: Sequence[str | Path], settings: dict[str, str]) -> Iterator[Function]:
        """Starts a function, and ends it with the block."""
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
        }
        started = time.perf_counter()
        with subprocess.Popen(command, env=environment | settings, stdout=subprocess.DEVNULL) as process:
            function = Function(self._server, started)
            try:
                yield function
            finally:
                process.kill()
                function.disconnect()


class Function:
    """A running function, seen from its Runtime API."""

    def __init__(self, server: socket.socket, started: float) -> None:
        self._server = server
        self._started = started
        self._connection: socket.socket | None = None

    def disconnect(self) -> None:
        if self._connection:
            self._connection.close()

    def _connect(self) -> socket.socket:
        self._connection, _ = self._server.accept()
        self._connection.settimeout(TIMEOUT_SECONDS)
        return self._connection

    def seconds_to_next(self) -> float:
        """Returns the time from the start of the process to its first request for an event. The request is never answered."""
        request = self._connect().recv(65536)
        took = time.perf_counter() - self._started
        if not request.startswith(b"GET /2018-06-01/runtime/invocation/next "):
            raise RuntimeError(f"unexpected request: {request[:80]!r}")
        return took

    def invoke(self, event: object) -> object:
        """Gives the function one event, and returns its answer."""
        with self._connect().makefile("rwb") as stream:
            read_request(stream)
            send_event(stream, event)
            path, body = read_request(stream)
        if not path.endswith("/response"):
            raise RuntimeError(f"the function failed: {path} {body!r}")
        return json.loads(body)


def read_request(stream: BinaryIO) -> tuple[str, bytes]:
    """The path and the body of an HTTP request."""
    path = stream.readline().split()[1].decode()
    length, chunked = 0, False
    while (line := stream.readline().strip()):
        name, _, value = line.decode().lower().partition(":")
        if name == "content-length":
            length = int(value)
        elif name == "transfer-encoding":
            chunked = True
    return path, read_chunks(stream) if chunked else stream.read(length)


def read_chunks(stream: BinaryIO) -> bytes:
    body = b""
    while (size := int(stream.readline(), 16)) > 0:
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


def send_event(stream: BinaryIO, event: object) -> None:
    body = json.dumps(event).encode()
    deadline = int((time.time() + TIMEOUT_SECONDS) * 1000)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: bench\r\n"
        f"Lambda-Runtime-Deadline-Ms: {deadline}\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    stream.write(head.encode() + body)
    stream.flush()
