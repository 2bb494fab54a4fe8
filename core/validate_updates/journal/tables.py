"""The journal's tables, as SQLAlchemy has them.

What their columns mean is told in ``docs/journal.md``. No name in them is a reserved word, so that people can query
them without quotes. There are no foreign keys: only we write here, whole transactions at a time, and quarantine entries
may outlive the run that made them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.targets.names import qualified

DEFAULT_PREFIX: Final = "update_"
_JOURNAL: Final = "journal"
_PREFIX = re.compile(r"[a-z_][a-z0-9_]{0,30}")


class UtcTime(sa.TypeDecorator[datetime]):
    """A moment: aware datetimes in, UTC out, also where the database knows no zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuses a datetime without a zone: it would be stored as some other moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002  # its signature
        """The same moment, in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:  # `replace` takes six times as long as this
            return datetime.combine(value.date(), value.time(), UTC)
        return value.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalTables:
    """The tables of one journal."""

    prefix: str
    schema: str | None
    metadata: sa.MetaData
    logs: sa.Table
    batches: sa.Table
    metrics: sa.Table
    """A view: the numbers in ``logs.metrics``, a row each."""
    findings: sa.Table
    quarantine: sa.Table
    undo: sa.Table
    watermarks: sa.Table
    states: sa.Table
    switches: sa.Table
    version: sa.Table
    """One row: the revision of the tables. It is alembic's version table too."""

    @property
    def contents(self) -> tuple[sa.Table, ...]:
        """All but the version table; the view is one of them."""
        events = (self.logs, self.batches, self.metrics, self.findings, self.quarantine, self.undo)
        return (*events, self.watermarks, self.states, self.switches)

    @property
    def names(self) -> frozenset[str]:
        """Names of all the tables, without a schema: what is ours and not the user's."""
        return frozenset(table.name for table in (*self.contents, self.version))


@lru_cache(maxsize=16)
def tables(prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> JournalTables:
    """The tables of the journal whose names begin with ``prefix``; nothing is asked of a database.

    Raises ``UsageError`` for a prefix that is not lower-case letters, digits and underscores.
    """
    if not _PREFIX.fullmatch(prefix):
        raise UsageError(
            f"the journal's prefix {prefix!r} cannot begin the name of a table",
            hint='use up to 31 lower-case letters, digits and underscores: [journal] prefix = "vu_"',
        )
    metadata = sa.MetaData(schema=schema, info={_JOURNAL: prefix})
    return JournalTables(
        prefix=prefix,
        schema=schema,
        metadata=metadata,
        logs=_logs(metadata, prefix),
        batches=_batches(metadata, prefix),
        metrics=_metrics(sa.MetaData(schema=schema, info=metadata.info), prefix),
        findings=_findings(metadata, prefix),
        quarantine=_quarantine(metadata, prefix),
        undo=_undo(metadata, prefix),
        watermarks=_watermarks(metadata, prefix),
        states=_states(metadata, prefix),
        switches=_switches(metadata, prefix),
        version=_version(metadata, prefix),
    )


def is_of_a_journal(table: sa.Table) -> bool:
    """Whether it was made by :func:`tables`, and so is the same in each run."""
    return _JOURNAL in table.metadata.info


def of_journals(names: Collection[str]) -> frozenset[str]:
    """Those of a database's tables that belong to a journal, under whatever prefix."""
    prefixes = [name.removesuffix("version") for name in names if name.endswith("version")]
    found = [tables(prefix).names for prefix in prefixes if _PREFIX.fullmatch(prefix) and f"{prefix}logs" in names]
    return frozenset(names).intersection(chain.from_iterable(found))


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _count(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _counter(name: str) -> sa.Column[int]:
    # SQLite counts only in a column declared exactly INTEGER.
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)


def _key(name: str, type_: type[Any] | sa.types.TypeEngine[Any] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, type_, primary_key=True, autoincrement=False)


def _logs(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}logs",
        metadata,
        _counter("run_no"),
        _text("run_id"),
        _text("kind"),
        _text("parent_run_id", null=True),
        _text("token"),
        _text("task"),
        _text("table_name"),
        _text("key_columns"),
        _text("source"),
        _text("state"),
        _text("reason"),
        _text("error_code", null=True),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("started_at", UtcTime, nullable=False),
        sa.Column("finished_at", UtcTime),
        sa.Column("seconds", sa.Double),
        _text("strategy"),
        _text("publish", null=True),
        _text("plugins"),
        _text("tool_version"),
        _count("read"),
        _count("inserted"),
        _count("updated"),
        _count("unchanged"),
        _count("duplicates"),
        _count("quarantined"),
        _count("rolled_back"),
        _count("deleted"),
        _count("rows_before", null=True),
        _count("rows_after", null=True),
        _text("timings"),
        _text("judged"),
        _text("backup", null=True),
        _text("label", null=True),
        _text("note", null=True),
        sa.Column("label_until", UtcTime),
        _text("metrics", null=True),  # last: SQLite reads a long row only as far as it must
        sa.Index(f"{prefix}logs_run_id", "run_id", unique=True),
        sa.Index(f"{prefix}logs_task", "task", "run_no"),
        sqlite_autoincrement=True,
    )


def _batches(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}batches",
        metadata,
        _key("run_id"),
        _key("batch_no", sa.BigInteger),
        _text("state"),
        _count("applied"),
        _count("quarantined"),
        _count("unchanged"),
        _text("payload_sha256", null=True),
        _count("attempts"),
        sa.Column("committed_at", UtcTime),
        _text("first_key", null=True),
        _text("last_key", null=True),
        sqlite_with_rowid=False,
    )


def _metrics(metadata: sa.MetaData, prefix: str) -> sa.Table:
    """The view, as what is asked of it. It is not with the tables, since these are made all together."""
    return sa.Table(f"{prefix}metrics", metadata, _text("run_id"), _text("name"), sa.Column("value", sa.Double))


def view(tables: JournalTables, dialect: str) -> sa.TextClause:
    """The statement that makes the view of metrics: a year of runs is read faster as JSON than as rows."""
    each, value = "json_each(metrics)", "CAST(one.value AS REAL)"
    if dialect == "postgresql":
        each, value = "json_each_text(metrics::json)", "one.value::double precision"
    return sa.text(
        f"CREATE VIEW {named(tables.metrics)} AS SELECT run_id, one.key AS name, {value} AS value"  # noqa: S608  # our own names
        f" FROM {named(tables.logs)}, {each} AS one"
    )


def named(table: sa.TableClause) -> str:
    """A table as it stands in a :func:`sqlalchemy.text`, in which a colon would begin a parameter."""
    return qualified(table.schema, table.name).replace(":", r"\:")


def _findings(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}findings",
        metadata,
        _key("run_id"),
        _key("finding_no", sa.BigInteger),
        _text("code"),
        _text("severity"),
        sa.Column("decides", sa.Boolean, nullable=False),
        _text("mode"),
        _text("message"),
        _text("hint"),
        _text("table_name", null=True),
        _text("record_key", null=True),
        _text("column_name", null=True),
        _count("batch_no", null=True),
        _text("metric", null=True),
        _text("observed", null=True),
        _text("expected", null=True),
        _text("runs"),
        _text("samples"),
        _text("plugin"),
        _text("validator"),
        _text("moment"),
    )


def _quarantine(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}quarantine",
        metadata,
        _counter("entry_no"),
        _text("run_id"),
        _count("batch_no", null=True),
        _text("table_name"),
        _text("record_key", null=True),
        _text("record"),
        _text("code"),
        _text("column_name", null=True),
        _text("rule", null=True),
        _text("constraint_name", null=True),
        _text("message"),
        _text("file_name", null=True),
        _count("line_no", null=True),
        _count("byte_offset", null=True),
        _text("state"),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("closed_at", UtcTime),
        _text("closed_by", null=True),
        _text("note", null=True),
        sa.Index(f"{prefix}quarantine_run", "run_id"),
        sa.Index(f"{prefix}quarantine_record", "table_name", "state", "record_key"),
        sqlite_autoincrement=True,
    )


def _undo(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}undo",
        metadata,
        _key("entry_no", sa.BigInteger().with_variant(sa.Integer, "sqlite")),  # so that it is SQLite's rowid
        _count("batch_no"),
        _text("table_name"),
        _text("action"),
        sa.Column("before_image", Image),
        sa.Column("after_image", Image),
    )


class _Texts(sa.types.UserDefinedType[list[str | None]]):
    """PostgreSQL's array of texts; SQLAlchemy's own would load all of that dialect, also for SQLite."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """As it stands in DDL."""
        return "TEXT[]"


Image: Final = sa.Text().with_variant(_Texts(), "postgresql")
"""Of a row: see :mod:`validate_updates.undo.images`."""


def _watermarks(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}watermarks",
        metadata,
        _counter("watermark_no"),
        _text("run_id"),
        _text("task"),
        _text("source"),
        _text("watermark"),
        sa.Column("kept_at", UtcTime, nullable=False),
        sa.Index(f"{prefix}watermarks_source", "task", "source"),
        sa.Index(f"{prefix}watermarks_run", "run_id"),
        sqlite_autoincrement=True,
    )


def _states(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}states",
        metadata,
        _key("plugin"),
        _key("task"),
        _key("name"),
        _text("value"),
        sa.Column("changed_at", UtcTime, nullable=False),
        sqlite_with_rowid=False,
    )


def _switches(metadata: sa.MetaData, prefix: str) -> sa.Table:
    return sa.Table(
        f"{prefix}switches",
        metadata,
        _counter("switch_no"),
        _text("task"),
        _text("plugin"),
        _text("mode"),
        _text("reason"),
        sa.Column("made_at", UtcTime, nullable=False),
        _text("made_by"),
        sqlite_autoincrement=True,
    )


def _version(metadata: sa.MetaData, prefix: str) -> sa.Table:
    # The shape that alembic gives to its version table.
    return sa.Table(
        f"{prefix}version",
        metadata,
        sa.Column("version_num", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("version_num", name=f"{prefix}version_pkc"),
    )
