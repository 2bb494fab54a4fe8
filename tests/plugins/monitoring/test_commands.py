"""``monitoring show`` and ``monitoring health``, from the terminal."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.monitoring.world import ALERT, World
from validate_updates_cli.main import main

Said = tuple[int, str, str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(world: World, *words: str) -> Said:
        capsys.readouterr()
        code = main([*words, "--config", str(world.config)])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def at(world: World, hours: int) -> tuple[str, str]:
    """So long after the last run."""
    return "--as-of", f"{world.now + timedelta(hours=hours):%Y-%m-%dT%H:%MZ}"


def test_show(world: World, said: Callable[..., Said]) -> None:
    for _ in range(5):
        world.update()
    alert = world.update(ALERT)

    code, text, _ = said(world, "monitoring", "show", "--days", "30", *at(world, 2))
    _, data, _ = said(world, "monitor", "--days", "30", *at(world, 2), "--format", "json")

    assert code == 0
    assert "daily: degraded" in text
    assert re.search(r"alerts +under 5 % +16.7 % +fail\n", text)
    assert "  alerts: 1 of 6 runs\n" in text
    assert "6 runs in 30 days" in text
    (task,) = json.loads(data)["tasks"]
    assert (task["task"], task["health"], task["runs"]) == ("daily", "degraded", 6)
    (alerts,) = (one for one in task["criteria"] if one["name"] == "alerts")
    assert (alerts["value"], alerts["state"], alerts["runs"]) == (16.667, "fail", [alert.run_id])


def test_a_window_of_minutes_is_said_in_short(sqlite: World, said: Callable[..., Said]) -> None:
    sqlite.update()
    _, text, _ = said(sqlite, "monitoring", "show", "--days", "0.0416666666", *at(sqlite, 0))
    assert "1 run in 0.04 days until" in text


@pytest.mark.parametrize(("hours", "health", "status"), [(2, "healthy", 0), (31, "degraded", 1), (49, "unhealthy", 3)])
def test_health(sqlite: World, said: Callable[..., Said], hours: int, health: str, status: int) -> None:
    sqlite.update()
    words = at(sqlite, hours)

    code, text, _ = said(sqlite, "health", *words)
    same, data, _ = said(sqlite, "monitoring", "health", *words, "--format", "json")

    assert (code, same) == (status, status)
    assert f"daily: {health}" in text
    answer: Any = json.loads(data)
    assert (answer["health"], [one["health"] for one in answer["tasks"]]) == (health, [health])


def test_what_cannot_be_looked_at(sqlite: World, said: Callable[..., Said]) -> None:
    sqlite.update()

    assert said(sqlite, "monitoring", "health", "--days", "0")[0] == 2
    assert "is not a time" in said(sqlite, "monitoring", "health", "--as-of", "soon")[2]
    assert said(sqlite, "monitoring", "health", "--task", "weekly")[0] == 2


def test_the_page_fits_a_terminal(sqlite: World, said: Callable[..., Said], monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite.update(ALERT)
    monkeypatch.setenv("COLUMNS", "80")

    _, text, _ = said(sqlite, "monitor", "--days", "1", *at(sqlite, 1))

    assert re.search(r"good records committed +at least 95 % +not enough runs yet\n", text)
    assert "1 run in 1 day until" in text
    assert "false alarms: 1 alert: 0 false" in text


@pytest.mark.parametrize(
    "words",
    [
        *(("--days", days) for days in ("nan", "inf", "1e12", "-1")),
        *(("--as-of", time) for time in ("0001-01-01", "0001-01-01T00:00+05:00", "1969-12-31")),
    ],
)
def test_what_is_not_in_the_calendar(sqlite: World, said: Callable[..., Said], words: tuple[str, str]) -> None:
    sqlite.update()

    code, _, err = said(sqlite, "monitor", *words)

    assert code == 2
    assert words[0] in err.splitlines()[0]


def test_the_longest_window_before_the_first_day(sqlite: World, said: Callable[..., Said]) -> None:
    sqlite.update()

    assert said(sqlite, "monitor", "--days", "36500", "--as-of", "1970-01-01")[0] == 0


def test_looking_waits_for_no_run_and_writes_nothing(sqlite: World, said: Callable[..., Said]) -> None:
    sqlite.update()
    with sqlite.target.connect() as other:
        other.execute("BEGIN IMMEDIATE")
        code, _, _ = said(sqlite, "monitoring", "health", *at(sqlite, 1))
        other.execute("ROLLBACK")

    assert code == 0


def test_the_file_for_prometheus(sqlite: World, said: Callable[..., Said], tmp_path: Path) -> None:
    for _ in range(5):
        sqlite.update()
    path = tmp_path / "figures.prom"

    said(sqlite, "monitoring", "show", *at(sqlite, 1), "--textfile", str(path))

    lines = path.read_text().splitlines()
    line_of = re.compile(r'# (HELP|TYPE) \w+ .+|validate_updates_\w+\{(\w+="[^"]*",?)+\} [-0-9.e+]+')
    assert all(line_of.fullmatch(line) for line in lines)
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples['validate_updates_health{task="daily"}'] == "0"
    assert samples['validate_updates_runs{task="daily",state="committed"}'] == "5"
    assert samples['validate_updates_records{task="daily",fate="inserted"}'] == "20"
    assert samples['validate_updates_criterion_pass{task="daily",criterion="good_records_committed"}'] == "1"
    last = float(samples['validate_updates_last_run_timestamp_seconds{task="daily"}'])
    assert last == sqlite.now.timestamp()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir() if "figures" in one.name] == ["figures.prom"]


def test_a_file_that_cannot_be_written_is_told(sqlite: World, said: Callable[..., Said], tmp_path: Path) -> None:
    sqlite.update()

    code, _, err = said(sqlite, "monitoring", "show", "--textfile", str(tmp_path / "nowhere" / "x.prom"))

    assert code == 3
    assert "cannot be written: No such file or directory" in err


def test_the_incident_of_the_last_run_is_that_of_the_task_named(sqlite: World, said: Callable[..., Said]) -> None:
    daily = sqlite.update().run_id
    weekly = sqlite.update(task="weekly").run_id

    assert weekly in said(sqlite, "monitoring", "incident", "last")[1]
    assert daily in said(sqlite, "monitoring", "incident", "last", "--task", "daily")[1]
