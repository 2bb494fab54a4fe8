"""Charts: files that any browser reads, with each alert and label in its place, whatever the numbers and names are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates.chart import Chart
from validate_updates.chart import ChartPoint as Point
from validate_updates.chart import ChartRange as Range
from validate_updates.errors import UsageError
from validate_updates_cli.charts.drawing import small, svg
from validate_updates_cli.charts.field import LARGE, SMALL
from validate_updates_cli.charts.files import html, save

SVG = "{http://www.w3.org/2000/svg}"
DAY = datetime(2025, 3, 1, tzinfo=UTC)

any_number = st.floats(allow_nan=False, allow_infinity=False)
ends = st.floats(-1e9, 1e9) | any_number
ranges = st.none() | st.builds(lambda ends: Range(*sorted(ends)), st.tuples(ends, ends, ends))
points = st.lists(
    st.builds(
        Point,
        time=st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001  # any will do
        value=st.floats(-1e9, 1e9) | any_number | st.just(float("nan")),
        range=ranges,
        alert=st.text(max_size=8),
        label=st.sampled_from(["", "incident", "expected", "rejected"]),
    ),
    max_size=12,
)


def chart(metric: str, points: list[Point]) -> Chart:
    return Chart(metric, tuple(points))


def marks(drawing: str, kind: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(drawing).iter(f"{SVG}circle") if one.get("class") == kind]


@given(st.text(max_size=20), points)
def test_any_points_make_a_drawing_that_stays_on_the_paper(metric: str, found: list[Point]) -> None:
    drawing = svg(chart(metric, found))
    for paper, drawn in ((LARGE, ET.fromstring(drawing)), (SMALL, small(chart(metric, found), "it", "one"))):
        for one in drawn.iter():
            for x, y in (place.split(",") for place in one.get("points", "").split()):
                assert 0 <= float(x) <= paper.width
                assert 0 <= float(y) <= paper.height
    seen = [point for point in found if point.value == point.value]  # not NaN
    assert len(marks(drawing, "alert")) == sum(bool(point.alert) for point in seen)
    assert len(marks(drawing, "bad")) == sum(point.label in {"incident", "rejected"} for point in seen)
    assert len(marks(drawing, "known")) == sum(point.label == "expected" for point in seen)


@pytest.mark.parametrize("value", [1.7e308, -1.7e308])
def test_the_largest_numbers_are_drawn_at_the_edge(value: float) -> None:
    drawing = svg(chart("rows", [Point(DAY, 1.0), Point(DAY + timedelta(days=1), value, alert="far out")]))
    assert len(marks(drawing, "alert")) == 1


def test_names_are_text_and_no_markup() -> None:
    drawing = svg(chart("<script>\x1b\u202e&", [Point(DAY, 1.0, None, alert="<b>")]))
    assert ET.fromstring(drawing).findtext(f"{SVG}title") == "<script>\\u001b\\u202e&"
    assert "<script" not in html(chart("<script>", []))
    assert "<b>" not in html(chart("m", [Point(DAY, 1.0, None, alert="<b>")]))


def test_a_page_lists_alerts_and_labels_the_newest_first() -> None:
    runs = [Point(DAY + timedelta(days=day), day, Range(0, 1, 2), "much" if day > 3 else "") for day in range(6)]
    page = html(chart("records", runs))
    assert page.index("2025-03-06") < page.rindex("2025-03-05")
    assert page.count("<td>much</td>") == 2
    assert "No alerts." in html(chart("records", runs[:4]))


@pytest.mark.parametrize("name", ["chart.svg", "chart.HTML"])
def test_the_suffix_says_what_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("the last one")
    (tmp_path / "reader").hardlink_to(tmp_path / name)
    save(chart("records", [Point(DAY, 1.0, None)]), tmp_path / name)
    assert (tmp_path / "reader").read_text() == "the last one", "who reads it meanwhile reads all of it"
    written = (tmp_path / name).read_text()
    assert written.startswith("<svg" if name.endswith("svg") else "<!doctype html>")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chart.gif", "a chart is not written as .gif"),
        ("chart", "not written as a file without suffix"),
        ("none/chart.svg", "the chart cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        save(chart("records", []), tmp_path / name)
    assert refused.value.hint
