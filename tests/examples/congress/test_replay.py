"""`examples/congress/replay.py`: on made-up meetings always, on the real ones where they are at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.core.engine.target import Target
from tests.core.plugins.sample import install
from vu_congress.demo.world import feed, make_database, save

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "congress"
REAL = Path(os.environ.get("HEARINGS_DATA", ROOT.parent / "shared" / "data" / "hearings"))


class Replay:
    """The script, with the plugin installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        install(folder / "site", "vu-congress", "0.1.0", {"congress": "vu_congress.plugin"})
        path = os.pathsep.join([str(folder / "site"), str(EXAMPLE / "src")])
        self.environment = {**os.environ, "PYTHONPATH": path}

    def __call__(self, base: Path, updates: Path, target: Target, *flags: str) -> subprocess.CompletedProcess[str]:
        there = [] if target.is_sqlite else ["--target", target.url]
        command = [sys.executable, str(EXAMPLE / "replay.py"), str(base), str(updates), *there, *flags]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def made_up(self, days: int = 5) -> tuple[Path, Path]:
        """A database with the committees, and days that add to it and change it."""
        make_database(self.folder / "base.db")
        save(feed(date(2025, 6, 20), days=days), self.folder / "updates")
        return self.folder / "base.db", self.folder / "updates"


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    return Replay(tmp_path)


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_made_up_meetings_there_once_more_and_back(replay: Replay, target: Target) -> None:
    base, updates = replay.made_up()
    before = base.read_bytes()

    *days, compared, again, back = lines_of(replay(base, updates, target))

    assert [line for line in days if " committed, " not in line] == []
    assert any(" 0 changed" not in line for line in days), "it is about changes, too"
    assert compared.endswith("0 are not as they should be")
    assert again.endswith("0 rows written, say the triggers")
    assert back == f"{len(days)} runs taken back, 0 tables are not as they were"
    assert base.read_bytes() == before


def test_the_same_through_an_api_that_often_fails(replay: Replay, sqlite: Target) -> None:
    *_, back, asked = lines_of(replay(*replay.made_up(), sqlite, "--api"))

    assert back.endswith("0 tables are not as they were")
    assert asked.endswith(" went wrong")
    assert int(asked.split()[2]) > 10


@pytest.mark.parametrize(
    ("meddling", "said"),
    [
        ("hearings BEGIN UPDATE hearings SET title = 'meddled' WHERE hearing_id = new.hearing_id", "'meddled'"),
        ("witnesses BEGIN UPDATE witnesses SET last_name = 'meddled' WHERE witness_id = new.witness_id", "witnesses ("),
    ],
)
def test_the_example_would_notice(replay: Replay, sqlite: Target, meddling: str, said: str) -> None:
    base, updates = replay.made_up(days=1)
    Target(f"sqlite:///{base}").execute(f"CREATE TRIGGER meddle AFTER INSERT ON {meddling}; END")

    done = replay(base, updates, sqlite)

    assert done.returncode == 1
    assert said in done.stdout


if (REAL / "base.db").exists():

    def test_the_real_meetings_there_once_more_and_back(replay: Replay, target: Target) -> None:
        *days, compared, again, back = lines_of(replay(REAL / "base.db", REAL / "updates", target))

        assert len([line for line in days if " committed, " in line]) == 18
        assert "0 are not as they should be" in compared
        assert again.endswith("0 rows written, say the triggers")
        assert back == "18 runs taken back, 0 tables are not as they were"

    def test_the_real_meetings_through_an_api_that_often_fails(replay: Replay, sqlite: Target) -> None:
        *_, back, _ = lines_of(replay(REAL / "base.db", REAL / "updates", sqlite, "--api"))

        assert back == "18 runs taken back, 0 tables are not as they were"
