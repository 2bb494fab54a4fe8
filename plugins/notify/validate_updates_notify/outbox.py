"""News that a channel has not been told yet: kept for all tasks together, until it may be told, and could be.

Kept under a name for each run, so that two runs that end at the same moment do not overwrite each other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from validate_updates_notify.news import News, packed, unpacked

MOST_HELD: Final = 50
"""Runs whose news wait for one channel; the oldest are given up."""
_EARLY: Final = 0.99
"""An hourly run that starts a moment earlier than the last one counts as an hour later."""


class Outbox:
    """Of one channel, in what the plugin keeps."""

    def __init__(self, kept: dict[str, str], channel: str) -> None:
        self._kept = kept
        self._held = f"held/{channel}/"
        self._sent = f"sent/{channel}"

    def put(self, run_id: str, news: Sequence[News]) -> int:
        """Keep news of a run; how many runs' had to be given up for it."""
        if news:
            self._kept[self._held + run_id] = packed(news)
        too_many = self._names()[:-MOST_HELD]
        for name in too_many:
            del self._kept[name]
        return len(too_many)

    def news(self) -> list[News]:
        """All that waits, oldest first."""
        return [one for name in self._names() for one in unpacked(self._kept[name])]

    def may_send(self, now: datetime, quiet: timedelta) -> bool:
        """Whether the last message is long enough ago."""
        last = self._kept.get(self._sent)
        return last is None or not timedelta() <= now - datetime.fromisoformat(last) < quiet * _EARLY

    def sent(self, now: datetime) -> None:
        """All of it was told."""
        for name in self._names():
            del self._kept[name]
        self._kept[self._sent] = now.isoformat()

    def _names(self) -> list[str]:
        return sorted(name for name in self._kept if name.startswith(self._held))
