"""Weeks of real meetings through the whole mapping, into six tables, and all the way back.

    python examples/congress/replay.py BASE.db UPDATES [--api] [--target postgresql://USER@HOST/DATABASE]

``BASE.db`` is a SQLite database of hearings; it is copied, never written. ``UPDATES`` holds a folder for each day, and
in it what the API said: ``2025-07-04/meetings.jsonl``. With ``--target`` the tables are copied to that PostgreSQL
database first, where there must be none of those names. With ``--api`` the meetings are not read from the files, but
fetched from a local server that has them, speaks the API, and often fails. The plugin must be installed: ``pip install
./examples/congress``.

Each day is one update. One that the fixed limits reject for its size is let in by a higher limit, as a person would who
has looked at it. Then every table is compared with what the meetings say, by a model that shares no code with the
plugin; all of it is brought once more, while triggers of the database watch that nothing is written; and each run is
taken back, the last first, until the database holds what it held in the beginning. The exit status is 0 if all of that
is so.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from validate_updates import RunResult, Verdict, run
from validate_updates_cli.main import main as validate_updates
from vu_congress.demo.__main__ import FAULTS, KEY
from vu_congress.demo.server import serving
from vu_congress.demo.world import tables
from vu_congress.tables import TABLES

PLUGINS = ("batch", "historical", "static_thresholds", "rules", "congress")
BULK = {"added_ratio": 100.0}
"""What a person says of a day on which the source was re-indexed."""
NAMES = ("committees", "hearings", "hearing_committees", "witnesses", "witness_appearances", "witness_documents")
State = dict[str, dict[Any, Any]]
"""What tables hold, by natural keys."""

QUERIES = {
    "committees": "SELECT system_code, name, chamber, type FROM committees",
    "hearings": "SELECT event_id, congress, chamber, title, hearing_type, status, hearing_date, hearing_date_only,"
    " hearing_time, location, url, update_date FROM hearings",
    "hearing_committees": "SELECT event_id, system_code FROM hearing_committees"
    " JOIN hearings USING (hearing_id) JOIN committees USING (committee_id)",
    "witnesses": "SELECT full_name, organization, first_name, last_name FROM witnesses",
    "witness_appearances": "SELECT event_id, full_name, organization, position, appearance_order"
    " FROM witness_appearances JOIN hearings USING (hearing_id) JOIN witnesses USING (witness_id)",
}
KEYS = {"committees": 1, "hearings": 1, "hearing_committees": 2, "witnesses": 2, "witness_appearances": 3}
"""How many of a query's columns tell its rows apart."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay, and say what came of it."""
    parser = argparse.ArgumentParser(description="Weeks of real meetings, into six tables and all the way back.")
    parser.add_argument("base", type=Path, help="SQLite database of hearings")
    parser.add_argument("updates", type=Path, help="folder with DAY/meetings.jsonl")
    parser.add_argument("--api", action="store_true", help="fetch the meetings from a local server with faults")
    parser.add_argument("--target", help="PostgreSQL database to do it in; a copy of BASE unless given")
    given = parser.parse_args(arguments)
    days = sorted(file.parent for file in given.updates.glob("*/meetings.jsonl"))
    if not days:
        parser.error(f"there is no DAY/meetings.jsonl in {given.updates}")
    with tempfile.TemporaryDirectory() as folder, feed_of(days, api=given.api) as feed:
        copy = Path(folder, "hearings.db")
        shutil.copyfile(given.base, copy)
        if given.target:
            to_postgresql(copy, given.target)
        return replay(given.target or f"sqlite:///{copy}", days, feed)


@dataclass(frozen=True, slots=True)
class Feed:
    """Where the meetings come from: a source of the plugin, and its settings."""

    source: str
    settings: Mapping[str, Any]
    reach: Callable[[Path], None]
    """Let it have what changed up to a day, and no more."""


@contextmanager
def feed_of(days: Sequence[Path], *, api: bool) -> Iterator[Feed]:
    """The files, or a server that has the same."""
    if not api:
        yield Feed("congress:saved", {"saved": str(days[0].parent)}, lambda _: None)
        return
    os.environ["CONGRESS_API_KEY"] = KEY
    with serving([], key=KEY, faults=FAULTS) as server:

        def reach(last: Path) -> None:
            server.world.meetings = [meeting for day in days if day <= last for meeting in meetings_of(day)]

        patient = {"base_url": server.url, "first_pause": 0.0, "attempts": 6, "first_days": 90.0, "overlap_hours": 0.0}
        yield Feed("congress:meetings", patient, reach)
        print(f"{len(server.world.asked)} requests, {sum(one.status != 200 for one in server.world.asked)} went wrong")


def replay(target: str, days: Sequence[Path], feed: Feed) -> int:
    """There, once more, and back."""
    before, expected = dump(target), contents(target)
    runs = []
    for day in days:
        overlay(expected, day)
        runs += brought(target, day, feed)
    found = contents(target)
    wrong = [line for name in QUERIES for line in differences(name, expected[name], found[name])]
    for line in wrong[:10]:
        print(line)
    print(
        f"{sum(map(len, found.values()))} rows of {len(found)} tables compared, {len(wrong)} are not as they should be"
    )
    written = written_by_a_second_pass(target, days[-1], feed)
    left = take_back(target, runs, before)
    return 1 if wrong or written or left else 0


# There


def brought(target: str, day: Path, feed: Feed) -> list[str]:
    """Bring a day; the ids of the runs that stand."""
    result = update(target, day, feed)
    print(f"{day.name}  {in_words(result)}")
    if result.verdict is Verdict.REJECTED:
        result = update(target, day, feed, static_thresholds=BULK)
        print(f"            looked at and let in: {in_words(result)}")
    return [result.run_id] if result.exit_code == 0 else []


def update(target: str, day: Path, feed: Feed, task: str = "daily", **settings: dict[str, Any]) -> RunResult:
    """One update, with what changed up to that day and the task has not read."""
    feed.reach(day)
    return run(
        feed.source,
        target=target,
        table="hearings",
        tables=TABLES,
        task=task,
        plugins=PLUGINS,
        settings={"congress": feed.settings, **settings},
        undo_retention_days=365,  # the first day has to be held until the last one is done
        as_of=datetime.fromisoformat(f"{day.name}T23:59:59Z"),
    )


def in_words(result: RunResult) -> str:
    """A run in one line."""
    counts = result.counts
    numbers = f"{counts.read} read, {counts.inserted} added, {counts.updated} changed, {counts.unchanged} unchanged"
    return f"{result.verdict}, {numbers}" if result.exit_code == 0 else f"{result.verdict}: {result.reason}"


# What should be


def overlay(state: State, day: Path) -> None:
    """Lay a day's meetings over what the tables hold."""
    flat = {}
    for meeting in meetings_of(day):
        event = meeting["eventId"]
        flat[event] = state["hearings"][(event,)] = hearing(meeting)
        committees = {one["systemCode"]: one["name"] for one in meeting["committees"]}
        for code, name in committees.items():
            kind = "Other" if code.endswith("00") else "Subcommittee"
            chamber = {"h": "House", "s": "Senate", "j": "Joint"}[code[0]]
            state["committees"].setdefault((code,), (name, chamber, kind))
        renew(state["hearing_committees"], event, {(event, code): () for code in committees})
        appearances: dict[Any, Any] = {}
        for one in meeting["witnesses"]:
            name, organization = one["name"], one["organization"]
            first, _, last = name.partition(" ")
            state["witnesses"].setdefault((name, organization), (first, last or None))
            said = one["position"] or None, len(appearances) + 1
            appearances.setdefault((event, name, organization), said)
        renew(state["witness_appearances"], event, appearances)
    check_flat(day / "hearings.jsonl", flat)


def meetings_of(day: Path) -> list[dict[str, Any]]:
    """What the API said on a day."""
    lines = (day / "meetings.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["committeeMeeting"] for line in lines]


def hearing(meeting: Mapping[str, Any]) -> tuple[Any, ...]:
    """The row of a meeting, less its key."""
    begins, where = meeting["date"] or "", meeting["location"] or {}
    return (
        meeting["congress"],
        meeting["chamber"],
        meeting["title"],
        meeting["type"],
        meeting["meetingStatus"],
        begins[:10] or None,
        begins[:10] or None,
        begins[11:19] or None,
        ", ".join(where.values()) or None,
        meeting["url"],
        meeting["updateDate"].replace("T", " ").rstrip("Z"),
    )


def check_flat(file: Path, flat: Mapping[str, tuple[Any, ...]]) -> None:
    """Where the same day is there in the columns of the table, the model has to say the same."""
    if file.exists():
        records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        columns = QUERIES["hearings"].removeprefix("SELECT event_id, ").partition(" FROM")[0].replace(",", "").split()
        said = {record["event_id"]: tuple(record[name] for name in columns) for record in records}
        if said != flat:
            raise SystemExit(f"{file} and the meetings beside it do not say the same")


def renew(rows: dict[Any, Any], event: str, new: Mapping[Any, Any]) -> None:
    """The children of an event are those listed, and no others."""
    for key in [key for key in rows if key[0] == event]:
        del rows[key]
    rows.update(new)


def differences(name: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterator[str]:
    """Each row that is not as it should be."""
    for key in sorted(expected.keys() | found.keys(), key=repr):
        if expected.get(key) != found.get(key):
            yield f"{name} {key}: {found.get(key, 'not there')}, not {expected.get(key, 'there')}"


# Once more, and back


def written_by_a_second_pass(target: str, last: Path, feed: Feed) -> int:
    """Everything again, by a task that has read nothing yet: the rows that triggers saw written."""
    watch(target)
    again = update(target, last, feed, task="once more")
    written = len(rows(target, "SELECT * FROM written"))
    print(f"once more   {in_words(again)}: {written} rows written, say the triggers")
    unwatch(target)
    return written if again.exit_code == 0 else 1


def take_back(target: str, runs: Sequence[str], before: Mapping[str, Sequence[str]]) -> int:
    """Take back each run, the last first; tables that do not hold what they held before."""
    for run_id in reversed(runs):
        with redirect_stdout(io.StringIO()) as said:
            code = validate_updates(["rollback", run_id, "--target", target])
        if code:
            print(said.getvalue())
            return 1
    now = dump(target)
    wrong = [name for name in NAMES if now[name] != before[name]]
    named = f": {', '.join(wrong)}" if wrong else ""
    print(f"{len(runs)} runs taken back, {len(wrong)} tables are not as they were{named}")
    return len(wrong)


# The databases, by their bare drivers


@contextmanager
def connected(target: str) -> Iterator[Any]:
    """A connection that commits each statement."""
    if target.startswith("sqlite"):
        with closing(sqlite3.connect(target.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            yield connection
    else:
        import psycopg

        with psycopg.connect(target, autocommit=True) as connection:
            yield connection


def rows(target: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query; dates and times as text."""
    with connected(target) as connection:
        found = connection.execute(query).fetchall()
    return [tuple(cell if cell is None or isinstance(cell, int) else str(cell) for cell in row) for row in found]


def contents(target: str) -> State:
    """What the tables hold, by natural keys. Of two rows of one key nobody could tell which is meant."""
    state: State = {}
    for name, query in QUERIES.items():
        found = rows(target, query)
        state[name] = {row[: KEYS[name]]: row[KEYS[name] :] for row in found}
        if len(state[name]) != len(found):
            raise SystemExit(f"{name} has rows of one key")
    return state


def dump(target: str) -> dict[str, list[str]]:
    """Every cell of every table."""
    return {name: sorted(map(repr, rows(target, f"SELECT * FROM {name}"))) for name in NAMES}


def watch(target: str) -> None:
    """From now on every row written leaves a trace."""
    sqlite = target.startswith("sqlite")
    with connected(target) as connection:
        connection.execute("CREATE TABLE written (name text)")
        if not sqlite:
            connection.execute(
                "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN INSERT INTO written VALUES (TG_TABLE_NAME); RETURN NULL; END $$"
            )
        for name in NAMES:
            if not sqlite:
                events = f"AFTER INSERT OR UPDATE OR DELETE ON {name}"
                connection.execute(f"CREATE TRIGGER watch {events} FOR EACH ROW EXECUTE FUNCTION watch()")
                continue
            for event in ("INSERT", "UPDATE", "DELETE"):
                does = f"BEGIN INSERT INTO written VALUES ('{name}'); END"
                connection.execute(f"CREATE TRIGGER watch_{name}_{event} AFTER {event} ON {name} {does}")


def unwatch(target: str) -> None:
    """No longer."""
    with connected(target) as connection:
        if not target.startswith("sqlite"):
            connection.execute("DROP FUNCTION watch() CASCADE")
        else:
            for name in NAMES:
                for event in ("INSERT", "UPDATE", "DELETE"):
                    connection.execute(f"DROP TRIGGER watch_{name}_{event}")
        connection.execute("DROP TABLE written")


def to_postgresql(base: Path, target: str) -> None:
    """Copy the tables, and let new numbers follow those that are taken."""
    with closing(sqlite3.connect(base)) as source, connected(target) as connection:
        connection.execute(tables(postgresql=True))
        for name in NAMES:
            parents_first = " ORDER BY parent_committee_id IS NOT NULL" if name == "committees" else ""
            cursor = source.execute(f"SELECT * FROM {name}{parents_first}")
            columns = [column[0] for column in cursor.description]
            truths = {columns.index(one) for one in ("is_current", "is_primary") if one in columns}
            values = [[bool(cell) if at in truths else cell for at, cell in enumerate(row)] for row in cursor]
            marks = ", ".join(["%s"] * len(columns))
            with connection.cursor() as writing:
                writing.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", values)
            if name != "hearing_committees":
                number = columns[0]
                highest = f"(SELECT coalesce(max({number}), 0) + 1 FROM {name})"
                connection.execute(f"SELECT setval(pg_get_serial_sequence('{name}', '{number}'), {highest}, false)")


if __name__ == "__main__":
    sys.exit(main())
