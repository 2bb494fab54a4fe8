"""The example `examples/hearings`: on a made-up database always, on the real one where it is at hand."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "examples" / "hearings" / "replay.py"
REAL = Path(os.environ.get("HEARINGS_DATA", ROOT.parent / "shared" / "data" / "hearings"))
HEARINGS = """
CREATE TABLE hearings (
    hearing_id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    congress INTEGER NOT NULL,
    chamber TEXT NOT NULL,
    title TEXT NOT NULL,
    hearing_type TEXT NOT NULL,
    status TEXT NOT NULL,
    hearing_date DATE,
    location TEXT,
    update_date TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    hearing_time TIME,
    CHECK (chamber IN ('House', 'Senate', 'NoChamber'))
)
"""
DAYS = 4


def hearing(number: int, day: int, chance: random.Random) -> dict[str, Any]:
    record = {
        "event_id": str(300_000 + number),
        "congress": 119,
        "chamber": chance.choice(["House", "Senate", "NoChamber"]),
        "title": chance.choice(["", "Markup of “bills”", "Budget"]) + str(number % 7),
        "hearing_type": "Hearing",
        "status": chance.choice(["Scheduled", "Postponed"]),
        "hearing_date": chance.choice([None, f"2025-07-{number % 30 + 1:02}"]),
        "update_date": f"2025-07-{day:02} 0{chance.randrange(10)}:30:00",
        "hearing_time": "14:00:00",
    }
    if chance.random() < 0.3:
        record["location"] = f"Room {number}"
    return record


def made_up(folder: Path) -> tuple[Path, Path]:
    """A base with 40 hearings, and days that add to them and change them, some twice."""
    chance = random.Random(119)
    base = Target(f"sqlite:///{folder / 'base.db'}")
    base.execute(HEARINGS)
    base.insert(
        "hearings (event_id, congress, chamber, title, hearing_type, status, hearing_date, update_date, hearing_time)",
        (tuple(list(hearing(number, 1, chance).values())[:9]) for number in range(40)),
    )
    for day in range(2, 2 + DAYS):
        place = folder / "updates" / f"2025-07-{day:02}"
        place.mkdir(parents=True)
        records = [hearing(number, day, chance) for number in chance.sample(range(70), 15)]
        (place / "hearings.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return base.path, folder / "updates"


def replayed(base: Path, updates: Path, target: Target) -> subprocess.CompletedProcess[str]:
    there = [] if target.is_sqlite else ["--target", target.url]
    command = [sys.executable, str(SCRIPT), str(base), str(updates), *there]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_made_up_database_is_right_in_every_cell_and_a_second_pass_writes_nothing(
    target: Target, tmp_path: Path
) -> None:
    base, updates = made_up(tmp_path)
    before = base.read_bytes()

    done = replayed(base, updates, target)

    assert done.returncode == 0, done.stdout + done.stderr
    *days, compared, again = done.stdout.splitlines()
    assert len(days) == DAYS
    assert all(line.split()[1] == "committed," for line in days)
    assert " 0 changed" not in days[-1], "it is about changes, too"
    assert compared.endswith("0 cells or rows are not as they should be")
    assert again.endswith("0 rows written, say the triggers")
    assert base.read_bytes() == before


if (REAL / "base.db").exists():

    def test_the_real_database_is_right_in_every_cell_and_a_second_pass_writes_nothing(target: Target) -> None:
        done = replayed(REAL / "base.db", REAL / "updates", target)

        assert done.returncode == 0, done.stdout + done.stderr
        assert "0 cells or rows are not as they should be" in done.stdout


@pytest.mark.parametrize(
    ("meddling", "said"),
    [
        ("UPDATE hearings SET title = 'meddled' WHERE hearing_id = new.hearing_id", "title is 'meddled', not"),
        ("DELETE FROM hearings WHERE event_id = '300001'", "event_id=300001: not there"),
    ],
)
def test_the_example_would_notice(sqlite: Target, tmp_path: Path, meddling: str, said: str) -> None:
    base, updates = made_up(tmp_path)
    trigger = "CREATE TRIGGER meddle AFTER INSERT ON hearings"
    Target(f"sqlite:///{base}").execute(f"{trigger} BEGIN {meddling}; END")

    done = replayed(base, updates, sqlite)

    assert done.returncode == 1
    assert said in done.stdout
