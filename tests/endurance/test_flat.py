"""Update after update in one process: it holds no more at the end than after the first ones.

``ENDURANCE`` is how many updates there are of each kind, audited and progressive, on SQLite, and of both on PostgreSQL.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.engine.target import Target
from tests.endurance.scene import TABLE

ENDURANCE = int(os.environ.get("ENDURANCE", "12"))
WARM_UP = 8
"""After so many, all that is kept for a while is there."""
MEMORY = 3 * 1024
"""KB that the peak may rise."""


@pytest.mark.parametrize(("database", "times"), [("sqlite", ENDURANCE), ("postgres", ENDURANCE // 2)])
def test_what_a_process_holds_does_not_grow(database: str, times: int, request: pytest.FixtureRequest) -> None:
    target: Target = request.getfixturevalue(database)
    target.execute(TABLE)
    script = Path(__file__).with_name("often.py")

    done = subprocess.run(
        [sys.executable, str(script), target.url, str(WARM_UP), str(times)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    before, after = json.loads(done.stdout)
    assert target.states() == ["committed with quarantine"] * (WARM_UP + times) * 2
    assert after["files"] == before["files"]
    assert after["threads"] == before["threads"]
    # msgspec keeps the exhausted iterator of each `encode_lines`: four small objects for a block of records.
    assert after["objects"] - before["objects"] <= times * 2 * 4
    assert after["memory"] - before["memory"] < MEMORY
