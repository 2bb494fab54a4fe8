"""The folder of the demo: a database, the records of each day, and the settings of a daily task."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from validate_updates.errors import UsageError
from validate_updates_cli.demo.world import SCHEMA, Record, World

MARK = ".validate-updates-demo"
"""A file that says the folder is ours to replace."""

WEEKS = 6
_FIRST = 420
"""Hearings that are there before the first update."""

_SETTINGS = """\
# The settings of the demo. `validate-updates init` writes such a file for a table of yours.
target = "sqlite:///hearings.db"

[tasks.daily]
source = "updates/today.jsonl"
plugins = ["static_thresholds"]

[tasks.daily.tables.hearings]
key = "event_id"

[plugins.static_thresholds]
required_tables = ["committees", "hearings"]
minimum_rows = { hearings = 100 }

[[plugins.static_thresholds.checks]]
name = "hearings_without_committee"
sql = "SELECT count(*) FROM hearings WHERE committee_code IS NULL"
warn_above = 20
"""


@dataclass(frozen=True, slots=True)
class Day:
    """One update of the demo."""

    at: datetime
    """When it runs, in local time with its zone."""
    source: Path


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made."""

    folder: Path
    past: Sequence[Day]
    good: Day
    one_bad: Day
    in_batches: Day
    """The same records, an hour later."""
    gone_wrong: Day


def make(folder: Path, today: date) -> Demo:
    """Make the demo in ``folder``; an earlier demo there goes. Raises ``UsageError`` where it holds anything else."""
    try:
        _make_room(folder)
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be made: {error.strerror}", hint=_ANOTHER) from error
    (folder / "validate-updates.toml").write_text(_SETTINGS, encoding="utf-8")
    world = World()
    start = today - timedelta(weeks=WEEKS)
    _database(folder / "hearings.db", world, start)
    past = [_day(folder, day.isoformat(), day, world.daily(day)) for day in _weekdays(start, today)]
    good = _day(folder, "today", today, world.daily(today))
    one_bad = _day(folder, "one-bad-record", today, _one_bad(world, today), hours=2)
    gone_wrong = _day(folder, "feed-gone-wrong", today, _gone_wrong(world, today), hours=4)
    with gone_wrong.source.open("a", encoding="utf-8") as file:
        file.write('{"event_id": "339999", "congress": 119, "chamber": "Hou')  # the feed broke off here
    in_batches = replace(one_bad, at=one_bad.at + timedelta(hours=1))
    return Demo(folder, past, good, one_bad, in_batches, gone_wrong)


_ANOTHER = "give another: --folder NAME"


def _make_room(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise UsageError(f"the folder {folder} is not empty and not a demo", hint=_ANOTHER)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "updates").mkdir(parents=True)
    (folder / MARK).touch()


def _one_bad(world: World, today: date) -> list[Record]:
    records = world.daily(today)
    records[len(records) // 2]["chamber"] = "Hose"
    return records


def _gone_wrong(world: World, today: date) -> list[Record]:
    burst = world.announced(today, 140)
    burst[3]["sponsor"] = "unknown"
    burst[7]["hearing_date"] = "2026-02-30"
    for record in burst[20:80]:
        record["location"] = None
    return burst


def _database(path: Path, world: World, start: date) -> None:
    first = world.announced(start - timedelta(days=3), _FIRST)
    columns = list(first[0])
    marks = ", ".join("?" * len(columns))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO committees VALUES (?, ?, ?)", world.committees())
        connection.executemany(
            f"INSERT INTO hearings ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608  # our own names
            [tuple(record.values()) for record in first],
        )


def _day(folder: Path, name: str, day: date, records: Sequence[Record], *, hours: int = 0) -> Day:
    source = folder / "updates" / f"{name}.jsonl"
    source.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    at = datetime.combine(day, time(6, 0)).astimezone() + timedelta(hours=hours)
    return Day(at, source)


def _weekdays(start: date, end: date) -> Iterator[date]:
    day = start
    while day < end:
        if day.weekday() < 5:  # Monday to Friday
            yield day
        day += timedelta(days=1)
