"""Rows on their way into the stage: what is refused is found among what is not, and nobody waits in a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from validate_updates import Verdict
from validate_updates.loading import TOGETHER, Loader
from validate_updates.secret import SecretUrl
from validate_updates.shapes import Rows, Shape, in_key_order
from validate_updates.targets import open_database
from validate_updates.targets.reflect import target_table
from validate_updates.targets.stage import Stage
from validate_updates.targets.trouble import Trouble

RECORDS = 3 * TOGETHER
REFUSED = (0, 1, TOGETHER // 2, TOGETHER, RECORDS - 2, RECORDS - 1)
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


def test_what_breaks_off_while_rows_are_loaded_leaves_the_connection_free(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
    database = open_database(SecretUrl(target.url))
    shape = Shape(0, ("id", "v"), (0,))

    with database.connect() as connection:
        with database.transaction(connection, write=False):
            stage = Stage(database, connection, target_table(database, connection, "t", schema=None, key=("id",)))
        loader = Loader(database, connection, stage, never)
        loader.add(in_key_order(shape, [(number, "x", number) for number in range(TOGETHER)]))
        with pytest.raises(ZeroDivisionError), loader.loading():
            raise ZeroDivisionError
        assert loader.staged == 0

        loader.add(in_key_order(shape, [(number, "y", number) for number in range(TOGETHER)]))
        with loader.loading():
            pass
        loader.finish()
        assert loader.staged == connection.execute(sa.select(sa.func.count()).where(stage.table.c.v == "y")).scalar()


def never(rows: Rows, trouble: Trouble) -> None:
    raise AssertionError(f"{rows} {trouble}")
