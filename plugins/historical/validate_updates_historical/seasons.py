"""The calendar: which runs are compared with which. A run in a recess is like those in earlier ones, and no others."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from validate_updates import PluginSettings
from validate_updates_historical.spans import Recurring, Span, span

MONTH_END: Final = "month end"
CALENDAR_FILE: Final = ".ics"


class Calendar(PluginSettings, frozen=True, kw_only=True):
    """Days that are like each other and unlike the rest."""

    periods: Annotated[
        dict[str, tuple[Annotated[str, Meta(extra={"path": CALENDAR_FILE})], ...]],
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

    spans: Mapping[str, tuple[Span | Recurring, ...]]
    month_ends: int = 0

    def of(self, time: date) -> str | None:
        """The season of a run: the first period that its day lies in, in UTC; None on a day like most."""
        if not self.spans and not self.month_ends:
            return None
        if isinstance(time, datetime):
            time = (time.astimezone(UTC) if time.tzinfo else time).date()
        for name, spans in self.spans.items():
            if any(time in span for span in spans):
                return name
        if not self.month_ends:
            return None
        _, days = monthrange(time.year, time.month)
        return MONTH_END if time.day > days - self.month_ends else None


def seasons(calendar: Calendar) -> Seasons:
    """The calendar with its files read. Raises ``UsageError`` where one cannot be."""
    spans = {name: tuple(_spans(texts)) for name, texts in calendar.periods.items()}
    return Seasons(spans, calendar.month_ends)


def _spans(texts: tuple[str, ...]) -> Iterator[Span | Recurring]:
    from validate_updates_historical.calendar_files import events

    for text in texts:
        if _is_file(text):
            yield from events(Path(text))
        else:
            yield span(text)


def _is_file(text: str) -> bool:
    return text.lower().endswith(CALENDAR_FILE)
