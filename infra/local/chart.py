"""A chart of a few lines, as SVG. SVG is text, so a repository can keep and compare it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 170, 72, 56
STEP = 0.1
"""The distance between the values that the axis names."""


@dataclass(frozen=True)
class Line:
    """A name, a colour, and a value from 0 upwards for each place."""

    name: str
    colour: str
    values: Sequence[float]


def draw(title: str, subtitle: str, across: str, up: str, lines: Sequence[Line], marked: Sequence[int]) -> str:
    """The chart's SVG. Places are numbered from 1; those at the `marked` indices have a mark below the axis."""
    places = len(lines[0].values)
    top = STEP * (int(max(value for line in lines for value in line.values) / STEP) + 1)
    bottom = HEIGHT - BOTTOM

    def x(index: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * index / max(places - 1, 1)

    def y(value: float) -> float:
        return bottom - (bottom - TOP) * value / top

    body = [text(LEFT, 28, title, size=18, weight="bold"), text(LEFT, 48, subtitle, size=12, colour="#555"),
            text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, anchor="middle"), text(LEFT - 44, TOP - 12, up)]
    for number in range(round(top / STEP) + 1):
        value = number * STEP
        body += [f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>',
                 text(LEFT - 8, y(value) + 4, f"{value:.1f}", anchor="end")]
    body += [text(x(index), bottom + 18, str(index + 1), anchor="middle") for index in range(places)]
    body += [text(x(index), bottom + 32, "▲", anchor="middle", size=9, colour="#b3541e") for index in marked]
    ends = apart([y(line.values[-1]) for line in lines])
    for line, end in zip(lines, ends):
        points = [(x(index), y(value)) for index, value in enumerate(line.values)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2.5"/>')
        body += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{line.colour}"/>' for a, b in points]
        body.append(text(WIDTH - RIGHT + 12, end + 4, line.name, colour=line.colour, weight="bold"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif">\n'
            f'<title>{escape(title)}</title>\n<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n")


def apart(heights: Sequence[float], gap: float = 16) -> list[float]:
    """Returns the heights of labels, moved down where they would cover one another."""
    moved: dict[int, float] = {}
    lowest = float("-inf")
    for index in sorted(range(len(heights)), key=lambda index: heights[index]):
        lowest = moved[index] = max(heights[index], lowest + gap)
    return [moved[index] for index in range(len(heights))]


def text(x: float, y: float, words: str, anchor: str = "start", size: int = 12, colour: str = "#222", weight: str = "normal") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" font-weight="{weight}">'
            f"{escape(words)}</text>")
