"""What commands of plugins reach: tasks, their journals, other plugins' backtests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.core.plugins.sample import install
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
        assert journal.run(first.run_id).run.counts == first.counts
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
