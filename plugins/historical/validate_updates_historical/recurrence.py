"""Days that come again by a rule of a calendar file: the RRULE of RFC 5545, as far as whole days go.

Read are FREQ=DAILY, WEEKLY, MONTHLY and YEARLY with INTERVAL, COUNT or UNTIL, BYDAY, BYMONTH, BYMONTHDAY and WKST. What
else a rule holds is refused by name: a calendar that is read in part would compare the wrong days.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Final

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BYDAY: Final = re.compile(rf"([+-]?\d{{1,2}})?({'|'.join(WEEKDAYS)})")
_UNTIL: Final = re.compile(r"(\d{8})(?:T(\d{6})Z?)?")
_READ: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "WKST"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When something comes again."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    """The last moment at which it may begin."""
    weekdays: tuple[tuple[int | None, int], ...] = ()
    """(which one of the month or year, the weekday with Monday as 0); None is every one."""
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    """Below 0 from the end: -1 is a month's last day."""
    week_start: int = 0


def rule(text: str) -> Rule:
    """``FREQ=WEEKLY;BYDAY=FR`` as a rule. Raises ``ValueError`` for what is none, or is not read."""
    parts: dict[str, str] = {}
    for part in text.upper().strip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or name in parts:
            raise ValueError(f"{text!r} is no rule")
        parts[name] = value
    unread = sorted(parts.keys() - _READ)
    if unread or parts.get("FREQ") not in _FREQUENCIES:
        what = ", ".join(unread) or f"FREQ={parts.get('FREQ', '')}"
        raise ValueError(f"{what} in a rule is not read")
    found = Rule(
        freq=parts["FREQ"],
        interval=_number(parts, "INTERVAL") or 1,
        count=_number(parts, "COUNT"),
        until=_until(parts.get("UNTIL")),
        weekdays=tuple(_weekday(one) for one in parts["BYDAY"].split(",")) if "BYDAY" in parts else (),
        months=tuple(sorted(_numbers(parts, "BYMONTH", 1, 12))),
        month_days=tuple(_numbers(parts, "BYMONTHDAY", -31, 31)),
        week_start=_week_start(parts.get("WKST", "MO")),
    )
    _require_sense(found)
    return found


@lru_cache(maxsize=1024)
def starts(rule: Rule, first: datetime, year: int) -> tuple[date, ...]:
    """The days on which something begins that begins at ``first`` and comes again, until the end of ``year``."""
    begin, last = first.date(), date(year, 12, 31)
    if rule.until is not None:
        until = rule.until.date()
        last = min(last, until if first.time() <= rule.until.time() else until - timedelta(days=1))
    found = [begin]  # the first one counts, whatever the rule says
    every = takewhile(lambda day: day <= last, _FREQUENCIES[rule.freq](rule, begin, last))
    for day in every:
        if rule.count is not None and len(found) >= rule.count:
            break
        if day > begin:
            found.append(day)
    return tuple(found)


def _daily(rule: Rule, first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1, rule.interval):
        day = date.fromordinal(ordinal)
        chosen = not rule.month_days or day.day in _days_of_month(rule, day.year, day.month)
        if chosen and _in_months(rule, day) and (not rule.weekdays or (None, day.weekday()) in rule.weekdays):
            yield day


def _weekly(rule: Rule, first: date, last: date) -> Iterator[date]:
    week = first.toordinal() - (first.weekday() - rule.week_start) % 7
    days = {weekday for _, weekday in rule.weekdays} or {first.weekday()}
    offsets = sorted((day - rule.week_start) % 7 for day in days)
    for begin in range(week, last.toordinal() + 1, 7 * rule.interval):
        for ordinal in (begin + offset for offset in offsets if 1 <= begin + offset <= date.max.toordinal()):
            day = date.fromordinal(ordinal)
            if _in_months(rule, day):
                yield day


def _monthly(rule: Rule, first: date, last: date) -> Iterator[date]:
    begin, end = first.year * 12 + first.month - 1, last.year * 12 + last.month
    for number in range(begin, end, rule.interval):
        year, month = divmod(number, 12)
        if not rule.months or month + 1 in rule.months:
            yield from _of_month(rule, first, year, month + 1)


def _yearly(rule: Rule, first: date, last: date) -> Iterator[date]:
    all_year = bool(rule.weekdays) and not (rule.months or rule.month_days)
    months = rule.months or (tuple(range(1, 13)) if rule.month_days else (first.month,))
    for year in range(first.year, last.year + 1, rule.interval):
        if all_year:
            yield from sorted(_weekdays_within(rule, date(year, 1, 1), date(year, 12, 31)))
        else:
            for month in months:
                yield from _of_month(rule, first, year, month)


_FREQUENCIES: Final[Mapping[str, Callable[[Rule, date, date], Iterator[date]]]] = {
    "DAILY": _daily,
    "WEEKLY": _weekly,
    "MONTHLY": _monthly,
    "YEARLY": _yearly,
}


def _of_month(rule: Rule, first: date, year: int, month: int) -> list[date]:
    """The days of a month, in order; a day that it does not have is left out."""
    _, length = monthrange(year, month)
    if rule.month_days or not rule.weekdays:
        numbers = _days_of_month(rule, year, month) if rule.month_days else {first.day}
        found = {date(year, month, number) for number in numbers if number <= length}
    else:
        found = set(_weekdays_within(rule, date(year, month, 1), date(year, month, length)))
    if rule.month_days and rule.weekdays:
        found = {day for day in found if (None, day.weekday()) in rule.weekdays}
    return sorted(found)


def _days_of_month(rule: Rule, year: int, month: int) -> set[int]:
    _, length = monthrange(year, month)
    numbers = {number if number > 0 else length + 1 + number for number in rule.month_days}
    return {number for number in numbers if 1 <= number <= length}


def _weekdays_within(rule: Rule, first: date, last: date) -> set[date]:
    found: set[date] = set()
    for which, weekday in rule.weekdays:
        begin = first.toordinal() + (weekday - first.weekday()) % 7
        every = [date.fromordinal(ordinal) for ordinal in range(begin, last.toordinal() + 1, 7)]
        if which is None:
            found.update(every)
        elif abs(which) <= len(every):
            found.add(every[which - 1 if which > 0 else which])
    return found


def _in_months(rule: Rule, day: date) -> bool:
    return not rule.months or day.month in rule.months


def _require_sense(rule: Rule) -> None:
    numbered = any(which is not None for which, _ in rule.weekdays)
    if rule.count is not None and rule.until is not None:
        raise ValueError("a rule ends by COUNT or by UNTIL, not both")
    if numbered and (rule.freq not in {"MONTHLY", "YEARLY"} or rule.month_days):
        raise ValueError(f"BYDAY with a number is not read with {'BYMONTHDAY' if rule.month_days else rule.freq}")
    most = 53 if rule.freq == "YEARLY" and not rule.months else 5
    for which, weekday in rule.weekdays:
        if which is not None and abs(which) > most:
            raise ValueError(f"BYDAY={which}{WEEKDAYS[weekday]} is out of range with {rule.freq}")
    if rule.month_days and rule.freq == "WEEKLY":
        raise ValueError("BYMONTHDAY is not read with WEEKLY")


def _number(parts: Mapping[str, str], name: str) -> int | None:
    found = _numbers(parts, name, 1, 9999)
    if len(found) > 1:
        raise ValueError(f"{name}={parts[name]} is more than one number")
    return found[0] if found else None


def _numbers(parts: Mapping[str, str], name: str, least: int, most: int) -> list[int]:
    if name not in parts:
        return []
    try:
        found = [int(one) for one in parts[name].split(",")]
    except ValueError:
        raise ValueError(f"{name}={parts[name]} is no number") from None
    if not all(least <= one <= most and one for one in found):
        raise ValueError(f"{name}={parts[name]} is out of range")
    return found


def _weekday(text: str) -> tuple[int | None, int]:
    found = _BYDAY.fullmatch(text)
    which = int(found[1]) if found and found[1] else None
    if found is None or which == 0:
        raise ValueError(f"{text!r} is no weekday")
    return which, WEEKDAYS.index(found[2])


def _week_start(text: str) -> int:
    which, weekday = _weekday(text)
    if which is not None:
        raise ValueError(f"WKST={text} is no weekday")
    return weekday


def _until(text: str | None) -> datetime | None:
    """A day is meant to its end."""
    if text is None:
        return None
    found = _UNTIL.fullmatch(text)
    if found is None:
        raise ValueError(f"UNTIL={text} is no day")
    day = date.fromisoformat(found[1])
    return datetime.combine(day, time.fromisoformat(found[2]) if found[2] else time.max)
