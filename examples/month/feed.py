"""A feed of hearings and their witnesses, made up from a seed: the same month every time."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE hearings (
    event_id     TEXT PRIMARY KEY,
    chamber      TEXT NOT NULL CHECK (chamber IN ('House', 'Senate', 'Joint')),
    title        TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('Scheduled', 'Canceled', 'Postponed')),
    hearing_date DATE NOT NULL,
    room         TEXT
);
CREATE TABLE witnesses (
    witness_id INTEGER PRIMARY KEY,
    event_id   TEXT NOT NULL REFERENCES hearings (event_id),
    name       TEXT NOT NULL,
    statement  TEXT
);
"""
FIRST = 600
"""Hearings that are there before the first update."""
BATCH = 5
"""Records of a batch, as the settings say it."""
BATCHES = 34
"""Batches of a day: one that fails is 3 per cent, four are 12, ten are 29."""
UNCHANGED = 10
"""Records of a day that the table has already."""

Record = dict[str, Any]


class Feed:
    """The made-up source. Each call moves its random numbers on."""

    def __init__(self, folder: Path, start: date, seed: int = 119) -> None:
        self._random = random.Random(seed)  # a story, not a secret
        self._folder = folder
        self.hearings: dict[str, Record] = {}
        self._same: set[str] = set()
        self.today: list[Record] = []
        self.witnesses: dict[int, Record] = {}
        self._make(start)

    def _make(self, start: date) -> None:
        first = [self._hearing(start) for _ in range(FIRST)]
        with closing(sqlite3.connect(self._folder / "hearings.db")) as connection, connection:
            connection.executescript(SCHEMA)
            connection.executemany(
                "INSERT INTO hearings VALUES (:event_id, :chamber, :title, :status, :hearing_date, :room)", first
            )

    def daily(self, day: date) -> list[Record]:
        """The hearings of a day: half of them new, half changed, and a few as they were, in the order of their keys."""
        number = BATCH * BATCHES // 2 + self._random.randint(-5, 5)
        known = self._random.sample([*self.hearings], UNCHANGED + number)
        self._same = {*known[:UNCHANGED]}
        same = [self.hearings[key] for key in known[:UNCHANGED]]
        changed = [self._change(key) for key in known[UNCHANGED:]]
        new = [self._hearing(day) for _ in range(BATCH * BATCHES - len(changed))]
        self.today = sorted([*same, *changed, *new], key=lambda record: str(record["event_id"]))
        return self.today

    def hourly(self) -> list[Record]:
        """The witnesses of an hour. One in four has handed in no statement."""
        return [self._witness() for _ in range(self._random.randint(3, 6))]

    def write(self, task: str, records: Sequence[Record]) -> None:
        """Put them where the task looks for them."""
        text = "".join(f"{json.dumps(record)}\n" for record in records)
        (self._folder / f"{task}.jsonl").write_text(text, encoding="utf-8")

    def broken(self, records: Sequence[Record], batches: int) -> list[Record]:
        """The same with a bad record in so many batches, far from each other."""
        planned = [record["event_id"] for record in records if record["event_id"] not in self._same]
        bad = {planned[BATCH * (number * BATCHES // batches)] for number in range(batches)}
        return [{**record, "chamber": "Hose"} if record["event_id"] in bad else record for record in records]

    def _hearing(self, day: date) -> Record:
        key = f"{337_000 + len(self.hearings)}"
        chamber = self._random.choice(("House", "Senate"))
        held = day + timedelta(days=self._random.randint(5, 30))
        self.hearings[key] = {
            "event_id": key,
            "chamber": chamber,
            "title": f"Hearing {key} of the {chamber}",
            "status": "Scheduled",
            "hearing_date": held.isoformat(),
            "room": f"{chamber[0]}-{self._random.randint(100, 399)}",
        }
        return self.hearings[key]

    def _change(self, key: str) -> Record:
        before = self.hearings[key]
        number = int(before["room"][2:]) % 399 + 1
        self.hearings[key] = {**before, "room": f"{before['chamber'][0]}-{number}"}
        return self.hearings[key]

    def _witness(self) -> Record:
        number = len(self.witnesses) + 1
        self.witnesses[number] = {
            "witness_id": number,
            "event_id": f"{337_000 + self._random.randrange(FIRST)}",
            "name": f"Witness {number}",
            "statement": None if self._random.random() < 0.25 else f"statement-{number}.pdf",
        }
        return self.witnesses[number]
