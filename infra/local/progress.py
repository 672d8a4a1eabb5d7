"""Progress lines and errors for a person at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Problem(Exception):
    """An error that the reader can fix: `str()` says what is wrong, then how to fix it."""

    def __init__(self, what: str, fix: str = "", detail: str = "") -> None:
        super().__init__("\n".join(part for part in (what, f"fix: {fix}" if fix else "", detail) if part))


def say(line: str) -> None:
    """Progress goes to standard error: standard output is for results."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[Callable[[str], None]]:
    """Announces a piece of work, and afterwards its duration. Call the yielded function to add an outcome to the closing line."""
    outcome: list[str] = []
    say(f"▸ {what} …")
    started = time.monotonic()
    try:
        yield outcome.append
    except BaseException:
        say(f"✗ {what} ({time.monotonic() - started:.1f} s)")
        raise
    say(f"✓ {what} ({time.monotonic() - started:.1f} s){''.join(f' · {part}' for part in outcome)}")


def run_main(main: Callable[[], int]) -> int:
    """Runs a command's `main`: a Problem is a message and exit status 1, Ctrl-C is 130; neither is a traceback."""
    try:
        return main()
    except Problem as problem:
        say(f"\nerror: {problem}")
        return 1
    except KeyboardInterrupt:
        say("\ninterrupted")
        return 130
