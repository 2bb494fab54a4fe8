"""From runs and values to places on a chart's paper."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from validate_updates.chart import ChartPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a chart is drawn on, with the room around the field of the values."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    days: int
    """That are named below."""


LARGE: Final = Paper(width=860, height=320, left=70, right=40, top=40, bottom=50, days=5)
"""A chart alone, with a title and a legend."""
SMALL: Final = Paper(width=400, height=200, left=64, right=42, top=12, bottom=28, days=3)
"""One of many on a page, which says what they are."""
LEGEND: Final = (
    "shaded: where 19 of 20 good runs were expected; red: alert; ring: incident, or did not stand; green: as expected"
)

_FARTHEST: Final = 1e300
"""What lies farther out is drawn there: an axis must span what it shows, and the largest number has no double."""

Place = tuple[float, float]


class Field:
    """Where everything is on the paper: x to the right, y downwards."""

    def __init__(self, points: Sequence[ChartPoint], paper: Paper = LARGE) -> None:
        self.points = points
        self.paper = paper
        self.finite = [(run, point) for run, point in enumerate(points) if math.isfinite(point.value)]
        ranges = [(run, point.range) for run, point in enumerate(points) if point.range]
        above = [(run, one.high) for run, one in ranges]
        below = [(run, one.low) for run, one in ranges]
        values, ends = [point.value for _, point in self.finite], [value for _, value in above + below]
        shown = _in_sight([_within_reach(value) for value in values], [_within_reach(end) for end in ends])
        self.step = _nice_step(shown)
        self.low = math.floor(min(shown, default=0.0) / self.step) * self.step
        self.high = max(math.ceil(max(shown, default=1.0) / self.step) * self.step, self.low + self.step)
        self.values = self._places([(run, point.value) for run, point in self.finite])
        self.expected = self._places([(run, one.expected) for run, one in ranges])
        self.band = self._places(above) + self._places(below)[::-1]
        """The outline of the range: its upper end from left to right, and the lower one back."""

    def grid(self) -> Iterator[tuple[float, str]]:
        """(y, its value) of each line across."""
        for number in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + number * self.step
            yield self.y(value), f"{value:,.6g}"

    def days(self) -> Iterator[tuple[float, str]]:
        """(x, the day) of a few runs, evenly spread."""
        last, gaps = len(self.points) - 1, self.paper.days - 1
        for run in sorted({round(last * part / gaps) for part in range(gaps + 1)}) if self.points else ():
            yield self.x(run), _day(self.points[run].time)

    def marks(self) -> Iterator[tuple[Place, ChartPoint]]:
        """The runs that have an alert or a label."""
        for run, point in self.finite:
            if point.alert or point.label:
                yield (self.x(run), self.y(point.value)), point

    def x(self, run: int) -> float:
        """Of a run."""
        paper = self.paper
        return round(paper.left + (paper.width - paper.left - paper.right) * run / max(len(self.points) - 1, 1), 1)

    def y(self, value: float) -> float:
        """Of a value; one that is out of sight is at the edge."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        paper = self.paper
        return round(paper.height - paper.bottom - (paper.height - paper.top - paper.bottom) * part, 1)

    def _places(self, values: Sequence[tuple[int, float]]) -> list[Place]:
        return [(self.x(run), self.y(value)) for run, value in values]


def moment(time: date) -> str:
    """The day, and the time of day where there is one."""
    return f"{time:%Y-%m-%d %H:%M}" if isinstance(time, datetime) else _day(time)


def visible(value: str) -> str:
    """``value`` without control characters and hidden marks: their numbers stand in their place."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in value)


def _day(time: date) -> str:
    return f"{time:%Y-%m-%d}"


def _within_reach(value: float) -> float:
    return min(max(value, -_FARTHEST), _FARTHEST)


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
