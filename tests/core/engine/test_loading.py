"""Rows on their way into the stage: what is refused is found among what is not, and nobody waits in a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from validate_updates import Verdict
from validate_updates.loading import Loader
from validate_updates.secret import SecretUrl
from validate_updates.shapes import Rows, Shape, in_key_order
from validate_updates.targets import open_database
from validate_updates.targets.reflect import target_table
from validate_updates.targets.stage import Stage
from validate_updates.targets.trouble import Trouble

RECORDS = 4_500
REFUSED = (0, 1, 999, 1_000, 2_500, RECORDS - 2, RECORDS - 1)
"""At the beginning and the end of what is loaded together, and within."""


def test_rows_that_only_the_server_refuses_are_kept_out_wherever_they_stand(postgres: Target) -> None:
    postgres.execute("CREATE TABLE t (id integer PRIMARY KEY, v inet, w text)")
    records = [
        {"id": number, "v": "nonsense" if number in REFUSED else "10.0.0.1"} | ({"w": "x"} if number % 7 == 0 else {})
        for number in range(RECORDS)
    ]

    result = postgres.update(records)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE, result.reason
    assert {(entry.code, entry.key) for entry in result.kept_out} == {("bad_value", f"id={key}") for key in REFUSED}
    assert postgres.rows("SELECT count(*), count(w) FROM t") == [
        (RECORDS - len(REFUSED), len([key for key in range(0, RECORDS, 7) if key not in REFUSED]))
    ]


def test_no_transaction_is_open_while_records_are_waited_for(postgres: Target) -> None:
    postgres.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
    states: set[str] = set()

    def source() -> Iterator[dict[str, Any]]:
        for number in range(RECORDS):
            if number % 500 == 0:
                states.update(word for (word,) in postgres.rows(STATES))
            yield {"id": number, "v": "x"}

    result = postgres.update(source())

    assert result.counts.inserted == RECORDS
    assert states == {"idle"}


STATES = "SELECT state FROM pg_stat_activity WHERE application_name LIKE 'validate-updates%'"


@pytest.mark.parametrize("error", [ZeroDivisionError, OverflowError])
def test_what_breaks_off_while_rows_are_loaded_takes_them_back(target: Target, error: type[Exception]) -> None:
    """Also an exception that a driver raises for a value it cannot send: here it is a defect, and no record's fault."""
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")

    with stage_of(target) as (loader, staged):
        with pytest.raises(error):
            load_and_fail(loader, rows("x"), error)
        assert (loader.staged, staged()) == (0, 0)

        with loader.loading():
            loader.add(rows("y"))
        assert (loader.staged, staged()) == (2_000, 2_000)


@contextmanager
def stage_of(target: Target) -> Iterator[tuple[Loader, Callable[[], int]]]:
    database = open_database(SecretUrl(target.url))
    with database.connect() as connection:
        with database.transaction(connection, write=False):
            stage = Stage(database, connection, target_table(database, connection, "t", schema=None, key=("id",)))

        def staged() -> int:
            with database.transaction(connection, write=False):
                return int(connection.execute(sa.select(sa.func.count()).select_from(stage.table)).scalar_one())

        yield Loader(database, connection, stage, never), staged


def rows(text: str) -> Rows:
    return in_key_order(Shape(0, ("id", "v"), (0,)), [(number, text, number) for number in range(2_000)])


def load_and_fail(loader: Loader, some: Rows, error: type[Exception]) -> None:
    with loader.loading():
        loader.add(some)
        raise error


def never(some: Rows, trouble: Trouble) -> None:
    raise AssertionError(f"{some} {trouble}")
