"""Many runs at once: on one target one works at a time, on many nobody is in anybody's way.

``ENDURANCE`` is how many run at once on one target; the claim in docs/evidence.md is that of 100.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.core.engine.target import Target, jsonl
from tests.core.engine.test_lock import Holder
from validate_updates import ExitCode

ENDURANCE = int(os.environ.get("ENDURANCE", "12"))
TARGETS = 20
TABLE = "CREATE TABLE {name} (id integer PRIMARY KEY, name text NOT NULL)"
OWN = 20
"""Records that each run brings, beside the one that they all bring."""
PROGRESSIVE = {
    "VALIDATE_UPDATES_PLUGINS__BATCH__PUBLISH": "progressive",
    "VALIDATE_UPDATES_PLUGINS__BATCH__SIZE": "5",
    "VALIDATE_UPDATES_PLUGINS__BATCH__COMMIT_BATCHES": "1",
}


def source(folder: Path, number: int) -> Path:
    """What the run of that number brings: records of its own, and one that all bring, each with its name."""
    ids = [0, *range(number * 1000, number * 1000 + OWN)]
    return jsonl(folder / f"{number}.jsonl", ({"id": one, "name": f"by {number}.jsonl"} for one in ids))


def brought(numbers: list[int]) -> list[tuple[int, str]]:
    """The rows that those runs have of their own."""
    return [(number * 1000 + one, f"by {number}.jsonl") for number in numbers for one in range(OWN)]


def line(target: Target, records: Path, *, table: str = "t", wait: int = 0) -> list[str]:
    where = ["--target", target.url, "--table", table, "--plugins", "batch", "--wait", str(wait), "--quiet"]
    return ["run", str(records), *where]


def started(folder: Path, lines: list[list[str]], name: str = "crowd") -> subprocess.Popen[str]:
    """The commands, all at once."""
    (folder / f"{name}.in").write_text(json.dumps(lines))
    script = Path(__file__).with_name("crowd.py")
    with (folder / f"{name}.in").open() as said, (folder / f"{name}.err").open("w") as errors:
        return subprocess.Popen(
            [sys.executable, str(script), str(folder / f"{name}.out")],
            stdin=said,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            text=True,
            cwd=folder,
            env={**os.environ, **PROGRESSIVE},
        )


def ended(folder: Path, crowd: subprocess.Popen[str], name: str = "crowd") -> list[int]:
    """The exit status of each of the commands."""
    crowd.wait()
    errors = (folder / f"{name}.err").read_text()
    assert crowd.returncode == 0, errors
    assert "Traceback" not in errors
    codes: list[int] = json.loads((folder / f"{name}.out").read_text())
    return codes


def nothing_lost_nothing_twice(target: Target, worked: list[int]) -> None:
    """Those that held the lock, and nobody else, have brought their records and are in the journal."""
    assert target.states() == ["committed"] * len(worked)
    (last,) = target.rows("SELECT source FROM update_logs ORDER BY run_no DESC LIMIT 1")
    assert sorted(target.rows("SELECT id, name FROM t")) == sorted([(0, f"by {last[0]}"), *brought(worked)])
    assert target.written() == ["INSERT"] * (len(worked) * OWN + 1) + ["UPDATE"] * (len(worked) - 1)


def test_a_crowd_on_one_target_works_one_by_one(target: Target, tmp_path: Path) -> None:
    target.execute(TABLE.format(name="t"))
    target.watch()
    patient = {number for number in range(1, ENDURANCE + 1) if number % 2}
    lines = [
        line(target, source(tmp_path, number), wait=3600 if number in patient else 0)
        for number in range(1, ENDURANCE + 1)
    ]

    codes = ended(tmp_path, started(tmp_path, lines))

    worked = [number for number, code in enumerate(codes, 1) if code == ExitCode.OK]
    assert set(codes) <= {ExitCode.OK, ExitCode.TRY_LATER}
    assert patient <= set(worked)
    nothing_lost_nothing_twice(target, worked)


def test_while_one_works_some_go_away_and_the_others_wait(target: Target, tmp_path: Path) -> None:
    target.execute(TABLE.format(name="t"))
    numbers = range(1, ENDURANCE // 2 + 1)
    sources = [source(tmp_path, number) for number in numbers]
    holder = Holder(target)
    with holder.at_work():
        waiting = started(tmp_path, [line(target, one, wait=3600) for one in sources], "patient")
        hasty = started(tmp_path, [line(target, one) for one in sources], "hasty")
        assert ended(tmp_path, hasty, "hasty") == [ExitCode.TRY_LATER] * len(sources)
        assert target.rows("SELECT * FROM t") == []
        assert target.states() == ["running"]

    assert ended(tmp_path, waiting, "patient") == [ExitCode.OK] * len(sources)

    assert target.states() == ["committed"] * (len(sources) + 1)
    rows = target.rows("SELECT id, name FROM t WHERE id >= 1000")
    assert sorted(rows) == sorted(brought(list(numbers)))


def test_many_databases_at_once_do_not_meet(tmp_path: Path) -> None:
    targets = [Target(f"sqlite:///{tmp_path / f'{number}.db'}") for number in range(1, TARGETS + 1)]
    for target in targets:
        target.execute(TABLE.format(name="t"))
        target.watch()
    lines = [line(target, source(tmp_path, number)) for number, target in enumerate(targets, 1)]

    assert ended(tmp_path, started(tmp_path, lines)) == [ExitCode.OK] * TARGETS

    for number, target in enumerate(targets, 1):
        nothing_lost_nothing_twice(target, [number])


def test_many_tables_of_a_server_at_once_do_not_meet(postgres: Target, tmp_path: Path) -> None:
    """They share one journal, which is not there yet when they all begin."""
    names = [f"t{number}" for number in range(1, TARGETS + 1)]
    postgres.execute(*(TABLE.format(name=name) for name in names))
    lines = [line(postgres, source(tmp_path, number), table=name) for number, name in enumerate(names, 1)]

    assert ended(tmp_path, started(tmp_path, lines)) == [ExitCode.OK] * TARGETS

    assert postgres.states() == ["committed"] * TARGETS
    for number, name in enumerate(names, 1):
        rows = postgres.rows(f"SELECT id, name FROM {name}")
        assert sorted(rows) == [(0, f"by {number}.jsonl"), *brought([number])]
        applied = postgres.rows(
            f"SELECT sum(applied) FROM update_batches b JOIN update_logs l USING (run_id) WHERE l.table_name = '{name}'"
        )
        assert applied == [(OWN + 1,)]
