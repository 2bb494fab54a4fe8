"""A chart as a file: SVG, PNG, or an HTML page with the alerts as a table below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from validate_updates.chart import Chart, ChartPoint
from validate_updates.errors import UsageError
from validate_updates.files import write_whole
from validate_updates_cli.charts.drawing import svg
from validate_updates_cli.charts.field import moment, visible
from validate_updates_cli.charts.raster import png

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 15px system-ui, sans-serif; max-width: 900px; margin: 2em auto }}
td, th {{ text-align: left; padding: .2em 1em .2em 0; vertical-align: top }}</style></head>
<body>
{drawing}
{alerts}
</body></html>
"""


def save(chart: Chart, output: Path) -> None:
    """Write the chart; the suffix says as what. Raises ``UsageError``, also where the file cannot be written."""
    made = _WAYS.get(output.suffix.lower())
    if made is None:
        raise UsageError(
            f"a chart is not written as {output.suffix or 'a file without suffix'}", hint="as .svg, .png or .html"
        )
    written = made(chart)
    try:
        write_whole(output, written)
    except OSError as error:
        raise UsageError(f"the chart cannot be written: {error.strerror}", hint="another --output") from error


def html(chart: Chart) -> str:
    """A page that needs nothing else."""
    return PAGE.format(title=_text(chart.metric), drawing=svg(chart), alerts=_alerts(chart.points))


_WAYS: Final[Mapping[str, Callable[[Chart], bytes]]] = {
    ".svg": lambda chart: svg(chart).encode(),
    ".html": lambda chart: html(chart).encode(),
    ".png": png,
}


def _alerts(points: Sequence[ChartPoint]) -> str:
    rows = [_row(point) for point in reversed(points) if point.alert or point.label]
    if not rows:
        return "<p>No alerts.</p>"
    head = "<tr><th>run</th><th>value</th><th>expected</th><th>alert</th><th>label</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _row(point: ChartPoint) -> str:
    expected = f"{point.range.low:,.6g} to {point.range.high:,.6g}" if point.range else ""
    cells = (moment(point.time), f"{point.value:,.6g}", expected, point.alert, point.label)
    return f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in cells)}</tr>"


def _text(value: str) -> str:
    """``value`` as text of a document: nothing in it is markup, a control character or a hidden mark."""
    return escape(visible(value))
