"""Update after update in one process: it holds no more at the end than after the first ones.

``ENDURANCE`` is half of how many updates there are on SQLite; the figure in docs/evidence.md is that of 100.
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
WARM_UP = 15
"""After so many, all that is kept for a while is there."""
MEMORY = 3 * 1024
"""KB that the peak may rise."""


@pytest.mark.parametrize(("database", "times"), [("sqlite", ENDURANCE * 2), ("postgres", ENDURANCE)])
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
    assert target.states() == ["committed with quarantine"] * (WARM_UP + times)
    assert after["files"] == before["files"]
    assert after["threads"] == before["threads"]
    assert after["objects"] - before["objects"] < times, "of each update an object stays"
    assert after["memory"] - before["memory"] < MEMORY
