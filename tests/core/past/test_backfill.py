"""Past counts from a column of the target."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.engine.target import JOURNAL
from tests.core.past.conftest import World
from validate_updates.errors import UsageError
from validate_updates.past.backfill import HAS_RUN, NOT_OVER, TOO_EARLY, Days, days_of, runs_of
from validate_updates.past.bringing_in import BACKFILL, Arrived, Known, Settled, bring_in
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

NOW = datetime(2025, 1, 20, 8, tzinfo=UTC)
ONE, TWO = date(2025, 1, 14), date(2025, 1, 15)


def days(world: World, column: str = "at") -> Days:
    database = open_database(SecretUrl(world.url))
    with database.connect() as connection, database.transaction(connection, write=False):
        found = days_of(database, connection, table="h", schema=None, column=column)
    database.engine.dispose()
    return found


def backfilled(world: World, found: Days, **more: Any) -> Arrived:
    def settled(known: Known) -> Settled:
        return runs_of(found, known, now=NOW, **more)

    database = open_database(SecretUrl(world.url))
    with database.connect() as connection, database.transaction(connection):
        done = bring_in(connection, settled, task="t", table="h", source="h.at", prefix=JOURNAL, way=BACKFILL)
    database.engine.dispose()
    return done


@pytest.mark.parametrize("kind", ["timestamp", "timestamp with time zone", "date", "text", "varchar(40)"])
def test_rows_by_day(world: World, kind: str) -> None:
    world.execute(f"CREATE TABLE h (id integer PRIMARY KEY, at {kind})")
    world.insert("h", [(1, "2025-01-14"), (2, "2025-01-15 00:00:00"), (3, "2025-01-15 23:59:59"), (4, None)])

    assert days(world) == Days(rows={ONE: 1, TWO: 2}, without=1)


def test_days_are_in_utc(world: World) -> None:
    kind = "text" if world.is_sqlite else "timestamptz"
    world.execute(f"CREATE TABLE h (id integer PRIMARY KEY, at {kind})")
    world.insert("h", [(1, "2025-01-14T23:30:00-05:00"), (2, "2025-01-15T06:00:00.123456Z"), (3, "2025-01-14T06:00Z")])

    assert days(world).rows == {ONE: 1, TWO: 2}


def test_what_sqlite_takes_for_a_time_and_we_do_not(sqlite: World) -> None:
    sqlite.execute("CREATE TABLE h (id integer PRIMARY KEY, at)")
    odd = ["now", "2460690.5", "12:00", "", "soon", b"2025-01-14", "0044-03-15", 5, -1.5]
    good = [1736834400, 1736834400.5, 1736834400000, "2025-01-14"]
    sqlite.insert("h", list(enumerate([*odd, *good])))

    assert days(sqlite) == Days(rows={ONE: 4}, without=len(odd))


def test_times_of_postgresql_that_python_has_not(postgres: World) -> None:
    postgres.execute("CREATE TABLE h (id integer PRIMARY KEY, at timestamp)")
    odd = ["infinity", "-infinity", "0044-03-15 00:00:00 BC", "20250-01-01", "1969-12-31"]
    postgres.insert("h", list(enumerate([*odd, "2025-01-14"])))

    assert days(postgres) == Days(rows={ONE: 1}, without=len(odd))


def test_columns_that_hold_no_times(world: World) -> None:
    world.execute("CREATE TABLE h (id integer PRIMARY KEY, at boolean)")

    with pytest.raises(UsageError, match="table h has no column 'when'"):
        days(world, "when")
    if world.is_sqlite:
        assert days(world) == Days(rows={}, without=0)
    else:
        with pytest.raises(UsageError, match="the column at of h is boolean: it holds no times"):
            days(world)


def test_a_table_and_a_column_with_hostile_names(world: World) -> None:
    world.execute('CREATE TABLE "h"" ; --" (id integer PRIMARY KEY, "a:t %s ""x" date)')
    world.execute("""INSERT INTO "h"" ; --" VALUES (1, '2025-01-14')""")
    database = open_database(SecretUrl(world.url))
    with database.connect() as connection, database.transaction(connection, write=False):
        found = days_of(database, connection, table='h" ; --', schema=None, column='a:t %s "x')
    database.engine.dispose()

    assert found.rows == {ONE: 1}


def test_a_run_for_each_day_that_is_over_and_has_none() -> None:
    noon = datetime(2025, 1, 14, 12, tzinfo=UTC)
    rows = {ONE + timedelta(days=day): day + 1 for day in range(8)}
    known = Known(imported={noon + timedelta(days=2): frozenset({"x"})}, own=frozenset({ONE + timedelta(days=3)}))
    settled = runs_of(Days(rows=rows, without=0), known, now=NOW, since=TWO, metric="records.updated")

    assert [(run.started_at, run.metrics) for run in settled.new] == [
        (noon + timedelta(days=1), {"records.updated": 2.0}),
        (noon + timedelta(days=4), {"records.updated": 5.0}),
        (noon + timedelta(days=5), {"records.updated": 6.0}),
    ]
    assert settled.left_out == {TOO_EARLY: 1, HAS_RUN: 2, NOT_OVER: 2}
    assert settled.rows == 8


def test_backfilled_runs_in_the_journal_and_once(world: World) -> None:
    found = Days(rows={ONE: 3, TWO: 5}, without=0)

    assert backfilled(world, found).written == 2
    again = backfilled(world, Days(rows={ONE: 4, TWO: 5}, without=0))
    assert (again.written, again.settled.left_out) == (0, {HAS_RUN: 2})
    run = world.story().run
    assert (run.kind, run.strategy, run.source, run.counts.inserted) == ("import", BACKFILL, "h.at", 5)
    assert world.story().metrics == {"records.inserted": 5.0}


stamps = st.none() | st.datetimes(datetime(1960, 1, 1), datetime(2030, 1, 1)).map(str)  # noqa: DTZ001


@given(cells=st.lists(stamps, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_counted(world: World, cells: list[str | None]) -> None:
    world.execute("DROP TABLE IF EXISTS h", "CREATE TABLE h (id integer PRIMARY KEY, at timestamp)")
    world.insert("h", list(enumerate(cells)))
    found = days(world)

    assert sum(found.rows.values()) + found.without == len(cells)
    assert all(found.rows[day] == sum((cell or "").startswith(str(day)) for cell in cells) for day in found.rows)
