"""A chart as PNG, for where no SVG is shown: mails, chats, wikis. Drawn by Pillow, which brings a font of its own."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from validate_updates.chart import Chart
from validate_updates.errors import UsageError
from validate_updates_cli.charts.field import LARGE, LEGEND, Field, Place, visible

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SCALE: Final = 2
"""Pixels of the picture for one of the drawing: sharp on the screens of today."""
SMOOTH: Final = 2
"""It is drawn so many times larger and made smaller, which smooths its lines."""
DASH, GAP = 4.0, 3.0


def png(chart: Chart) -> bytes:
    """The same chart as :func:`svg`, as a picture. Raises ``UsageError`` where Pillow is not installed."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        hint = "pip install 'validate-updates[plot]', or write it as .svg or .html"
        raise UsageError("a .png is drawn by Pillow, which is not installed", hint=hint) from error
    factor = SCALE * SMOOTH
    picture = Image.new("RGB", (LARGE.width * factor, LARGE.height * factor), "white")
    _draw(_Pen(ImageDraw.Draw(picture), factor), chart.metric, Field(chart.points))
    small = picture.reduce(SMOOTH)
    written = BytesIO()
    small.save(written, "PNG", optimize=True)
    return written.getvalue()


def _draw(pen: _Pen, metric: str, field: Field) -> None:
    pen.text((LARGE.left, 22), visible(metric), size=15, colour="#111111")
    for y, value in field.grid():
        pen.line([(LARGE.left, y), (LARGE.width - LARGE.right, y)], "#dddddd", 1)
        pen.text((LARGE.left - 8, y + 4), value, anchor="rs")
    for x, day in field.days():
        pen.text((x, LARGE.height - LARGE.bottom + 18), day, anchor="ms")
    pen.fill(field.band, "#cfe3f5")
    for one in pairwise(field.expected):
        pen.dashes(*one, "#7ba7cf")
    pen.line(field.values, "#1f4e79", 1.5)
    for place, point in field.marks():
        if point.alert:
            pen.circle(place, 4, fill="#c62828")
        if point.label:
            pen.circle(place, 7, outline="#c62828" if point.bad else "#2e7d32")
    pen.text((LARGE.left, LARGE.height - 8), LEGEND)


class _Pen:
    """Draws in units of the drawing."""

    def __init__(self, draw: ImageDraw, factor: int) -> None:
        self.draw = draw
        self.factor = factor

    def line(self, places: Sequence[Place], colour: str, width: float) -> None:
        if len(places) > 1:
            self.draw.line(self._scaled(places), fill=colour, width=round(width * self.factor), joint="curve")

    def dashes(self, begin: Place, end: Place, colour: str) -> None:
        (x1, y1), (x2, y2) = begin, end
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        at = 0.0
        while at < length:
            ends = (at / length, min(at + DASH, length) / length)
            self.line([(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part) for part in ends], colour, 1)
            at += DASH + GAP

    def fill(self, outline: Sequence[Place], colour: str) -> None:
        if len(outline) > 2:
            self.draw.polygon(self._scaled(outline), fill=colour)

    def circle(self, place: Place, radius: float, *, fill: str | None = None, outline: str | None = None) -> None:
        (middle,) = self._scaled([place])
        self.draw.circle(middle, radius * self.factor, fill=fill, outline=outline, width=2 * self.factor)

    def text(self, place: Place, said: str, *, size: int = 12, colour: str = "#444444", anchor: str = "ls") -> None:
        from PIL import ImageFont

        (at,) = self._scaled([place])
        self.draw.text(at, said, fill=colour, font=ImageFont.load_default(size * self.factor), anchor=anchor)

    def _scaled(self, places: Sequence[Place]) -> list[Place]:
        return [(x * self.factor, y * self.factor) for x, y in places]
