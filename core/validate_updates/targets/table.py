"""The target table as reflection shows it: the one source of identifiers and types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa


class Kind(StrEnum):
    """Our one type system for both databases."""

    INTEGER = "integer"
    REAL = "real"
    NUMERIC = "numeric"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    """Without a zone: stored as the source's own time, UTC where the source gives an offset."""
    TIMESTAMP_TZ = "timestamp with time zone"
    BYTES = "bytes"
    JSON = "json"
    UUID = "uuid"
    OTHER = "other"
    """A type we have no rule for: text is handed to the database, which judges it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the target."""

    name: str
    kind: Kind
    type: str
    """As the database spells it."""
    nullable: bool = True
    has_default: bool = False
    """A default, an identity or an autoincrement fills it when a record leaves it out."""
    generated: bool = False
    """Computed by the database; records cannot carry it."""
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    bits: int = 64
    """Of an integer."""
    choices: tuple[str, ...] = ()
    """Values of an enum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTable:
    """The table that an update writes."""

    name: str
    schema: str | None
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """Columns that tell records apart."""
    primary_key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    """Column sets with a unique constraint or index, the primary key first."""
    sql: sa.Table
    rowid: bool = False
    """SQLite: rows have a rowid."""

    def column(self, name: str) -> Column:
        """The column of that exact name. Raises ``KeyError``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in the table's order."""
        return tuple(column.name for column in self.columns)
