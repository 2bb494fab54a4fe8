"""Records that were staged and are kept out after all: as quarantine entries, from which they can be replayed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from validate_updates.records import reads_back
from validate_updates.result import KeptOut
from validate_updates.targets.names import ROW, SEQ, SHAPE
from validate_updates.targets.plan import INSERT, UPDATE
from validate_updates.targets.table import Column, Kind
from validate_updates.text import key_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from validate_updates.context import BatchInfo
    from validate_updates.findings import Finding, KeepOut
    from validate_updates.sources.base import Place
    from validate_updates.targets.plan import Plan

REFUSED = "the database refused a record: "
"""How a refusal begins before it is known which record it was."""

_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode


def entries_of(
    plan: Plan, connection: sa.Connection, batch: BatchInfo, reason: Finding, place_of: Callable[[int], Place]
) -> Iterator[KeptOut]:
    """The records of a batch that are still to be written, kept out for ``reason``.

    ``place_of`` tells where a record came from, by its number in the source. Deletions have no record.
    """
    table = plan.table
    query = (
        sa.select(plan.seq, plan.shape, *(plan.cell(name) for name in plan.stage.columns))
        .select_from(plan.records)
        .where(table.c.pos.between(batch.first, batch.last), table.c.action.in_((INSERT, UPDATE)))
        .order_by(table.c.pos)
    )
    for record in connection.execute(query):
        yield replace(
            _entry(plan, record, place_of),
            code=reason.code,
            message=reason.message.removeprefix(REFUSED),
            column=reason.column,
            constraint=reason.expected or "" if reason.code == "record_refused" else "",
            batch=batch.number,
        )


def entries_for(
    plan: Plan, connection: sa.Connection, reasons: Sequence[KeepOut], place_of: Callable[[int], Place]
) -> Iterator[KeptOut]:
    """Staged records that a validator keeps out, each for its reason and in that order."""
    for start in range(0, len(reasons), _TOGETHER):
        together = reasons[start : start + _TOGETHER]
        rows: Any = sa.bindparam(None, [reason.row for reason in together], expanding=True, literal_execute=True)
        stage = plan.stage.table
        cells = (stage.c[name] for name in plan.stage.columns)
        query = sa.select(stage.c[ROW], stage.c[SEQ], stage.c[SHAPE], *cells).where(stage.c[ROW].in_(rows))
        records = {row: record for row, *record in connection.execute(query)}
        for reason in together:
            yield replace(
                _entry(plan, records[reason.row], place_of),
                code=reason.code,
                message=reason.message,
                column=reason.column,
                constraint=reason.rule,
            )


_TOGETHER = 500
"""Records that are read by one statement."""


def _entry(plan: Plan, record: Sequence[Any], place_of: Callable[[int], Place]) -> KeptOut:
    """All of an entry but the reason. ``record``: its place, shape and cells."""
    seq, shape, *cells = record
    values = dict(zip(plan.stage.columns, cells, strict=True))
    place = place_of(seq)
    return KeptOut(
        code="",
        message="",
        key=key_text(plan.key, (values[name] for name in plan.key)),
        file=place.file,
        line=place.number,
        record=record_text(
            {plan.target.column(name): values[name] for name in values if plan.stage.carried_by(shape, name)},
            json_as_text=plan.stage.json_as_text,
        ),
    )


def record_text(cells: dict[Column, Any], *, json_as_text: bool) -> str:
    """As a line of JSON that means the same record again. ``json_as_text``: whether JSON is text still."""
    came = {column.name: as_came(column, value, json_as_text=json_as_text) for column, value in cells.items()}
    return as_line(came)


def as_line(record: Mapping[str, Any]) -> str:
    """A record of staged values as a line of JSON; where JSON cannot hold them, as Python shows it."""
    return _encode(record).decode() if reads_back(record) else repr(dict(record))


def as_came(column: Column, value: Any, *, json_as_text: bool) -> Any:
    """A staged value as a record carries it."""
    if json_as_text and column.kind is Kind.JSON and isinstance(value, str):
        return json.loads(value)
    if column.kind is Kind.BOOLEAN and value in (0, 1):
        return bool(value)
    return value
