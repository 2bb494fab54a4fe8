"""What validators say: findings, each with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How much a finding weighs. Only ``critical`` decides against an update."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 2 for critical: for sorting, worst last."""
        return _RANK[self]


_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}

Value = str | int | float | bool | None
"""What a finding may carry as observed or expected value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was noticed about an update.

    ``code`` is stable and made for scripts (``rows_added_high``); ``message`` is one sentence for people and may hold
    values of records, so whoever prints it goes through :func:`validate_updates.text.printable`. ``plugin``,
    ``validator`` and ``moment`` are filled in by the engine.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    """What to do about it, as one sentence or a command."""
    table: str | None = None
    key: str | None = None
    """The record's key as text, ``"event_id=337243"``."""
    column: str | None = None
    batch: int | None = None
    metric: str | None = None
    observed: Value = None
    expected: str | None = None
    """The allowed value or range, as text: ``"at most 1000"``."""
    runs: tuple[str, ...] = ()
    """Ids of the earlier runs that the expectation rests on."""
    samples: tuple[str, ...] = ()
    """A few examples, bounded; never all of them."""
    plugin: str = ""
    validator: str = ""
    moment: str = ""

    def by(self, plugin: str, validator: str, moment: str) -> Finding:
        """The same finding, signed by who made it and when."""
        return replace(self, plugin=plugin, validator=validator, moment=moment)


PLUGIN_FAILURES: Final = frozenset(
    {"validator_failed", "metric_failed", "section_failed", "observer_failed", "plugin_failed"}
)
"""Codes of findings that say that plugin code itself failed, not what it thinks of the update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepOut:
    """A record that may not be written, and why: it goes to quarantine, and the others are written.

    Only validators of the moment ``records`` may answer so. The engine tells the record's key and place, and sums up in
    a finding for each code, column and rule.
    """

    row: int
    """Its ``vu_row`` among the staged records, or among the rows staged for :attr:`table`."""
    code: str
    """Stable, for scripts."""
    message: str
    """One sentence; may hold values of the record."""
    column: str | None = None
    rule: str = ""
    """Name of the rule that it breaks."""
    table: str | None = None
    """The table of a child that is to blame, which takes its whole unit out; of the record itself unless given."""
