"""Builds the functions for this machine and lays them out beside the template, as `sam deploy` expects them.

    stage.py        builds, stages, prints the path

The template's CodeUri is `../target/lambda/<function>`, where `make package` puts builds for AWS. The copy of the template
in `.local/stage/infra` finds the local build in `.local/stage/target/lambda` by the same relative path.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from progress import Problem, run_main, step
from settings import FUNCTIONS, REPOSITORY, STAGE

TEMPLATE = STAGE / "infra" / "template.yaml"
COPIED = ("template.yaml", "finetune.asl.json")
AMONG_TESTS = os.environ.get("FLYWHEEL_BUILD") == "tests"
"""`True` to take the binaries that `cargo test --workspace` has made. Tests switch on a feature of tokio, and most crates depend
on tokio: without this `make test` would compile them twice."""
PROGRAMS = ("flywheel-trainer", "flywheel-worker")
"""The programs beside the functions: the embedded trainer, and the worker that takes the workflow's training jobs."""
PACKAGED = {"curate": "policy.toml", "counter": "policy.toml", "freeze": "policy.toml", "promote": "policy.toml"}
"""Files of `infra/` that a function finds beside its executable."""


def check_compilers() -> None:
    if shutil.which("cargo") is None:
        raise Problem("cargo is not on the PATH", "install Rust with rustup, then open a new shell")
    if not any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang")):
        raise Problem("there is no C compiler, and the TLS library is written in C",
                      "Debian: apt-get install build-essential; macOS: xcode-select --install")


def build() -> dict[str, Path]:
    """Builds functions and programs (dev profile) and returns the path of each binary."""
    binaries = cargo_build(["--bins", "--tests"] if AMONG_TESTS else only(*FUNCTIONS, *PROGRAMS))
    if missing := [name for name in (*FUNCTIONS, *PROGRAMS) if name not in binaries]:
        raise Problem(f"no binary was built for {', '.join(missing)}", "each package flywheel-<name> needs a binary <name>")
    return binaries


def build_trainer() -> Path:
    """Builds the embedded trainer alone, and returns its path."""
    with step("building the trainer for this machine"):
        return cargo_build(only("flywheel-trainer"))["flywheel-trainer"]


def only(*binaries: str) -> list[str]:
    """The arguments of cargo that name these binaries, and no others."""
    return [argument for name in binaries for argument in ("--bin", name)]


def cargo_build(scope: list[str]) -> dict[str, Path]:
    """Builds (dev profile) and returns the path of each binary, as cargo reports it for any target folder.

    All packages are selected, whatever is built: cargo then switches on the same features of the dependencies each time, and builds
    each of them once."""
    check_compilers()
    command = ["cargo", "build", "--locked", "--workspace", *scope, "--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE)
    if built.returncode != 0:
        raise Problem("cargo build failed", "see the compiler's own words above")
    artifacts = (json.loads(line) for line in built.stdout.splitlines())
    return {artifact["target"]["name"]: Path(artifact["executable"])
            for artifact in artifacts
            if artifact.get("executable") and "bin" in artifact["target"]["kind"] and not artifact["profile"]["test"]}


def stage_binary(binary: Path, bootstrap: Path) -> None:
    """Copies a binary without its symbols, which are most of it. Does nothing if it is the one that was staged last."""
    origin = bootstrap.parent.with_suffix(".origin")
    built = binary.stat()
    identity = f"{binary} {built.st_size} {built.st_mtime_ns}\n"
    if bootstrap.exists() and origin.exists() and origin.read_text() == identity:
        return
    origin.unlink(missing_ok=True)
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.unlink(missing_ok=True)
    strip = shutil.which("strip")
    stripped = strip is not None and subprocess.run([strip, "-o", str(bootstrap), str(binary)], stderr=subprocess.DEVNULL).returncode == 0
    if not stripped:
        shutil.copyfile(binary, bootstrap)
    bootstrap.chmod(0o755)
    origin.write_text(identity)


def stage(binaries: dict[str, Path]) -> Path:
    """Lays out template and binaries; returns the template's path."""
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = REPOSITORY / "infra" / name
        if not source.exists():
            raise Problem(f"infra/{name} is missing")
        shutil.copyfile(source, TEMPLATE.parent / name)
    for name in FUNCTIONS:
        package = STAGE / "target" / "lambda" / name
        stage_binary(binaries[name], package / "bootstrap")
        if name in PACKAGED:
            shutil.copyfile(REPOSITORY / "infra" / PACKAGED[name], package / PACKAGED[name])
    return TEMPLATE


def build_and_stage() -> Path:
    """Returns the template's path."""
    return build_all()[0]


def build_all() -> tuple[Path, dict[str, Path]]:
    """Returns the template's path, and the programs' paths by name."""
    with step("building functions and trainer for this machine"):
        binaries = build()
    with step("staging template and binaries") as outcome:
        template = stage(binaries)
        size = sum((STAGE / "target" / "lambda" / name / "bootstrap").stat().st_size for name in FUNCTIONS)
        outcome(f"{size / 1e6:.0f} MB of binaries")
    return template, {name: binaries[name] for name in PROGRAMS}


def staged_with_policy(policy: str, name: str) -> Path:
    """Copies the staged files, with another policy; returns the copy's template."""
    template = staged_copy(name)
    for file in package_of(template).glob("target/lambda/*/policy.toml"):
        rewrite(file, policy)
    return template


def staged_copy(name: str) -> Path:
    """Copies the staged files, for a change by `rewrite`; returns the copy's template."""
    package = STAGE.with_name(f"stage-{name}")
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(STAGE, package, copy_function=os.link)
    return package / TEMPLATE.relative_to(STAGE)


def package_of(template: Path) -> Path:
    """The folder in which a template is staged."""
    return template.parents[1]


def rewrite(file: Path, text: str) -> None:
    """Replaces a file of a copy. The copy's files are hard links to the staged ones: a write into one would change both."""
    file.unlink()
    file.write_text(text)


def main() -> int:
    print(build_and_stage())
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
