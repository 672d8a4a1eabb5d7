"""Kills functions in the middle of their work: for tests, and for the soak."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter

from stack import Stack


class Killer:
    """Within its context, kills the processes that run a function, each a moment after it appears. It stops when enough have died
    in the middle of their work, or, with `most`, when that many were killed."""

    def __init__(self, stack: Stack, function: str, within_seconds: float, wanted: int = 1, most: int = 1_000) -> None:
        self._cloud, self._name = stack.cloud, stack.outputs[f"{function}FunctionName"]
        self._within, self._most = within_seconds, most
        self._before = self._cloud.deaths_at_work(self._name)
        self.wanted, self.killed = wanted, 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Killer:
        # Idle ones first, uncounted: an idle process does not die in the middle of its work.
        for pid in self._cloud.function_pids(self._name):
            kill(pid)
        self._thread.start()
        return self

    def hits(self) -> int:
        """The number that died in the middle of their work."""
        return self._cloud.deaths_at_work(self._name) - self._before

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while self.killed < self._most and self.hits() < self.wanted and not self._stopping.is_set():
            for pid in self._cloud.function_pids(self._name):
                time.sleep(random.uniform(0, self._within))
                self.killed += kill(pid)
            time.sleep(0.02)


class OccasionalKiller:
    """Within its context, kills a process of one of some functions now and then. `killed` counts them by function, idle ones included."""

    def __init__(self, stack: Stack, functions: tuple[str, ...], mean_seconds: float) -> None:
        self._cloud = stack.cloud
        self._names = {function: stack.outputs[f"{function}FunctionName"] for function in functions}
        self._mean = mean_seconds
        self.killed: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> OccasionalKiller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(random.expovariate(1 / self._mean)):
            function = random.choice(list(self._names))
            if pids := self._cloud.function_pids(self._names[function]):
                self.killed[function] += kill(random.choice(pids))


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
