"""Checks of an update of hearings: words, numbers and dates that no hearing has, and hearings without a committee.

One odd meeting is a warning, and a matter for a person. Where many are odd, the API has changed its language or
something is wrong with the mapping: then the update may not stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from validate_updates import Context, Finding, Severity
from vu_congress.settings import Congress

CHAMBERS: Final = ("House", "Senate", "Joint", "NoChamber")
TYPES: Final = ("Hearing", "Meeting", "Markup")
STATUSES: Final = ("Scheduled", "Canceled", "Postponed", "Rescheduled")
FIRST_YEAR: Final = 1789
"""Of the first Congress; each has two years, and begins on the third of January."""
LEAST: Final = 20
"""Records from which a share says something."""
_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Odd:
    """What is odd about a hearing."""

    code: str
    column: str
    what: str
    """After a number of hearings: ``"with an unknown chamber"``."""
    expected: str


def chambers(context: Context, settings: Congress) -> Iterator[Finding]:
    """Chambers that do not exist."""
    yield from _words(context, settings, "chamber", CHAMBERS)


def types(context: Context, settings: Congress) -> Iterator[Finding]:
    """Types that do not exist."""
    yield from _words(context, settings, "hearing_type", TYPES)


def statuses(context: Context, settings: Congress) -> Iterator[Finding]:
    """Statuses that do not exist."""
    yield from _words(context, settings, "status", STATUSES)


def congress_numbers(context: Context, settings: Congress) -> Iterator[Finding]:
    """Numbers of a Congress that do not go with the year of the hearing."""
    if not _has(context, "congress", "hearing_date"):
        return
    staged = context.staged.c
    year, month, day = (sa.cast(sa.extract(part, staged.hearing_date), sa.Integer) for part in ("year", "month", "day"))
    ordinal = (year - FIRST_YEAR) // 2 + 1
    before_it_began = sa.and_(month == 1, day < 3, staged.congress == ordinal - 1)
    wrong = sa.and_(staged.congress != ordinal, ~before_it_began)
    odd = Odd(
        "congress_number", "congress", "whose Congress did not sit in the year of the hearing", "the year's Congress"
    )
    yield from _told(context, settings, odd, wrong)


def far_ahead(context: Context, settings: Congress) -> Iterator[Finding]:
    """Hearings further ahead than anybody plans."""
    if not _has(context, "hearing_date"):
        return
    last = (context.run.as_of + timedelta(days=365.25 * settings.years_ahead)).date()
    odd = Odd("hearing_far_ahead", "hearing_date", f"after {last}", f"at most {settings.years_ahead:g} years ahead")
    yield from _told(context, settings, odd, context.staged.c.hearing_date > last)


def without_committees(context: Context, settings: Congress) -> Iterator[Finding]:
    """Hearings of the update that no committee holds, when all is written."""
    if "hearing_committees" not in context.db.tables() or not context.counts.read:
        return
    hearings, links = context.db.table("hearings"), context.db.table("hearing_committees")
    staged = sa.select(context.staged.c.event_id)
    linked = sa.exists().where(links.c.hearing_id == hearings.c.hearing_id)
    alone = sa.and_(hearings.c.event_id.in_(staged), ~linked)
    number = int(context.db.scalar(sa.select(sa.func.count()).select_from(hearings).where(alone)) or 0)
    if not number or 100 * number <= settings.without_committees_percent * context.counts.read:
        return
    keys = context.db.rows(sa.select(hearings.c.event_id).where(alone).order_by(hearings.c.event_id), _SAMPLES)
    yield Finding(
        code="without_committees",
        severity=Severity.WARNING,
        message=f"{number} hearings of the update have no committee",
        hint="an answer of the API without its list of committees is often mended on the next day",
        table="hearing_committees",
        observed=number,
        expected=f"at most {settings.without_committees_percent:g} % of {context.counts.read}",
        samples=tuple(f"event_id={row.event_id}" for row in keys),
    )


def _words(context: Context, settings: Congress, column: str, known: tuple[str, ...]) -> Iterator[Finding]:
    if _has(context, column):
        odd = Odd(f"unknown_{column}", column, f"with an unknown {column}", f"one of {', '.join(known)}")
        yield from _told(context, settings, odd, context.staged.c[column].not_in(known))


def _has(context: Context, *columns: str) -> bool:
    return {"event_id", *columns} <= set(context.columns)


def _told(context: Context, settings: Congress, odd: Odd, wrong: sa.ColumnElement[bool]) -> Iterator[Finding]:
    staged = context.staged
    number = int(context.db.scalar(sa.select(sa.func.count()).select_from(staged).where(wrong)) or 0)
    if not number:
        return
    total = int(context.db.scalar(sa.select(sa.func.count()).select_from(staged)) or 0)
    many = total >= LEAST and 100 * number > settings.odd_percent * total
    shown = sa.select(staged.c.event_id, staged.c[odd.column].label("value")).where(wrong)
    rows = context.db.rows(shown.order_by(staged.c.event_id), _SAMPLES)
    yield Finding(
        code=odd.code,
        severity=Severity.CRITICAL if many else Severity.WARNING,
        message=f"{number} of {total} hearings {odd.what}",
        hint="does the API speak another language now?" if many else "see the meeting on congress.gov",
        table="hearings",
        column=odd.column,
        observed=number,
        expected=odd.expected,
        samples=tuple(f"event_id={row.event_id}: {row.value}" for row in rows),
    )
