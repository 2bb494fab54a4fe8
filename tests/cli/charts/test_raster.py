"""The same chart as pixels: what is in the SVG has its colour at its place."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from PIL import Image

from tests.cli.charts.test_charts import chart, points
from validate_updates.chart import ChartPoint as Point
from validate_updates.chart import ChartRange as Range
from validate_updates.errors import UsageError
from validate_updates_cli.charts.field import LARGE, Field
from validate_updates_cli.charts.files import save
from validate_updates_cli.charts.raster import SCALE, png

DAY = datetime(2025, 3, 1, tzinfo=UTC)
RUNS = [
    Point(DAY + timedelta(days=day), 10.0 + day % 3, Range(8, 11, 14), "", "incident" if day == 4 else "")
    for day in range(19)
] + [Point(DAY + timedelta(days=19), 60.0, Range(8, 11, 14), "too much")]


def colour(picture: Image.Image, run: int, value: float, *, aside: tuple[float, float] = (0, 0)) -> tuple[int, ...]:
    field = Field(RUNS)
    place = (field.x(run) + aside[0], field.y(value) + aside[1])
    pixel = picture.getpixel((round(place[0] * SCALE), round(place[1] * SCALE)))
    assert isinstance(pixel, tuple)
    return pixel


def test_band_alert_and_label_are_where_the_drawing_has_them() -> None:
    picture = Image.open(BytesIO(png(chart("records.read", RUNS))))

    assert (picture.format, picture.size, picture.mode) == ("PNG", (LARGE.width * SCALE, LARGE.height * SCALE), "RGB")
    assert colour(picture, 19, 60.0) == (0xC6, 0x28, 0x28)
    assert colour(picture, 10, 13.0) == (0xCF, 0xE3, 0xF5)
    assert colour(picture, 10, 30.0) == (255, 255, 255)
    red, green, blue = colour(picture, 4, RUNS[4].value, aside=(-6, 0))
    assert red > 180
    assert max(green, blue) < 60


@settings(max_examples=5, deadline=None)
@given(points)
def test_any_points_make_a_picture(found: list[Point]) -> None:
    Image.open(BytesIO(png(chart("\x1b[31m\u202e" + "名" * 300, found)))).verify()


def test_the_suffix_says_so(tmp_path: Path) -> None:
    save(chart("records", RUNS), tmp_path / "chart.PNG")

    assert (tmp_path / "chart.PNG").read_bytes().startswith(b"\x89PNG")


def test_without_pillow_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)

    with pytest.raises(UsageError, match="Pillow, which is not installed") as refused:
        save(chart("records", RUNS), tmp_path / "chart.png")

    assert "validate-updates[plot]" in refused.value.hint
    assert not list(tmp_path.iterdir())
