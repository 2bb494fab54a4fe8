"""A history from a CSV file: one row a run with a column for each metric, or ``date,metric,value``."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from validate_updates.errors import SourceError
from validate_updates.testing.past import History, Role, Update
from validate_updates.text import printable

MOMENTS: Final = ("date", "moment", "time", "timestamp", "started_at", "run_date")
"""Names that the column with the time of the run may have; ISO 8601, in UTC unless it says otherwise."""

_Cell = tuple[datetime, str, float]


def read_history(path: Path) -> History:
    """The history in a file, in the order of its runs; an empty cell is a metric that the run did not have.

    Raises ``SourceError`` with the line that cannot be read.
    """
    runs: dict[datetime, dict[str, float]] = {}
    shown = printable(str(path), 300)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line, (moment, metric, value) in _cells(csv.reader(file, strict=True), shown):
                metrics = runs.setdefault(moment, {})
                if metric in metrics:
                    raise _unreadable(shown, line, f"a second {printable(metric, 60)} of {moment:%Y-%m-%d %H:%M}")
                metrics[metric] = value
    except OSError as error:
        raise SourceError(f"{shown} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{shown} is no CSV in UTF-8: {printable(str(error), 120)}") from error
    updates = tuple(Update(moment, metrics) for moment, metrics in sorted(runs.items()))
    return History(name=path.name, updates=updates, roles=_roles(updates))


def _cells(rows: Iterator[list[str]], shown: str) -> Iterator[tuple[int, _Cell]]:
    header = [name.strip() for name in next(rows, [])]
    time = next((name for name in MOMENTS if name in header), None)
    if time is None or len(header) < 2 or len({*header}) < len(header):
        hint = f"it needs one of {', '.join(MOMENTS)}, and metrics, each once"
        raise SourceError(f"{shown}, line 1: the header does not make a history", hint=hint)
    long = {*header} == {time, "metric", "value"}
    for line, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(header):
            raise _unreadable(shown, line, f"{len(row)} cells, not {len(header)}")
        named = dict(zip(header, row, strict=True))
        moment = _moment(named.pop(time), shown, line)
        metrics: Mapping[str, str] = {named["metric"]: named["value"]} if long else named
        for metric, text in metrics.items():
            if text.strip():
                yield line, (moment, metric, _number(text, metric, shown, line))


def _moment(text: str, shown: str, line: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _unreadable(shown, line, f"{printable(text, 40)!r} is no date") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str, metric: str, shown: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _unreadable(shown, line, f"{printable(metric, 60)} is {printable(text, 40)!r}, which is no number")
    return value


def _unreadable(shown: str, line: int, what: str) -> SourceError:
    return SourceError(f"{shown}, line {line}: {what}", hint="leave out columns that are no metrics")


def _roles(updates: tuple[Update, ...]) -> dict[str, Role]:
    """What kind of number each metric is, by what it looks like."""
    values: dict[str, list[float]] = {}
    for update in updates:
        for metric, value in update.metrics.items():
            values.setdefault(metric, []).append(value)
    return {metric: _role(found) for metric, found in values.items()}


def _role(values: list[float]) -> Role:
    if all(0 <= value <= 1 for value in values) and not all(value in {0, 1} for value in values):
        return Role.SHARE
    changes = sorted(abs(after - before) for before, after in pairwise(values))
    level = sorted(values)[len(values) // 2]
    calm = bool(changes) and changes[len(changes) * 9 // 10] < 0.02 * level
    return Role.TOTAL if calm and sum(map(bool, changes)) > 0.01 * len(changes) else Role.COUNT
