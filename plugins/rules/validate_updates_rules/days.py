"""Days as settings give them, fixed or counted from the day of the run; and dates in texts of a fixed layout."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_RELATIVE: Final = re.compile(r"today(?:\s*(?P<sign>[+-])\s*(?P<number>\d{1,5})\s*(?P<unit>day|week|month|year)s?)?")


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar, or one so many days and months from the day of the run."""

    fixed: date | None = None
    days: int = 0
    months: int = 0

    def at(self, today: date) -> date:
        """The day that it is in a run of ``today``. The calendar's ends are not crossed."""
        if self.fixed:
            return self.fixed
        month = today.year * 12 + today.month - 1 + self.months
        year, month = divmod(month, 12)
        if not date.min.year <= year <= date.max.year:
            return date.max if self.months > 0 else date.min
        moved = today.replace(year=year, month=month + 1, day=min(today.day, monthrange(year, month + 1)[1]))
        try:
            return moved + timedelta(days=self.days)
        except OverflowError:
            return date.max if self.days > 0 else date.min


def read_day(text: str) -> Day:
    """``2024-02-29``, ``today``, ``today + 2 years``. Raises ``ValueError`` for anything else."""
    match = _RELATIVE.fullmatch(text.strip())
    if match is None:
        try:
            return Day(date.fromisoformat(text.strip()))
        except ValueError:
            raise ValueError(f"{text!r} is no day: write 2024-12-31, today, or today + 2 years") from None
    number = int(match["number"] or 0) * (-1 if match["sign"] == "-" else 1)
    counted = {"day": (number, 0), "week": (number * 7, 0), "month": (0, number), "year": (0, number * 12)}
    days, months = counted[match["unit"] or "day"]
    return Day(None, days, months)


_YEAR: Final = "[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3}"
_LEAP: Final = "[0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00"
_LONG, _SHORT = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])", "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
DATE: Final = f"({_YEAR})-({_LONG}|{_SHORT}|02-(0[1-9]|1[0-9]|2[0-8]))|({_LEAP})-02-29"
"""Pattern of a day that the calendar has, as ``YYYY-MM-DD``."""
CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,12})?)?"
"""Pattern of a time of day."""

_DIRECTIVES: Final = {
    "Y": (4, "[0-9]{4}"),
    "m": (2, "[0-9]{2}"),
    "d": (2, "[0-9]{2}"),
    "H": (2, "([01][0-9]|2[0-3])"),
    "M": (2, "[0-5][0-9]"),
    "S": (2, "[0-5][0-9]"),
}
ISO: Final = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a text the parts of a date stand: every part has a fixed width."""

    pattern: str
    at: dict[str, int]
    """Directive -> the place, from 1, at which it begins."""


def read_layout(text: str) -> Layout:
    """A layout as ``strftime`` writes it, with year, month and day, each once. Raises ``ValueError``."""
    pattern, at, place = "", {}, 1
    parts = re.findall(r"%.|[^%]|%$", text, re.DOTALL)
    for part in parts:
        if part[0] != "%" or part == "%%":
            char = part[-1]
            pattern += char if char.isalnum() or char == " " or not char.isascii() else f"\\{char}"
            place += 1
            continue
        directive = part[1:]
        if directive not in _DIRECTIVES or directive in at:
            again = "stands there twice" if directive in at else "is none of %Y %m %d %H %M %S %%"
            raise ValueError(f"{text!r} is no layout of a date: {part} {again}")
        width, one = _DIRECTIVES[directive]
        at[directive] = place
        pattern, place = pattern + one, place + width
    if not {"Y", "m", "d"} <= at.keys():
        raise ValueError(f"{text!r} is no layout of a date: it needs %Y, %m and %d")
    return Layout(pattern, at)
