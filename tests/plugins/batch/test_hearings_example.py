"""The example `examples/hearings/mend.py`: on made-up records always, on the real bulk day where it is at hand."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.engine.target import Target
from tests.core.engine.test_hearings_example import HEARINGS, REAL, ROOT, hearing
from tests.plugins.batch.world import Batched

SCRIPT = ROOT / "examples" / "hearings" / "mend.py"
BULK_DAY = REAL / "updates" / "2025-08-15" / "hearings.jsonl"
REASONS = (
    "not JSON: Unterminated string",
    "congress: expected an integer, got text 'one hundred and nineteenth'",
    "hearing_date: '2025-06-31' does not exist in the calendar",
    "column 'titel' is not in the table hearings",
    "title must not be null",
    "status must not be null",
    "chamber",
    "hearing_type",
)
RULES = "CHECK (hearing_type IN ('Hearing', 'Meeting', 'Markup')),\n CHECK (chamber IN"


def made_up(folder: Path) -> tuple[Path, Path]:
    """A base with 40 hearings, and a day of 120 of which 20 change one."""
    chance = random.Random(119)
    base = Target(f"sqlite:///{folder / 'base.db'}")
    base.execute(HEARINGS.replace("CHECK (chamber IN", RULES))
    base.insert(
        "hearings (event_id, congress, chamber, title, hearing_type, status, hearing_date, update_date, hearing_time)",
        (tuple(list(hearing(number, 1, chance).values())[:9]) for number in range(40)),
    )
    day = folder / "hearings.jsonl"
    day.write_text("".join(json.dumps(hearing(number, 2, chance)) + "\n" for number in range(20, 140)))
    return base.path, day


def mended(base: Path, day: Path, target: Target) -> subprocess.CompletedProcess[str]:
    there = [] if target.is_sqlite else ["--target", target.url]
    command = [sys.executable, str(SCRIPT), str(base), str(day), *there]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def is_as_it_should_be(done: subprocess.CompletedProcess[str], total: int) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())  # however wide the terminal
    assert [reason for reason in REASONS if reason not in said] == []
    assert f"8 of {total} records were kept out, 8 were broken, 0 are left" in said
    assert "0 cells or rows are not as they should be" in said


def test_broken_records_of_a_made_up_day_are_listed_mended_and_brought_in(target: Batched, tmp_path: Path) -> None:
    base, day = made_up(tmp_path)
    before = base.read_bytes(), day.read_bytes()

    is_as_it_should_be(mended(base, day, target), 120)

    assert (base.read_bytes(), day.read_bytes()) == before


if BULK_DAY.exists():

    def test_broken_records_of_the_real_bulk_day_are_listed_mended_and_brought_in(target: Batched) -> None:
        is_as_it_should_be(mended(REAL / "base.db", BULK_DAY, target), 231)


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ("AFTER INSERT ON hearings BEGIN UPDATE hearings SET title = 'meddled' WHERE hearing_id = 1; END", "meddled"),
        ("BEFORE INSERT ON hearings WHEN new.event_id = '300077' BEGIN SELECT RAISE(ABORT, 'no'); END", "ended with 5"),
    ],
)
def test_the_example_would_notice(sqlite: Batched, tmp_path: Path, trigger: str, said: str) -> None:
    base, day = made_up(tmp_path)
    Target(f"sqlite:///{base}").execute(f"CREATE TRIGGER meddle {trigger}")

    done = mended(base, day, sqlite)

    assert done.returncode == 1
    assert said in done.stdout + done.stderr
