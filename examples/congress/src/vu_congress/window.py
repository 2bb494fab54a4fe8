"""What of the API a run reads: meetings that changed in a window of time, and those that an earlier run had to leave.

The window ends when the run began, so that what changes meanwhile belongs to the next one; and it begins a little
before the last one ended, since the index of the API is sometimes late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from vu_congress.settings import Congress

MOST_AGAIN: Final = 200
"""Meetings that are remembered to be asked for again."""


class Meeting(msgspec.Struct, frozen=True, array_like=True):
    """How a meeting is asked for."""

    congress: int
    chamber: str
    event_id: str

    @property
    def path(self) -> str:
        """Below the address of the API."""
        return f"committee-meeting/{self.congress}/{self.chamber}/{self.event_id}"

    @property
    def place(self) -> str:
        """For people."""
        return f"meeting {self.event_id} ({self.chamber}, {self.congress}th Congress)"


class Watermark(msgspec.Struct, frozen=True):
    """How far the API was read."""

    until: datetime
    again: tuple[Meeting, ...] = ()
    """Meetings that were listed and could not be had."""

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when."""

    begin: datetime
    end: datetime

    @property
    def parameters(self) -> dict[str, str]:
        """As the API wants it."""
        return {"fromDateTime": f"{self.begin:%Y-%m-%dT%H:%M:%SZ}", "toDateTime": f"{self.end:%Y-%m-%dT%H:%M:%SZ}"}


def window_after(mark: Watermark | None, settings: Congress, as_of: datetime, now: datetime) -> Window:
    """What is due after ``mark``. It never reaches beyond ``now``: what will change by then nobody knows."""
    end = min(as_of, now).astimezone(UTC)
    if mark is None:
        return Window(end - timedelta(days=settings.first_days), end)
    return Window(min(mark.until, end) - timedelta(hours=settings.overlap_hours), end)


def read_watermark(text: str | None) -> Watermark | None:
    """The watermark that an earlier run left. Raises ``ValueError`` for what is none."""
    return None if text is None else msgspec.json.decode(text, type=Watermark)
