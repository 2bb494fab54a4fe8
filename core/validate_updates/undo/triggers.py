"""Whether an update of the target can change more than the record says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.names import qualified, quoted

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable


def changes_more_than_told(database: Database, connection: sa.Connection, target: TargetTable) -> bool:
    """Whether triggers, rules or a foreign key to itself may change cells of the table when rows are updated."""
    if not database.is_sqlite:
        name = qualified(target.schema, target.name)
        return bool(connection.execute(_POSTGRESQL, {"name": name}).scalar_one())
    triggers = connection.execute(_SQLITE_TRIGGERS, {"name": target.name}).scalar_one()
    keys = connection.exec_driver_sql(f"PRAGMA foreign_key_list({quoted(target.name)})").all()
    return bool(triggers) or any(
        key[2].lower() == target.name.lower() and not {key[5], key[6]} <= _DOING_NOTHING for key in keys
    )


_DOING_NOTHING = {"NO ACTION", "RESTRICT"}
_SQLITE_TRIGGERS = sa.text(
    "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(:name)"
)
_POSTGRESQL = sa.text(
    "SELECT c.relkind <> 'r' OR c.relhassubclass OR c.relhasrules"
    " OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)"
    " OR EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = c.oid AND confrelid = c.oid"
    "   AND (confupdtype NOT IN ('a', 'r') OR confdeltype NOT IN ('a', 'r')))"
    " FROM pg_class c WHERE c.oid = to_regclass(:name)"
)
