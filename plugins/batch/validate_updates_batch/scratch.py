"""A copy of a table to try things on: a file beside nothing on SQLite, a schema of its own on PostgreSQL."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex

import sqlalchemy as sa


@contextmanager
def scratch_copy(target: str, table: str, schema: str | None) -> Iterator[tuple[str, str | None]]:
    """URL and schema of a copy of ``table``, which is gone afterwards. Raises SQLAlchemy's and the driver's errors."""
    url = sa.make_url(target)
    copying = _in_a_file(url) if url.get_backend_name() == "sqlite" else _in_a_schema(url, table, schema)
    with copying as place:
        yield place


@contextmanager
def _in_a_file(url: sa.URL) -> Iterator[tuple[str, None]]:
    original = Path(url.database or "").resolve()
    with tempfile.TemporaryDirectory(prefix="vu-tune-") as folder:
        copy = Path(folder, "scratch.db")
        with (
            closing(sqlite3.connect(f"{original.as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            mode = source.execute("PRAGMA journal_mode").fetchone()[0]
            target.execute(f"PRAGMA journal_mode = {'WAL' if mode == 'wal' else 'DELETE'}")
        yield f"sqlite:///{copy}", None


@contextmanager
def _in_a_schema(url: sa.URL, table: str, schema: str | None) -> Iterator[tuple[str, str]]:
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True)
    scratch = f"vu_tune_{token_hex(4)}"
    quote = engine.dialect.identifier_preparer.quote
    original = f"{quote(schema)}.{quote(table)}" if schema else quote(table)
    copy = f"{scratch}.{quote(table)}"
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {scratch}")
            connection.exec_driver_sql(f"CREATE TABLE {copy} (LIKE {original} INCLUDING ALL)")
            connection.exec_driver_sql(f"INSERT INTO {copy} OVERRIDING SYSTEM VALUE TABLE {original}")
            connection.exec_driver_sql(f"ANALYZE {copy}")
        try:
            yield url.render_as_string(hide_password=False), scratch
        finally:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA {scratch} CASCADE")
    finally:
        engine.dispose()
