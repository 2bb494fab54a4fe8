"""Days that belong together: a range, and one that comes again."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from validate_updates_historical.recurrence import Rule, starts

_SPAN: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:/(\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True, slots=True)
class Span:
    """From a first day to a last one."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Recurring:
    """As many days, again and again."""

    begins: datetime
    more: timedelta
    """From its first day to its last."""
    rule: Rule
    without: frozenset[date] = frozenset()
    """First days on which it does not come after all."""

    def __contains__(self, day: date) -> bool:
        known = starts(self.rule, self.begins, day.year)
        place = bisect_right(known, day)
        while place and day - known[place - 1] <= self.more:
            place -= 1
            if known[place] not in self.without:
                return True
        return False


def span(text: str) -> Span:
    """``2025-07-04``, or ``2025-08-01/2025-09-01``. Raises ``ValueError``."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is neither a day, 2025-07-04, nor a range, 2025-08-01/2025-09-01, nor an .ics file")
    first, last = date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return Span(first, last)
