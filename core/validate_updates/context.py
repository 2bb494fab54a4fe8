"""What a validator sees: the run, the plan's counts, the metrics, earlier runs, and a read-only database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from validate_updates.declarations import Moment
from validate_updates.result import Counts

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.targets.table import TargetTable


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """The run under judgement."""

    run_id: str
    task: str
    source: str
    as_of: datetime
    """The time that counts as now, aware, in UTC."""
    dry_run: bool = False
    kind: str = "update"
    """``replay`` where the records come from the quarantine: too few, and too bad, to be compared with updates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """One earlier run of the same task, as the journal has it."""

    run_id: str
    state: str
    """See ``state`` in the journal: ``committed``, ``committed with quarantine``, ``rejected``, …"""
    started_at: datetime
    seconds: float
    counts: Counts
    kind: str = "update"
    """``import`` where another program did it: ``counts`` then holds what that one's log says, and 0 for the rest."""
    label: str | None = None
    """A person's judgement: ``expected`` or ``incident``."""
    label_until: datetime | None = None
    """Until when the like is expected; None for ever."""
    opposed_in_shadow: bool = False
    """Whether the plugin that asks would have rejected it, but was in shadow, and nobody called the run expected."""

    @property
    def stood(self) -> bool:
        """Whether it was committed, and so may serve as an example; not where the plugin that asks was against it."""
        return self.state in {"committed", "committed with quarantine"} and not self.opposed_in_shadow


class History(Protocol):
    """The journal of earlier runs of this task, newest first; the run under judgement is never among them."""

    def runs(self, limit: int = 30, *, committed: bool = True) -> Sequence[EarlierRun]:
        """The last ``limit`` finished updates, without dry runs; only those that stood, unless told otherwise."""
        ...

    def metric(self, name: str, limit: int = 30) -> Sequence[tuple[str, float]]:
        """(run id, value) of a metric in the last ``limit`` runs that stood."""
        ...

    def metrics(
        self, patterns: Sequence[str] = ("*",), limit: int = 30, *, committed: bool = True
    ) -> Mapping[str, Mapping[str, float]]:
        """Many metrics at once: run id -> name -> value, of the runs that :meth:`runs` gives for the same arguments.

        Of each run those whose name fits one of the patterns: ``records.*``, where ``*`` stands for any text and ``?``
        for a character. Runs without any of them are left out.
        """
        ...


class Reader(Protocol):
    """Read-only access to the database, inside the transaction under judgement.

    A statement that would write, or end the transaction, is refused. The access ends with the validator's call.
    """

    def table(self, name: str) -> sa.Table:
        """A table of the target database, reflected. Raises ``LookupError`` with the names that exist."""
        ...

    def tables(self, *, stored: bool = False) -> Sequence[str]:
        """Names of the tables of the target's schema, without the journal's.

        ``stored``: without the virtual ones of SQLite, whose rows stand in others; not every program can read them.
        """
        ...

    def rows(self, statement: sa.Executable, limit: int = 1000) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """At most ``limit`` rows of a SELECT."""
        ...

    def each(self, statement: sa.Executable) -> Iterator[sa.Row[*tuple[Any, ...]]]:
        """All rows of a SELECT, one after the other, however many: only a few are in memory at a time."""
        ...

    def matches(self, text: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
        """Whether a text, as a whole, fits a pattern: the same on both databases.

        For the dialect see :mod:`validate_updates.patterns`. Raises ``ValueError`` for a pattern that is not of it.
        """
        ...

    def scalar(self, statement: sa.Executable) -> Any:
        """The first cell of the first row of a SELECT; None where there is none."""
        ...

    def check_sql(self, sql: str) -> Any:
        """The first cell of one SELECT given as text by the owner of the settings."""
        ...

    def integrity_problems(self, *, quick: bool = False, limit: int = 20) -> Sequence[str] | None:
        """What the database itself finds damaged; None where it has no such check (PostgreSQL)."""
        ...

    def foreign_key_orphans(self, limit: int = 20) -> Sequence[tuple[str, str, int]]:
        """(table, foreign key as text, rows) for each foreign key of the schema whose rows point nowhere."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInfo:
    """A batch about to be written: a range of positions in the plan, which is in key order."""

    number: int
    """From 1."""
    first: int
    last: int

    @property
    def size(self) -> int:
        """Records in it."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Columns of ``staged`` that no record fills itself: together they get what one row of another table has.

    That row is there, or comes with the same unit or before; so a foreign key from these columns to those holds.
    """

    columns: tuple[str, ...]
    table: str
    theirs: tuple[str, ...]
    """Columns of that table, one for each."""


def _every_record(_column: str) -> None:
    """No condition: all records carry all columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedTable:
    """One table of the task, and what the update brings for it: what :meth:`Context.of` puts in place.

    Where records carry children: in ``staged``, ``vu_unit`` is the ``vu_row`` of the record that a row came with; in
    ``planned``, ``pos`` is the position of that record, and ``row`` the ``vu_row`` in this table.
    """

    target: TargetTable
    columns: tuple[str, ...]
    staged: sa.Table
    planned: sa.Table
    carries: Callable[[str], sa.ColumnElement[bool] | None] = _every_record
    pending: frozenset[str] = frozenset()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a validator is called with. The same shape at every moment; ``batch`` only at the moment ``batch``.

    At ``records`` and ``plan`` the counts say what would happen, at ``result`` what has happened in the open
    transaction.

    ``staged`` holds the records: ``vu_row`` (unique), ``vu_seq`` (place in the source) and the target's columns.
    ``planned`` holds what is to be written: ``pos`` (from 1, key order), ``action`` (``I``, ``U``, ``D``) and ``row``,
    the ``vu_row`` of an insert or update.
    """

    moment: Moment
    run: RunInfo
    target: TargetTable
    columns: tuple[str, ...]
    """Columns that the source carries."""
    counts: Counts
    metrics: Mapping[str, float]
    history: History
    db: Reader
    staged: sa.Table
    planned: sa.Table
    carries: Callable[[str], sa.ColumnElement[bool] | None] = _every_record
    """Whether a row of ``staged`` comes of a record that has this column, as SQL; None where every record has it.

    A column that a record leaves out is NULL there. It is left alone in the table, or takes its default in a new row.
    """
    pending: frozenset[str] = frozenset()
    """Columns of ``staged`` that refer to rows which the update may still have to make: NULL until then."""
    links: tuple[Link, ...] = ()
    """Those of them that hold the key of such a row and nothing else, whatever the records say."""
    batch: BatchInfo | None = None
    tables: Mapping[str, CarriedTable] = field(default_factory=dict)
    """Every table of the task by name: the one of the records first, then those of their children, parents first."""

    def of(self, table: str) -> Context:
        """The same about one of :attr:`tables`: its columns, the rows staged for it, and what is planned for them.

        Counts are of records all the same. Raises ``LookupError``.
        """
        one = self.tables.get(table)
        if one is None:
            raise LookupError(f"{table!r} is no table of the task (tables: {', '.join(self.tables)})")
        return replace(
            self,
            target=one.target,
            columns=one.columns,
            staged=one.staged,
            planned=one.planned,
            carries=one.carries,
            pending=one.pending,
            links=one.links,
        )
