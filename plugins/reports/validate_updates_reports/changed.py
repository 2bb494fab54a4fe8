"""What has changed: some rows of each table, old and new, from the undo logs that are still there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from validate_updates import CellChange, Change, ReportContext, RunKind, RunRow, Section

ROWS: Final = 20
EACH: Final = 5
"""Rows of one table from one run."""
CELLS: Final = 4
RUNS: Final = 10
"""That are looked at, the newest."""
_WRITES: Final = {RunKind.UPDATE, RunKind.REPLAY}


def changed(context: ReportContext) -> Section:
    """The newest changes; the rows are a sample, and the lines say of how much."""
    runs = [run for run in context.runs if run.kind in _WRITES and run.state.stands and _written(run)]
    shown: list[tuple[str, ...]] = []
    for run in runs[:RUNS]:
        room = ROWS - len(shown)
        if room <= 0:
            break
        sample = context.journal.changes(run.run_id, EACH)
        shown += [_row(one, run.table) for one in sample[:room]]
    written = sum(map(_written, runs))
    if not shown:
        why = "its undo log is no longer there" if written else "nothing was written"
        return Section(title="What has changed", lines=(why,))
    return Section(
        title="What has changed",
        header=("table", "", "row", "cells"),
        rows=tuple(shown),
        lines=tuple(_summary(shown, written)),
    )


def _written(run: RunRow) -> int:
    return run.counts.inserted + run.counts.updated + run.counts.deleted


def _summary(shown: list[tuple[str, ...]], written: int) -> Iterator[str]:
    yield f"{len(shown)} of {written:,} changes, in {', '.join(Counter(row[0] for row in shown))}"


def _row(change: Change, table: str) -> tuple[str, ...]:
    cells = [_cell(change.action, cell) for cell in change.cells[:CELLS]]
    more = len(change.cells) - CELLS
    return (
        change.table or table,
        {"insert": "added", "update": "changed", "delete": "deleted"}.get(change.action, change.action),
        change.key,
        ", ".join((*cells, *((f"and {more} more",) if more > 0 else ()))),
    )


def _cell(action: str, cell: CellChange) -> str:
    if action == "update":
        return f"{cell.column}: {_value(cell.old)} -> {_value(cell.new)}"
    return f"{cell.column}={_value(cell.new if action == 'insert' else cell.old)}"


def _value(text: str | None) -> str:
    """Short: a row has several."""
    if text is None:
        return "NULL"
    return text if len(text) <= 40 else f"{text[:39]}…"
