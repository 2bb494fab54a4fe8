"""``report``: its forms, where it goes, what is kept for the next one; and that whatever a record says is text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Command
from validate_updates.chart import Chart, ChartPoint, ChartRange
from validate_updates.reporting import Told
from validate_updates.result import Section
from validate_updates_cli.render.look import Look
from validate_updates_cli.render.report import report_json, report_markdown, report_page
from validate_updates_cli.render.report_html import report_html

NOON = datetime(2024, 5, 31, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>&\"'\x1b[31m\u202e`|[a](b)\n<script>alert(1)</script>"
Report = Callable[..., Any]


@pytest.fixture
def report(command: Command, hearings: Path, records: Callable[..., Path], tmp_path: Path) -> Report:
    """``report`` with these words, of a task whose only run has added a hostile record."""
    records({"event_id": 3, "title": HOSTILE}, {"event_id": 4, "title": "plain"})
    (tmp_path / "validate-updates.toml").write_text(
        f'target = "sqlite:///{hearings}"\n'
        '[tasks.daily]\nsource = "day.jsonl"\nplugins = ["static_thresholds"]\n[tasks.daily.tables.hearings]\n'
    )
    assert command("run", "daily", "--as-of", "2024-05-31T11:00Z").code == 0
    return lambda *words: command("report", *words, "--as-of", "2024-05-31T12:00Z")


def test_those_there_are(command: Command) -> None:
    said = command("report")
    assert said.code == 0
    assert {"canary", "daily", "monitoring", "retrospective", "weekly"} <= {
        line.split()[0] for line in said.out.splitlines()
    }
    assert command("report", "--format", "json").json["reports"][0].keys() == {"name", "summary", "plugin"}


@pytest.mark.parametrize("name", ["canary", "daily", "incident", "monitoring", "retrospective", "weekly"])
def test_each_in_each_form(report: Report, name: str) -> None:
    for form in ("text", "markdown", "json", "html"):
        said = report(name, "--format", form)
        assert (said.code, said.err) == (0, "")
        assert "daily" in said.out
        assert "\x1b" not in said.out
        assert "\u202e" not in said.out


def test_json_is_one_versioned_object(report: Report) -> None:
    found = report("daily", "--format", "json").json
    assert (found["schema_version"], found["report"]) == (1, "daily")
    (task,) = found["tasks"]
    fields = {"task", "since", "until", "run_id", "runs", "nothing_new", "sections", "data", "missing"}
    assert task.keys() == fields
    assert task["sections"][0].keys() == {"title", "header", "rows", "lines", "drawing", "charts"}
    assert (task["since"], task["until"], task["runs"]) == ("2024-05-30T12:00:00Z", "2024-05-31T12:00:00Z", 1)
    assert task["data"]["reports"]["counts"]["inserted"] == 2
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()
    assert {name for name in {*fields, *task["sections"][0]} if f"`{name}`" not in page} == set()


def test_a_file_gets_what_stdout_would(report: Report, tmp_path: Path) -> None:
    for form in ("text", "html"):
        said = report("daily", "--format", form, "--output", "it")
        assert (said.code, said.out) == (0, "")
        assert (tmp_path / "it").read_text() == report("daily", "--format", form).out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("dayly",), 2, "there is no report 'dayly'"),
        (("daily", "--task", "nope"), 2, "there is no task 'nope'"),
        (("daily", "last"), 2, "the report daily is not about one run"),
        (("daily", "--days", "0"), 2, "--days is more than 0"),
        (("daily", "--days", "x"), 2, "--days 'x' is not a number"),
        (("daily", "--format", "pdf"), 2, "--format 'pdf' is not known"),
        (("daily", "--output", "none/it"), 3, "cannot be written to none/it: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_clear_line(report: Report, words: tuple[str, ...], code: int, said: str) -> None:
    found = report(*words)
    assert (found.code, found.out) == (code, "")
    assert said in found.err
    assert len(found.err.splitlines()) <= 2


def test_who_reads_the_last_one_meanwhile_reads_all_of_it(report: Report, tmp_path: Path) -> None:
    (tmp_path / "it").write_text("the last one")
    (tmp_path / "reader").hardlink_to(tmp_path / "it")

    assert report("daily", "--output", "it").code == 0

    assert (tmp_path / "reader").read_text() == "the last one"
    assert "1 run from" in (tmp_path / "it").read_text()


def test_cron_is_told_what_is_new_once(report: Report, command: Command, records: Callable[..., Path]) -> None:
    first = report("daily", "--since-last")
    assert "1 run from" in first.out
    nothing = report("daily", "--since-last")
    assert (nothing.code, "nothing new since the last report" in nothing.out) == (0, True)
    assert len(nothing.out.splitlines()) == 2
    assert "1 run from" in report("weekly", "--since-last").out, "each report has its own"
    records({"event_id": 5, "title": "new"})
    assert command("run", "daily", "--as-of", "2024-05-31T11:30Z").code == 0
    missed = report("daily", "--since-last", "--output", "none/it")
    assert missed.code == 3
    assert "1 run from" in report("daily", "--since-last").out, "what could not be written is told again"


def test_a_journal_that_is_not_there_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text(
        'target = "sqlite:///new.db"\n[tasks.daily]\n[tasks.daily.tables.t]\n'
    )
    said = command("report", "daily")
    assert said.code != 0
    assert len(said.err.splitlines()) <= 2


def test_a_task_that_cannot_be_told_is_no_reason_not_to_tell_the_others(report: Report, tmp_path: Path) -> None:
    with (tmp_path / "validate-updates.toml").open("a") as settings:
        settings.write('[tasks.later]\ntarget = "sqlite:///later.db"\n[tasks.later.tables.t]\n')
    found = report("daily", "--format", "json")
    assert [task["task"] for task in found.json["tasks"]] == ["daily"]
    assert found.code != 0
    assert found.err.startswith("warning: no report of later: ")
    assert len(found.err.splitlines()) == 1
    assert report("daily", "--task", "daily").code == 0


def test_a_run_is_told_once_whatever_tasks_there_are(report: Report, hearings: Path, tmp_path: Path) -> None:
    (run,) = report("incident", "last", "--format", "json").json["tasks"]
    with (tmp_path / "validate-updates.toml").open("a") as settings:
        settings.write(
            f'[tasks.other]\ntarget = "sqlite:///{hearings}"\n[tasks.other.tables.hearings]\n'
            '[tasks.later]\ntarget = "sqlite:///later.db"\n[tasks.later.tables.t]\n'
        )
    found = report("incident", run["run_id"], "--format", "json")
    assert [task["task"] for task in found.json["tasks"]] == ["daily"]
    assert (found.code, found.err) == (0, "")
    wrong = report("incident", run["run_id"], "--task", "other")
    assert wrong.code == 2
    assert f"the run {run['run_id']} is of the task daily, not of other" in wrong.err


# Whatever is in a record, or a plugin says, is text.

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "section", "div", "table"),
    *("thead", "tbody", "tr", "th", "td", "caption", "pre", "figure", "svg", "desc", "polygon", "polyline", "line"),
    *("circle", "text"),
}


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


anything = st.text(max_size=30) | st.sampled_from(
    [HOSTILE, "</style><script>", "| a | b |", "![x](http://x)", "www.x.y"]
)
charts = st.builds(
    Chart,
    anything,
    st.lists(
        st.builds(
            ChartPoint,
            st.just(NOON),
            st.floats(-1e6, 1e6),
            st.none() | st.just(ChartRange(0.0, 1.0, 2.0)),
            anything,
            st.sampled_from(["", "incident", "expected"]),
        ),
        max_size=3,
    ).map(tuple),
)
sections = st.builds(
    Section,
    title=anything,
    header=st.just(()) | st.tuples(anything, anything),
    rows=st.lists(st.tuples(anything, anything), max_size=3).map(tuple),
    lines=st.lists(anything, max_size=3).map(tuple),
    drawing=st.lists(anything, max_size=2).map(tuple),
    charts=st.lists(charts, max_size=2).map(tuple),
)
reports = st.builds(
    Told,
    report=st.just("daily"),
    task=anything,
    since=st.just(NOON),
    until=st.just(NOON),
    run_id=st.none(),
    runs=st.just(1),
    newest=st.just(1),
    sections=st.lists(sections, max_size=3).map(tuple),
    nothing_new=st.just(False),
    data=st.just({"reports": {"a": 1}}),
    missing=st.lists(anything, max_size=1).map(tuple),
)
HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")


@given(reports)
def test_no_text_becomes_markup_of_a_page(told: Told) -> None:
    page = report_html("daily", [told])
    found = Tags(page)
    assert found.seen <= TAGS
    assert not {name for name in found.attributes if name.startswith("on") or name in {"href", "src", "style"}}
    assert HIDDEN.search(page) is None
    assert page.count("<style") == 1


@given(reports)
def test_no_text_becomes_markup_of_markdown(told: Told) -> None:
    page = report_markdown([told])
    assert HIDDEN.search(page) is None
    outside = re.sub(r"^    .*$", "", page, flags=re.MULTILINE)  # drawings are indented: code
    outside = re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", outside)  # spans of code
    outside = re.sub(r"\\.", "", outside).replace("<br>", "")
    assert not re.search(r"[<>\[\]]|!\(|https?://|www\.", outside)


@given(reports)
def test_no_text_reaches_a_terminal_as_it_came(told: Told) -> None:
    for line in report_page([told], Look(ascii=False)):
        assert HIDDEN.search(line.plain) is None
    assert json.loads(report_json("daily", [told]))["tasks"][0]["task"] == told.task
    assert report_json("daily", [told]).isascii()
