"""Foreign keys that do something to other rows when a row is deleted, followed as far as they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.names import qualified
from validate_updates.targets.reflect import target_table
from validate_updates.undo.keys import keys_about

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable
    from validate_updates.undo.keys import Name


@dataclass(frozen=True, slots=True)
class Place:
    """A table that a deletion reaches."""

    number: int
    """0: the table itself."""
    target: TargetTable
    address: str
    """The column by which a row is found within the transaction; empty where there is none."""

    @property
    def rows(self) -> sa.TableClause:
        """The table with untyped columns, and the address."""
        names = [*self.target.names, *([self.address] if self.address else [])]
        return sa.table(self.target.name, *map(sa.column, names), schema=self.target.schema)


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key between two of them."""

    parent: Place
    child: Place
    columns: tuple[tuple[str, str], ...]
    """(column of the child, column of the parent)."""
    action: str
    """``CASCADE``, ``SET NULL`` or ``SET DEFAULT``."""

    @property
    def cascades(self) -> bool:
        """Whether rows of the child go too."""
        return self.action == "CASCADE"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a deletion in a table does to other rows."""

    places: tuple[Place, ...]
    """Without those that :attr:`lost` names."""
    references: tuple[Reference, ...]
    lost: tuple[str, ...]
    """Tables whose rows cannot be followed."""


def reach_of(database: Database, connection: sa.Connection, target: TargetTable) -> Reach:
    """Follow the foreign keys that point at a table."""
    places = {target.name: Place(0, target, _address(database, connection, target))}
    references: list[Reference] = []
    lost: list[str] = []
    waiting, followed = [target.name], {target.name}
    while waiting:
        parent = places[waiting.pop(0)]
        for key in keys_about(database, connection, parent.target):
            if not key.action or key.parent != (parent.target.schema, parent.target.name):
                continue
            schema, name = key.child
            child = places.get(name) or _place(database, connection, len(places), key.child)
            if not (parent.address and child.address) or schema != target.schema:
                lost.append(name)
                continue
            places[name] = child
            references.append(Reference(parent, child, key.columns, key.action))
            if key.action == "CASCADE" and name not in followed:
                followed.add(name)
                waiting.append(name)
    return Reach(tuple(places.values()), tuple(references), tuple(dict.fromkeys(lost)))


def _place(database: Database, connection: sa.Connection, number: int, name: Name) -> Place:
    child = target_table(database, connection, name[1], schema=name[0], key=())
    return Place(number, child, _address(database, connection, child))


def _address(database: Database, connection: sa.Connection, target: TargetTable) -> str:
    if database.is_sqlite:
        return "rowid" if target.rowid else ""
    name = qualified(target.schema, target.name)
    plain = connection.execute(_IS_PLAIN, {"name": name}).scalar_one()
    return "ctid" if plain else ""  # a partitioned table has many rows of one address


_IS_PLAIN = sa.text("SELECT relkind = 'r' AND NOT relhassubclass FROM pg_class WHERE oid = to_regclass(:name)")
