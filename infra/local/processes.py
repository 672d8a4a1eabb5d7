"""Process groups: recognises our own, and ends them as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

GRACE_SECONDS = 3.0
PROC = Path("/proc")
WITH_ENVIRONMENT = ["-E", "-ww"] if sys.platform == "darwin" else ["eww"]
"""The options by which `ps` appends a process' environment to its command."""


def started_at(pid: int) -> str | None:
    """Returns the start time of a process, or None without such a process.

    A pid alone is no lasting name, because the kernel reuses it. A pid with its start time is one.
    """
    if has_proc():
        try:
            after_name = PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, start_ticks = after_name[0], after_name[19]
        return None if state in "ZX" else start_ticks
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip() or None


def members(group: int) -> list[int]:
    """Returns the living processes of a group."""
    return sorted(pid for pid, of_group, state in (listed_in_proc() if has_proc() else listed_by_ps()) if of_group == group and state[0] not in "ZX")


def has_proc() -> bool:
    """Returns `True` on Linux. macOS has no /proc, and `ps` there."""
    return PROC.joinpath("self/stat").exists()


def listed_in_proc() -> Iterator[tuple[int, int, str]]:
    """All processes: pid, group, state."""
    for entry in PROC.glob("[0-9]*"):
        try:
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(entry.name), int(after_name[2]), after_name[0]


def listed_by_ps() -> Iterator[tuple[int, int, str]]:
    """The same, in the words of POSIX: Linux and macOS have them."""
    shown = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True)
    for line in shown.stdout.splitlines():
        pid, group, state = line.split(maxsplit=2)
        yield int(pid), int(group), state


def is_alive(group: int) -> bool:
    """Returns `True` if a process of the group still runs; an unreaped zombie does not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS, for a group of zombies
        return False
    return bool(members(group))


def end_group(group: int) -> None:
    """Asks a group to stop, then kills its remaining processes. Returns once none runs."""
    for stop_signal in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, stop_signal)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + GRACE_SECONDS
        while is_alive(group):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return


def environment_of(pid: int) -> dict[str, str]:
    """Returns the environment that a process of this user was started with. Without /proc, a value ends at its first space: `ps` quotes nothing."""
    if has_proc():
        try:
            entries = PROC.joinpath(str(pid), "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return {}
    else:
        shown = subprocess.run(["ps", *WITH_ENVIRONMENT, "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
        entries = shown.stdout.split()
    return {name: value for name, equals, value in (entry.partition("=") for entry in entries) if equals}


def peak_memory(pid: int) -> int | None:
    """Returns the most memory that a process has had so far (its resident set), in bytes; None without /proc or without such a process."""
    try:
        status = PROC.joinpath(str(pid), "status").read_text()
    except OSError:
        return None
    peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return int(peak) * 1024 if peak else None


def processor_seconds(pid: int) -> float | None:
    """Returns the processor time that a process has used so far; None without /proc or without such a process."""
    try:
        after_name = PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
