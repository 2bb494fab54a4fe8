"""A chart as SVG, made as a tree, so that nothing in a name is markup; a library would weigh more than all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from validate_updates.chart import Chart
from validate_updates_cli.charts.field import LARGE, LEGEND, SMALL, Field, Paper, Place, moment, visible

STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #444 } .title { font-size: 15px; fill: #111 }
.grid { stroke: #ddd } .band { fill: #cfe3f5 } .expected { fill: none; stroke: #7ba7cf; stroke-dasharray: 4 3 }
.value { fill: none; stroke: #1f4e79; stroke-width: 1.5 } .alert { fill: #c62828 }
.bad { fill: none; stroke: #c62828; stroke-width: 2 } .known { fill: none; stroke: #2e7d32; stroke-width: 2 }
"""


def svg(chart: Chart) -> str:
    """A file of its own: the values, the range that was to be expected, alerts as filled circles, labels as rings."""
    root = _paper(LARGE)
    _put(root, "title", chart.metric)
    ET.SubElement(root, "style").text = STYLE
    ET.SubElement(root, "rect", width=str(LARGE.width), height=str(LARGE.height), fill="white")
    _put(root, "text", chart.metric, {"class": "title", "x": str(LARGE.left), "y": "22"})
    _draw(root, Field(chart.points))
    _put(root, "text", LEGEND, {"x": str(LARGE.left), "y": str(LARGE.height - 8)})
    return ET.tostring(root, encoding="unicode") + "\n"


def small(chart: Chart, said: str, name: str) -> ET.Element:
    """The same for a page that has a style and a legend. ``said``: in words; ``name``: unique on the page."""
    root = _paper(SMALL)
    root.set("aria-labelledby", f"{name}-title {name}-said")
    _put(root, "title", chart.metric, {"id": f"{name}-title"})
    _put(root, "desc", said, {"id": f"{name}-said"})
    _draw(root, Field(chart.points, SMALL))
    return root


def _paper(paper: Paper) -> ET.Element:
    size = f"0 0 {paper.width} {paper.height}"
    return ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": size, "role": "img"})


def _draw(root: ET.Element, field: Field) -> None:
    _grid(root, field)
    if field.band:
        ET.SubElement(root, "polygon", {"class": "band", "points": _line(field.band)})
    ET.SubElement(root, "polyline", {"class": "expected", "points": _line(field.expected)})
    ET.SubElement(root, "polyline", {"class": "value", "points": _line(field.values)})
    for tag, attributes, said in _marks(field):
        _put(ET.SubElement(root, tag, attributes), "title", said)


def _put(parent: ET.Element, tag: str, said: str, attributes: dict[str, str] = {}) -> None:  # noqa: B006  # only read
    ET.SubElement(parent, tag, attributes).text = visible(said)


def _line(places: Sequence[Place]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _grid(root: ET.Element, field: Field) -> None:
    paper = field.paper
    for y, value in field.grid():
        ends = {"x1": str(paper.left), "x2": str(paper.width - paper.right), "y1": str(y), "y2": str(y)}
        ET.SubElement(root, "line", {"class": "grid", **ends})
        _put(root, "text", value, {"x": str(paper.left - 8), "y": f"{y + 4}", "text-anchor": "end"})
    for x, day in field.days():
        _put(root, "text", day, {"x": str(x), "y": str(paper.height - paper.bottom + 18), "text-anchor": "middle"})


def _marks(field: Field) -> Iterator[tuple[str, dict[str, str], str]]:
    for (x, y), point in field.marks():
        place = {"cx": str(x), "cy": str(y)}
        said = f"{moment(point.time)}: {point.value:,.6g}. {point.alert or point.label}"
        if point.alert:
            yield "circle", {"class": "alert", **place, "r": "4"}, said
        if point.label:
            yield "circle", {"class": "bad" if point.bad else "known", **place, "r": "7"}, said
