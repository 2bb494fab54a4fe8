"""Rows that were left as they are, for people: which, why, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from validate_updates.result import CellChange
from validate_updates.text import key_text
from validate_updates.undo.restoring import AMBIGUOUS, OF_A_FOREIGN_KEY
from validate_updates.undo.result import Conflict, Reason
from validate_updates.undo.steps import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.base import Database
    from validate_updates.targets.trouble import Trouble
    from validate_updates.undo.restoring import Restoring

_CELL_LIMIT: Final = 200
"""Characters of a cell."""


def conflicts(database: Database, connection: sa.Connection, restoring: Restoring, limit: int) -> Sequence[Conflict]:
    """The first ``limit`` conflicts, the last written first."""
    entry, rows, loaded = restoring.loaded.table, restoring.matching.rows, restoring.loaded

    def shown(element: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return element if database.is_sqlite else sa.cast(element, sa.Text)

    ours = [shown(loaded.written(name)).label(f"ours{number}") for number, name in enumerate(loaded.columns)]
    now = [shown(rows.c[name]).label(f"now{number}") for number, name in enumerate(loaded.columns)]
    query = (
        sa.select(entry.c.pos, entry.c.state, entry.c.step, *ours, *now)
        .select_from(entry.outerjoin(rows, restoring.matching.same_key()))
        .where(entry.c.state.in_(list(Reason)))
        .order_by(entry.c.pos.desc())
        .limit(limit)
    )
    return [_conflict(restoring, row) for row in connection.execute(query)]


def _conflict(restoring: Restoring, row: sa.Row[Any]) -> Conflict:
    loaded = restoring.loaded
    pos, state, step, *cells = tuple(row)
    ours, now = cells[: len(loaded.columns)], cells[len(loaded.columns) :]
    reason = Reason(state)
    differ = reason in {Reason.CHANGED, Reason.THERE_AGAIN}
    return Conflict(
        table=loaded.target.name,
        key=key_text(loaded.target.key, [ours[loaded.columns.index(name)] for name in loaded.target.key]),
        reason=reason,
        detail=_detail(restoring.refusals.get(pos), step) if reason is Reason.REFUSED else "",
        cells=tuple(
            CellChange(column=name, old=_text(old), new=_text(new))
            for name, old, new in zip(loaded.columns, ours, now, strict=True)
            if differ and old != new
        ),
    )


def _detail(refusal: Trouble | None, step: str) -> str:
    """Why the database refuses. A row that has to go breaks no foreign key of its own, but those of others."""
    if refusal is None:
        return AMBIGUOUS
    if step == Step.DELETE and refusal.code in OF_A_FOREIGN_KEY:
        return "other rows refer to it"
    return refusal.message


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:_CELL_LIMIT]
