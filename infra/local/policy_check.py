"""Checks that the packaged policy lets a deployment reach its threshold.

    policy_check.py [Threshold=N …]        the deployment's parameters
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping

from progress import say
from settings import REPOSITORY

POLICY = REPOSITORY / "infra" / "policy.toml"
TEMPLATE = REPOSITORY / "infra" / "template.yaml"


def threshold_of(parameters: Mapping[str, str]) -> int:
    """The deployment's threshold: the template's, if the parameters do not name one."""
    default = re.search(r"^  Threshold:\n    Type: Number\n    Default: (\d+)$", TEMPLATE.read_text(), re.MULTILINE)
    return int(parameters.get("Threshold") or (default and default[1]) or 0)


def shortfall(policy: str, threshold: int) -> str | None:
    """Returns the obstacle to the threshold, and the fix. Shares adapt to the pairs that are there; a fixed number does not."""
    most = tomllib.loads(policy).get("dataset", {}).get("max_pairs_per_contributor")
    if most is None or most >= threshold:
        return None
    return (f"warning: with max_pairs_per_contributor = {most} in infra/policy.toml, a crossing of N contributors brings at most {most} N pairs: "
            f"the threshold of {threshold:,} takes {-(-threshold // most):,} contributors.\n"
            "fix: remove the line, so that shares decide, or lower Threshold")


def warn(parameters: Mapping[str, str]) -> None:
    """Warns of an obstacle, if there is one."""
    if warning := shortfall(POLICY.read_text(), threshold_of(parameters)):
        say(warning)


def main() -> int:
    warn(dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument))
    return 0


if __name__ == "__main__":
    sys.exit(main())
