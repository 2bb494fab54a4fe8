"""Many updates at once, as ``benchmarks.load`` measures them, fewer of them; and what ``gate check`` makes of it.

No time is judged here, only that each update lands whole and that the slowdown is told. ``ENDURANCE`` is how many there
are; the claim in docs/evidence.md is that of 100.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.as_json import SCHEMA_VERSION
from benchmarks.load import DISTINCT, ONE, Crowd, Ended, Size, figures
from tests.cli.conftest import Command, command, plain_terminal
from tests.core.engine.target import Target
from tests.postgres import PostgresServer

__all__ = ["command", "plain_terminal"]

ROOT = Path(__file__).parents[2]
UPDATES = int(os.environ.get("ENDURANCE", "4"))


@pytest.fixture(scope="module")
def measured(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of one load, on a server of its own, where there is a way to one."""
    assert postgres_server.url
    file = tmp_path_factory.mktemp("load") / "load.json"
    line = [sys.executable, "-m", "benchmarks.load", "--updates", str(UPDATES), "--json", str(file)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return file


def test_every_update_lands_whole_beside_the_others(measured: Path) -> None:
    found = json.loads(measured.read_text())
    size = {"updates": UPDATES, "records": 1000, "batches": 100}

    assert (found["schema_version"], found["benchmark"]) == (SCHEMA_VERSION, "load")
    for targets in (DISTINCT, ONE):
        of = {"targets": targets, **size}
        numbers = {one["name"]: one["value"] for one in found["figures"] if one["of"] == of}
        assert numbers.keys() == {"failed", "slowdown", "beside", "together"}
        assert numbers["failed"] == 0
        times = [
            one["value"] for one in found["figures"] if one["name"] == "update" and one["of"]["targets"] == targets
        ]
        assert len(times) == UPDATES
        assert 0 < max(times) <= numbers["together"]
    assert [bar["what"].partition(":")[0] for bar in found["bars"]] == [DISTINCT, ONE]


def test_the_gate_reports_the_slowdown(measured: Path, sqlite: Target, tmp_path: Path, command: Command) -> None:
    sqlite.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    sqlite.update([{"id": 1}], task="daily")
    (tmp_path / "validate-updates.toml").write_text(
        f'target = "{sqlite.url}"\n[tasks.daily]\nsource = "x"\n[tasks.daily.tables.t]\n'
        f"[plugins.gates]\nload_updates = {UPDATES}\n"
    )
    told = {one["of"]["targets"]: one["value"] for one in figures_of(measured) if one["name"] == "slowdown"}

    said = command("gate", "check", "testing", "--benchmarks", str(measured), "--format", "json").json

    criteria = {one["name"]: one for one in said["criteria"]}
    assert criteria["load"]["state"] == "pass"
    assert criteria["load slowdown"]["state"] == ("pass" if all(one < 10 for one in told.values()) else "fail")
    assert criteria["load slowdown"]["actual"] == f"{max(told.values()):+.1f} %"
    each = ", ".join(f"{value:+.1f} % on {where}" for where, value in told.items())
    assert f": {each}; beside the others" in criteria["load slowdown"]["evidence"]


def figures_of(measured: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(measured.read_text())["figures"]
    return found


def crowd(*seconds: float, stood: bool = True, lost: int = 0) -> Crowd:
    """Begun at 10 on the clock; one alone takes 2 s."""
    return Crowd(DISTINCT, [Ended(10.0, 10.0 + one, stood) for one in seconds], [1.0, 2.0, 9.0], lost)


def test_what_is_told_of_a_crowd() -> None:
    told = {one.name: one.value for one in figures(crowd(4.0, 5.0, 9.0), Size(3, 1000, 100)) if len(one.of) == 4}

    assert told == {"failed": 0, "slowdown": pytest.approx(50.0), "beside": 2.5, "together": 9.0}


def test_who_did_not_stand_is_counted() -> None:
    assert crowd(1.0, 2.0, stood=False).failed == 2
    assert crowd(1.0, 2.0, lost=7).failed == 1
