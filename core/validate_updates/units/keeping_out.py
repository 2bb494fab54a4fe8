"""Units that are kept out after they were staged: read back whole from the stages, as records that mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.keeping_out import as_came, as_line
from validate_updates.result import KeptOut
from validate_updates.targets.names import SEQ, SHAPE
from validate_updates.targets.plan import INSERT, UPDATE
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.context import BatchInfo
    from validate_updates.sources.base import Place
    from validate_updates.targets.plan import Plan
    from validate_updates.units.decoding import Form
    from validate_updates.units.staging import MemberStage, Stages

Record = dict[str, Any]

_TOGETHER = 200
"""Units read back by one statement."""


def records_of(
    connection: sa.Connection, stages: Stages, forms: Mapping[tuple[int, int], Form], units: Sequence[int]
) -> Iterator[tuple[int, Record]]:
    """The records of these numbers, with all that came with them."""
    for start in range(0, len(units), _TOGETHER):
        some = units[start : start + _TOGETHER]
        found: dict[tuple[int, int], Record] = {}
        for stage in stages.stages:  # parents before their children
            for cells in connection.execute(_rows(stage, some)).mappings():
                _enter(stage, cells, forms, found)
        yield from ((unit, found[0, unit]) for unit in some if (0, unit) in found)


def _rows(stage: MemberStage, units: Sequence[int]) -> sa.Select[Any]:
    return sa.select(stage.table).where(stage.unit.in_(units)).order_by(stage.table.c[SEQ])


def _enter(
    stage: MemberStage,
    cells: Mapping[Any, Any],
    forms: Mapping[tuple[int, int], Form],
    found: dict[tuple[int, int], Record],
) -> None:
    member = stage.member
    form = forms[member.number, cells[SHAPE]]
    record: Record = {}
    for cell, name in zip(form.cells, form.named, strict=True):
        place = record if len(cell.path) == 1 else record.setdefault(cell.path[0], {})
        place[cell.path[-1]] = as_came(member.staged.column(name), cells[name], json_as_text=stage.json_as_text)
    record |= {child.name: [] for child in form.lists}
    found[member.number, cells[SEQ]] = record
    if member.parent is not None:
        found[member.parent, cells[member.up]][member.name].append(record)


def units_at(plan: Plan, connection: sa.Connection, batch: BatchInfo) -> Sequence[int]:
    """Numbers of the units of a batch that are still to be written."""
    table = plan.table
    query = sa.select(table.c.row).where(
        table.c.pos.between(batch.first, batch.last), table.c.action.in_((INSERT, UPDATE))
    )
    return list(connection.scalars(query.order_by(table.c.pos)))


def entry_of(
    record: Record,
    key: Sequence[str],
    place: Place,
    *,
    code: str,
    message: str,
    column: str | None = None,
    constraint: str = "",
    batch: int | None = None,
) -> KeptOut:
    """One unit as an entry of the quarantine."""
    parts = [f"{name}={printable(record[name], 80)}" for name in key if record.get(name) is not None]
    return KeptOut(
        code=code,
        message=message,
        key=", ".join(parts) or None,
        column=column,
        constraint=constraint,
        batch=batch,
        file=place.file,
        line=place.number,
        record=as_line(record),
    )
