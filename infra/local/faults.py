"""Faults of S3 for the local cloud: errors, lost answers and slow answers, for the functions' requests only. Standard library only.

    PUT /_flywheel/faults    {"errors": 0.02, "lost_answers": 0.01, "slow": 0.02, "slow_seconds": 0.5}    shares of the requests
    GET /_flywheel/faults    the number of faults of each kind so far, and of requests that could have had one

A lost answer is the hardest fault: the request is carried out, and its client is told that it failed. The administrator's requests have no faults,
so that tests and tools read the lake undisturbed.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields

PATH = "/_flywheel/faults"
ADMINISTRATOR = "test"
"""The access key of the local cloud's administrator."""
CREDENTIAL = re.compile(rb"Credential=([^/]+)/[^/]+/[^/]+/s3/aws4_request")
"""The signer of a request to S3, in its header `Authorization`."""

Application = Callable[..., Awaitable[None]]


@dataclass
class Shares:
    """The share of requests with each fault, from 0 to 1, and the delay of a slow answer in seconds."""

    errors: float = 0.0
    lost_answers: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 0.0

    @classmethod
    def parse(cls, body: bytes) -> Shares:
        """Raises `ValueError` if a name is unknown or a share is none."""
        given = json.loads(body)
        names = {field.name for field in fields(cls)}
        if not isinstance(given, dict) or set(given) - names:
            raise ValueError(f"faults are an object of {', '.join(sorted(names))}")
        shares = cls(**{name: float(value) for name, value in given.items()})
        if not all(0 <= share <= 1 for share in (shares.errors, shares.lost_answers, shares.slow)) or not 0 <= shares.slow_seconds <= 60:
            raise ValueError("a share is from 0 to 1, and slow_seconds from 0 to 60")
        return shares


class Faults:
    """The faults of one local cloud: what is asked for, and what has happened."""

    def __init__(self) -> None:
        self.shares = Shares()
        self.happened: Counter[str] = Counter()

    def draw(self) -> str | None:
        """Draws the fate of a request."""
        self.happened["requests"] += 1
        drawn = random.random()
        for name in ("errors", "lost_answers", "slow"):
            drawn -= getattr(self.shares, name)
            if drawn < 0:
                self.happened[name] += 1
                return name
        return None

    def wrapped(self, serve: Application) -> Application:
        """The application with these faults."""

        async def serve_with_faults(scope: dict, receive: object, send: Callable[[dict], Awaitable[None]]) -> None:
            if scope["type"] == "http" and scope["path"] == PATH:
                await self.control(scope, receive, send)
                return
            fate = self.draw() if self.shares != Shares() and is_of_a_function(scope) else None
            if fate == "errors":
                await answer(send, 503, *slow_down())
                return
            if fate == "lost_answers":
                await serve(scope, receive, swallow)
                await answer(send, 500, *internal_error())
                return
            if fate == "slow":
                await asyncio.sleep(self.shares.slow_seconds)
            await serve(scope, receive, send)

        return serve_with_faults

    async def control(self, scope: dict, receive: object, send: object) -> None:
        if scope["method"] == "PUT":
            try:
                self.shares = Shares.parse(await body_of(receive))
            except (ValueError, TypeError) as error:
                await answer(send, 400, b"text/plain", str(error).encode())
                return
        await answer(send, 200, b"application/json", json.dumps(self.happened).encode())


def is_of_a_function(scope: dict) -> bool:
    """Returns `True` for a signed request to S3 by anyone but the administrator."""
    if scope["type"] != "http":
        return False
    signed = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    signer = CREDENTIAL.search(signed)
    return signer is not None and signer[1].decode() != ADMINISTRATOR


async def body_of(receive: Callable[[], Awaitable[dict]]) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def swallow(_message: dict) -> None:
    """Takes an answer that its client will not get."""


async def answer(send: Callable[[dict], Awaitable[None]], status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def slow_down() -> tuple[bytes, bytes]:
    """S3's answer to too many requests."""
    return b"application/xml", b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def internal_error() -> tuple[bytes, bytes]:
    return b"application/xml", b"<Error><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error>"
