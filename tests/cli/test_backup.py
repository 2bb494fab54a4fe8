"""``backup create``, ``list``, ``verify`` and ``restore``, on real files."""

from __future__ import annotations

import io
import json
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, rows_of
from validate_updates.lockfile import locked_file

BEFORE = [(1, "Budget", "A"), (2, "Energy", "B")]


@pytest.fixture
def at(hearings: Path) -> list[str]:
    return ["--target", f"sqlite:///{hearings}"]


def spoil(hearings: Path) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("UPDATE hearings SET title = 'spoilt'")
        database.execute("DELETE FROM hearings WHERE event_id = 2")
        database.commit()


def created(command: Command, at: list[str]) -> str:
    name: str = command("backup", "create", *at, "--format", "json").json["backup"]["name"]
    return name


def test_there_and_back(command: Command, hearings: Path, at: list[str]) -> None:
    said = command("backup", "create", *at)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("✔ BACKED UP  2")
    assert "    hearings  2 rows\n" in said.out
    assert f"in{hearings}.backups" in "".join(said.out.split())  # wherever the line is broken
    name = said.out.split()[3]
    spoil(hearings)

    verified = command("backup", "verify", "last", *at)
    assert (verified.code, verified.out.splitlines()[0]) == (0, f"✔ VERIFIED  {name}")
    restored = command("backup", "restore", name, "--yes", *at)

    assert (restored.code, restored.err) == (0, "")
    assert restored.out.startswith(f"✔ RESTORED  {name}\n  hearings.db is what it was on ")
    assert rows_of(hearings) == BEFORE
    listed = command("backup", "list", *at)
    assert [line.split()[0] for line in listed.out.splitlines()[:3]] == ["backup", restored_safety(restored.out), name]
    assert "before a restore" in listed.out


def restored_safety(out: str) -> str:
    return " ".join(out.split()).partition("is in the backup ")[2].split(".")[0].strip()


def test_no_line_is_wider_than_the_terminal(command: Command, hearings: Path, at: list[str]) -> None:
    pages = [command("backup", "create", *at).out, command("backup", "list", *at, "-v").out]
    pages += [command("backup", "verify", "last", *at).out, command("backup", "restore", "last", "--yes", *at).out]
    to_copy = ("validate-updates ",)
    lines = [line for page in pages for line in page.splitlines() if not line.strip().startswith(to_copy)]
    assert [line for line in lines if len(line) > 80 and str(hearings.parent) not in line] == []


def test_the_next_steps_work(command: Command, hearings: Path, at: list[str]) -> None:
    created(command, at)
    spoil(hearings)
    spoilt = rows_of(hearings)

    said = command("backup", "restore", "last", "--yes", *at)

    show, undo = [shlex.split(line) for line in said.out.partition("Next\n")[2].splitlines()]
    shown = command(*show[1:])
    assert shown.code == 0
    assert "restored from the backup" in shown.out
    assert shown.out.startswith("RESTORED  backup ")
    assert "read" not in shown.out
    assert command(*undo[1:], "--yes").code == 0
    assert rows_of(hearings) == spoilt


def test_it_is_never_silent(command: Command, hearings: Path, at: list[str]) -> None:
    name = created(command, at)
    spoil(hearings)
    spoilt = rows_of(hearings)

    said = command("backup", "restore", name, *at)

    assert (said.code, said.out) == (2, "")
    assert "--yes" in said.err
    assert rows_of(hearings) == spoilt


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "done"), [("yes\n", True), ("Y\n", True), ("\n", False), ("no\n", False), ("", False)]
)
def test_on_a_terminal_it_asks(
    *, typed: str, done: bool, command: Command, hearings: Path, at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = created(command, at)
    spoil(hearings)
    monkeypatch.setattr("sys.stdin", Terminal(typed))

    said = command("backup", "restore", name, *at, "--format", "json")

    assert said.err.startswith(f"hearings.db goes back to the backup {name}, made on ")
    assert "hearings 2 rows" in said.err
    assert said.code == (0 if done else 2)
    assert (rows_of(hearings) == BEFORE) == done
    assert bool(said.out) == done
    if done:
        assert said.json["backup"]["name"] == name


def test_as_json(command: Command, at: list[str], records: Callable[..., Path]) -> None:
    made = command("backup", "create", *at, "--format", "json").json
    assert set(made) == {"schema_version", "backup", "deleted", "notes"}
    assert (made["backup"]["tables"], made["backup"]["database"]) == ([["hearings", 2]], "hearings.db")
    name = made["backup"]["name"]
    run = command("run", str(records({"event_id": 1, "title": "x"})), *at, "--table", "hearings", "--format", "json")
    (Path(made["backup"]["folder"]) / "notes.txt").write_text("mine")

    listed = command("backup", "list", *at, "--format", "json").json
    assert set(listed) == {"schema_version", "folder", "backups", "others"}
    assert [one["name"] for one in listed["backups"]] == [name]
    assert listed["others"] == [{"name": "notes.txt", "reason": "not ours", "size": 4}]
    assert command("backup", "verify", name, *at, "--format", "json").json["backup"] == made["backup"]
    restored = command("backup", "restore", name, "--yes", *at, "--format", "json").json
    assert set(restored) == {"schema_version", "run_id", "backup", "safety", "lost_runs", "notes"}
    assert restored["lost_runs"] == [run.json["run_id"]]
    last = command("runs", "show", "last", *at, "--format", "json").json["run"]
    assert (last["run_id"], last["kind"], last["backup"]) == (restored["run_id"], "restore", restored["safety"])


def test_runs_that_went_with_the_journal_are_told(
    command: Command, at: list[str], records: Callable[..., Path]
) -> None:
    name = created(command, at)
    run = command("run", str(records({"event_id": 1, "title": "x"})), *at, "--table", "hearings", "--format", "json")

    said = command("backup", "restore", name, "--yes", *at)

    assert "1 run gone from the journal, which went back too" in " ".join(said.out.split())
    assert run.json["run_id"] in said.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["verify", "last"], 2, "there is no backup yet"),
        (["restore", "last", "--yes"], 2, "there is no backup yet"),
        (["restore", "--yes"], 2, "NAME is missing"),
        (["verify", "../hearings"], 2, "is no name of a backup"),
        (["verify", "20260102-030405-abcdef"], 2, "there is no backup 20260102-030405-abcdef"),
        (["create", "--wait", "soon"], 2, "--wait"),
        (["create", "--task", "nonesuch"], 2, "there is no task 'nonesuch'"),
        (["restore", "last", "--yes", "--task", "nonesuch"], 2, "there is no task 'nonesuch'"),
    ],
)
def test_what_makes_no_sense_is_told_in_two_lines(
    *, words: list[str], code: int, told: str, command: Command, hearings: Path, at: list[str]
) -> None:
    said = command("backup", *words, *at)
    assert (said.code, said.out) == (code, "")
    assert told in said.err
    assert len(said.err.splitlines()) <= 2
    assert rows_of(hearings) == BEFORE


def test_a_damaged_backup_ends_with_3(command: Command, hearings: Path, at: list[str]) -> None:
    name = created(command, at)
    path = hearings.with_name("hearings.db.backups") / f"{name}.db"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    spoil(hearings)
    spoilt = rows_of(hearings)
    for words in (["verify", name], ["restore", name, "--yes"]):
        said = command("backup", *words, *at)
        assert said.code == 3
        assert f"the backup {name} cannot be used" in said.err
    assert rows_of(hearings) == spoilt


def test_a_run_that_holds_the_lock_means_try_later(command: Command, hearings: Path, at: list[str]) -> None:
    name = created(command, at)
    with locked_file(hearings.with_name("hearings.db.vu.lock"), run_id="the-other-run", wait=0):
        assert command("backup", "create", *at).code == 75
        said = command("backup", "restore", name, "--yes", *at)
    assert said.code == 75
    assert "the-other-run" in said.err


def test_the_database_may_be_gone(command: Command, hearings: Path, at: list[str]) -> None:
    name = created(command, at)
    hearings.unlink()
    assert name in command("backup", "list", *at).out
    assert command("backup", "verify", "last", *at).code == 0

    assert command("backup", "restore", "last", "--yes", *at).code == 0

    assert rows_of(hearings) == BEFORE


def test_settings_and_tasks(command: Command, hearings: Path, tmp_path: Path) -> None:
    settings = '[backup]\nfolder = "safe place"\n[tasks.daily]\nsource = "x"\ntarget = "sqlite:///hearings.db"\n'
    (tmp_path / "validate-updates.toml").write_text(f"{settings}[tasks.daily.tables.hearings]\n")

    assert command("backup", "create", "--task", "daily").code == 0

    assert len(list((tmp_path / "safe place").glob("*.db"))) == 1
    spoil(hearings)
    said = command("backup", "restore", "last", "--yes", "--task", "daily")
    assert said.code == 0
    assert said.out.splitlines()[-1].endswith(" --task daily")
    assert rows_of(hearings) == BEFORE


def test_a_task_on_postgresql_saves_its_table(command: Command, postgres_url: str, tmp_path: Path) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("CREATE TABLE hearings (event_id int PRIMARY KEY, title text)")
        server.execute("CREATE TABLE other (id int PRIMARY KEY)")
        server.execute("INSERT INTO hearings VALUES (1, 'x')")
    (tmp_path / "validate-updates.toml").write_text(
        f"[tasks.daily]\nsource = 'x'\ntarget = {json.dumps(postgres_url)}\n[tasks.daily.tables.hearings]\n"
    )

    one: Any = command("backup", "create", "--task", "daily", "--format", "json").json["backup"]
    all_of_it: Any = command("backup", "create", "--target", postgres_url, "--format", "json").json["backup"]

    assert one["tables"] == [["public.hearings", 1]]
    assert all_of_it["tables"] == [["public.hearings", 1], ["public.other", 0]]
    assert Path(one["folder"]).parent == tmp_path
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("DELETE FROM hearings")
        said = command("backup", "restore", one["name"], "--yes", "--task", "daily")
        assert (said.code, said.err) == (0, "")
        assert server.execute("SELECT title FROM hearings").fetchall() == [("x",)]


def test_no_password_is_shown(command: Command, tmp_path: Path) -> None:
    url = "postgresql://me:hunter22@/nonesuch?host=" + str(tmp_path)
    for words in (["create"], ["list"], ["restore", "last", "--yes"]):
        said = command("backup", *words, "--target", url)
        assert "hunter22" not in said.out + said.err
    assert command("backup", "create", "--target", url).code == 3
