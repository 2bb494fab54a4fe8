"""What commands of plugins reach: tasks, their journals, other plugins' backtests and criteria."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.core.plugins.sample import install
from validate_updates.criteria import CriterionState
from validate_updates.desk import SettingsDesk
from validate_updates.errors import PluginError, UsageError
from validate_updates.journal.rows import SwitchMode
from validate_updates.journal.switches import who
from validate_updates.settings import load_settings

TASKS = """
target = "{here}"
default_plugins = ["static_thresholds"]

[tasks.daily]
source = "day.jsonl"
plugins = ["batch:shadow"]

[tasks.daily.tables.t]

[tasks.hourly]
source = "day.jsonl"

[tasks.hourly.tables.t]

[tasks.elsewhere]
source = "day.jsonl"
target = "sqlite:///other.db"

[tasks.elsewhere.tables.t]

[tasks.lost]
source = "day.jsonl"
target = "env:NOT_SET_ANYWHERE"

[tasks.lost.tables.t]
"""


@pytest.fixture
def target(database_url: str) -> Target:
    target = Target(database_url)
    target.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    return target


@pytest.fixture
def desk(target: Target, tmp_path: Path) -> SettingsDesk:
    file = tmp_path / "validate-updates.toml"
    file.write_text(TASKS.format(here=target.url))
    return SettingsDesk(load_settings(file), "acme")


def test_tasks_and_those_of_the_same_journal(desk: SettingsDesk) -> None:
    assert desk.tasks == ("daily", "hourly", "elsewhere", "lost")
    assert desk.beside("daily") == ("hourly",)
    assert desk.beside("elsewhere") == ()


def test_the_journal_is_read_and_written(desk: SettingsDesk, target: Target) -> None:
    first = target.update([{"id": 1}], task="daily")
    with desk.journal("daily", write=True) as journal:
        assert [run.run_id for run in journal.runs(task="daily")] == [first.run_id]
        assert journal.runs(since=first.started_at + timedelta(hours=1)) == ()
        assert journal.runs(until=first.started_at - timedelta(hours=1)) == ()
        assert journal.run(first.run_id).run.counts == first.counts
        assert [one.metrics["records.read"] for one in journal.judged([first.run_id])] == [1.0]
        assert [run.run_id for run in journal.history("daily").runs()] == [first.run_id]
        journal.switch("daily", "batch", SwitchMode.ENFORCE, "to see")
        journal.state("daily")["a"] = "1"
        journal.state("hourly")["b"] = "2"
    with desk.journal("daily", write=True) as journal:
        assert (journal.state("daily"), journal.state("hourly")) == ({"a": "1"}, {"b": "2"})
        del journal.state("daily")["a"]
    with desk.journal("daily") as journal:
        assert (journal.state("daily"), journal.state("hourly")) == ({}, {"b": "2"})
        [batch] = journal.standings("daily")
        assert (batch.mode, batch.switch and batch.switch.made_by) == ("enforce", who())
        assert journal.switches("daily") == (batch.switch,)
        assert [(one.plugin, one.mode, one.origin) for one in journal.standings("hourly")] == [
            ("static_thresholds", "enforce", f"{desk.settings.origins['default_plugins']}: default_plugins")
        ]


def test_what_goes_wrong_in_the_block_leaves_nothing(desk: SettingsDesk, target: Target) -> None:
    target.update([{"id": 1}], task="daily")

    def goes_wrong() -> None:
        with desk.journal("daily", write=True) as journal:
            journal.switch("daily", "batch", SwitchMode.OFF, "x")
            journal.state("daily")["a"] = "1"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        goes_wrong()
    with desk.journal("daily") as journal:
        assert journal.state("daily") == {}
        assert [one.switch for one in journal.standings("daily")] == [None]


def test_one_that_is_opened_to_be_read_is_not_written(desk: SettingsDesk, target: Target) -> None:
    target.update([{"id": 1}], task="daily")
    with pytest.raises(RuntimeError, match="opened to be read"), desk.journal("daily") as journal:
        journal.switch("daily", "batch", SwitchMode.OFF, "x")
    with pytest.raises(RuntimeError, match="opened to be read"), desk.journal("daily") as journal:
        journal.state("daily")["a"] = "1"


def test_where_there_is_nothing_to_open(desk: SettingsDesk) -> None:
    with pytest.raises(UsageError, match="there is no task 'dayly'"), desk.journal("dayly"):
        pass
    with pytest.raises(UsageError, match="no run has been written down"), desk.journal("daily"):
        pass


def test_whether_a_run_could_begin(desk: SettingsDesk) -> None:
    assert desk.problem(["batch", "historical:shadow"]) == ""
    assert "no plugin is called 'bach'" in desk.problem(["bach"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return Section(title='x', lines=(f'{len(history.runs())} of {runs}',))", None),
        ("return 1 / 0", "ZeroDivision"),
    ],
)
def test_what_a_plugin_would_have_said(
    desk: SettingsDesk, target: Target, site: Path, body: str, said: str | None
) -> None:
    (site / "acme_replays.py").write_text(
        "from validate_updates import Backtest, Section, hookimpl\n"
        f"def replay(history, runs):\n    {body}\n"
        "@hookimpl\ndef vu_backtests(settings):\n"
        "    yield Backtest(name='all', replay=replay, summary='all')\n"
    )
    install(site, "acme-replays", "1", {"replays": "acme_replays"})
    target.update([{"id": 1}], task="daily")

    def asked() -> Any:
        return [section.lines for section in desk.backtests("replays", "daily", 30)]

    if said is None:
        assert asked() == [("1 of 30",)]
    else:
        with pytest.raises(PluginError, match=f"the backtest replays.all raised {said}"):
            asked()
    assert desk.backtests("batch", "daily", 30) == []


CRITERIA = """
from validate_updates import Criteria, Criterion, CriterionState, hookimpl

def judge(journal, task, since, until):
    runs = [run for run in journal.runs(task=task, since=since) if run.started_at <= until]
    {body}

def one(name, actual, **more):
    return Criterion(name=name, target="1", actual=actual, state=CriterionState.PASS, evidence="the journal", **more)

@hookimpl
def vu_criteria(settings):
    yield Criteria(name="seen", judge=judge, summary="runs")
"""


@pytest.fixture
def judging(site: Path, target: Target) -> Any:
    """A plugin with criteria whose function ends so; what it says of the one run there is."""

    def install_it(body: str) -> None:
        (site / "acme_judges.py").write_text(CRITERIA.format(body=body))
        install(site, "acme-judges", "1", {"judges": "acme_judges"})
        target.update([{"id": 1}], task="daily")

    return install_it


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOON = datetime(2999, 1, 1, 12, tzinfo=UTC)


def test_what_a_plugin_asks_of_a_task(desk: SettingsDesk, judging: Any) -> None:
    judging("yield one('runs', str(len(runs)), runs=tuple(run.run_id for run in runs))")

    def asked(since: datetime, until: datetime) -> list[tuple[str, str, CriterionState, int]]:
        return [
            (one.name, one.actual, one.state, len(one.runs)) for one in desk.criteria("judges", "daily", since, until)
        ]

    assert asked(LONG_AGO, LONG_AGO) == [("runs", "0", CriterionState.PASS, 0)]
    assert asked(LONG_AGO, NOON) == [("runs", "1", CriterionState.PASS, 1)]
    assert desk.criteria("batch", "daily", NOON, NOON) == []


def test_what_is_kept_is_that_of_the_plugin_that_is_asked(desk: SettingsDesk, judging: Any) -> None:
    judging("yield one('kept', journal.state(task).get('a', 'nothing'))")
    with SettingsDesk(desk.settings, "judges").journal("daily", write=True) as journal:
        journal.state("daily")["a"] = "its own"

    assert [one.actual for one in desk.criteria("judges", "daily", NOON, NOON)] == ["its own"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("yield 1 / 0", "the criteria judges.seen raised ZeroDivisionError"),
        ("return 3", "the criteria judges.seen returned a value of type int; return criteria, or an empty list"),
        ("yield 'well'", "the criteria judges.seen gave a value of type str where a Criterion belongs"),
        (
            "yield one('x', 3)",
            "the criteria judges.seen gave a criterion whose actual is a value of type int, not text",
        ),
        ("yield one('x', '3', runs=(3,))", "the criteria judges.seen gave a criterion whose runs holds something else"),
        ("while True: yield one('x', '3')", "the criteria judges.seen gave more than 200 criteria"),
    ],
)
def test_criteria_of_no_use_are_an_error_that_names_the_plugin(
    desk: SettingsDesk, judging: Any, body: str, said: str
) -> None:
    judging(body)

    with pytest.raises(PluginError, match=re.escape(said)):
        desk.criteria("judges", "daily", NOON, NOON)
