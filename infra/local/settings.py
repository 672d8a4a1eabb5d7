"""Names and paths that the local tools share. Standard library only: it is imported before anything is installed."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
"""The checkout."""

LOCAL = REPOSITORY / ".local"
"""The folder of all that is installed, staged or logged. Git ignores it; `make clean` removes it."""

STAGE = LOCAL / "stage"
"""A copy of the template beside a local build. A local (host glibc, dev profile) build has no way into `target/lambda`."""

CLOUDS = LOCAL / "clouds"
"""One folder for each local cloud: its record, log and temporary files."""

ENV_FILE = LOCAL / "env"
"""The file that `make up` writes for a shell: `. .local/env`."""

STACK_NAME = "flywheel"
REGION = "us-east-1"

FUNCTIONS = ("ingest", "curate", "counter", "freeze", "prepare", "promote")
"""The deployed functions. Package `flywheel-<name>` has a binary `<name>`; the template's CodeUri ends in it."""

MINIMUM_PYTHON = (3, 11)


def plain_environment() -> dict[str, str]:
    """The environment for the tools that talk to a local cloud.

    It takes almost nothing from the caller's shell. So a profile, a token or an endpoint there can never send a local
    deployment to a real account, nor a proxy variable redirect a local request.
    """
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TERM", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
