"""The target table by reflection: identifiers and types come from the database, never from a record or a setting."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.journal.tables import of_journals
from validate_updates.targets.table import TargetTable

if TYPE_CHECKING:
    from validate_updates.targets.base import Database


def table_names(connection: sa.Connection, schema: str | None = None) -> list[str]:
    """Names of the tables of the schema (the connection's default unless given)."""
    return sa.inspect(connection).get_table_names(schema=schema)


def reflect(connection: sa.Connection, name: str, schema: str | None = None) -> sa.Table:
    """One table, without those it refers to. Raises ``UsageError`` with the names that exist."""
    inspector = sa.inspect(connection)
    names = inspector.get_table_names(schema=schema)
    if name not in names:
        theirs = {*names} - of_journals(names)
        close = difflib.get_close_matches(name, theirs, 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(
            f"there is no table {name!r} in the target{meant}", hint=f"tables: {', '.join(sorted(theirs)) or 'none'}"
        )
    with warnings.catch_warnings():
        # Types that SQLAlchemy does not know are no concern here: kinds come from the database's own spelling.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        return sa.Table(name, sa.MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)


def target_table(
    database: Database, connection: sa.Connection, name: str, *, schema: str | None, key: Sequence[str]
) -> TargetTable:
    """The table an update writes. ``key`` empty: to be settled by :func:`key_for` when the records' columns are known.

    Raises ``UsageError`` for an unknown table or key column.
    """
    table = reflect(connection, name, schema)
    columns = database.columns(connection, table)
    names = [column.name for column in columns]
    for part in key:
        if part not in names:
            close = difflib.get_close_matches(part, names, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(
                f"table {name} has no column {part!r} for the key{meant}", hint=f"columns: {', '.join(names)}"
            )
    primary = tuple(str(column.name) for column in table.primary_key.columns)
    return TargetTable(
        name=name,
        schema=schema,
        columns=columns,
        key=tuple(key),
        primary_key=primary,
        unique=tuple(dict.fromkeys([*([primary] if primary else []), *_unique_sets(connection, table)])),
        sql=table,
        rowid=database.has_rowid(connection, table),
    )


def _unique_sets(connection: sa.Connection, table: sa.Table) -> list[tuple[str, ...]]:
    inspector = sa.inspect(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # indexes over expressions are none of ours
        constraints = inspector.get_unique_constraints(table.name, schema=table.schema)
        # SQLite's index behind each constraint: SQLAlchemy reads its constraints from the text, and some it overlooks.
        auto = {"include_auto_indexes": True} if connection.dialect.name == "sqlite" else {}
        indexes = inspector.get_indexes(table.name, schema=table.schema, **auto)
    found = [tuple(map(str, one["column_names"])) for one in constraints]
    for index in indexes:
        names = index["column_names"]
        partial = any(option.endswith("_where") for option in index.get("dialect_options") or {})
        if index["unique"] and not partial and all(isinstance(name, str) for name in names):
            found.append(tuple(str(name) for name in names))
    return sorted(set(found), key=lambda names: (len(names), names))


def key_for(target: TargetTable, carried: Iterable[str]) -> tuple[str, ...]:
    """The key by which records that carry these columns are told apart: the primary key, or the only unique constraint.

    Raises ``UsageError`` where there is none, or more than one.
    """
    carried = set(carried)
    if target.key:
        return target.key
    if target.primary_key and carried.issuperset(target.primary_key):
        return target.primary_key
    fitting = [names for names in target.unique if carried.issuperset(names)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        choices = "; ".join(",".join(names) for names in fitting)
        raise UsageError(
            f"table {target.name} has several unique keys that the records carry: {choices}",
            hint="name one with --key",
        )
    known = "; ".join(",".join(names) for names in target.unique) or "none"
    raise UsageError(
        f"no key: the records carry none of the unique keys of table {target.name} ({known})",
        hint="name the columns that tell records apart with --key",
    )
