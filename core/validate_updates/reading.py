"""Read-only access to the database for plugin code, inside the transaction under judgement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from validate_updates.errors import UsageError
from validate_updates.targets.reflect import reflect, table_names

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.targets.base import Database


class GuardedReader:
    """The :class:`~validate_updates.context.Reader` that validators get.

    Closed when their call ends, so that one that was given up on cannot come back and disturb the run.
    """

    def __init__(
        self, database: Database, connection: sa.Connection, *, schema: str | None, hidden: frozenset[str]
    ) -> None:
        self._database = database
        self._connection = connection
        self._schema = schema
        self._hidden = hidden
        self._tables: dict[str, sa.Table] = {}
        self._open = True

    def close(self) -> None:
        """No statement is run any more."""
        self._open = False

    def _live(self) -> sa.Connection:
        if not self._open:
            raise RuntimeError("the access to the database ended with the validator's call")
        return self._connection

    def table(self, name: str) -> sa.Table:
        """A table of the target database, reflected. Raises ``LookupError`` with the names that exist."""
        if name not in self._tables:
            try:
                self._tables[name] = reflect(self._live(), name, self._schema)
            except UsageError as reason:
                raise LookupError(f"{reason.message} ({reason.hint})") from reason
        return self._tables[name]

    def tables(self, *, stored: bool = False) -> Sequence[str]:
        """Names of the tables of the target's schema, without the journal's; or of those that hold their rows."""
        hidden = self._hidden | (self._database.virtual_tables(self._live()) if stored else frozenset())
        return [name for name in table_names(self._live(), self._schema) if name not in hidden]

    def rows(self, statement: sa.Executable, limit: int = 1000) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """At most ``limit`` rows of a SELECT."""
        result = self._live().execute(statement)
        try:
            return result.fetchmany(limit)
        finally:
            result.close()

    def each(self, statement: sa.Executable) -> Iterator[sa.Row[*tuple[Any, ...]]]:
        """All rows of a SELECT, one after the other, however many: only a few are in memory at a time."""
        with self._database.streamed(self._live(), statement) as result:
            for row in result:
                self._live()
                yield row

    def matches(self, text: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
        """Whether a text, as a whole, fits a pattern. Raises ``ValueError`` for one that is not of the dialect."""
        from validate_updates.patterns import Pattern

        return self._database.matches(text, Pattern(pattern))

    def scalar(self, statement: sa.Executable) -> Any:
        """The first cell of the first row of a SELECT; None where there is none."""
        return self._live().execute(statement).scalar()

    def check_sql(self, sql: str) -> Any:
        """The first cell of one SELECT given as text by the owner of the settings."""
        return self._database.run_check_sql(self._live(), sql)

    def integrity_problems(self, *, quick: bool = False, limit: int = 20) -> Sequence[str] | None:
        """What the database itself finds damaged; None where it has no such check (PostgreSQL)."""
        return self._database.integrity_problems(self._live(), quick=quick, limit=limit)

    def foreign_key_orphans(self, limit: int = 20) -> Sequence[tuple[str, str, int]]:
        """(table, foreign key as text, rows) for each foreign key of the schema whose rows point nowhere."""
        return self._database.foreign_key_orphans(self._live(), self._schema, limit=limit)
