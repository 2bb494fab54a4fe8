"""A target database seen from outside the engine: through the bare driver, never through the code under test."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import create_engine

from validate_updates import RunResult, run
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.journal.reading import runs, show
from validate_updates.journal.schema import find
from validate_updates.secret import SecretUrl

if TYPE_CHECKING:
    from validate_updates.journal.rows import StoredRun

JOURNAL = "update_"
"""How the names of the journal's tables begin."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database to run updates on. The file of a SQLite database appears with the first statement."""

    url: str

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def path(self) -> Path:
        """Of a SQLite database."""
        return Path(self.url.removeprefix("sqlite:///"))

    @contextmanager
    def connect(self) -> Iterator[Any]:
        """A driver's own connection, without transactions unless a statement begins one."""
        if self.is_sqlite:
            with closing(sqlite3.connect(self.path, isolation_level=None, timeout=5)) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                yield connection
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                yield connection

    def execute(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows with a value for each column."""
        mark = "?" if self.is_sqlite else "%s"
        with self.connect() as connection, closing(connection.cursor()) as cursor:
            for row in rows:
                cursor.execute(f"INSERT INTO {table} VALUES ({', '.join([mark] * len(row))})", row)

    def tables(self) -> list[str]:
        """Of the user; those of the journal are left out."""
        return [name for name in self.all_tables() if not name.startswith(JOURNAL)]

    def all_tables(self) -> list[str]:
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            if self.is_sqlite
            else "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        )
        return sorted(name for (name,) in self.rows(query))

    def dump(self) -> dict[str, list[str]]:
        """Every value of every table of the user, with its type."""
        return {name: sorted(map(repr, self.rows(f"SELECT * FROM {quoted(name)}"))) for name in self.tables()}

    def watch(self, table: str = "t") -> None:
        """Log every row written to ``table``, by triggers of the database's own."""
        self.execute("DROP TABLE IF EXISTS written", "CREATE TABLE written (action text)")
        if self.is_sqlite:
            for action in ("INSERT", "UPDATE", "DELETE"):
                self.execute(
                    f"CREATE TRIGGER watch_{action} AFTER {action} ON {quoted(table)}"
                    f" BEGIN INSERT INTO written VALUES ('{action}'); END"
                )
        else:
            self.execute(
                "CREATE OR REPLACE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN INSERT INTO written VALUES (TG_OP); RETURN NULL; END $$",
                f"CREATE TRIGGER watch AFTER INSERT OR UPDATE OR DELETE ON {quoted(table)}"
                " FOR EACH ROW EXECUTE FUNCTION watch()",
            )

    def written(self) -> list[str]:
        """What was written since the last call: ``INSERT``, ``UPDATE``, ``DELETE``, a word for each row."""
        words = sorted(word for (word,) in self.rows("SELECT action FROM written"))
        self.execute("DELETE FROM written")
        return words

    def update(self, source: Any, *, table: str = "t", plugins: tuple[str, ...] = (), **options: Any) -> RunResult:
        """Run an update; without plugins unless asked."""
        return run(source, target=self.url, table=table, plugins=plugins, **options)

    def judged(self, source: Any, plugin: object, **options: Any) -> RunResult:
        """Run an update of the table ``t`` with a plugin given as an object."""
        return execute(Job(source=source, target=SecretUrl(self.url), table="t", **options), extra={"given": plugin})

    def settle(self) -> None:
        """Wait until the server has noticed that a killed run is gone: until then it may still be at work for it."""
        if self.is_sqlite:
            return  # the kernel let go of everything with the process
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'validate-updates%'"
        )
        deadline = time.monotonic() + 60
        while self.rows(others) != [(0,)]:
            assert time.monotonic() < deadline, "the server still works for a process that is dead"
            time.sleep(0.05)

    def story(self, run_id: str = "last") -> StoredRun:
        """What the journal says about a run."""
        engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            stored = show(connection, find(connection, JOURNAL), run_id)
        engine.dispose()
        return stored

    def states(self) -> list[str]:
        """The state of every run in the journal, oldest first."""
        engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            states = [run.state.value for run in runs(connection, find(connection, JOURNAL), limit=1000)]
        engine.dispose()
        return states[::-1]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    """The records as a file of lines."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
