"""Reports of plugins: found without selecting them, told of a task over a window, added to by others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.core.plugins.sample import install
from validate_updates.errors import PluginError, UsageError
from validate_updates.journal import reading
from validate_updates.journal.rows import RunRow
from validate_updates.reporting import Reports, Told, Window, remember, reports, told
from validate_updates.settings import load_settings

TASKS = """
target = "{here}"

[tasks.daily]
source = "day.jsonl"

[tasks.daily.tables.t]

[tasks.hourly]
source = "day.jsonl"

[tasks.hourly.tables.t]
"""

PLUGIN = """
from validate_updates import Answer, Report, Section, hookimpl

def build(context):
    {body}

@hookimpl
def vu_reports(settings):
    yield Report(name="{name}", build=build, summary="about runs", {more})
"""
SEEN = """\
run = context.run.run.run_id if context.run else ""
    ids = tuple(one.run_id for one in context.runs)
    return Answer(sections=(Section(title="{title}", lines=(context.task, run, *ids)),), data={{"runs": len(ids)}})"""
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def target(database_url: str) -> Target:
    target = Target(database_url)
    target.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    return target


@pytest.fixture
def declare(site: Path) -> Callable[..., None]:
    """Install a plugin with one report."""

    def declare(plugin: str, name: str = "seen", *, body: str = "", more: str = "") -> None:
        body = body or SEEN.format(title=plugin)
        (site / f"acme_{plugin}.py").write_text(PLUGIN.format(body=body, name=name, more=more))
        install(site, f"acme-{plugin}", "1", {plugin: f"acme_{plugin}"})

    return declare


@pytest.fixture
def found(target: Target, tmp_path: Path) -> Callable[[], Reports]:
    file = tmp_path / "validate-updates.toml"
    file.write_text(TASKS.format(here=target.url))
    return lambda: reports(load_settings(file))


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where nothing is asked of a database that the two answer in their own way."""


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def lines(given: Told) -> list[tuple[str, ...]]:
    return [section.lines for section in given.sections]


def update(target: Target, number: int, hours: float, task: str = "daily") -> str:
    return target.update([{"id": number}], task=task, as_of=at(hours)).run_id


def test_a_report_gets_what_has_ended_in_its_window(
    found: Callable[[], Reports], declare: Callable[..., None], target: Target
) -> None:
    declare("watcher", more="days=2")
    old, one, two, _ = (update(target, number, hours) for number, hours in enumerate((-60, -47, -1, 1)))
    update(target, 9, -2, task="hourly")
    target.update([{"id": 99}], task="daily", as_of=at(-1), dry_run=True)

    given = told(found(), "seen", "daily", Window(until=NOON))

    assert lines(given) == [("daily", "", two, one)]
    assert (given.since, given.until, given.runs) == (at(-48), NOON, 2)
    assert given.data == {"watcher": {"runs": 2}}
    assert lines(told(found(), "seen", "daily", Window(until=NOON, days=3))) == [("daily", "", two, one, old)]


def test_one_about_a_run_is_given_the_run(
    found: Callable[[], Reports], declare: Callable[..., None], target: Target
) -> None:
    declare("watcher", more="of_run=True")
    first, newest = update(target, 1, -2), update(target, 2, -1)
    update(target, 3, -0.5, task="hourly")

    assert lines(told(found(), "seen", "daily", Window(until=NOON, run_id=first)))[0][1] == first
    assert lines(told(found(), "seen", "daily", Window(until=NOON, run_id="last")))[0][1] == newest
    with pytest.raises(UsageError, match="there is no run 'nope'"):
        told(found(), "seen", "daily", Window(until=NOON, run_id="nope"))


@on_sqlite
def test_a_run_that_it_is_not_about_is_refused(
    found: Callable[[], Reports], declare: Callable[..., None], target: Target
) -> None:
    declare("watcher")
    update(target, 1, -2)
    with pytest.raises(UsageError, match="the report seen is not about one run"):
        told(found(), "seen", "daily", Window(until=NOON, run_id="last"))


@on_sqlite
def test_others_add_to_it_and_one_that_fails_is_missed_alone(
    found: Callable[[], Reports], declare: Callable[..., None], target: Target
) -> None:
    declare("zebra", more="days=3")
    declare("adder", more="extends=True")
    declare("breaker", body="return 1 / 0", more="extends=True")
    run = update(target, 1, -50)

    given = told(found(), "seen", "daily", Window(until=NOON))

    assert [section.title for section in given.sections] == ["zebra", "adder"]
    assert lines(given) == [("daily", "", run)] * 2, "the window is that of the report"
    assert [reason for reason in given.missing if "breaker.seen raised ZeroDivisionError" in reason]
    assert found().names == tuple(sorted({*found().names, "seen"}))


@on_sqlite
def test_a_plugin_that_cannot_be_asked_is_said_to_be_that(
    declare: Callable[..., None], target: Target, tmp_path: Path
) -> None:
    declare("watcher")
    update(target, 1, -1)
    file = tmp_path / "validate-updates.toml"
    file.write_text(f"{TASKS.format(here=target.url)}\n[plugins.notify]\nrepeat_aftr = 1\n")

    (said,) = told(reports(load_settings(file)), "seen", "daily", Window(until=NOON)).missing

    assert said.startswith("the plugin notify cannot be asked: ")
    assert "plugins.notify.repeat_aftr" in said


@on_sqlite
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", "raised ZeroDivisionError"),
        ("return [Section(title='x')]", "returned a value of type list; return an Answer"),
        ("return Answer(sections=('x',))", "gave a value of type str where a Section belongs"),
        ("return Answer(sections=(Section(title='x', lines=(1,)),))", "whose lines holds something else than text"),
        ("return Answer(sections=(Section(title='x', rows=((1,),)),))", "rows are not tuples of text"),
        ("return Answer(sections=(Section(title=1),))", "title is a value of type int, not text"),
        (
            "return Answer(sections=(Section(title='x', charts=(1,)),))",
            "charts are not Charts",
        ),
        ("return Answer(sections=iter(()))", "sections are a value of type tuple_iterator, not a tuple"),
        ("return Answer(sections=(), data=None)", "data is .*, not a mapping"),
        ("return Answer(sections=(), exit_status='1')", "exit_status is a value of type str, not a number"),
        ("print('hello'); return Answer(sections=())", "printed to standard output: hello"),
    ],
)
def test_what_is_no_report(
    found: Callable[[], Reports], declare: Callable[..., None], target: Target, body: str, said: str
) -> None:
    declare("watcher", body=body)
    update(target, 1, -1)
    with pytest.raises(PluginError, match=f"the report watcher.seen .*{said}"):
        told(found(), "seen", "daily", Window(until=NOON))


@on_sqlite
def test_names(found: Callable[[], Reports], declare: Callable[..., None], site: Path) -> None:
    declare("one")
    declare("adder", "alone", more="extends=True")
    with pytest.raises(UsageError, match="there is no report 'sen', did you mean") as error:
        found().parts("sen")
    assert "seen" in error.value.hint
    assert "alone" not in found().names
    (site / "acme_broken.py").write_text("raise RuntimeError('broken')")
    install(site, "acme-broken", "1", {"broken": "acme_broken"})
    assert [owned.plugin for owned in found().parts("seen")] == ["one"], "one that is broken hides no other"
    with pytest.raises(PluginError, match="broken"):
        found().parts("nothing")
    declare("two")
    with pytest.raises(PluginError, match="two plugins tell the report 'seen': one and two"):
        found().parts("seen")


@on_sqlite
@pytest.mark.parametrize("more", ["days=0", "days='1'", "days=float('nan')", "days=50_000", "time_limit=0"])
def test_a_declaration_that_cannot_be(found: Callable[[], Reports], declare: Callable[..., None], more: str) -> None:
    declare("watcher", more=more)
    with pytest.raises(PluginError, match="vu_reports gave a Report called 'seen' whose"):
        found().parts("seen")


@pytest.mark.parametrize(
    "window",
    [
        {"days": 0.0},
        {"days": float("nan")},
        {"days": 1e9},
        {"until": datetime(3, 1, 1, tzinfo=UTC)},
        {"run_id": "last", "since_last": True},
    ],
)
def test_a_window_that_is_none(window: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Window(**{"until": NOON, **window})


def test_since_the_last_report_of_that_name_and_task(
    found: Callable[[], Reports], declare: Callable[..., None], target: Target
) -> None:
    declare("watcher")
    declare("adder", more="extends=True")
    update(target, 1, -30)
    since_last = Window(until=NOON, since_last=True)
    first = update(target, 2, -2)
    given = told(found(), "seen", "daily", since_last)
    assert lines(given) == [("daily", "", first)] * 2, "the first one looks back as far as the report does"
    assert lines(told(found(), "seen", "daily", since_last))[0] == ("daily", "", first), "not kept yet"
    remember(found(), given)
    update(target, 4, -1, task="hourly")

    nothing = told(found(), "seen", "daily", since_last)
    assert (lines(nothing), nothing.runs, nothing.nothing_new) == ([], 0, True)
    remember(found(), nothing)
    late = update(target, 3, -3)  # begun before what was told, and ended since
    assert lines(told(found(), "seen", "daily", since_last))[0] == ("daily", "", late)
    assert told(found(), "seen", "hourly", since_last).runs == 1
    assert told(found(), "seen", "daily", Window(until=NOON)).runs == 2, "nobody else's window changes"


def test_what_was_told_before_is_not_read_again(
    found: Callable[[], Reports],
    declare: Callable[..., None],
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare("watcher")
    since_last = Window(until=NOON, since_last=True)
    for number in range(3):
        update(target, number, -4 + number)
    remember(found(), told(found(), "seen", "daily", since_last))
    late = update(target, 3, -1)
    read: list[str] = []
    asked = reading.runs

    def runs(*where: Any, **which: Any) -> Sequence[RunRow]:
        rows = asked(*where, **which)
        read.extend(row.run_id for row in rows)
        return rows

    monkeypatch.setattr(reading, "runs", runs)
    assert lines(told(found(), "seen", "daily", since_last)) == [("daily", "", late)]
    assert read == [late]
