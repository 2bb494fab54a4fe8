"""The metrics of a run are one JSON object in its row; what was their table is a view of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import context, op  # noqa: TID253  # alembic is what runs this file

from validate_updates.journal.tables import named
from validate_updates.journal.texts import json_numbers
from validate_updates.targets.names import quoted

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

revision = "0006"
down_revision = "0005"

_journal: JournalTables = context.config.attributes["journal"]
_prefix, _schema = _journal.prefix, _journal.schema
_metrics, _logs = f"{_prefix}metrics", f"{_prefix}logs"
_view, _of = (named(sa.table(name, schema=_schema)) for name in (_metrics, _logs))


def upgrade() -> None:
    """Move the numbers."""
    conn = op.get_bind()
    is_sqlite = conn.dialect.name == "sqlite"
    op.add_column(_logs, sa.Column("metrics", sa.Text), schema=_schema)
    if not is_sqlite:
        op.execute("SET LOCAL extra_float_digits = 1")  # a role may have less, and numbers would be cut
    moved = [{"run": run_id, "numbers": numbers} for run_id, numbers in _numbers(conn)]
    if moved:
        logs = sa.table(_logs, sa.column("run_id"), sa.column("metrics"), schema=_schema)
        of_a_run = sa.update(logs).where(logs.c.run_id == sa.bindparam("run"))
        conn.execute(of_a_run.values(metrics=sa.bindparam("numbers")), moved)
    readers = [] if is_sqlite else _readers(conn)
    op.drop_table(_metrics, schema=_schema)
    each, value = "json_each(metrics)", "CAST(one.value AS REAL)"
    if not is_sqlite:
        each, value = "json_each_text(metrics::json)", "one.value::double precision"
    # Names of our own alone: the prefix is a plain word, the schema was found in the database.
    op.execute(f"CREATE VIEW {_view} AS SELECT run_id, one.key AS name, {value} AS value FROM {_of}, {each} AS one")  # noqa: S608
    for reader in readers:
        op.execute(f"GRANT SELECT ON {_view} TO {reader}")


def _numbers(conn: sa.Connection) -> Iterator[tuple[str, str | None]]:
    """By run, as the journal writes them. SQL would make them JSON in fewer lines, and round some."""
    run_id, name, value = sa.column("run_id", sa.Text), sa.column("name", sa.Text), sa.column("value", sa.Double)
    old = sa.table(_metrics, run_id, name, value, schema=_schema)
    rows = conn.execute(sa.select(*old.c).order_by(old.c.run_id))
    for run, numbers in groupby(rows, itemgetter(0)):
        yield run, json_numbers({name: value for _, name, value in numbers})


def _readers(conn: sa.Connection) -> list[str]:
    """Who else was allowed to read the table."""
    granted = sa.text(
        "SELECT DISTINCT grantee FROM information_schema.role_table_grants WHERE privilege_type = 'SELECT'"
        " AND grantee <> current_user AND table_name = :name AND table_schema = coalesce(:schema, current_schema())"
    )
    found = conn.scalars(granted, {"name": _metrics, "schema": _schema})
    return ["PUBLIC" if one == "PUBLIC" else quoted(one).replace(":", r"\:") for one in found]
