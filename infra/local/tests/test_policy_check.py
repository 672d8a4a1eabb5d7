"""The warning before a deployment whose policy would never let it train."""

from __future__ import annotations

import pytest

from policy_check import POLICY, shortfall, threshold_of


def test_the_shipped_policy_is_in_nobodys_way():
    assert shortfall(POLICY.read_text(), threshold_of({})) is None


@pytest.mark.parametrize(("most", "threshold", "contributors"), [(5, 5000, "1,000"), (7, 50, "8"), (49, 50, "2")])
def test_a_number_of_pairs_says_how_many_contributors_a_threshold_takes(most, threshold, contributors):
    warning = shortfall(f"[dataset]\nmax_pairs_per_contributor = {most}\n", threshold)
    assert f"takes {contributors} contributors" in warning and "fix: " in warning


def test_a_number_that_one_contributor_reaches_the_threshold_with_is_in_nobodys_way():
    assert shortfall("[dataset]\nmax_pairs_per_contributor = 50\n", 50) is None


def test_the_threshold_is_the_parameter_or_the_templates():
    assert (threshold_of({}), threshold_of({"Threshold": "50"})) == (5000, 50)
