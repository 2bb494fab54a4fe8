"""``docs/units.md`` says what the code does: its example works as it stands."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.core.engine.target import Target, jsonl
from validate_updates import Counts, Verdict
from validate_updates.engine import execute
from validate_updates.settings import Flags, job_for, load_settings

TEXT = (Path(__file__).parents[3] / "docs" / "units.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[0])


def test_the_example_works(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hearings.db")) as connection:
        connection.executescript(_block("sql"))
    (tmp_path / "validate-updates.toml").write_text(_block("toml"), encoding="utf-8")
    jsonl(tmp_path / "meetings.jsonl", [json.loads(_block("json"))])
    job = job_for(load_settings(env={}, cwd=tmp_path), "daily", Flags(plugins=()))

    first, again = execute(job), execute(job)

    assert (first.verdict, first.counts) == (Verdict.COMMITTED, Counts(read=1, inserted=1))
    assert again.counts == Counts(read=1, unchanged=1)
    target = Target(f"sqlite:///{tmp_path / 'hearings.db'}")
    tables = ("hearings", "hearing_committees", "witness_appearances", "witnesses")
    assert [target.rows(f"SELECT count(*) FROM {table}") for table in tables] == [[(1,)], [(2,)], [(1,)], [(1,)]]
