"""The Docker engine of this machine, if there is one. No tool here needs one."""

from __future__ import annotations

import fcntl
import platform
import shutil
import socket
import struct
import subprocess


def docker(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], input=stdin, capture_output=True, timeout=60)


def engine_answers() -> bool:
    """Returns `True` if a Docker engine runs that takes Linux programs of this machine."""
    return platform.system() == "Linux" and shutil.which("docker") is not None and docker("info").returncode == 0


def gateway() -> str:
    """The address at which containers of the default network reach this machine; empty without an engine, or with one in a
    virtual machine, whose containers know this machine as host.docker.internal."""
    if not engine_answers():
        return ""
    named = docker("network", "inspect", "bridge", "--format", '{{index .Options "com.docker.network.bridge.name"}}')
    return interface_address(named.stdout.strip())


def interface_address(name: bytes) -> str:
    """Returns the IPv4 address of a network interface of this machine, or nothing. (The engine does not always tell its gateway.)"""
    get_interface_address = 0x8915
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, get_interface_address, struct.pack("256s", name[:15]))
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])
