"""Reports of tasks as one page that needs nothing else: no request leaves it, and it runs no script.

It is made as a tree of elements, so that whatever a record or a plugin says is text in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from validate_updates.text import printable
from validate_updates_cli.charts.drawing import small
from validate_updates_cli.charts.field import LEGEND, moment
from validate_updates_cli.render.words import MESSAGE

if TYPE_CHECKING:
    from validate_updates.chart import Chart, ChartPoint
    from validate_updates.reporting import Told
    from validate_updates.result import Section

ROWS: Final = 200
"""Of a table; a plugin that gives more should sum up."""
STYLE: Final = """
:root { color-scheme: light dark; --text: #1b1f24; --dim: #59636e; --paper: #fff; --line: #d1d9e0; --band: #cfe3f5;
  --expected: #5a8bb8; --value: #1f4e79; --bad: #c62828; --good: #2e7d32 }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #9198a1; --paper: #0d1117; --line: #3d444d;
  --band: #16324f; --expected: #6a9bc9; --value: #9ecbff; --bad: #ff7b72; --good: #56d364 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text);
  background: var(--paper); overflow-wrap: break-word }
h1, h2, h3, p { overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem }
.dim, caption, figcaption { color: var(--dim) }
.table { max-width: 100%; overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line) }
caption { text-align: left; padding-bottom: .3rem }
.look { color: var(--bad); font-weight: 600 } .fine { color: var(--good) }
pre { overflow-x: auto; line-height: 1.2 }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)) }
figure { margin: 0; min-width: 0; max-width: 34rem }
svg { width: 100%; height: auto; display: block } svg text { font: 13px system-ui, sans-serif; fill: var(--dim) }
.grid { stroke: var(--line) } .band { fill: var(--band) }
.expected { fill: none; stroke: var(--expected); stroke-dasharray: 4 3 }
.value { fill: none; stroke: var(--value); stroke-width: 1.5 } .alert { fill: var(--bad) }
.bad { fill: none; stroke: var(--bad); stroke-width: 2 } .known { fill: none; stroke: var(--good); stroke-width: 2 }
@media (max-width: 40rem) {
  thead { position: absolute; left: -10000px }
  tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line) }
  td { display: block; border: 0; padding: .1rem 0 }
  td[data-name]::before { content: attr(data-name) ": "; color: var(--dim) }
}
"""
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""What a browser lets the page do: nothing but look as it does."""
_MARKS: Final = {"look here": "look", "fail": "look", "OK": "fine", "pass": "fine"}
"""Cells that stand out, beside being read."""


def report_html(name: str, told: Sequence[Told]) -> str:
    """The whole page."""
    from validate_updates_cli.render.report import title, window

    titles = [title(one) for one in told]
    root = ET.Element("html", lang="en")
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": POLICY})
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    ET.SubElement(head, "meta", name="referrer", content="no-referrer")
    _put(head, "title", titles[0] if len(titles) == 1 else f"{name} report")
    ET.SubElement(head, "style").text = STYLE
    main = ET.SubElement(ET.SubElement(root, "body"), "main")
    for number, one in enumerate(told):
        _put(main, "h1", titles[number])
        _put(main, "p", window(one), {"class": "dim"})
        for reason in one.missing:
            _put(main, "p", f"not told: {reason}", {"class": "look"})
        for place, section in enumerate(one.sections):
            _section(ET.SubElement(main, "section"), section, f"s{number}-{place}")
    return f"<!doctype html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"


def _put(parent: ET.Element, tag: str, said: str, attributes: dict[str, str] | None = None) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes or {})
    element.text = printable(said, MESSAGE)
    return element


def _section(place: ET.Element, section: Section, name: str) -> None:
    if section.title:
        place.set("aria-labelledby", name)
        _put(place, "h2", section.title, {"id": name})
    if section.rows:
        _table(place, section.header, section.rows)
    if section.drawing:
        ET.SubElement(place, "pre").text = "\n".join(map(printable, section.drawing))
    for line in section.lines:
        _put(place, "p", line)
    if section.charts:
        _put(place, "p", LEGEND, {"class": "dim"})
        charts = ET.SubElement(place, "div", {"class": "charts"})
        for number, chart in enumerate(section.charts):
            _chart(ET.SubElement(charts, "figure"), chart, f"{name}-{number}")


def _table(place: ET.Element, header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> None:
    table = ET.SubElement(ET.SubElement(place, "div", {"class": "table"}), "table")
    if caption:
        _put(table, "caption", caption)
    if any(header):
        line = ET.SubElement(ET.SubElement(table, "thead"), "tr")
        for word in header:
            _put(line, "th", word, {"scope": "col"})
    body = ET.SubElement(table, "tbody")
    for row in rows[:ROWS]:
        line = ET.SubElement(body, "tr")
        for at, cell in enumerate(row):
            _put(line, "td", cell, _attributes(header[at] if at < len(header) else "", cell))
    if len(rows) > ROWS:
        _put(place, "p", f"and {len(rows) - ROWS} more rows", {"class": "dim"})


def _attributes(name: str, cell: str) -> dict[str, str]:
    found = {"data-name": printable(name)} if name else {}
    return {**found, "class": _MARKS[cell]} if cell in _MARKS else found


def _chart(place: ET.Element, chart: Chart, name: str) -> None:
    """The drawing, and beneath it the same as a table: the runs that stand out, and the last."""
    _put(place, "h3", chart.metric)
    place.append(small(chart, _described(chart.points), name))
    rows = [_row(point) for point in _worth_a_line(chart.points)]
    if rows:
        _table(place, ("run", "value", "expected", "said of it"), rows, caption="marked runs, and the last")


def _described(points: Sequence[ChartPoint]) -> str:
    alerts = sum(bool(point.alert) for point in points)
    labels = sum(bool(point.label) for point in points)
    return f"{len(points)} runs; with an alert {alerts}, labelled or not standing {labels}"


def _worth_a_line(points: Sequence[ChartPoint]) -> Iterable[ChartPoint]:
    last = len(points) - 1
    return [point for at, point in enumerate(points) if point.alert or point.label or at == last][::-1]


def _row(point: ChartPoint) -> tuple[str, ...]:
    usual = f"{point.range.low:,.4g} to {point.range.high:,.4g}" if point.range else ""
    said = "; ".join(filter(None, (point.label, point.alert)))
    return (moment(point.time), f"{point.value:,.6g}", usual, said)
