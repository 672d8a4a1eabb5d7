"""The parameters in docs/DEPLOY.md are those of the template. Without a cloud."""

from __future__ import annotations

import re

import pytest

from parameters import BEGIN, END, PAGE, TEMPLATE, update, with_tables
from progress import Problem

EMPTY = f"# A page\n{BEGIN}{END}The end.\n"


def test_the_page_has_the_parameters_of_the_template():
    update(PAGE, TEMPLATE, check=True)


def test_every_parameter_has_a_row_with_its_default_its_values_and_its_description():
    written = with_tables(EMPTY, TEMPLATE.read_text())
    named = re.findall(r"^  (\w+):$", TEMPLATE.read_text().split("\nParameters:\n")[1].split("\nRules:\n")[0], re.MULTILINE)
    assert sorted(re.findall(r"^\| `(\w+)` \|", written, re.MULTILINE)) == sorted(named) and len(named) > 30
    assert "| `Threshold` | `5000` | a number from 1 | New preference pairs that start the fine-tuning workflow. |" in written
    assert "| `TrainingBackEnd` | `none` | `none`, `worker`, `sagemaker` | The trainer." in written
    assert "| `ContributorKey` | empty | secret; at least 32 characters, or empty |" in written
    assert written.startswith("# A page\n") and written.endswith("The end.\n")
    assert with_tables(written, TEMPLATE.read_text()) == written


def test_a_page_that_is_out_of_date_is_noticed_and_can_be_written_anew(tmp_path):
    page, template = tmp_path / "page.md", tmp_path / "template.yaml"
    page.write_text(with_tables(EMPTY, TEMPLATE.read_text()))
    template.write_text(TEMPLATE.read_text().replace("Default: 5000", "Default: 4999"))
    with pytest.raises(Problem, match="has not the template's parameters"):
        update(page, template, check=True)
    update(page, template, check=False)
    update(page, template, check=True)
    assert "`4999`" in page.read_text()


def test_a_parameter_without_a_group_is_named():
    with pytest.raises(Problem, match="not in exactly one group: LogLevel"):
        with_tables(EMPTY, TEMPLATE.read_text().replace("[AlarmTopicArn, LogLevel, ", "[AlarmTopicArn, "))


def test_a_page_without_the_marks_is_not_touched():
    with pytest.raises(Problem, match="marks"):
        with_tables("# A page\n", TEMPLATE.read_text())
