"""A feed of hearings: nothing for days, bursts, recesses, and one day on which the source was re-indexed.

On made-up days always, on the real ones where they are at hand.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.core.engine.target import Target
from tests.plugins.historical.wiring.world import Feed, unusual
from validate_updates import RunResult, Severity, run
from validate_updates_cli.main import main

ROOT = Path(__file__).parents[4]
REAL = Path(os.environ.get("HEARINGS_DATA", ROOT.parent / "shared" / "data" / "hearings"))
FIRST = datetime(2025, 1, 14, 12, tzinfo=UTC)
RECESSES = ((95, 107), (130, 136), (168, 174), (200, 240))
"""Days from the first on which hardly anything comes."""
MAPPING = "started_at=date,read=hearings_changed,metric.groups.chamber.House=house,metric.groups.chamber.Senate=senate"


def days(chance: random.Random) -> Iterator[tuple[int, int]]:
    """(day, records): most days of the week, few on most of them, many on some."""
    for day in range(230):
        quiet = any(first <= day <= last for first, last in RECESSES)
        weekday = (FIRST + timedelta(days=day)).weekday()
        if chance.random() < (0.1 if quiet or weekday > 4 else 0.75):
            few = min(40, 1 + int(chance.expovariate(1 / 6)))
            yield day, 1 + few // 4 if quiet else few


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_made_up_days_pass_and_the_bulk_day_does_not(feed: Feed, seed: int) -> None:
    every = list(days(random.Random(seed)))
    now = FIRST + timedelta(days=160)
    earlier = [count for day, count in every if day < 160]
    feed.past([{"records.read": float(count)} for count in earlier], until=now)

    told = [
        unusual(feed.update(feed.records(count), at=FIRST + timedelta(days=day))) for day, count in every if day >= 160
    ]
    bulk = feed.update(feed.records(231), at=FIRST + timedelta(days=231))
    after = feed.update(feed.records(2), at=FIRST + timedelta(days=233))

    assert sum(bool(found) for found in told) <= 1
    assert unusual(bulk)["records.read"].observed == 231
    assert "was the highest" in unusual(bulk)["records.read"].message
    assert unusual(after) == {}


@pytest.fixture
def real(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Target:
    """The real database, with the log of half a year as its history."""
    if not (REAL / "base.db").is_file():
        pytest.skip("the real hearings are not at hand")
    shutil.copy(REAL / "base.db", tmp_path / "hearings.db")
    url = f"sqlite:///{tmp_path / 'hearings.db'}"
    log = str(REAL / "update_history.csv")
    assert main(["history", "import", log, "--task", "hearings", "--target", url, "--map", MAPPING]) == 0
    capsys.readouterr()
    return Target(url)


def replayed(target: Target, day: Path, on_alert: str) -> RunResult:
    return run(
        day / "hearings.jsonl",
        target=target.url,
        table="hearings",
        key="event_id",
        plugins=["historical"],
        settings={"historical": {"group_by": ["chamber"], "on_alert": on_alert}},
        as_of=datetime.fromisoformat(day.name).replace(hour=12, tzinfo=UTC),
    )


@pytest.mark.parametrize("on_alert", ["warn", "hold"])
def test_the_real_days_of_july_and_august(real: Target, on_alert: str) -> None:
    results = {day.name: replayed(real, day, on_alert) for day in sorted((REAL / "updates").iterdir())}

    severity = Severity.WARNING if on_alert == "warn" else Severity.CRITICAL
    assert {name for name, result in results.items() if unusual(result, severity)} == {"2025-08-15"}
    bulk = results["2025-08-15"]
    found = unusual(bulk, severity)
    assert set(found) == {"records.read", "groups.chamber.House"}
    assert "records.read is 231; after 95 runs" in found["records.read"].message
    assert "39 was the highest" in found["records.read"].message
    assert "re-indexed" in found["records.read"].hint
    assert bulk.verdict == ("committed" if on_alert == "warn" else "rejected")
