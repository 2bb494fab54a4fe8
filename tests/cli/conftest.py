"""A terminal of 80 columns without colours, in a folder of its own, whatever runs the tests."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from validate_updates_cli.main import main

Records = Iterable[Mapping[str, Any]]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "VALIDATE_UPDATES_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout as one JSON object."""
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``validate-updates`` with these words, in this process."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = main(words)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def hearings(tmp_path: Path) -> Path:
    """A database with a table ``hearings`` of two rows."""
    path = tmp_path / "hearings.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE hearings (event_id INTEGER PRIMARY KEY, title TEXT NOT NULL, room TEXT)")
        database.execute("INSERT INTO hearings VALUES (1, 'Budget', 'A'), (2, 'Energy', 'B')")
        database.commit()
    return path


@pytest.fixture
def records(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of records."""

    def write(*rows: Mapping[str, Any], name: str = "day.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """The table ``hearings``."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT * FROM hearings ORDER BY event_id").fetchall()
