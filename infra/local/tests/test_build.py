"""What cargo builds a second time. Needs no cloud."""

from __future__ import annotations

import subprocess

from settings import REPOSITORY


def features(*packages: str) -> set[str]:
    """Each dependency of these packages with its version and features, as cargo resolves them."""
    command = ["cargo", "tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p} {f}", *packages]
    tree = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return {line.removesuffix(" (*)") for line in tree.splitlines()}


def test_the_command_line_alone_builds_with_the_dependencies_of_the_whole_workspace() -> None:
    built_again = features("--package", "flywheel-cli") - features("--workspace")
    assert not built_again, "crates/cli/Cargo.toml names dependencies for their features alone: add or correct these"
