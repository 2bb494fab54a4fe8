"""Made-up meetings in the shape that the API gives them, and the six tables that they belong into.

The same numbers give the same meetings. Nobody in them exists.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

Meeting = dict[str, Any]

CONGRESS: Final = 119
COMMITTEES: Final = (
    ("hsag00", "Agriculture Committee", "House", None),
    ("hsag15", "Forestry Subcommittee", "House", "hsag00"),
    ("hsap00", "Appropriations Committee", "House", None),
    ("hsap01", "Agriculture and Rural Development Subcommittee", "House", "hsap00"),
    ("ssbu00", "Budget Committee", "Senate", None),
    ("ssfi00", "Finance Committee", "Senate", None),
    ("ssfi02", "Taxation Subcommittee", "Senate", "ssfi00"),
)
"""Code, name, chamber, and the committee that a subcommittee belongs to."""

_TOPICS: Final = ("the budget", "forests", "rural roads", "drought", "“small farms”", "customs", "radio spectrum")
_OFFICES: Final = ("Director", "Chief Economist", "Professor", "President", None)
_HOUSES: Final = ("Office of Examples", "University of Nowhere", "Sample Growers, Inc.", None)


def feed(last_day: date, *, days: int = 12, seed: int = CONGRESS) -> dict[str, list[Meeting]]:
    """What changed on each of so many days up to ``last_day``: day -> meetings. Some change on several days."""
    chance = random.Random(seed)
    known: dict[str, Meeting] = {}
    by_day: dict[str, list[Meeting]] = {}
    for back in range(days - 1, -1, -1):
        day = last_day - timedelta(days=back)
        if day.weekday() > 4:
            continue
        new = [_new(chance, number, day) for number in range(len(known), len(known) + chance.randint(4, 12))]
        changed = [_changed(chance, one, day) for one in chance.sample([*known.values()], min(len(known), 3))]
        by_day[day.isoformat()] = [*changed, *new]
        known |= {one["eventId"]: one for one in (*changed, *new)}
    return by_day


def all_of(by_day: Mapping[str, list[Meeting]]) -> Iterator[Meeting]:
    """The meetings of all days, in order."""
    for meetings in by_day.values():
        yield from meetings


def _new(chance: random.Random, number: int, day: date) -> Meeting:
    held_by = chance.choice(COMMITTEES)
    chamber, event_id = held_by[2], str(330_000 + number)
    committees = [held_by, *(one for one in COMMITTEES if one[0] == held_by[3])]
    begins = datetime.combine(day + timedelta(days=chance.randint(1, 20)), datetime.min.time())
    return {
        "eventId": event_id,
        "congress": CONGRESS,
        "chamber": chamber,
        "title": f"Hearings to examine {chance.choice(_TOPICS)}" if chance.random() < 0.95 else "",
        "type": chance.choice(("Hearing", "Hearing", "Meeting", "Markup")) if chamber == "House" else "Hearing",
        "meetingStatus": "Scheduled",
        "date": f"{begins + timedelta(hours=chance.choice((13, 14, 18))):%Y-%m-%dT%H:%M:%SZ}",
        "updateDate": _update_date(chance, day),
        "committees": [
            {"systemCode": code, "name": name, "url": f"https://api.congress.gov/v3/committee/{house.lower()}/{code}"}
            for code, name, house, _ in committees
        ],
        "witnesses": [_witness(chance) for _ in range(chance.randint(0, 4))],
        "location": chance.choice((None, {"room": f"SD-{100 + number}", "building": "Dirksen Building"})),
        "url": f"https://api.congress.gov/v3/committee-meeting/{CONGRESS}/{chamber.lower()}/{event_id}",
    }


def _changed(chance: random.Random, meeting: Meeting, day: date) -> Meeting:
    changed = {**meeting, "updateDate": _update_date(chance, day)}
    if chance.random() < 0.5:
        changed["meetingStatus"] = chance.choice(("Postponed", "Rescheduled", "Canceled"))
    if chance.random() < 0.5:
        changed["witnesses"] = [*meeting["witnesses"][1:], _witness(chance)]
    return changed


def _witness(chance: random.Random) -> dict[str, str | None]:
    return {
        "name": f"Witness {chance.randint(1, 60)}",
        "position": chance.choice(_OFFICES),
        "organization": chance.choice(_HOUSES),
    }


def _update_date(chance: random.Random, day: date) -> str:
    return f"{day.isoformat()}T{chance.randint(8, 20):02}:{chance.randint(0, 59):02}:00Z"


def save(by_day: Mapping[str, list[Meeting]], folder: Path) -> None:
    """As files for the source ``congress:saved``: DAY/meetings.jsonl."""
    for day, meetings in by_day.items():
        (folder / day).mkdir(parents=True)
        lines = (json.dumps({"committeeMeeting": meeting}, ensure_ascii=False) + "\n" for meeting in meetings)
        (folder / day / "meetings.jsonl").write_text("".join(lines), encoding="utf-8")


def make_database(path: Path) -> None:
    """A SQLite database with the six tables and the committees."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(tables())
        for code, name, chamber, parent in COMMITTEES:
            kind = "Subcommittee" if parent else "Standing"
            database.execute(
                "INSERT INTO committees (system_code, name, chamber, type, parent_committee_id, congress)"
                " VALUES (?, ?, ?, ?, (SELECT committee_id FROM committees WHERE system_code = ?), ?)",
                (code, name, chamber, kind, parent, CONGRESS),
            )
        database.commit()


def tables(*, postgresql: bool = False) -> str:
    """The statements that make the six tables."""
    if postgresql:
        return _TABLES.format(number="INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", yes="true")
    return _TABLES.format(number="INTEGER PRIMARY KEY AUTOINCREMENT", yes="1")


_TABLES: Final = """
CREATE TABLE committees (
    committee_id {number},
    system_code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    chamber TEXT NOT NULL CHECK (chamber IN ('House', 'Senate', 'Joint', 'NoChamber')),
    type TEXT NOT NULL CHECK (type IN ('Standing', 'Select', 'Special', 'Joint', 'Task Force', 'Other', 'Subcommittee',
                                       'Commission or Caucus')),
    parent_committee_id INTEGER REFERENCES committees (committee_id),
    is_current BOOLEAN NOT NULL DEFAULT {yes},
    url TEXT,
    congress INTEGER NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE hearings (
    hearing_id {number},
    event_id TEXT NOT NULL UNIQUE,
    congress INTEGER NOT NULL,
    chamber TEXT NOT NULL CHECK (chamber IN ('House', 'Senate', 'NoChamber')),
    title TEXT NOT NULL,
    hearing_type TEXT NOT NULL CHECK (hearing_type IN ('Hearing', 'Meeting', 'Markup')),
    status TEXT NOT NULL CHECK (status IN ('Scheduled', 'Canceled', 'Postponed', 'Rescheduled')),
    hearing_date DATE,
    location TEXT,
    jacket_number TEXT,
    url TEXT,
    congress_gov_url TEXT,
    update_date TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    hearing_date_only DATE,
    hearing_time TIME
);
CREATE TABLE hearing_committees (
    hearing_id INTEGER NOT NULL REFERENCES hearings (hearing_id),
    committee_id INTEGER NOT NULL REFERENCES committees (committee_id),
    is_primary BOOLEAN NOT NULL DEFAULT {yes},
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (hearing_id, committee_id)
);
CREATE TABLE witnesses (
    witness_id {number},
    first_name TEXT,
    last_name TEXT,
    full_name TEXT NOT NULL,
    title TEXT,
    organization TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE witness_appearances (
    appearance_id {number},
    witness_id INTEGER NOT NULL REFERENCES witnesses (witness_id),
    hearing_id INTEGER NOT NULL REFERENCES hearings (hearing_id),
    position TEXT,
    witness_type TEXT,
    appearance_order INTEGER,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (witness_id, hearing_id)
);
CREATE TABLE witness_documents (
    document_id {number},
    appearance_id INTEGER NOT NULL REFERENCES witness_appearances (appearance_id),
    document_type TEXT NOT NULL CHECK (document_type IN ('Statement', 'Biography', 'Truth Statement',
                                                         'Questions for Record', 'Supplemental')),
    title TEXT,
    document_url TEXT,
    format_type TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
"""
