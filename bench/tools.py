"""Builds the measured programs: the functions and the core as deployed, and a Python with its packages."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from settings import BENCH, FUNCTIONS, LOCAL, REPOSITORY

ENVIRONMENT = LOCAL / "bench-venv"
REQUIREMENTS = BENCH / "requirements.txt"


def python() -> Path:
    """Returns the Python with Levenshtein and boto3. It is made anew when the requirements or the interpreter change."""
    stamp = ENVIRONMENT / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted)
    return ENVIRONMENT / "bin" / "python"


def deployed_cpu() -> str | None:
    """Returns the processor that cargo-lambda builds for, if this machine can run its code."""
    if platform.machine() == "aarch64":
        return "neoverse-n1"
    cpuinfo = Path("/proc/cpuinfo")
    has_avx2 = cpuinfo.exists() and {"avx2", "bmi2", "fma"} <= set(cpuinfo.read_text().split())
    return "haswell" if platform.machine() == "x86_64" and has_avx2 else None


def build_environment() -> dict[str, str]:
    """The environment of a package build for AWS."""
    environment = os.environ | {"AWS_LC_SYS_NO_JITTER_ENTROPY": "1"}
    if cpu := deployed_cpu():
        environment["RUSTFLAGS"] = f"{environment.get('RUSTFLAGS', '')} -C target-cpu={cpu}".strip()
    return environment


@cache
def build(packages: tuple[str, ...], *targets: str) -> dict[str, Path]:
    """Builds in the release profile, and returns the executables by name.

    One build makes all, as in `make package`: cargo chooses the features of shared dependencies for the whole build.
    """
    command = ["cargo", "build", "--release", "--locked", "--message-format", "json-render-diagnostics", *targets]
    command += [f"--package=flywheel-{package}" for package in packages]
    built = subprocess.run(command, cwd=REPOSITORY, env=build_environment(), stdout=subprocess.PIPE, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return {message["target"]["name"]: Path(message["executable"]) for message in messages if message.get("executable")}


def operator() -> tuple[Path, Path]:
    """The operator's binary, and the example that makes a dataset of many versions."""
    built = build(("cli", "dataset"), "--bin", "flywheel", "--example", "many_versions")
    return built["flywheel"], built["many_versions"]


def core_example() -> Path:
    """The curation core, reading and writing files."""
    return core_examples()["curate_file"]


def worst_example() -> Path:
    """The curation core, over inputs that are made to take long."""
    return core_examples()["slow_inputs"]


def core_examples() -> dict[str, Path]:
    return build(("core",), "--example=curate_file", "--example=slow_inputs")


def trainer() -> Path:
    """The embedded trainer."""
    return build(("trainer",), "--bin=flywheel-trainer")["flywheel-trainer"]


def ingest_example() -> Path:
    """The front door, without the network."""
    return build(FUNCTIONS, "--bins", "--example=handle_edit")["handle_edit"]


def function(name: str) -> Path:
    """The binary of a function, in a folder with the other files of its package."""
    package = LOCAL / "bench-functions" / name
    package.mkdir(parents=True, exist_ok=True)
    if name in ("curate", "freeze"):
        shutil.copy(REPOSITORY / "infra" / "policy.toml", package)
    return Path(shutil.copy2(build(FUNCTIONS, "--bins", "--example=handle_edit")[name], package))
