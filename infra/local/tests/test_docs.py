"""The pages agree with the repository: links, file names and Python. Without a cloud."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api_reference import anchor as anchor_of
from settings import REPOSITORY

FOLDERS = ("docs", "events", "bench", "infra", "crates", "functions", "findings")
PAGES = sorted({*REPOSITORY.glob("*.md"), *(page for folder in FOLDERS for page in (REPOSITORY / folder).rglob("*.md"))})
LINK = re.compile(r"!?\[[^]]*]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:\.ci|bench|crates|docs|events|functions|infra)/[^`\s]*)`")


def prose(page: Path) -> str:
    """A page without its blocks of code, which may contain text that looks like a link."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading)
        anchor = anchor_of(words)
        found.add(next(name for number in range(99) if (name := f"{anchor}-{number}" if number else anchor) not in found))
    return found


def broken(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    def leads(link: str) -> bool:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        return target.exists() and (not anchor or anchor in anchors(target))

    return [link for link in LINK.findall(prose(page)) if "://" not in link and not leads(link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(page):
    assert broken(page) == []


def test_a_link_or_an_anchor_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# What it costs\n[a](#what-it-costs) [b](#what) [c](other.md) ![d](page.md)\n```\n[e](no-link)\n```\n")
    assert broken(page) == ["#what", "other.md"]


def test_the_files_that_contributors_are_sent_to_are_there():
    named = PATH.findall((REPOSITORY / "CONTRIBUTING.md").read_text())
    assert len(named) > 20 and [path for path in named if "<" not in path and not any(REPOSITORY.glob(path))] == []


def test_python_is_on_the_page_that_is_run_and_on_no_other():
    """`test_reading.py` runs it."""
    assert [page.name for page in PAGES if re.search(r"^```python$", page.read_text(), re.MULTILINE)] == ["READING.md"]


def test_every_decision_has_a_status_and_a_line_in_the_index():
    decisions = sorted((REPOSITORY / "docs" / "decisions").glob("0*.md"))
    index = (REPOSITORY / "docs" / "decisions" / "README.md").read_text()
    for number, decision in enumerate(decisions, 1):
        title, _, status = decision.read_text().split("\n")[:3]
        assert title.startswith(f"# {number}. ") and re.match(r"Status: accepted, \d{4}-\d{2}-\d{2}", status), decision.name
        assert f"| [{number}]({decision.name}) |" in index


def test_operators_find_every_alarm_and_every_output():
    template = (REPOSITORY / "infra" / "template.yaml").read_text()
    alarms = re.findall(r"`(\w+Alarm)`", (REPOSITORY / "docs" / "OPERATE.md").read_text())
    assert sorted(alarms) == sorted(re.findall(r"^  (\w+Alarm):$", template, re.MULTILINE))
    outputs = (REPOSITORY / "docs" / "DEPLOY.md").read_text().split("\n## Outputs\n")[1].split("\n## ")[0]
    named = [name for row in re.findall(r"^\|([^|]+)\|", outputs, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(re.findall(r"^  (\w+):$", template.split("\nOutputs:\n")[1], re.MULTILINE))


NO_PARAMETERS = {"Name", "GenerateSecretString", "DeletionPolicy", "Allow", "NaN", "Nothing", "Converse", "DescribeExecution", "GetObject", "PutObject", "CopyObject", "SendMessageBatch", "StartExecution",
                 "StaleCrossing", "NoBase", "NotPrepared", "LiveAdapterChanged", "WaitForWorker", "LoraConfig", "LlamaTokenizer", "PreTrainedTokenizerFast", "ByteLevel", "Levenshtein"}
"""Words of AWS, of HTTP, of errors, of states of the workflow and of tokenizers that look like names of the template."""


def unknown_names(page: Path) -> set[str]:
    """The names on a page that look like parameters, resources, outputs or metrics of the template, and are none."""
    template = (REPOSITORY / "infra" / "template.yaml").read_text()
    known = set(re.findall(r"^  (\w+):$|MetricName: (\w+)$", template, re.MULTILINE))
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][A-Za-z]*)?)(?:=[^`]*)?`", prose(page)))
    given = set(re.findall(r"[ '\"]([A-Z][a-z]\w+)=", "".join(re.findall(r"^.*PARAMETERS=.*$", page.read_text(), re.MULTILINE))))
    return (named | given) - {name for pair in known for name in pair} - NO_PARAMETERS


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CONTRIBUTING.md"], ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_parameter_on_a_page_is_one_of_the_template(page):
    assert unknown_names(page) == set()


def test_a_parameter_that_the_template_does_not_have_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("`RunsPerMonth` and `MaxRunsPerMonth` and `Thresholds=5`\n```sh\nmake up PARAMETERS='Threshold=50 Treshold=5'\n```\n")
    assert unknown_names(page) == {"MaxRunsPerMonth", "Thresholds", "Treshold"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_of_flywheel_exists(page):
    variants = (REPOSITORY / "crates" / "cli" / "src" / "arguments.rs").read_text().split("enum Command {")[1].split("\n}")[0]
    known = {name.lower() for name in re.findall(r"^    (\w+)[(,{ ]", variants, re.MULTILINE)}
    blocks = "".join(re.findall(r"^```(?:sh)?\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
    assert {"status", "breaker", "schema"} <= known and set(re.findall(r"(?:^|\| )flywheel ([a-z]+)", blocks, re.MULTILINE)) <= known


def test_the_glossary_is_in_order():
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", (REPOSITORY / "docs" / "GLOSSARY.md").read_text(), re.MULTILINE)
    assert len(terms) > 50 and terms == sorted(terms)


def test_the_readme_is_for_five_minutes():
    assert len((REPOSITORY / "README.md").read_text().split("\n")) <= 131


QUESTION = re.compile(r"\s*(///|//!)\s+(What|Whether|How|Who|Whose|Whom|Where)\b")
RIDDLE = re.compile(r"//.*\b(nobody|somebody|whoever|anybody|taken back|on top of it)\b", re.IGNORECASE)


@pytest.mark.parametrize("crate", sorted(folder.parent for folder in REPOSITORY.glob("*/*/Cargo.toml")), ids=lambda crate: crate.name)
def test_comments_say_what_is_and_ask_nothing(crate):
    """A doc comment begins with its subject or its verb. CONTRIBUTING has the rules of prose."""
    found = []
    for file in crate.rglob("*.rs"):
        before = ""
        for number, line in enumerate(file.read_text().split("\n"), 1):
            question = QUESTION.match(line)
            begins = question and not before.strip().startswith(f"{question[1]} ")
            if begins or RIDDLE.search(line):
                found.append(f"{file.relative_to(REPOSITORY)}:{number}: {line.strip()}")
            before = line
    assert not found, "\n".join(found)
