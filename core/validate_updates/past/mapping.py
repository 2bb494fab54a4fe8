"""Which column of somebody else's log means what: as told, or guessed from the names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from validate_updates.errors import UsageError
from validate_updates.journal.texts import NAME_BYTES
from validate_updates.text import printable

COUNTS: Final = ("read", "inserted", "updated", "unchanged", "duplicates", "deleted", "quarantined")
"""Fields that become the metrics ``records.read`` and so on."""
FIELDS: Final = {
    "started_at": "when the run began: a time, or a day",
    "finished_at": "when it ended; tells how long it took",
    "seconds": "how long it took",
    "milliseconds": "the same, in thousandths",
    "state": "how it ended: success, failed, …",
    "id": "its name in the log, where several runs have one moment",
    "task": "its task in the log; only rows that name the task are taken",
} | dict.fromkeys(COUNTS, "records: a count")
METRIC: Final = "metric."
"""Begins a field that is any number, under its own name."""
_RECORDS: Final = "records."
RECORDS: Final = frozenset(f"{_RECORDS}{field}" for field in COUNTS)
"""Metrics that are counts of records."""


@dataclass(frozen=True, slots=True)
class LogMapping:
    """Field -> column."""

    columns: Mapping[str, str]
    doubts: tuple[str, ...] = ()
    """What could not be guessed, as sentences."""

    @property
    def numbers(self) -> Mapping[str, str]:
        """Metric -> column, of the counts and the metrics named."""
        found = {f"{_RECORDS}{field}": self.columns[field] for field in COUNTS if field in self.columns}
        named = {field[len(METRIC) :]: column for field, column in self.columns.items() if field.startswith(METRIC)}
        return found | named

    def unused(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Columns of the log that mean nothing here."""
        used = set(self.columns.values())
        return tuple(column for column in columns if column not in used)


def mapping_given(pairs: Sequence[str], columns: Sequence[str]) -> LogMapping:
    """The mapping of ``field=column`` pairs, of which each text may hold several by commas.

    Fields are those of :data:`FIELDS`, ``records.read`` for ``read`` and so on, and ``metric.NAME``. Raises
    ``UsageError`` for anything else, for a column that is not there, and where the moment or every number is missing.
    """
    found: dict[str, str] = {}
    for pair in (part for text in pairs for part in text.split(",") if part.strip()):
        field, equals, column = (part.strip() for part in pair.partition("="))
        if not equals or not field or not column:
            raise UsageError(f"--map {printable(pair)!r} is not FIELD=COLUMN", hint="such as read=rows_checked")
        field = _known(field.removeprefix(_RECORDS) if field.removeprefix(_RECORDS) in COUNTS else field)
        if field in found:
            raise UsageError(f"--map names {printable(field)} twice")
        found[field] = _there(column, columns)
    return _enough(LogMapping(found), columns)


def mapping_guessed(columns: Sequence[str]) -> LogMapping:
    """The mapping that the names of the columns suggest. Raises ``UsageError`` where they do not suggest enough."""
    plain = {_plain(column): column for column in reversed(columns)}
    found = {field: plain[name] for field, name in _exact(plain)}
    doubts = []
    for field, candidates in _by_word(plain, {_plain(column) for column in found.values()}).items():
        if field in found:
            continue
        if len(candidates) == 1:
            found[field] = plain[candidates[0]]
        else:
            names = ", ".join(printable(plain[name]) for name in candidates)
            doubts.append(f"{field} could be any of {names}: say which with --map")
    ordered = {field: found[field] for field in FIELDS if field in found}
    return _enough(LogMapping(ordered, tuple(doubts)), columns)


def _known(field: str) -> str:
    name = field.removeprefix(METRIC)
    if field.startswith(METRIC) and name and name.isprintable() and len(name.encode(errors="replace")) <= NAME_BYTES:
        return field
    if field not in FIELDS:
        raise UsageError(
            f"--map: there is no field {printable(field)!r}", hint=f"fields: {', '.join(FIELDS)}, metric.NAME"
        )
    return field


def _there(column: str, columns: Sequence[str]) -> str:
    if column in columns:
        return column
    import difflib

    close = difflib.get_close_matches(column, columns, 1)
    meant = f"; did you mean {printable(close[0])!r}?" if close else ""
    raise UsageError(f"--map: the log has no column {printable(column)!r}{meant}", hint=_names(columns))


def _enough(mapping: LogMapping, columns: Sequence[str]) -> LogMapping:
    if "started_at" not in mapping.columns:
        raise UsageError(
            "which column says when a run was?", hint=f"--map started_at=COLUMN,read=COLUMN,… ({_names(columns)})"
        )
    if not mapping.numbers:
        doubts = "".join(f"{doubt}; " for doubt in mapping.doubts)
        raise UsageError(
            "which column holds a count or another number?",
            hint=f"{doubts}--map started_at=COLUMN,read=COLUMN,metric.NAME=COLUMN,… ({_names(columns)})",
        )
    return mapping


def _names(columns: Sequence[str], most: int = 30) -> str:
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return f"columns: {', '.join(printable(column, 60) for column in columns[:most]) or 'none'}{more}"


# Guessing. Names are compared in lower case, with one underscore for whatever stands between words.

_NAMES: Final = {
    "started_at": (
        "started_at start_time started start run_at run_time run_date executed_at timestamp ts datetime date day time "
        "created_at logged_at update_date updated_at"
    ),
    "finished_at": "finished_at finish_time ended_at end_time completed_at stopped_at end",
    "seconds": (
        "seconds duration duration_seconds duration_secs duration_sec duration_s elapsed elapsed_seconds elapsed_s "
        "runtime runtime_seconds run_seconds took"
    ),
    "milliseconds": "milliseconds duration_ms elapsed_ms runtime_ms",
    "state": (
        "state status outcome result success succeeded successful is_success ok exit_code exit_status return_code "
        "returncode rc"
    ),
    "id": "run_id id update_id log_id execution_id uuid",
    "read": "read total total_records records record_count rows row_count count",
    "duplicates": "duplicates duplicate_count",
    "quarantined": "error_count num_errors",
}
_WORDS: Final = {
    "read": "read checked fetched processed scanned seen",
    "inserted": "inserted inserts added created new",
    "updated": "updated updates changed modified",
    "unchanged": "unchanged same",
    "deleted": "deleted deletes removed",
    "quarantined": "quarantined errors invalid bad rejected failed",
}
"""Words one of which makes a name: ``rows_inserted``, ``hearings_added``."""
_OTHER_WORDS: Final = (
    "at on by date time day ts ms seconds percent pct rate ratio share avg average mean median max min message text"
)
"""Words that make it something else: ``created_at``, ``updated_by``, ``error_rate``."""


def _plain(column: str) -> str:
    return re.sub(r"[\W_]+", "_", column.strip().lower()).strip("_")


def _exact(plain: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for field, names in _NAMES.items():
        name = next((name for name in names.split() if name in plain), None)
        if name is not None:
            yield field, name


def _by_word(plain: dict[str, str], taken: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in reversed(plain):
        words = set(name.split("_"))
        fields = [field for field, verbs in _WORDS.items() if words & set(verbs.split())]
        if len(fields) == 1 and not words & set(_OTHER_WORDS.split()) and name not in taken:
            found.setdefault(fields[0], []).append(name)
    return found
