"""Hearings that never took place, made up from a seed: the same every time, and plausible at a glance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

SCHEMA = """
CREATE TABLE committees (
    system_code TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    chamber     TEXT NOT NULL CHECK (chamber IN ('House', 'Senate', 'Joint'))
);
CREATE TABLE hearings (
    hearing_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id       TEXT NOT NULL UNIQUE,
    congress       INTEGER NOT NULL,
    chamber        TEXT NOT NULL CHECK (chamber IN ('House', 'Senate', 'Joint')),
    title          TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('Scheduled', 'Canceled', 'Postponed', 'Rescheduled')),
    hearing_date   DATE,
    hearing_time   TIME,
    location       TEXT,
    committee_code TEXT REFERENCES committees (system_code),
    update_date    TIMESTAMP NOT NULL,
    created_at     TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX hearings_by_date ON hearings (hearing_date);
"""

Record = dict[str, Any]

_SUBJECTS = {
    "Agriculture": ("crop insurance", "rural broadband", "food safety", "forest roads"),
    "Appropriations": ("the budget request for fiscal year 2027", "disaster relief", "military construction"),
    "Banking": ("consumer credit", "flood insurance", "digital payments", "housing finance"),
    "Commerce": ("aviation safety", "spectrum policy", "product recalls", "port congestion"),
    "Energy": ("grid reliability", "hydropower licensing", "critical minerals", "pipeline safety"),
    "Health": ("hospital prices", "rural clinics", "drug shortages", "nurse staffing"),
    "Judiciary": ("patent quality", "immigration courts", "antitrust enforcement"),
    "Oversight": ("federal procurement", "agency records", "improper payments"),
    "Transportation": ("bridge repair", "truck parking", "transit funding", "rail crossings"),
    "Veterans": ("claims backlogs", "care in the community", "education benefits"),
}
_OPENINGS = ("Hearings to examine", "Oversight hearing on", "Business meeting to consider", "A closer look at")
_ENDINGS = ("in rural areas", "after the latest report", "and its cost to taxpayers", "in the coming decade", "today")
_ROOMS = {"House": ("2123 Rayburn", "1100 Longworth", "2154 Rayburn"), "Senate": ("SD-226", "SH-216", "SR-253")}


class World:
    """The made-up feed. Each call moves its random numbers on, so a world made from one seed tells one story."""

    def __init__(self, seed: int = 119) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a story, not a secret
        self._number = 337_000
        self.hearings: list[Record] = []
        """All that were announced, as they stand."""

    def committees(self) -> Iterator[tuple[str, str, str]]:
        """Rows of the table of committees."""
        for name in _SUBJECTS:
            for chamber in ("House", "Senate"):
                yield _code(name, chamber), f"{chamber} Committee on {name}", chamber

    def announced(self, day: date, count: int) -> list[Record]:
        """``count`` new hearings, announced on ``day``."""
        new = [self._hearing(day) for _ in range(count)]
        self.hearings += new
        return new

    def changed(self, day: date, count: int) -> list[Record]:
        """``count`` known hearings that were moved, called off or given a room on ``day``."""
        picked = self._random.sample(range(len(self.hearings)), min(count, len(self.hearings)))
        return [self._change(index, day) for index in sorted(picked)]

    def daily(self, day: date) -> list[Record]:
        """The update of an ordinary day: busy from Tuesday to Thursday."""
        usual = (4, 9, 11, 8, 3, 0, 0)[day.weekday()]
        changed = self.changed(day, max(usual + self._random.randint(-3, 2), 2))
        return [*self.announced(day, max(usual + self._random.randint(-2, 3), 1)), *changed]

    def _hearing(self, day: date) -> Record:
        self._number += self._random.randint(1, 3)
        name = self._random.choice(list(_SUBJECTS))
        chamber = self._random.choice(("House", "Senate"))
        words = (self._random.choice(_OPENINGS), self._random.choice(_SUBJECTS[name]), self._random.choice(_ENDINGS))
        held = day + timedelta(days=self._random.randint(5, 30))
        return {
            "event_id": str(self._number),
            "congress": 119,
            "chamber": chamber,
            "title": " ".join(words) + ".",
            "status": "Scheduled",
            "hearing_date": held.isoformat(),
            "hearing_time": f"{self._random.choice((9, 10, 10, 14)):02}:{self._random.choice((0, 15, 30)):02}:00",
            "location": self._random.choice((*_ROOMS[chamber], None)),
            "committee_code": _code(name, chamber),
            "update_date": self._stamp(day),
        }

    def _change(self, index: int, day: date) -> Record:
        record = dict(self.hearings[index])
        what = self._random.random()
        if what < 0.4:
            record["location"] = self._random.choice(_ROOMS[record["chamber"]])
        elif what < 0.7:
            later = date.fromisoformat(record["hearing_date"]) + timedelta(days=self._random.randint(1, 7))
            record.update(status="Rescheduled", hearing_date=later.isoformat())
        else:
            record["status"] = self._random.choice(("Canceled", "Postponed"))
        record["update_date"] = self._stamp(day)
        self.hearings[index] = record
        return record

    def _stamp(self, day: date) -> str:
        at = time(self._random.randint(6, 20), self._random.randint(0, 59), self._random.randint(0, 59))
        return str(datetime.combine(day, at))


def _code(name: str, chamber: str) -> str:
    return f"{chamber[0].lower()}s{name[:2].lower()}00"
