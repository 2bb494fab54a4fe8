"""A chart as SVG, written by hand: a drawing library would weigh more than all of the plugin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from validate_updates_historical.charts.field import (
    BOTTOM,
    HEIGHT,
    LEFT,
    LEGEND,
    RIGHT,
    WIDTH,
    Field,
    Place,
    moment,
    visible,
)
from validate_updates_historical.charts.points import Point

STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #444 } .title { font-size: 15px; fill: #111 }
.grid { stroke: #ddd } .band { fill: #cfe3f5 } .expected { fill: none; stroke: #7ba7cf; stroke-dasharray: 4 3 }
.value { fill: none; stroke: #1f4e79; stroke-width: 1.5 } .alert { fill: #c62828 }
.bad { fill: none; stroke: #c62828; stroke-width: 2 } .known { fill: none; stroke: #2e7d32; stroke-width: 2 }
"""


def svg(metric: str, points: Sequence[Point]) -> str:
    """The values, the range that was to be expected, alerts as filled circles, labels as rings; a legend."""
    field = Field(points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{text(metric)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text class="title" x="{LEFT}" y="22">{text(metric)}</text>',
        *_grid(field),
        *_days(field),
        *([f'<polygon class="band" points="{_line(field.band)}"/>'] if field.band else ()),
        f'<polyline class="expected" points="{_line(field.expected)}"/>',
        f'<polyline class="value" points="{_line(field.values)}"/>',
        *_marks(field),
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{LEGEND}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def text(value: str) -> str:
    """``value`` as text of a document: nothing in it is markup, a control character or a hidden mark."""
    return escape(visible(value))


def _line(places: Sequence[Place]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _grid(field: Field) -> Iterator[str]:
    for y, value in field.grid():
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value}</text>'


def _days(field: Field) -> Iterator[str]:
    for x, day in field.days():
        yield f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{day}</text>'


def _marks(field: Field) -> Iterator[str]:
    for (x, y), point in field.marks():
        place = f'cx="{x}" cy="{y}"'
        said = text(f"{moment(point.time)}: {point.value:,.6g}. {point.alert or point.label}")
        if point.alert:
            yield f'<circle class="alert" {place} r="4"><title>{said}</title></circle>'
        if point.label:
            kind = "bad" if point.bad else "known"
            yield f'<circle class="{kind}" {place} r="7"><title>{said}</title></circle>'
