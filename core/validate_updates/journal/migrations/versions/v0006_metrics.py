"""The metrics of a run are one JSON object in its row; what was their table is a view of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import context, op  # noqa: TID253  # alembic is what runs this file

from validate_updates.targets.names import qualified

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

revision = "0006"
down_revision = "0005"

_journal: JournalTables = context.config.attributes["journal"]
_prefix, _schema = _journal.prefix, _journal.schema


_SQLITE = (
    "json_group_object(name, json(quote(value)))",  # a number itself would be cut to 15 digits
    "json_each(metrics)",
    "CAST(one.value AS REAL)",
)
_POSTGRESQL = (
    """json_object_agg(name, value ORDER BY name COLLATE "C")::text""",
    "json_each_text(metrics::json)",
    "one.value::double precision",
)


def upgrade() -> None:
    """Move the numbers."""
    numbers, each, value = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    logs, metrics = (qualified(_schema, f"{_prefix}{name}").replace(":", r"\:") for name in ("logs", "metrics"))
    op.add_column(f"{_prefix}logs", sa.Column("metrics", sa.Text), schema=_schema)
    # Names of our own alone: the prefix is a plain word, the schema was found in the database.
    op.execute(
        f"UPDATE {logs} SET metrics = measured.numbers"  # noqa: S608
        f" FROM (SELECT run_id, {numbers} AS numbers FROM {metrics} GROUP BY run_id) AS measured"
        f" WHERE measured.run_id = {logs}.run_id"
    )
    op.drop_table(f"{_prefix}metrics", schema=_schema)
    op.execute(
        f"CREATE VIEW {metrics} AS SELECT run_id, one.key AS name, {value} AS value FROM {logs}, {each} AS one"  # noqa: S608
    )
