"""Writes the tables of the template's parameters in docs/DEPLOY.md.

    parameters.py [--check]        --check: changes nothing, and fails if a table is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import generated
from progress import Problem, run_main
from settings import REPOSITORY
from template_file import TEMPLATE, parsed

PAGE = REPOSITORY / "docs" / "DEPLOY.md"
BEGIN = "<!-- parameters: written by infra/local/parameters.py, from infra/template.yaml -->\n"
END = "<!-- end of parameters -->\n"


def tables(template: str) -> str:
    """One table for each group of parameters that the template has, in its order."""
    document = parsed(template)
    parameters, groups = document["Parameters"], document["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    if sorted(grouped) != sorted(parameters):
        astray = sorted(set(grouped) ^ set(parameters)) or sorted({name for name in grouped if grouped.count(name) > 1})
        raise Problem(f"not in exactly one group: {', '.join(astray)}", "name each parameter once in the ParameterGroups of infra/template.yaml")
    return "\n".join("".join(group_lines(group, parameters)) for group in groups)


def group_lines(group: Mapping, parameters: Mapping[str, Mapping]) -> Iterator[str]:
    yield f"### {group['Label']['default']}\n| parameter | default | takes | what it is |\n|---|---|---|---|\n"
    for name in group["Parameters"]:
        of = parameters[name]
        cells = (f"`{name}`", default_of(of), domain_of(of), " ".join(of["Description"].split()))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def default_of(parameter: Mapping) -> str:
    return f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty"


def domain_of(parameter: Mapping) -> str:
    """Returns the parameter's values, in words."""
    secret = "secret; " if parameter.get("NoEcho") else ""
    if values := parameter.get("AllowedValues"):
        return secret + ", ".join(f"`{value}`" for value in values)
    if parameter["Type"] == "Number":
        least, most = parameter["MinValue"], parameter.get("MaxValue")
        return f"{secret}a number from {least} to {most}" if most is not None else f"{secret}a number from {least}"
    return secret + parameter.get("ConstraintDescription", "text")


def with_tables(page: str, template: str) -> str:
    """The page, with the tables of this template between its two marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise Problem("the marks of the table are missing", f"put back {BEGIN.strip()} and {END.strip()}")
    return f"{before}{begin}{tables(template)}{end}{after}"


def update(page: Path, template: Path, check: bool) -> None:
    """Writes the page; with `check` it only fails if there is something to write."""
    outdated = Problem(f"{page.name} has not the template's parameters", ".local/cloud-venv/bin/python infra/local/parameters.py")
    generated.write(page, with_tables(page.read_text(), template.read_text()), check, outdated)


def main() -> int:
    update(PAGE, TEMPLATE, check="--check" in sys.argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
