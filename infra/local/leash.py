"""Runs a command that must not outlive its caller.

    leash.py COMMAND [ARGUMENT …]

The caller starts this in a process group of its own and holds the other end of its standard input. When that end closes,
which the kernel does even if the caller is killed, the whole group ends: the local cloud and every function
process that it spawned. (Linux's parent-death signal would reach only the direct child, and does not exist elsewhere.)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 2.0


def end_group(command: subprocess.Popen[bytes]) -> None:
    """Asks the group to stop, then stops it, this process included."""
    os.killpg(0, signal.SIGTERM)
    try:
        command.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    os.killpg(0, signal.SIGKILL)


def wait_for_release(command: subprocess.Popen[bytes]) -> None:
    """Blocks until the caller closes its end."""
    while os.read(0, 4096):
        pass
    end_group(command)


def main() -> None:
    if os.getpgrp() != os.getpid():
        sys.exit("leash.py must lead a process group: start it in a new session")
    # The group gets a stop signal: the command gets it, too, and this process ends after the command.
    for stop_signal in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(stop_signal, lambda *_: None)
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=wait_for_release, args=(command,), daemon=True).start()
    command.wait()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
