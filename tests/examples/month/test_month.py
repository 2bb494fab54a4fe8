"""``examples/month/simulate.py``: the short story holds, and the journal that it leaves behind says so too."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "examples" / "month" / "simulate.py"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The program's words, and its folder."""
    folder = tmp_path_factory.mktemp("month") / "month"
    environment = {name: text for name, text in os.environ.items() if not name.startswith("VALIDATE_UPDATES_")}
    said = subprocess.run(
        [sys.executable, SCRIPT, folder, "--short"], env=environment, capture_output=True, text=True, check=False
    )
    return said, folder


def test_all_is_as_it_should_be(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    said, _ = done

    assert (said.returncode, said.stderr) == (0, ""), said.stdout + said.stderr
    *_, last = said.stdout.splitlines()
    facts = said.stdout.count("    yes  ")
    assert last == f"{facts} facts looked at, 0 not as they should be"
    assert facts > 30


def test_the_journal_says_so_too(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = done
    with closing(sqlite3.connect(folder / "hearings.db")) as database:
        found = database.execute(
            "SELECT f.code, l.task, count(*) FROM update_findings f JOIN update_logs l USING (run_id) "
            "WHERE f.code GLOB 'severity_*' OR f.code GLOB 'canary_*' GROUP BY 1, 2"
        ).fetchall()
        switched_off = database.execute(
            "SELECT task, plugin FROM update_switches WHERE made_by = 'monitoring' AND mode = 'off'"
        ).fetchall()
        back = database.execute("SELECT count(*) FROM update_logs WHERE kind = 'rollback'").fetchone()

    assert sorted(found) == [
        ("canary_promoted", "daily", 1),
        ("severity_1", "daily", 1),
        ("severity_1", "hourly", 1),
        ("severity_2", "daily", 1),
        ("severity_2", "hourly", 2),
        ("severity_3", "daily", 1),
        ("severity_3", "hourly", 1),
    ]
    assert sorted(switched_off) == [
        ("daily", "batch"),
        ("daily", "batch"),
        ("daily", "historical"),
        ("hourly", "batch"),
        ("hourly", "historical"),
        ("hourly", "lookup"),
        ("hourly", "static_thresholds"),
    ]
    assert back == (2,)
    assert len([*(folder / "incidents").iterdir()]) == 2
