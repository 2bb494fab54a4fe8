"""Staging: the records of an update in a temporary table of the target database, typed like the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from validate_updates.errors import UsageError
from validate_updates.targets.names import ROW, SEQ, SHAPE, TABLES, qualified, quoted
from validate_updates.targets.savepoint import savepoint
from validate_updates.text import key_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from validate_updates.context import Link
    from validate_updates.shapes import Shape
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import Kind, TargetTable

_OURS = (ROW, SEQ, SHAPE)


class Staged:
    """Records in a table of ours, typed like the target: what a plan compares and a writer writes."""

    def __init__(self, database: Database, target: TargetTable, collations: Mapping[str, str]) -> None:
        self._database = database
        self._target = target
        self._collations = collations
        self._shapes: dict[int, Shape] = {}
        self.table: sa.Table

    @property
    def shapes(self) -> Collection[Shape]:
        """The shapes that have rows here."""
        return self._shapes.values()

    @property
    def columns(self) -> tuple[str, ...]:
        """The target's columns that the stage has, in the target's order."""
        return tuple(name for name in self._target.names if name in self.table.c)

    @property
    def links(self) -> tuple[Link, ...]:
        """What is filled by rows elsewhere, and by nothing else."""
        return ()

    @property
    def json_as_text(self) -> bool:
        """Whether JSON is read back as text; the driver of PostgreSQL says what it means."""
        return self._database.is_sqlite

    def carries(self, column: str, shape: sa.ColumnElement[int]) -> sa.ColumnElement[bool] | None:
        """Whether a record whose shape has the number ``shape`` carries ``column``; None where all do."""
        carrying = [number for number, shape in self._shapes.items() if column in shape.columns]
        if len(carrying) == len(self._shapes):
            return None
        # Numbers of our own, written out: there may be more of them than a statement takes parameters.
        return shape.in_(sa.bindparam(None, carrying, expanding=True, literal_execute=True))

    def as_keyed(self, name: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """A column of the target's key, to be compared as the key's own index compares it."""
        if not self._database.is_sqlite:
            return column
        return sa.collate(column, self._collations.get(name, "BINARY"))

    def carried_by(self, shape_number: int, column: str) -> bool:
        """Whether records of the shape with that number carry ``column``."""
        return column in self._shapes[shape_number].columns

    def _column(self, name: str) -> sa.Column[Any]:
        return sa.Column(name, declared(self._target.column(name).type, self._collations.get(name)))


class Stage(Staged):
    """The temporary table ``vu_stage``. It has a column for each column that any record carries."""

    def __init__(self, database: Database, connection: sa.Connection, target: TargetTable) -> None:
        taken = [name for name in target.names if name.lower() in _OURS]
        if taken:
            raise UsageError(f"table {target.name}: the column name {taken[0]} is reserved", hint="rename the column")
        if target.name.lower() in TABLES:
            raise UsageError(f"the table name {target.name} is reserved", hint="rename the table")
        super().__init__(database, target, database.key_collations(connection, target.sql, target.key))
        self._connection = connection
        self.superseded: tuple[str, ...] = ()
        """A few of the keys that more than one record had."""
        self.table = self._create(target.key)

    def knows(self, shape: Shape) -> bool:
        """Whether the shape is admitted."""
        return shape.number in self._shapes

    def admit(self, shape: Shape) -> None:
        """Make room for rows of a new shape. Not to be undone."""
        self._widen(shape.columns)
        self._shapes[shape.number] = shape

    def insert_parts(self, shape: Shape) -> tuple[str, str]:
        """``INSERT INTO stage (…)`` and one group of placeholders, for rows of ``shape`` with their number last."""
        names = [quoted(name) for name in (SHAPE, *shape.columns, SEQ)]
        head = f"INSERT INTO {self._name} ({', '.join(names)})"
        return head, f"({shape.number}, {', '.join('?' * (len(names) - 1))})"

    def kinds(self, shape: Shape) -> list[Kind]:
        """The kinds of the columns of ``shape``."""
        return [self._target.column(name).kind for name in shape.columns]

    def copy_statement(self, shape: Shape) -> str:
        """``COPY stage (…) FROM STDIN`` for rows of ``shape``, each followed by its number and that of the shape."""
        names = ", ".join(quoted(name) for name in (*shape.columns, SEQ, SHAPE))
        return f"COPY {self._name} ({names}) FROM STDIN"

    def settle_duplicates(self) -> int:
        """Keep the last record of each key; returns how many went. Leaves a unique index over the key behind."""
        index = sa.Index("vu_stage_key", *(self.table.c[name] for name in self._target.key), unique=True)
        try:
            with savepoint(self._connection):
                index.create(self._connection)
        except sa.exc.IntegrityError:
            self.superseded = self._duplicate_keys(limit=5)
            gone = self._delete_superseded()
            index.create(self._connection)
        else:
            gone = 0
        self._database.analyze(self._connection, self.table, [self._number.name, *self._target.key])
        return gone

    @property
    def _name(self) -> str:
        """As it stands in a statement."""
        return qualified(self.table.schema, self.table.name)

    @property
    def _number(self) -> sa.Column[Any]:
        """What numbers the rows."""
        return self.table.c[ROW]

    def _duplicate_keys(self, limit: int) -> tuple[str, ...]:
        keys = [self.table.c[name] for name in self._target.key]
        query = sa.select(*keys).group_by(*keys).having(sa.func.count() > 1).limit(limit)
        return tuple(key_text(self._target.key, row) for row in self._connection.execute(query))

    def _delete_superseded(self) -> int:
        stage = self.table
        newest_first = sa.func.row_number().over(
            partition_by=[stage.c[name] for name in self._target.key], order_by=stage.c[SEQ].desc()
        )
        ranked = sa.select(self._number, newest_first.label("place")).subquery()
        superseded = sa.select(ranked.c[self._number.name]).where(ranked.c.place > 1)
        return self._connection.execute(stage.delete().where(self._number.in_(superseded))).rowcount

    def _create(self, key: Sequence[str]) -> sa.Table:
        table = self._database.temporary(
            "vu_stage",
            self._database.row_column(),
            sa.Column(SEQ, sa.BigInteger),
            sa.Column(SHAPE, sa.Integer, nullable=False),
            *(self._column(name) for name in key),
        )
        self._connection.execute(CreateTable(table))
        return table

    def _widen(self, columns: Sequence[str]) -> None:
        for name in columns:
            if name not in self.table.c:
                column = self._column(name)
                self.table.append_column(column)
                kind = column.type.compile(self._connection.dialect)
                cursor = self._connection.connection.cursor()
                cursor.execute(f"ALTER TABLE {self._name} ADD COLUMN {quoted(name)} {kind}")
                cursor.close()


def declared(spelling: str, collation: str | None = None) -> sa.types.TypeEngine[Any]:
    """A column's type as the target spells it."""
    return _Declared(spelling, collation)


class _Declared(sa.types.UserDefinedType[Any]):
    """A column type spelled as the target spells it, so that the stage converts values exactly as the target would."""

    cache_ok = True

    def __init__(self, spelling: str = "", collation: str | None = None) -> None:
        self.spelling = spelling
        self.collation = collation

    def get_col_spec(self, **_: Any) -> str:
        """The type as it stands in DDL."""
        return f"{self.spelling} COLLATE {self.collation}" if self.collation else self.spelling
