"""A chart as SVG, written by hand: a drawing library would weigh more than all of the plugin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from html import escape
from typing import Final

from validate_updates_historical.charts.points import Point

WIDTH: Final = 860
HEIGHT: Final = 320
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
"""Room around the field that the values are drawn in."""
LEGEND: Final = (
    "shaded: where 19 of 20 good runs were expected; red: alert; red ring: incident or taken back; green: as expected"
)
STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #444 } .title { font-size: 15px; fill: #111 }
.grid { stroke: #ddd } .band { fill: #cfe3f5 } .expected { fill: none; stroke: #7ba7cf; stroke-dasharray: 4 3 }
.value { fill: none; stroke: #1f4e79; stroke-width: 1.5 } .alert { fill: #c62828 }
.bad { fill: none; stroke: #c62828; stroke-width: 2 } .known { fill: none; stroke: #2e7d32; stroke-width: 2 }
"""


def svg(metric: str, points: Sequence[Point]) -> str:
    """The values, the range that was to be expected, alerts as filled circles, labels as rings; a legend."""
    field = _Field(points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{text(metric)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text class="title" x="{LEFT}" y="22">{text(metric)}</text>',
        *_grid(field),
        *_days(field),
        *_band(field),
        f'<polyline class="expected" points="{field.line(field.expected)}"/>',
        f'<polyline class="value" points="{field.line([(run, p.value) for run, p in field.finite])}"/>',
        *_marks(field),
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{LEGEND}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def text(value: str) -> str:
    """``value`` as text of a document: nothing in it is markup, a control character or a hidden mark."""
    return escape("".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in value))


class _Field:
    """From runs and values to places on the paper."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = points
        self.finite = [(run, point) for run, point in enumerate(points) if math.isfinite(point.value)]
        ranges = [(run, point.range) for run, point in enumerate(points) if point.range]
        self.expected = [(run, one.expected) for run, one in ranges]
        self.above = [(run, one.high) for run, one in ranges]
        self.below = [(run, one.low) for run, one in ranges]
        shown = _in_sight([point.value for _, point in self.finite], [value for _, value in self.above + self.below])
        self.step = _nice_step(shown)
        self.low = math.floor(min(shown, default=0.0) / self.step) * self.step
        self.high = max(math.ceil(max(shown, default=1.0) / self.step) * self.step, self.low + self.step)

    def x(self, run: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * run / max(len(self.points) - 1, 1), 1)

    def y(self, value: float) -> float:
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part, 1)

    def line(self, places: Sequence[tuple[int, float]]) -> str:
        return " ".join(f"{self.x(run)},{self.y(value)}" for run, value in places)


def _in_sight(values: Sequence[float], ends: Sequence[float]) -> list[float]:
    """What the axis must span: all values, and of a wide range no more than half as much again."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    more = (high - low) / 2
    bottom = max(low - more, 0.0) if low >= 0 else low - more
    return [*values, *(min(max(end, bottom), high + more) for end in ends)]


def _nice_step(values: Sequence[float]) -> float:
    """1, 2 or 5 times a power of ten, so that about five of them span the values."""
    span = max(values, default=1.0) - min(values, default=0.0)
    rough = max(span, abs(max(values, default=1.0)) * 1e-6, 1e-9) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def _grid(field: _Field) -> Iterator[str]:
    for number in range(round((field.high - field.low) / field.step) + 1):
        value = field.low + number * field.step
        y = field.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value:,.6g}</text>'


def _days(field: _Field) -> Iterator[str]:
    last = len(field.points) - 1
    for run in sorted({round(last * part / 4) for part in range(5)}) if field.points else ():
        place = f'x="{field.x(run)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle"'
        yield f"<text {place}>{_day(field.points[run].time)}</text>"


def _day(time: date) -> str:
    return f"{time:%Y-%m-%d}"


def _band(field: _Field) -> Iterator[str]:
    if field.above:
        yield f'<polygon class="band" points="{field.line(field.above)} {field.line(field.below[::-1])}"/>'


def _marks(field: _Field) -> Iterator[str]:
    for run, point in field.finite:
        place = f'cx="{field.x(run)}" cy="{field.y(point.value)}"'
        said = text(f"{moment(point.time)}: {point.value:,.6g}. {point.alert or point.label}")
        if point.alert:
            yield f'<circle class="alert" {place} r="4"><title>{said}</title></circle>'
        if point.label:
            kind = "bad" if point.bad else "known"
            yield f'<circle class="{kind}" {place} r="7"><title>{said}</title></circle>'


def moment(time: date) -> str:
    """The day, and the time of day where there is one."""
    return f"{time:%Y-%m-%d %H:%M}" if isinstance(time, datetime) else _day(time)
