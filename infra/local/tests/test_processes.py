"""Processes are found with /proc and, as on macOS, without it. Without a cloud."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import processes


@pytest.fixture(params=["as it is", "without /proc"])
def system(request, monkeypatch, tmp_path) -> None:
    if request.param == "without /proc":
        monkeypatch.setattr(processes, "PROC", tmp_path)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen]:
    """A process that leads a group of its own, once it runs."""
    program = "import sys; print(flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"AWS_LAMBDA_FUNCTION_NAME": "shop-curate"},
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    child.stdout.readline()
    yield child
    child.kill()
    child.communicate()


def test_a_process_is_known_by_its_group_its_start_and_its_environment(system, sleeper):
    assert processes.members(sleeper.pid) == [sleeper.pid] and processes.is_alive(sleeper.pid)
    assert processes.started_at(sleeper.pid) == processes.started_at(sleeper.pid) != processes.started_at(1 << 30)
    assert processes.environment_of(sleeper.pid)["AWS_LAMBDA_FUNCTION_NAME"] == "shop-curate"


def test_a_group_that_has_ended_is_not_alive_even_before_it_is_reaped(system, sleeper):
    processes.end_group(sleeper.pid)
    assert not processes.is_alive(sleeper.pid) and processes.members(sleeper.pid) == []


def test_the_memory_and_the_time_of_a_process_are_known_where_there_is_proc():
    own = os.getpid()
    if processes.has_proc():
        assert processes.peak_memory(own) > 1_000_000 and processes.processor_seconds(own) > 0
    assert (processes.peak_memory(1 << 30), processes.processor_seconds(1 << 30)) == (None, None)
