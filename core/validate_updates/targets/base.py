"""What the engine asks of a database. One code path; where SQLite and PostgreSQL differ, one method here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from validate_updates.errors import UpdateError, UsageError
from validate_updates.targets.compiled import forget_the_last_run

if TYPE_CHECKING:
    from validate_updates.patterns import Pattern
    from validate_updates.secret import SecretUrl
    from validate_updates.shapes import Rows, Shape
    from validate_updates.targets.deferred import Deferred
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.stage import Stage
    from validate_updates.targets.table import Column, TargetTable
    from validate_updates.targets.trouble import Trouble


_AT_ONCE = 1000
"""Rows of a streamed result that are in memory at a time."""


class TransactionEnded(Exception):  # what happened, for who knows the culprit
    """Plugin code ended the transaction that it was shown."""


class Database(ABC):
    """A target database: how to open, lock, fill and question it."""

    is_sqlite: ClassVar[bool]
    """Whether values are stored by SQLite's rules, and the lock is on the whole database."""
    batches_together: ClassVar[int]
    """How many batches are written by one statement, and taken apart only where that is refused."""

    def __init__(self, url: SecretUrl) -> None:
        self.url = url
        self.engine = self._open(_parsed(url))
        forget_the_last_run(self.engine)
        driver = self.engine.dialect.loaded_dbapi.Error
        self.errors: tuple[type[Exception], ...] = (sa.exc.DBAPIError, driver, OverflowError, UnicodeEncodeError)
        """What a refusal is raised as: by SQLAlchemy, by the driver, or, for values no driver can send, by Python."""
        self.troubles: tuple[type[Exception], ...] = (UpdateError, *self.errors)
        """The same, and what is told in our own words already."""

    @abstractmethod
    def _open(self, url: sa.URL) -> sa.Engine:
        """An engine with :func:`~validate_updates.targets.compiled.kept_statements` that is safe to write with.

        Raises ``TargetError`` where the URL leads nowhere.
        """

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """The one connection of a run."""
        with self.engine.connect() as connection:
            yield connection

    @abstractmethod
    def begin(self, connection: sa.Connection, *, write: bool = True, small_steps: bool = False) -> sa.RootTransaction:
        """Begin a transaction.

        ``small_steps``: what is written behind one checkpoint is small enough for memory to hold the way back to it.
        """

    @contextmanager
    def transaction(self, connection: sa.Connection, *, write: bool = True) -> Iterator[None]:
        """A transaction that commits at the end and rolls back on an exception."""
        with self.begin(connection, write=write):
            yield

    def abandon(self, connection: sa.Connection) -> None:
        """Roll back whatever is open, also what only the driver knows of after a commit that failed."""
        if connection.closed:
            return
        if self.lost(connection):
            connection.invalidate()  # the next transaction opens another session
        connection.rollback()
        if not connection.invalidated:
            connection.connection.rollback()

    @abstractmethod
    def lost(self, connection: sa.Connection) -> bool:
        """Whether the session with the server is gone, and all that was open in it."""

    @abstractmethod
    def lock(
        self, connection: sa.Connection, *, run_id: str, tables: Sequence[str], wait: float
    ) -> AbstractContextManager[None]:
        """The right to update these tables, for one run at a time. Raises ``LockHeld`` naming who has it."""

    @abstractmethod
    def hold_still(self, connection: sa.Connection, table: TargetTable) -> None:
        """Within the write transaction: nobody else changes the table until it ends."""

    @abstractmethod
    def state(self, connection: sa.Connection) -> str:
        """What another program's commit changes."""

    def state_left(self, connection: sa.Connection) -> str | None:
        """What :meth:`state` will say once this transaction is committed, if nobody else commits until it is asked.

        To be called after the last write; None where it cannot be told.
        """
        return self.state(connection)

    @abstractmethod
    def columns(self, connection: sa.Connection, table: sa.Table) -> tuple[Column, ...]:
        """The columns in our type system."""

    @abstractmethod
    def key_collations(self, connection: sa.Connection, table: sa.Table, key: Sequence[str]) -> dict[str, str]:
        """Collations, other than the default, under which the unique index over ``key`` tells keys apart."""

    @abstractmethod
    def has_rowid(self, connection: sa.Connection, table: sa.Table) -> bool:
        """Whether a row can be addressed by its rowid."""

    @abstractmethod
    def temporary(self, name: str, *items: sa.schema.SchemaItem) -> sa.Table:
        """A table for the time of the connection, to be created."""

    @abstractmethod
    def row_column(self) -> sa.Column[Any]:
        """The stage's column ``vu_row``, which numbers its rows by itself."""

    @abstractmethod
    def loading(
        self, connection: sa.Connection, stage: Stage, shape: Shape
    ) -> AbstractContextManager[Callable[[Rows], None]]:
        """A transaction that fills the stage, fast: gives what inserts rows of ``shape``.

        The database may still be at the rows when that returns.
        """

    @abstractmethod
    def may_divert_writes(self, connection: sa.Connection, table: TargetTable) -> bool:
        """Whether a row counted as written may stand otherwise in the table, or not at all.

        Where it may not, what the statements count is what is there, as long as nobody else writes.
        """

    @abstractmethod
    def analyze(self, connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> None:
        """Tell the planner what one of our temporary tables holds in the columns that it is joined by."""

    @abstractmethod
    def trouble(self, error: BaseException, connection: sa.Connection) -> Trouble:
        """Sort an exception."""

    @abstractmethod
    def prepare_guard(self, connection: sa.Connection) -> None:
        """Whatever :meth:`read_only` needs; once a connection, with the temporary tables."""

    @abstractmethod
    def read_only(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """While it lasts, statements that write or end the transaction are refused.

        Raises :class:`TransactionEnded` afterwards where it was ended all the same; nothing of it was kept then.
        """

    @abstractmethod
    def interrupt(self, connection: sa.Connection) -> None:
        """End the statement that runs at this moment, from another thread."""

    @abstractmethod
    def deferred(self, connection: sa.Connection, plan: Plan) -> Deferred | None:
        """The rules of the plan's target that the database checks only at the commit; None where it has none."""

    @abstractmethod
    def check_deferred(self, connection: sa.Connection) -> None:
        """Check now what the database would only check at the commit; raises as the commit would."""

    @abstractmethod
    def integrity_problems(self, connection: sa.Connection, *, quick: bool, limit: int) -> list[str] | None:
        """What the database itself finds damaged; None where it has no such check."""

    def virtual_tables(self, connection: sa.Connection) -> frozenset[str]:
        """Names of tables that hold no rows themselves: a module answers for them, which may not be there."""
        del connection
        return frozenset()

    @abstractmethod
    def foreign_key_orphans(
        self, connection: sa.Connection, schema: str | None, *, limit: int
    ) -> list[tuple[str, str, int]]:
        """(table, foreign key, rows) for each foreign key with rows that point nowhere."""

    @abstractmethod
    def run_check_sql(self, connection: sa.Connection, sql: str) -> Any:
        """The first cell of one SELECT given as text."""

    @contextmanager
    def streamed(
        self, connection: sa.Connection, statement: sa.Executable
    ) -> Iterator[sa.CursorResult[*tuple[Any, ...]]]:
        """The rows of a SELECT as they are asked for, never all of them at once."""
        with connection.execute(statement, execution_options={"yield_per": _AT_ONCE}) as result:
            yield result

    @abstractmethod
    def matches(self, text: sa.ColumnElement[Any], pattern: Pattern) -> sa.ColumnElement[bool]:
        """Whether a text, as a whole, fits a pattern."""

    @abstractmethod
    def among(self, column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
        """Whether it is one of the numbers that a parameter of that name lists."""

    def comparable(self, column: Column, element: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """``element`` in a form that can be compared; a few types have no equality."""
        del column  # SQLite compares them all
        return element


def _parsed(url: SecretUrl) -> sa.URL:
    try:
        return make_url(url.reveal())
    except (sa.exc.ArgumentError, ValueError):  # ValueError: a port that is no number
        raise UsageError(
            f"the target {url} is not a database URL", hint="sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        ) from None  # SQLAlchemy's own words show the password
