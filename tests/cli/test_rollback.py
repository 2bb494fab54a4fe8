"""The rollback command, on real database files."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command, rows_of

PAGE = (Path(__file__).parents[2] / "docs" / "rollback.md").read_text()
BEFORE = [(1, "Budget", "A"), (2, "Energy", "B")]
HOSTILE = "\x1b[31mred\u202e"


@pytest.fixture
def flags(hearings: Path) -> list[str]:
    return ["--target", f"sqlite:///{hearings}"]


@pytest.fixture
def run(command: Command, flags: list[str], records: Callable[..., Path]) -> str:
    """One row changed, two added."""
    source = records(
        {"event_id": 1, "title": "Taxes", "room": "A"},
        {"event_id": 3, "title": "Trade", "room": None},
        {"event_id": 4, "title": "Water", "room": "C"},
    )
    words = ("--table", "hearings", "--plugins", "", "--format", "json")
    run_id: str = command("run", str(source), *flags, *words).json["run_id"]
    return run_id


def by_hand(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_a_run_is_taken_back(command: Command, hearings: Path, flags: list[str], run: str) -> None:
    said = command("rollback", "last", *flags)

    assert said.code == 0
    assert rows_of(hearings) == BEFORE
    lines = said.out.splitlines()
    assert lines[0] == f"TAKEN BACK  run {run}"
    assert "  1  changed row restored" in lines
    assert "  2  added rows removed" in lines
    assert command("rollback", run, *flags).code == 2


def test_a_dry_run_shows_it_and_what_to_type(command: Command, hearings: Path, flags: list[str], run: str) -> None:
    after = rows_of(hearings)

    said = command("rollback", run, "--dry-run", *flags)

    assert (said.code, rows_of(hearings)) == (0, after)
    assert said.out.startswith(f"WOULD BE TAKEN BACK  run {run}\n")
    assert "1  changed row would be restored" in said.out
    typed = said.out.splitlines()[-1].strip()
    assert typed == f"validate-updates rollback {run} {shlex.join(flags)}"
    assert command(*shlex.split(typed)[1:]).code == 0
    assert rows_of(hearings) == BEFORE


def test_what_was_left_alone_is_shown_and_force_is_offered(
    command: Command, hearings: Path, flags: list[str], run: str
) -> None:
    by_hand(
        hearings, "UPDATE hearings SET room = 'Z' WHERE event_id IN (1, 3)", "DELETE FROM hearings WHERE event_id = 4"
    )

    said = command("rollback", run, *flags)

    assert said.code == 5
    assert said.out.startswith(f"TAKEN BACK IN PART  run {run}\n")
    assert "  event_id=1 was changed since\n    room: the run left 'A', now 'Z'\n" in said.out
    assert "    room: the run left null, now 'Z'\n" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines() if "validate-updates" not in line)
    force, show = (line.strip() for line in said.out.splitlines()[-2:])
    assert force == f"validate-updates rollback {run} --force {shlex.join(flags)}"
    assert command(*shlex.split(show)[1:]).code == 0
    assert command(*shlex.split(force)[1:]).code == 0
    assert rows_of(hearings) == BEFORE


def test_the_journal_tells_of_it_in_its_own_words(command: Command, hearings: Path, flags: list[str], run: str) -> None:
    by_hand(hearings, "UPDATE hearings SET room = 'Z' WHERE event_id = 1")
    told = command("rollback", run, *flags).out.splitlines()

    shown = command("runs", "show", "last", *flags).out.splitlines()

    assert shown[0] == told[0] == f"TAKEN BACK IN PART  run {run}"
    for line in ("  2  added rows removed", "  1  row left as they are", "Left as they are"):
        assert line in told
        assert line in shown
    assert "  the row event_id=1 was changed since" in shown
    assert "    room: the run left A, now Z" in shown
    assert not [line for line in shown if "read" in line or "quarantine" in line]
    assert command("runs", "list", *flags).out.splitlines()[1].endswith("  in part, roll-back")


def test_one_that_failed_says_what_it_did_until_then(
    command: Command, hearings: Path, flags: list[str], run: str
) -> None:
    by_hand(
        hearings,
        "CREATE TABLE child (hearing REFERENCES hearings (event_id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER gone AFTER DELETE ON hearings BEGIN INSERT INTO child VALUES (99); END",
    )
    assert command("rollback", run, *flags).code == 3

    shown = command("runs", "show", "last", *flags).out

    assert shown.startswith(f"ROLL-BACK FAILED  run {run}\n")
    assert "refuses the roll-back at its end" in shown
    assert "read" not in shown


def test_as_json(command: Command, hearings: Path, flags: list[str], run: str) -> None:
    by_hand(hearings, "UPDATE hearings SET title = 'by hand' WHERE event_id = 1")

    said = command("rollback", run, "--format", "json", *flags)

    data = said.json
    assert (said.code, data["exit_code"]) == (5, 5)
    assert (data["taken_back"], data["restored"], data["deleted"], data["conflicts"]) == (run, 0, 2, 1)
    assert data["samples"] == [
        {
            "table": "hearings",
            "key": "event_id=1",
            "reason": "changed",
            "detail": "",
            "cells": [{"column": "title", "old": "Taxes", "new": "by hand"}],
        }
    ]
    assert data["next_steps"][0].startswith(f"validate-updates rollback {run} --force")


def test_in_one_line(command: Command, flags: list[str], run: str) -> None:
    assert command("rollback", run, "-q", *flags).out == f"TAKEN BACK  run {run}\n"


def test_values_cannot_reach_the_terminal(command: Command, hearings: Path, flags: list[str], run: str) -> None:
    by_hand(hearings, f"UPDATE hearings SET title = '{HOSTILE}' WHERE event_id = 1")

    said = command("rollback", run, *flags)

    assert "\x1b" not in said.out
    assert "\u202e" not in said.out
    assert r"\x1b[31mred" in said.out


def test_what_makes_no_sense_is_told_in_two_lines(command: Command, flags: list[str], run: str) -> None:
    unknown = command("rollback", "1999", *flags)
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err.splitlines() == ["error: there is no run '1999'", f"  the newest: {run}"]
    assert command("rollback", *flags).code == 2
    assert command("rollback", run, "--wait", "soon", *flags).code == 2


def test_the_target_of_a_task(command: Command, hearings: Path, tmp_path: Path, records: Callable[..., Path]) -> None:
    (tmp_path / "validate-updates.toml").write_text(
        f'default_plugins = []\n[tasks.daily]\nsource = "day.jsonl"\ntarget = "sqlite:///{hearings}"\n'
        '[tasks.daily.tables.hearings]\nkey = "event_id"\n'
    )
    records({"event_id": 2, "title": "Oil", "room": "B"})
    assert command("run", "daily").code == 0

    said = command("rollback", "last", "--task", "daily", "--dry-run")

    assert said.code == 0
    assert said.out.splitlines()[-1].endswith(" --task daily")
    assert command("rollback", "last", "--task", "daily").code == 0
    assert rows_of(hearings) == BEFORE


def test_last_with_a_task_is_the_last_run_of_that_task(
    command: Command, hearings: Path, flags: list[str], run: str, records: Callable[..., Path]
) -> None:
    by_hand(hearings, "CREATE TABLE rooms (room TEXT PRIMARY KEY)")
    source = str(records({"room": "A"}, name="rooms.jsonl"))
    newer = command("run", source, *flags, "--table", "rooms", "--plugins", "", "--format", "json").json["run_id"]

    assert command("rollback", "last", "--dry-run", *flags).out.startswith(f"WOULD BE TAKEN BACK  run {newer}\n")
    said = command("rollback", "last", "--task", "hearings", *flags)
    other = command("rollback", "last", "--task", "chairs", *flags)

    assert said.out.startswith(f"TAKEN BACK  run {run}\n")
    assert rows_of(hearings) == BEFORE
    assert (other.code, other.err.splitlines()[0]) == (2, "error: the journal has no runs of the task chairs yet")
    with closing(sqlite3.connect(hearings)) as database:
        assert database.execute("SELECT * FROM rooms").fetchall() == [("A",)]


def test_the_page_shows_what_the_command_says(command: Command, hearings: Path, flags: list[str], run: str) -> None:
    by_hand(hearings, "UPDATE hearings SET title = 'by hand' WHERE event_id = 1")
    example = PAGE.partition("```\nTAKEN BACK IN PART")[2].partition("```")[0].splitlines()
    said = command("rollback", run, *flags).out.splitlines()
    assert [line for line in example if line in {"Left as they are", "Next"}] == ["Left as they are", "Next"]
    assert [line for line in said if line in {"Left as they are", "Next"}] == ["Left as they are", "Next"]
    assert all(words in PAGE for words in ("was changed since", "was deleted since", "has been added again since"))
