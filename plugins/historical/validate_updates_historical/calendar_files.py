"""Files of calendars (RFC 5545): the days of all their events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from validate_updates import UsageError
from validate_updates_historical.recurrence import rule
from validate_updates_historical.spans import Recurring, Span

_FOLD: Final = re.compile(r"\r?\n[ \t]")
_ALARM: Final = re.compile(r"BEGIN:VALARM.*?END:VALARM", re.DOTALL | re.IGNORECASE)
_MOMENT: Final = re.compile(r"(\d{8})(?:T(\d{6})Z?)?")
_DURATION: Final = re.compile(r"\+?P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)")
_UNREAD: Final = ("RDATE", "EXRULE", "RECURRENCE-ID")
"""Ways to say which days an event is on that are refused: to leave them out would be to compare the wrong days."""

Properties = Mapping[str, Sequence[str]]


def events(path: Path) -> Iterator[Span | Recurring]:
    """The days of all events in a file. Raises ``UsageError`` where it cannot be read, or not wholly."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(
            f"the calendar {path} cannot be read: {what}", hint="see [plugins.historical.calendar]"
        ) from error
    properties: dict[str, list[str]] | None = None
    for number, line in enumerate(_ALARM.sub("", _FOLD.sub("", text)).splitlines(), start=1):
        name, _, value = line.strip().partition(":")
        name = name.partition(";")[0].upper()
        if (name, value.upper()) == ("BEGIN", "VEVENT"):
            properties = {}
        elif (name, value.upper()) == ("END", "VEVENT") and properties is not None:
            try:
                yield from _event(properties)
            except (ValueError, OverflowError) as error:
                hint = "write these days into the settings: [plugins.historical.calendar]"
                raise UsageError(
                    f"the calendar {path}, event that ends in line {number}: {error}", hint=hint
                ) from error
            properties = None
        elif properties is not None:
            properties.setdefault(name, []).append(value)


def _event(properties: Properties) -> Iterator[Span | Recurring]:
    if _only(properties, "STATUS").upper() == "CANCELLED":
        return
    unread = [name for name in _UNREAD if name in properties]
    if unread:
        raise ValueError(f"{', '.join(unread)} is not read")
    begins = _moment(_only(properties, "DTSTART"))
    last = _last_day(properties, begins)
    if last < begins.date():
        raise ValueError("it ends before it begins")
    if "RRULE" not in properties:
        yield Span(begins.date(), last)
        return
    without = (_moment(one).date() for line in properties.get("EXDATE", ()) for one in line.split(","))
    again = rule(_only(properties, "RRULE"))
    yield Recurring(begins, last - begins.date(), again, frozenset(without))


def _only(properties: Properties, name: str) -> str:
    values = properties.get(name, [""])
    if len(values) > 1:
        raise ValueError(f"it has {name} {len(values)} times")
    return values[0]


def _last_day(properties: Properties, begins: datetime) -> date:
    """An end at midnight is that of the day before."""
    if "DURATION" in properties:
        ends = begins + _duration(_only(properties, "DURATION"))
    elif "DTEND" in properties:
        ends = _moment(_only(properties, "DTEND"))
    else:
        return begins.date()
    if ends.time() == time(0) and ends > begins:
        return ends.date() - timedelta(days=1)
    return ends.date()


def _moment(text: str) -> datetime:
    """A time, or the beginning of a day."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no day")
    at = time.fromisoformat(found[2]) if found[2] else time(0)
    return datetime.combine(date.fromisoformat(found[1]), at)


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no duration")
    weeks, days, hours, minutes, seconds = (int(one or 0) for one in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
