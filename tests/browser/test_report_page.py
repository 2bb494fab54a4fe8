"""The HTML report in a real browser: drawn, quiet, readable on a phone, and inert whatever a record says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.plugins.reports.world import World, record
from validate_updates_cli.render.report_html import report_html

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script><svg/onload=alert(1)>"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Days of updates, the last with a hostile record and ten times the records; as a file."""
    folder = tmp_path_factory.mktemp("page")
    world = World(Target(f"sqlite:///{folder / 'target.db'}"), folder).made()
    for day in range(12, 0, -1):
        world.update(*(record(1000 * day + number) for number in range(10 + day % 3)), days=day)
    bad = world.update(record(1, HOSTILE), record(2, "x" * 150), *map(record, range(3, 90)), hours=2)
    world.label(bad, "incident")
    path = folder / "report.html"
    path.write_text(report_html("daily", [world.report("daily"), world.report("weekly")]), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_it_is_drawn_and_asks_nobody(browser: Any, page_file: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(page_file.as_uri())

    assert asked == [page_file.as_uri()]
    assert said == []
    assert page.title() == "daily report"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.evaluate("[...document.querySelectorAll('svg .value')].map(one => one.getBoundingClientRect().width)")
    assert boxes
    assert min(boxes) > 150
    assert page.locator("svg .band").count() > 0
    assert page.locator("svg .bad").count() > 0
    colours = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert colours[0] != colours[1]
    assert ("rgb(255, 255, 255)" in colours) == (scheme == "light"), "the style of the page is in force"
    context.close()


def test_markup_in_a_record_is_text(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("img, script").count() == 0
    assert "<img src=x" in page.locator("body").inner_text()
    page.close()


def test_a_script_that_got_in_would_not_run(browser: Any, page_file: Path, tmp_path: Path) -> None:
    smuggled = tmp_path / "smuggled.html"
    script = "<script>document.title = 'owned'</script><img src='http://127.0.0.1:9/x'>"
    smuggled.write_text(page_file.read_text(encoding="utf-8").replace("<main>", f"<main>{script}"), encoding="utf-8")
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: asked.remove(request.url))
    page.goto(smuggled.as_uri())
    assert page.title() == "daily report"
    assert asked == [smuggled.as_uri()]
    page.close()


def test_each_chart_has_a_name_a_description_and_a_table(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    figures = page.locator("figure")
    assert figures.count() >= 2
    for at in range(figures.count()):
        figure = figures.nth(at)
        assert figure.locator("svg > title").text_content()
        assert "runs" in figure.locator("svg > desc").text_content()
        assert figure.locator("tbody tr").count() > 0
    names = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(names) == len(set(names))
    page.close()
