"""What a plugin's source is read with, and what it gives: records, records that cannot be read, and findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from threading import Event
from time import monotonic
from typing import Any, Final

from validate_updates import signals
from validate_updates.findings import Finding

WATERMARK_BYTES: Final = 64 * 1024
"""The longest watermark that is kept."""

_METRIC: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SLICE: Final = 0.2
"""Seconds between two looks for a signal."""


@dataclass(frozen=True, slots=True)
class PlacedRecord:
    """A record, and where it can be found again."""

    record: Mapping[str, Any]
    place: str
    """Short text for messages and the quarantine: ``"event 337243"``. Without one, a record is known by its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRecord:
    """A record that the source has and cannot give: it goes to quarantine, with the reason."""

    code: str
    """For scripts: ``bad_json``, ``server_error``, …"""
    message: str
    """Why, as one sentence."""
    place: str = ""
    """As of a :class:`PlacedRecord`."""
    key: Mapping[str, Any] = field(default_factory=dict)
    """What is known of its key. A record of that key that lands later closes the entry."""
    raw: str = ""
    """What came in its place, without any secret."""


SourceItem = Mapping[str, Any] | PlacedRecord | UnreadableRecord | Finding
"""What the function of a source gives, one after the other."""


class SourceContext:
    """What the function of a source is called with. Make one by hand to test such a function."""

    def __init__(self, *, task: str = "", as_of: datetime, watermark: str | None = None, dry_run: bool = False) -> None:
        self.task: Final = task
        self.as_of: Final = as_of
        """The time that counts as now, aware, in UTC."""
        self.watermark: Final = watermark
        """What the last update of this task and source that stands gave to :meth:`advance`; None before the first."""
        self.dry_run: Final = dry_run
        self.advanced: str | None = None
        """The watermark to keep, so far."""
        self.metrics: dict[str, float] = {}

    def advance(self, watermark: str) -> None:
        """Say how far the source will have been read: text of your own, of at most 64 KB, which the next run gets.

        It is committed with the update. One that is rejected, fails or is only planned leaves the old one.
        """
        if len(watermark.encode()) > WATERMARK_BYTES:
            raise ValueError(f"a watermark has at most {WATERMARK_BYTES} bytes")
        if "\0" in watermark:
            raise ValueError("a watermark has no NUL character: PostgreSQL has no room for it")
        self.advanced = watermark

    def measure(self, name: str, value: float) -> None:
        """Note a number about the reading, such as requests made: the metric ``<plugin>.<name>``. The last one counts.

        Validators of the moment ``plan`` see it in ``context.metrics``; the journal keeps it with the run.
        """
        if not _METRIC.fullmatch(name) or not isfinite(value):
            raise ValueError(f"a metric is a finite number with a name of letters, digits and _ . -, not {name!r}")
        self.metrics[name] = float(value)

    def pause(self, seconds: float) -> None:
        """Wait. Unlike ``time.sleep`` it ends at a signal, by raising ``Interrupted``: let that pass."""
        until = monotonic() + seconds
        waiting = Event()
        signals.check()
        while (left := until - monotonic()) > 0:
            waiting.wait(min(left, _SLICE))
            signals.check()


Read = Iterable[SourceItem]
"""What the function of a source returns: it is read once, forward; a generator is the usual way."""
