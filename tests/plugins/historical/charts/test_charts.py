"""Charts: files that any browser reads, with each alert and label in its place, whatever the numbers and names are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import UsageError
from validate_updates.testing import history
from validate_updates_historical.charts import Point, foretold, save
from validate_updates_historical.charts.drawing import svg
from validate_updates_historical.charts.field import HEIGHT, WIDTH
from validate_updates_historical.charts.files import html
from validate_updates_historical.charts.points import Range
from validate_updates_historical.series import Series

SVG = "{http://www.w3.org/2000/svg}"
DAY = datetime(2025, 3, 1, tzinfo=UTC)
CLEAN = history("weekly", seed=3, runs=60)
TIMES = [update.moment for update in CLEAN.updates]
VALUES = CLEAN.values("records")

ranges = st.none() | st.builds(lambda ends: Range(*sorted(ends)), st.tuples(*[st.floats(-1e9, 1e9)] * 3))
points = st.lists(
    st.builds(
        Point,
        time=st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001  # any will do
        value=st.floats(-1e100, 1e100) | st.just(float("nan")),
        range=ranges,
        alert=st.text(max_size=8),
        label=st.sampled_from(["", "incident", "expected", "rejected"]),
    ),
    max_size=12,
)


def marks(drawing: str, kind: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(drawing).iter(f"{SVG}circle") if one.get("class") == kind]


@given(st.text(max_size=20), points)
def test_any_points_make_a_drawing_that_stays_on_the_paper(metric: str, found: list[Point]) -> None:
    drawing = svg(metric, found)
    for one in ET.fromstring(drawing).iter():
        for x, y in (place.split(",") for place in one.get("points", "").split()):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= HEIGHT
    seen = [point for point in found if point.value == point.value]  # not NaN
    assert len(marks(drawing, "alert")) == sum(bool(point.alert) for point in seen)
    assert len(marks(drawing, "bad")) == sum(point.label in {"incident", "rejected"} for point in seen)
    assert len(marks(drawing, "known")) == sum(point.label == "expected" for point in seen)


def test_names_are_text_and_no_markup() -> None:
    drawing = svg("<script>\x1b\u202e&", [Point(DAY, 1.0, None, alert="<b>")])
    assert ET.fromstring(drawing).findtext(f"{SVG}title") == "<script>\\u001b\\u202e&"
    assert "<script" not in html("<script>", [])
    assert "<b>" not in html("m", [Point(DAY, 1.0, None, alert="<b>")])


def test_a_page_lists_alerts_and_labels_the_newest_first() -> None:
    runs = [Point(DAY + timedelta(days=day), day, Range(0, 1, 2), "much" if day > 3 else "") for day in range(6)]
    page = html("records", runs)
    assert page.index("2025-03-06") < page.rindex("2025-03-05")
    assert page.count("<td>much</td>") == 2
    assert "No alerts." in html("records", runs[:4])


def test_what_was_foretold_of_a_run_rests_on_those_before_it() -> None:
    found = foretold(Series(TIMES, VALUES))
    changed = foretold(Series(TIMES, [*VALUES[:-1], 9e6]))
    assert [point.value for point in found] == VALUES
    assert [point.range for point in found] == [point.range for point in changed]
    assert [point.range for point in found[:8]] == [None] * 8
    assert found[-1].alert == ""
    assert changed[-1].alert != ""


def test_ranges_hold_most_good_runs() -> None:
    held = [
        point.range.low <= point.value <= point.range.high for point in foretold(Series(TIMES, VALUES)) if point.range
    ]
    assert sum(held) > 0.8 * len(held)


@pytest.mark.parametrize("label", ["incident", "rejected"])
def test_bad_runs_are_shown_and_teach_nothing(label: str) -> None:
    spoilt = [*VALUES[:50], 90_000.0, *VALUES[51:]]
    labelled = foretold(Series(TIMES, spoilt), labels={TIMES[50]: label})
    without = Series(TIMES[:50] + TIMES[51:], VALUES[:50] + VALUES[51:])
    assert [point.range for point in labelled[51:]] == [point.range for point in foretold(without)[50:]]
    assert labelled[50].label == label


def test_only_the_last_runs_are_shown() -> None:
    assert [point.time for point in foretold(Series(TIMES, VALUES), last=5)] == TIMES[-5:]


@pytest.mark.parametrize("name", ["chart.svg", "chart.HTML"])
def test_the_suffix_says_what_is_written(tmp_path: Path, name: str) -> None:
    save("records", [Point(DAY, 1.0, None)], tmp_path / name)
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
        save("records", [], tmp_path / name)
    assert refused.value.hint
