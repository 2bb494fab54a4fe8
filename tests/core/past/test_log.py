"""Somebody else's log as runs of the past: every row is a run, left out, or bad."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.past.conftest import World
from validate_updates.errors import SourceError, UpdateError, UsageError
from validate_updates.journal.rows import RunState
from validate_updates.past import log as log_module
from validate_updates.past.log import OTHER_TASK, STILL_RUNNING, Log, Reading, log_from, log_from_table, runs_in
from validate_updates.past.mapping import mapping_given, mapping_guessed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAP = "started_at=at,read=n,state=state,seconds=took,metric.x=x,id=run"


def read(log: Log, pairs: str | None = None, *, task: str = "t") -> Reading:
    mapping = mapping_given([pairs], log.columns) if pairs else mapping_guessed(log.columns)
    return runs_in(log, mapping, task=task, zone=UTC, now=NOW)


def of(*rows: dict[str, Any], pairs: str = MAP, **more: Any) -> Reading:
    full = dict.fromkeys(("at", "n", "state", "took", "x", "run", "ms", "end", "job"))
    return read(log_from([{**full, "at": "2025-01-14", "n": 1, "state": "ok", **row} for row in rows]), pairs, **more)


def test_a_row_is_a_run() -> None:
    [run] = of({"at": "2025-01-14T06:00", "n": "12", "took": "1.5", "x": "-0.25", "run": 7}).runs

    assert run.started_at == datetime(2025, 1, 14, 6, tzinfo=UTC)
    assert run.metrics == {"records.read": 12.0, "x": -0.25, "duration": 1.5}
    assert (run.state, run.seconds, run.name, run.number) == (RunState.COMMITTED, 1.5, "7", 1)


def test_an_empty_cell_is_not_zero() -> None:
    [run] = of({"n": "0", "x": "", "took": "NaN"}).runs

    assert run.metrics == {"records.read": 0.0}
    assert (run.seconds, run.name) == (None, "")


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        ({"took": 3, "ms": 9, "end": "2025-01-14 13:00"}, 3.0),
        ({"ms": "1500", "end": "2025-01-14 13:00"}, 1.5),
        ({"end": "2025-01-14 12:01"}, 60.0),
        ({}, None),
    ],
)
def test_how_long_it_took(cells: dict[str, Any], seconds: float | None) -> None:
    [run] = of(cells, pairs="started_at=at,read=n,seconds=took,milliseconds=ms,finished_at=end").runs

    assert (run.seconds, run.metrics.get("duration")) == (seconds, seconds)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"at": "soon"}, "at: 'soon' is not a time: write 2024-05-01 or 2024-05-01 06:00:00"),
        ({"n": "-1"}, "n: '-1' is not a count"),
        ({"n": "many"}, "n: 'many' is not a number"),
        ({"x": "1,5"}, "x: '1,5' is not a number"),
        ({"state": "so so"}, "state: 'so so' is no state: words such as success and failed are known"),
        ({"took": -1}, "it ended before it began"),
        ({"took": 1e9}, "it took longer than a year"),
        ({"n": None}, "it has none of the numbers"),
    ],
)
def test_a_bad_row_has_its_number_and_the_reason(cells: dict[str, Any], reason: str) -> None:
    reading = of({}, cells)

    assert [(bad.number, bad.reason) for bad in reading.bad] == [(2, reason)]
    assert (reading.rows, len(reading.runs)) == (2, 1)


def test_a_failed_run_needs_no_numbers() -> None:
    [run] = of({"n": None, "state": "failed"}).runs

    assert (run.state, run.metrics) == (RunState.FAILED, {})


def test_rows_left_out() -> None:
    reading = of({"job": "t"}, {"job": "u"}, {"job": "t", "state": "running"}, pairs=f"{MAP},task=job")

    assert reading.left_out == {OTHER_TASK: 1, STILL_RUNNING: 1}
    assert [run.number for run in reading.runs] == [1]


def test_a_csv_file_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b'date;added\n2025-01-14;3\n\n"2025\n-01-15";4\n2025-01-16\n2025-01-17;\xff\nx;5\n2025-01-18;6\n')
    log = log_from(str(path))
    reading = read(log)

    assert (log.name, log.unit, log.columns) == ("log.csv", "line", ("date", "added"))
    assert [(run.number, run.metrics["records.inserted"]) for run in reading.runs] == [(2, 3.0), (9, 6.0)]
    assert [bad.number for bad in reading.bad] == [4, 6, 7, 8]
    assert reading.rows == 6


def test_a_file_of_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"date": "2025-01-14", "added": 3}\n\n{"date": 1736834400, "added": null, "read": 5}\n[]\n')
    reading = read(log_from(str(path)))

    assert [run.metrics for run in reading.runs] == [{"records.inserted": 3.0}, {"records.read": 5.0}]
    assert [bad.number for bad in reading.bad] == [4]


def test_an_array_of_json_has_rows_and_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps([{"date": "2025-01-14", "added": 3}, {"date": "x", "added": 3}]))
    log = log_from(str(path))

    assert log.unit == "row"
    assert [bad.number for bad in read(log).bad] == [2]


def test_a_log_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MOST_ROWS", 2)
    path = tmp_path / "log.csv"
    path.write_text("date,added\n" + "2025-01-14,1\n" * 3)

    with pytest.raises(SourceError, match="more than 2 rows"):
        log_from(str(path))


def test_a_table_and_a_view_of_the_target(world: World) -> None:
    stamp = "timestamp" if world.is_sqlite else "timestamptz"
    world.execute(
        f"CREATE TABLE past (id integer PRIMARY KEY, started {stamp}, added integer, odd {world_type(world)})",
        "INSERT INTO past VALUES (2, '2025-01-14 06:00:00Z', 3, NULL), (1, '2025-01-13 06:00:00Z', 4, NULL)",
        "CREATE VIEW seen AS SELECT started, added FROM past WHERE added > 3",
    )
    with world.journal() as (connection, tables):
        table = log_from_table(connection, "past", None, tables)
        view = log_from_table(connection, "seen", None, tables)

    assert table.unit == "row"
    assert [(run.number, run.started_at.day, run.metrics) for run in read(table).runs] == [
        (1, 13, {"records.inserted": 4.0}),
        (2, 14, {"records.inserted": 3.0}),
    ]
    assert [run.name for run in read(table).runs] == ["1", "2"]
    assert [run.metrics for run in read(view).runs] == [{"records.inserted": 4.0}]


def world_type(world: World) -> str:
    """A type that SQLAlchemy does not know."""
    return "strange" if world.is_sqlite else "pg_lsn"


def test_garbage_in_a_column_of_times(sqlite: World) -> None:
    sqlite.execute(
        "CREATE TABLE past (started timestamp, added integer)",
        "INSERT INTO past VALUES ('yesterday', 1), (x'00', 1), (1736834400, 'two'), ('2025-01-14', 3)",
    )
    with sqlite.journal() as (connection, tables):
        reading = read(log_from_table(connection, "past", None, tables))

    assert [bad.number for bad in reading.bad] == [1, 2, 3]
    assert [run.metrics for run in reading.runs] == [{"records.inserted": 3.0}]


def test_tables_that_are_no_log(world: World) -> None:
    with world.journal() as (connection, tables):
        with pytest.raises(UsageError, match="there is no table 'past'"):
            log_from_table(connection, "past", None, tables)
        with pytest.raises(UsageError, match="update_logs is the journal itself"):
            log_from_table(connection, "update_logs", None, tables)


cells = st.sampled_from(["2025-01-14", "2025-01-14 06:00", "3", "-3", "", "x", "ok", "failed", "running", '"', "1e400"])
lines = st.lists(st.lists(cells, max_size=4).map(",".join), max_size=8)
texts = st.builds(lambda rows: "\n".join(["date,read,state,seconds", *rows]).encode(), lines)


@given(data=texts | texts.flatmap(lambda text: st.binary().map(lambda tail: text + b"\n" + tail)) | st.binary())
def test_any_bytes_are_accounted_for(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        path.write_bytes(data)
        try:
            reading = read(log_from(str(path)))
        except UpdateError as refused:
            assert refused.message.isprintable()
            return
    assert reading.rows == len(reading.runs) + len(reading.bad) + sum(reading.left_out.values())
    numbers = [run.number for run in reading.runs] + [bad.number for bad in reading.bad]
    assert len(set(numbers)) == len(numbers)
    assert all(bad.reason.isprintable() for bad in reading.bad)
