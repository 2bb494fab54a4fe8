"""The calendar: which runs are compared with which. A run in a recess is like those in earlier ones, and no others."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from validate_updates import PluginSettings, UsageError

MONTH_END: Final = "month end"
YEARLY: Final = "FREQ=YEARLY"
"""The one rule of repetition that is read: most calendars of holidays list their days."""
_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:/(\d{4}-\d{2}-\d{2}))?")
_FOLD = re.compile(r"\r?\n[ \t]")
_ALARM = re.compile(r"BEGIN:VALARM.*?END:VALARM", re.DOTALL | re.IGNORECASE)
_MOMENT = re.compile(r"(\d{8})(?:T(\d{6})Z?)?")


@dataclass(frozen=True, slots=True)
class Span:
    """Days that belong together."""

    first: date
    last: date
    yearly: bool = False
    """They come again every year."""

    def __contains__(self, day: date) -> bool:
        if not self.yearly:
            return self.first <= day <= self.last
        length = self.last - self.first
        begins = (_in_year(self.first, year) for year in (day.year, day.year - 1) if year >= self.first.year)
        return any(begin <= day <= begin + length for begin in begins)


class Calendar(PluginSettings, frozen=True, kw_only=True):
    """Days that are like each other and unlike the rest."""

    periods: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="name, as recess -> its days: 2025-07-04, 2025-08-01/2025-09-01, or an .ics file"),
    ] = {}  # noqa: RUF012  # msgspec gives each instance its own
    month_ends: Annotated[
        int, Meta(ge=0, le=10, description="last days of each month, to compare with each other and no others")
    ] = 0

    def __post_init__(self) -> None:
        """Refuse what is no day, no range and no file of a calendar."""
        for name, texts in self.periods.items():
            for text in texts:
                if not _is_file(text):
                    try:
                        span(text)
                    except ValueError as error:
                        raise ValueError(f"periods.{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class Seasons:
    """A calendar, its files read."""

    spans: Mapping[str, tuple[Span, ...]]
    month_ends: int = 0

    def of(self, time: date) -> str | None:
        """The season of a run: the first period that its day lies in, in UTC; None on a day like most."""
        if isinstance(time, datetime):
            time = (time.astimezone(UTC) if time.tzinfo else time).date()
        for name, spans in self.spans.items():
            if any(time in span for span in spans):
                return name
        _, days = monthrange(time.year, time.month)
        return MONTH_END if time.day > days - self.month_ends else None


def seasons(calendar: Calendar) -> Seasons:
    """The calendar with its files read. Raises ``UsageError`` where one cannot be."""
    spans = {name: tuple(_spans(texts)) for name, texts in calendar.periods.items()}
    return Seasons(spans, calendar.month_ends)


def span(text: str) -> Span:
    """``2025-07-04``, or ``2025-08-01/2025-09-01``. Raises ``ValueError``."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is neither a day, 2025-07-04, nor a range, 2025-08-01/2025-09-01, nor an .ics file")
    first, last = date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return Span(first, last)


def _spans(texts: tuple[str, ...]) -> Iterator[Span]:
    for text in texts:
        if _is_file(text):
            yield from events(Path(text))
        else:
            yield span(text)


def _is_file(text: str) -> bool:
    return text.lower().endswith(".ics")


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February
        return day.replace(year=year, day=28)


# Files of calendars (RFC 5545)


def events(path: Path) -> Iterator[Span]:
    """The days of all events in a file. Raises ``UsageError`` where it cannot be read, or not wholly."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(
            f"the calendar {path} cannot be read: {what}", hint="see [plugins.historical.calendar]"
        ) from error
    properties: dict[str, str] | None = None
    for number, line in enumerate(_ALARM.sub("", _FOLD.sub("", text)).splitlines(), start=1):
        name, _, value = line.strip().partition(":")
        name = name.partition(";")[0].upper()
        if (name, value.upper()) == ("BEGIN", "VEVENT"):
            properties = {}
        elif (name, value.upper()) == ("END", "VEVENT") and properties is not None:
            try:
                yield from _event(properties)
            except ValueError as error:
                hint = "write these days into the settings: [plugins.historical.calendar]"
                raise UsageError(
                    f"the calendar {path}, event that ends in line {number}: {error}", hint=hint
                ) from error
            properties = None
        elif properties is not None:
            properties.setdefault(name, value)


def _event(properties: Mapping[str, str]) -> Iterator[Span]:
    if properties.get("STATUS", "").upper() == "CANCELLED":
        return
    rule = properties.get("RRULE", "").upper().strip(";")
    unread = {"DURATION", "RDATE", "EXDATE"} & properties.keys() or ({"RRULE"} if rule not in {"", YEARLY} else set())
    if unread:
        raise ValueError(f"{', '.join(sorted(unread))} is not read")
    first, _ = _moment(properties.get("DTSTART", ""))
    last, at_midnight = _moment(properties["DTEND"]) if "DTEND" in properties else (first, False)
    if at_midnight and last > first:
        last -= timedelta(days=1)
    if last < first:
        raise ValueError("it ends before it begins")
    yield Span(first, last, yearly=rule == YEARLY)


def _moment(text: str) -> tuple[date, bool]:
    """The day, and whether it is its very beginning."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no day")
    return date.fromisoformat(found[1]), found[2] in {None, "000000"}
