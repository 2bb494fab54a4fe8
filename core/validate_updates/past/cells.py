"""What a cell of somebody else's log means: a moment, a number, how a run ended. Text and typed values alike."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

from validate_updates.journal.rows import RunState
from validate_updates.text import printable

NOON: Final = timedelta(hours=12)
"""What is added to a day without a time: in nearly every zone it is that day then."""

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)
"""How far a clock elsewhere may be ahead of ours."""
_SHOWN: Final = 40
"""Characters of a refused cell in the reason."""
_NOTHING: Final = frozenset({"", "null", "none", "nan", "na", "n/a"})
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?", re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{12}", re.ASCII)
_SECONDS, _MILLISECONDS = range(10**8, 10**11), range(10**11, 10**13)


class BadCell(ValueError):
    """A cell that does not mean what its column is said to hold; its text is the reason, one printable line."""


def is_nothing(cell: Any) -> bool:
    """Whether there is nothing in the cell."""
    if isinstance(cell, str):
        return cell.strip().lower() in _NOTHING
    if isinstance(cell, Decimal):
        return cell.is_nan()  # a signalling one too
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def number(cell: Any) -> float:
    """A finite number. Raises :class:`BadCell`."""
    if isinstance(cell, str) and _NUMBER.fullmatch(cell.strip()):
        cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise BadCell(f"{_shown(cell)} is not a number")
    try:
        value = float(cell)
    except (OverflowError, ValueError):  # ValueError: a signalling NaN
        value = math.inf
    if not math.isfinite(value):
        raise BadCell(f"{_shown(cell)} is not a finite number")
    return value + 0.0  # -0.0 is 0


def count(cell: Any) -> float:
    """A whole number from 0 that the journal can hold. Raises :class:`BadCell`."""
    value = number(cell)
    if value < 0 or value != math.floor(value) or value >= 2**63:
        raise BadCell(f"{_shown(cell)} is not a count")
    return value


def moment(cell: Any, zone: tzinfo, now: datetime) -> datetime:
    """A moment, in UTC; one without a zone is of ``zone``, a day without a time is noon UTC.

    Raises :class:`BadCell`, also for what lies before 1970 or after ``now``.
    """
    try:
        found = _moment(cell, zone)
    except (ValueError, OverflowError):  # no such day; a year that has no UTC
        found = None
    if found is None:
        raise BadCell(f"{_shown(cell)} is not a time: write 2024-05-01 or 2024-05-01 06:00:00")
    if found < _EARLIEST:
        raise BadCell(f"{_shown(cell)} lies before 1970")
    if found > now + _AHEAD:
        raise BadCell(f"{_shown(cell)} lies in the future")
    return found


def _moment(cell: Any, zone: tzinfo) -> datetime | None:
    if isinstance(cell, str):
        text = cell.strip().removesuffix(" UTC")
        if _COMPACT.fullmatch(text):
            text = f"{text[:8]}T{text[8:]}"
        if _NUMBER.fullmatch(text) and len(text) > len("20240501"):
            return _since_1970(float(text))
        if not text.isascii():
            return None
        zone = UTC if cell.strip().endswith(" UTC") else zone
        cell = date.fromisoformat(text) if len(text) <= len("2024-05-01") else datetime.fromisoformat(text)
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo else cell.replace(tzinfo=zone)).astimezone(UTC)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC) + NOON
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        return _since_1970(float(cell))
    return None


def _since_1970(value: float) -> datetime | None:
    whole = int(value)
    if whole in _MILLISECONDS:
        return _EARLIEST + timedelta(milliseconds=value)
    return _EARLIEST + timedelta(seconds=value) if whole in _SECONDS else None


_STATES: Final = {
    RunState.COMMITTED: "committed complete completed done finished ok pass passed success succeeded successful",
    RunState.COMMITTED_WITH_QUARANTINE: "committed_with_quarantine completed_with_errors partial partial_success",
    RunState.REJECTED: "refused_by_validation rejected",
    RunState.FAILED: "crashed error errored exception fail failed failure timed_out timeout",
    RunState.INTERRUPTED: "aborted canceled cancelled interrupted killed stopped terminated",
    RunState.ROLLED_BACK: "reverted rollback rolled_back",
    RunState.RUNNING: "in_progress pending queued running started",
}
_BY_WORD: Final = {word: state for state, words in _STATES.items() for word in words.split()}
_SUCCESS_COLUMNS: Final = frozenset({"success", "succeeded", "successful", "is_success", "ok", "passed"})
_EXIT_COLUMNS: Final = frozenset({"exit_code", "exit_status", "exitcode", "return_code", "returncode", "rc"})
_TRUTHS: Final = {"true": True, "t": True, "yes": True, "y": True, "1": True} | {
    "false": False, "f": False, "no": False, "n": False, "0": False
}  # fmt: skip


def state(cell: Any, column: str) -> RunState:
    """How a run ended, or that it is still running.

    Yes and no are told in a column that asks for success, 0 and others in one of exit codes. Raises :class:`BadCell`.
    """
    column = column.strip().lower()
    small = isinstance(cell, int) and cell.bit_length() < 32
    text = str(cell).strip().lower() if isinstance(cell, str) or small else ""
    if column in _EXIT_COLUMNS and re.fullmatch(r"-?\d{1,10}", text, re.ASCII):
        return RunState.FAILED if int(text) else RunState.COMMITTED
    if (column in _SUCCESS_COLUMNS or isinstance(cell, bool)) and text in _TRUTHS:
        return RunState.COMMITTED if _TRUTHS[text] else RunState.FAILED
    found = _BY_WORD.get(re.sub(r"[\s_-]+", "_", text))
    if found is None:
        raise BadCell(f"{_shown(cell)} is no state: words such as success and failed are known")
    return found


def _shown(cell: Any) -> str:
    if is_nothing(cell):
        return "nothing"
    if isinstance(cell, int) and cell.bit_length() > 1000:  # Python does not write out the largest
        return "a huge number"
    return repr(printable(cell, _SHOWN)) if isinstance(cell, str) else printable(cell, _SHOWN)
