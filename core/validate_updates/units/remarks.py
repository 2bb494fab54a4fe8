"""What is to be said about units, as findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from validate_updates.findings import Finding, Severity
from validate_updates.text import counted

if TYPE_CHECKING:
    from validate_updates.units.plan import Unfit

_SHOWN = 5


def replaced(table: str, records: int, keys: Sequence[str]) -> Finding:
    """Records of one key: the last one counts, with its children."""
    return Finding(
        code="duplicate_key",
        severity=Severity.WARNING,
        message=f"{counted(records, 'record')} replaced by a later one of the same key in the source",
        table=table,
        observed=records,
        samples=tuple(keys),
    )


def repeated(table: str, rows: int) -> Finding:
    """Children of one key below one parent: the last one counts."""
    return Finding(
        code="duplicate_child",
        severity=Severity.WARNING,
        message=f"{counted(rows, 'row')} of {table} replaced by a later one of the same parent and key",
        table=table,
        observed=rows,
    )


def unfit(units: Iterable[Unfit]) -> Iterator[Finding]:
    """Units that refer to rows which are not there, or to several at once, by reference."""
    groups: dict[tuple[str, str, str], dict[int, str]] = defaultdict(dict)
    for one in units:
        groups[one.code, one.table, one.column].setdefault(one.unit, one.key)
    for (code, table, column), found in groups.items():
        records = counted(len(found), "record")
        missing = code == "reference_not_found"
        yield Finding(
            code=code,
            severity=Severity.WARNING,
            message=f"{records} kept out: {table}.{column} means "
            + ("a row that is not there" if missing else "one of several rows"),
            table=table,
            column=column,
            observed=len(found),
            samples=tuple(dict.fromkeys(found.values()))[:_SHOWN],
            hint='bring these rows first, or set missing = "create"'
            if missing
            else 'make the key tell them apart, or set ambiguous = "first"',
        )


def first_of_several(found: Iterable[tuple[str, str, int, Sequence[str]]]) -> Iterator[Finding]:
    """References to keys that several rows have, where the first is taken: (table, column, keys, some of them)."""
    for table, column, keys, samples in found:
        yield Finding(
            code="reference_ambiguous",
            severity=Severity.INFO,
            message=f"{table}.{column}: {counted(keys, 'key')} that several rows have; the first of them was taken",
            table=table,
            column=column,
            observed=keys,
            samples=tuple(samples),
        )
