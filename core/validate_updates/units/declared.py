"""What a task says of its tables: which are children of which, and what they refer to by natural keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from validate_updates.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)


class Children(StrEnum):
    """What the list of a parent's children means."""

    MERGE = "merge"
    """Those listed are there; others stay."""
    REPLACE = "replace"
    """Those listed are there, and no others."""


class Missing(StrEnum):
    """What becomes of a unit that refers to a row which does not exist."""

    REQUIRE = "require"
    """It is kept out."""
    CREATE = "create"
    """The row is made, of what the record says of it."""


class Ambiguous(StrEnum):
    """What becomes of a unit that refers to a natural key which several rows have."""

    REFUSE = "refuse"
    """It is kept out."""
    FIRST = "first"
    """It refers to the first of them, by their own key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column that a record fills by the natural key of a row elsewhere."""

    column: str
    table: str
    by: tuple[str, ...]
    """The natural key: columns of that table."""
    missing: Missing = Missing.REQUIRE
    ambiguous: Ambiguous = Ambiguous.REFUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTable:
    """One table of a task."""

    name: str
    key: tuple[str, ...] = ()
    parent: str | None = None
    """The table whose records carry those of this one."""
    references: tuple[Reference, ...] = ()
    children: Children = Children.MERGE
    """What a list of them means."""


def unit_table(name: str, said: Mapping[str, Any]) -> UnitTable:
    """A table as settings have it, or a mapping of the same form. Raises ``UsageError``."""
    unknown = set(said) - {"key", "parent", "references", "children"}
    if unknown:
        raise UsageError(f"tables.{name}: unknown key {min(unknown)!r}", hint="key, parent, references, children")
    key = said.get("key") or ()
    references = said.get("references") or {}
    return UnitTable(
        name=name,
        key=(key,) if isinstance(key, str) else tuple(key),
        parent=said.get("parent"),
        references=tuple(reference(name, column, to) for column, to in references.items()),
        children=_choice(Children, f"tables.{name}.children", said.get("children", Children.MERGE)),
    )


def reference(table: str, column: str, said: str | Mapping[str, Any]) -> Reference:
    """``"committees.system_code"``, or a mapping with that as ``to``. Raises ``UsageError``."""
    where = f"tables.{table}.references.{column}"
    given = {"to": said} if isinstance(said, str) else dict(said)
    to, by = str(given.pop("to", "")).partition(".")[::2]
    names = tuple(name.strip() for name in by.split(","))
    missing = _choice(Missing, f"{where}.missing", given.pop("missing", Missing.REQUIRE))
    ambiguous = _choice(Ambiguous, f"{where}.ambiguous", given.pop("ambiguous", Ambiguous.REFUSE))
    if not to or not all(names) or given:
        raise UsageError(
            f"{where}: {said!r} is no reference",
            hint='"TABLE.COLUMN,COLUMN", or { to = "TABLE.COLUMN", missing = "create", ambiguous = "first" }',
        )
    return Reference(column=column, table=to, by=names, missing=missing, ambiguous=ambiguous)


def root_of(tables: Mapping[str, UnitTable]) -> str:
    """The table that the records of the source are of: the one without a parent that is a parent, or the first."""
    tops = [name for name, table in tables.items() if table.parent is None]
    parents = [name for name in tops if any(table.parent == name for table in tables.values())]
    if not tops:
        raise UsageError("every table of the task has a parent, so no record can begin", hint="leave one parent out")
    return parents[0] if len(parents) == 1 else tops[0]


def _choice(kind: type[Choice], where: str, said: object) -> Choice:
    try:
        return kind(str(said))
    except ValueError:
        raise UsageError(f"{where}={said!r} is unknown", hint=f"one of: {', '.join(kind)}") from None
