"""A chart as a file: SVG, PNG, or an HTML page with the alerts as a table below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from validate_updates import UsageError
from validate_updates_historical.charts.drawing import svg, text
from validate_updates_historical.charts.field import moment
from validate_updates_historical.charts.points import Point
from validate_updates_historical.charts.raster import png

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 15px system-ui, sans-serif; max-width: 900px; margin: 2em auto }}
td, th {{ text-align: left; padding: .2em 1em .2em 0; vertical-align: top }}</style></head>
<body>
{drawing}
{alerts}
</body></html>
"""


def save(metric: str, points: Sequence[Point], output: Path) -> None:
    """Write the chart; the suffix says as what. Raises ``UsageError``, also where the file cannot be written."""
    made = _WAYS.get(output.suffix.lower())
    if made is None:
        raise UsageError(
            f"a chart is not written as {output.suffix or 'a file without suffix'}", hint="as .svg, .png or .html"
        )
    chart = made(metric, points)
    try:
        output.write_bytes(chart)
    except OSError as error:
        raise UsageError(f"the chart cannot be written: {error.strerror}", hint="another --output") from error


def html(metric: str, points: Sequence[Point]) -> str:
    """A page that needs nothing else."""
    return PAGE.format(title=text(metric), drawing=svg(metric, points), alerts=_alerts(points))


_WAYS: Final[Mapping[str, Callable[[str, Sequence[Point]], bytes]]] = {
    ".svg": lambda metric, points: svg(metric, points).encode(),
    ".html": lambda metric, points: html(metric, points).encode(),
    ".png": png,
}


def _alerts(points: Sequence[Point]) -> str:
    rows = [_row(point) for point in reversed(points) if point.alert or point.label]
    if not rows:
        return "<p>No alerts.</p>"
    head = "<tr><th>run</th><th>value</th><th>expected</th><th>alert</th><th>label</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _row(point: Point) -> str:
    expected = f"{point.range.low:,.6g} to {point.range.high:,.6g}" if point.range else ""
    cells = (moment(point.time), f"{point.value:,.6g}", expected, point.alert, point.label)
    return f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in cells)}</tr>"
