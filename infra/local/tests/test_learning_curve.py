"""The figures and the chart of `make learning-curve`. (Its rounds are those of the demo, repeated.)"""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from chart import Line, apart, draw
from learning_curve import burden, distance

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("left", "right", "edits"), [
    ("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("é", "e", 1)])
def test_the_distance_is_levenshteins(left, right, edits):
    assert distance(left, right) == edits


def test_the_burden_is_the_mean_share_of_an_answer_that_is_typed_anew():
    assert burden(["same", "kitten"], ["same", "sitting"]) == pytest.approx((0 + 3 / 7) / 2)
    with pytest.raises(ValueError):
        burden(["one"], ["one", "two"])


def test_a_chart_has_each_value_at_its_height():
    drawing = draw("a < b", "", "x", "y", [Line("up", "#111", [0.0, 0.25, 0.5]), Line("flat", "#222", [0.5, 0.5, 0.5])], marked=[1])
    chart = ElementTree.fromstring(drawing)
    assert chart.findtext(f"{SVG}title") == "a < b"
    up, flat = ([tuple(map(float, point.split(","))) for point in line.get("points", "").split()] for line in chart.iter(f"{SVG}polyline"))
    assert up[0][1] - up[1][1] == pytest.approx(up[1][1] - up[2][1], abs=0.2)
    assert up[2] == flat[2] and {height for _, height in flat} == {flat[0][1]}
    assert up[0][1] == max(float(text.get("y", "0")) for text in chart.iter(f"{SVG}text") if text.text == "0.0") - 4
    assert [text.text for text in chart.iter(f"{SVG}text")].count("▲") == 1


def test_names_of_lines_that_end_alike_do_not_cover_one_another():
    assert apart([100, 40, 101]) == [100, 40, 116]
