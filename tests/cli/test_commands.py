"""The commands, on real database files."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.cli.conftest import Command, rows_of
from validate_updates.lockfile import locked_file
from validate_updates.result import RunResult
from validate_updates.settings import load_settings

Records = Callable[..., Path]
GOOD = {"event_id": 3, "title": "Oceans", "room": "C"}
CHANGED = {"event_id": 1, "title": "Budget, second day", "room": "A"}
SAME = {"event_id": 2, "title": "Energy", "room": "B"}
UNREADABLE = {"event_id": 4, "titel": "x"}
BEFORE = [(1, "Budget", "A"), (2, "Energy", "B")]
AFTER = [(1, "Budget, second day", "A"), (2, "Energy", "B"), (3, "Oceans", "C")]


def flags(database: Path, *, plugins: str = "") -> list[str]:
    return ["--target", f"sqlite:///{database}", "--table", "hearings", "--plugins", plugins]


# run and plan


def test_run_writes_and_says_what_it_wrote(command: Command, hearings: Path, records: Records) -> None:
    said = command("run", str(records(GOOD, CHANGED, SAME)), *flags(hearings))

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("✔ COMMITTED  hearings\n")
    assert "\n  3 read = 1 inserted + 1 updated + 1 unchanged\n  rows of hearings: 2 → 3\n" in said.out
    assert rows_of(hearings) == AFTER


@pytest.mark.parametrize("words", [["plan"], ["run", "--dry-run"]])
def test_plan_shows_the_cells_and_writes_nothing(
    words: list[str], command: Command, hearings: Path, records: Records
) -> None:
    before = hearings.read_bytes()

    said = command(*words, str(records(GOOD, CHANGED, SAME)), *flags(hearings))

    assert said.code == 0
    assert said.out.startswith("✔ WOULD BE COMMITTED  hearings  dry run: nothing was written\n")
    assert "  ~ update  event_id=1\n      title  Budget → Budget, second day\n" in said.out
    assert "  + insert  event_id=3\n" in said.out
    assert hearings.read_bytes() == before


def test_of_a_table_that_is_not_there_the_tables_to_choose_from_are_named(
    command: Command, hearings: Path, records: Records
) -> None:
    assert command("run", str(records(GOOD)), *flags(hearings)).code == 0

    said = command("run", str(records(GOOD)), "--target", f"sqlite:///{hearings}", "--table", "hearing")

    told = "error: there is no table 'hearing' in the target; did you mean hearings?\n  tables: hearings\n"
    assert (said.code, said.err) == (2, told), "not those of the journal"


def test_a_bad_record_rejects_the_update_with_exit_code_1(command: Command, hearings: Path, records: Records) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute(
            "CREATE TRIGGER no BEFORE INSERT ON hearings WHEN new.event_id = 9 BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        database.commit()

    said = command("run", str(records(GOOD, {"event_id": 9, "title": "x"})), *flags(hearings))

    assert said.code == 1
    assert said.out.startswith("✖ REJECTED  hearings\n")
    assert "  ✖ critical  record_refused\n" in said.out
    assert "key event_id=9" in said.out
    assert rows_of(hearings) == BEFORE


def test_unreadable_records_are_kept_out_with_exit_code_5(command: Command, hearings: Path, records: Records) -> None:
    source = records(GOOD)
    source.write_text(source.read_text() + '{"event_id": 5, "titel": "x"}\n{"event_id": \n')

    said = command("run", "day.jsonl", *flags(hearings))

    assert said.code == 5
    assert said.out.startswith("! COMMITTED WITH QUARANTINE  hearings\n")
    assert "  day.jsonl:2  unknown_column\n    event_id=5: " in said.out
    assert "3 read = 1 inserted + 2 quarantined" in said.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["missing.jsonl"], 2),
        (["day.jsonl", "--table", "nonesuch"], 2),
        (["day.jsonl", "--key", "nonesuch"], 2),
        (["day.jsonl", "--plugins", "nonesuch"], 2),
        (["day.jsonl", "--source-format", "xml"], 2),
        (["day.jsonl", "--target", "sqlite:///missing.db"], 3),
        (["day.jsonl", "--target", "nonsense"], 2),
        (["day.jsonl", "--report", "junit=missing/x.xml"], 2),
    ],
)
def test_a_run_that_cannot_start_writes_nothing(
    words: list[str], code: int, command: Command, hearings: Path, records: Records
) -> None:
    records(GOOD)

    said = command("run", "--plugins", "", "--target", f"sqlite:///{hearings}", "--table", "hearings", *words)

    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("error: ")
    assert len(said.err.splitlines()) <= 2
    assert rows_of(hearings) == BEFORE


def test_a_second_run_is_told_who_holds_the_lock(command: Command, hearings: Path, records: Records) -> None:
    with locked_file(hearings.with_name("hearings.db.vu.lock"), run_id="the-other-run", wait=0):
        said = command("run", str(records(GOOD)), *flags(hearings))

    assert said.code == 75
    assert said.err.startswith("error: another run has the lock: run the-other-run, process ")


def test_json_is_the_one_thing_on_stdout(command: Command, hearings: Path, records: Records) -> None:
    said = command("run", str(records(GOOD)), *flags(hearings), "--format", "json", "-v")

    result = msgspec.json.decode(said.out, type=RunResult)
    assert (said.err, said.out.count("\n")) == ("", 1)
    assert (result.counts.inserted, result.key, result.exit_code) == (1, ("event_id",), 0)


def test_the_time_that_counts_as_now_is_told_in_utc(command: Command, hearings: Path, records: Records) -> None:
    said = command("run", str(records(GOOD)), *flags(hearings), "--as-of", "2026-01-01T06:00+02:00", "--format", "json")

    assert said.json["started_at"] == "2026-01-01T04:00:00Z"


def test_quiet_is_one_line(command: Command, hearings: Path, records: Records) -> None:
    said = command("run", str(records(GOOD)), *flags(hearings), "-q")

    assert said.out.startswith("✔ COMMITTED hearings: 1 read = 1 inserted (run ")
    assert said.out.count("\n") == 1


def test_reports_of_every_kind_in_one_run(command: Command, hearings: Path, records: Records, tmp_path: Path) -> None:
    wanted = [f"--report={kind}=out.{kind}" for kind in ("json", "junit", "markdown")]

    said = command("run", str(records(GOOD)), *flags(hearings, plugins="static_thresholds"), *wanted)

    assert said.out.startswith("✔ COMMITTED")
    assert json.loads((tmp_path / "out.json").read_text())["verdict"] == "committed"
    assert len(list(ET.parse(tmp_path / "out.junit").iter("testcase"))) > 5
    assert (tmp_path / "out.markdown").read_text().startswith("## ✅ COMMITTED: hearings\n")


def test_warnings_end_with_0_unless_asked_otherwise(command: Command, hearings: Path, records: Records) -> None:
    source = records({**GOOD, "odd": 1})
    ignoring = [str(source), *flags(hearings, plugins="static_thresholds"), "--unknown-columns", "ignore"]
    assert "warning" in command("run", *ignoring).out

    assert command("plan", *ignoring).code == 0
    said = command("plan", *ignoring, "--fail-on", "warning")

    assert said.code == 1
    assert said.out.startswith("✖ WOULD BE REJECTED")


def test_several_sources_are_one_update(command: Command, hearings: Path, records: Records) -> None:
    first, second = records(GOOD, name="a.jsonl"), records(CHANGED, SAME, name="b.jsonl")

    said = command("run", str(first), str(second), *flags(hearings))

    assert said.code == 0
    assert rows_of(hearings) == AFTER


def test_a_task_of_the_settings_and_another_source_for_it(
    command: Command, hearings: Path, records: Records, tmp_path: Path
) -> None:
    records(GOOD)
    task = f'source = "day.jsonl"\ntarget = "sqlite:///{hearings}"\nplugins = []\ntables.hearings = {{}}\n'
    (tmp_path / "validate-updates.toml").write_text(f"[tasks.daily]\n{task}")

    assert command("run", "daily").out.startswith("✔ COMMITTED  daily\n")
    assert command("run", "daily", "--source", str(records(CHANGED, name="other.jsonl"))).code == 0
    assert rows_of(hearings) == AFTER


# runs


def test_runs_list_and_show(command: Command, hearings: Path, records: Records) -> None:
    where = ["--target", f"sqlite:///{hearings}"]
    assert command("runs", "list", *where).out == "No runs yet.\n"
    command("run", str(records(GOOD)), *flags(hearings))
    assert command("runs", "list", "--task", "hearing", *where).out == "No runs of hearing yet.\n"
    run_id = command("run", str(records(CHANGED, UNREADABLE)), *flags(hearings), "--format", "json").json["run_id"]

    listed = command("runs", "list", *where)
    assert listed.out.splitlines()[0].split() == ["run", "task", "read", "added", "changed", "out", "state"]
    assert listed.out.splitlines()[1].startswith(f"{run_id}  hearings     2      0        1    1  committed with")
    assert len(command("runs", "list", *where, "--limit", "1", "--format", "json").json["runs"]) == 1

    for wanted in ("last", run_id, run_id[:-2]):
        shown = command("runs", "show", wanted, *where)
        assert shown.code == 0
        assert shown.out.startswith("! COMMITTED WITH QUARANTINE  hearings\n")
        assert "2 read = 1 updated + 1 quarantined" in shown.out
    stored = command("runs", "show", "last", *where, "--format", "json").json
    assert (stored["schema_version"], stored["run"]["run_id"], len(stored["kept_out"])) == (1, run_id, 1)


def test_last_with_a_task_is_the_last_run_of_that_task(command: Command, hearings: Path, records: Records) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("CREATE TABLE rooms (room TEXT PRIMARY KEY)")
    settings = f'target = "sqlite:///{hearings}"\ndefault_plugins = []\n'
    for task, table, records_of_it in (
        ("daily", "hearings", (GOOD, UNREADABLE)),
        ("weekly", "rooms", ({"room": "A"},)),
    ):
        source = records(*records_of_it, name=f"{task}.jsonl").name
        settings += f'[tasks.{task}]\nsource = "{source}"\ntables.{table} = {{}}\n'
    Path("validate-updates.toml").write_text(settings)
    daily, weekly = (command("run", task, "--format", "json").json["run_id"] for task in ("daily", "weekly"))
    of_daily = ("last", "--task", "daily", "--format", "json")

    assert command("runs", "show", "last", "--format", "json").json["run"]["run_id"] == weekly
    assert command("runs", "show", *of_daily).json["run"]["run_id"] == daily
    assert command("runs", "ack", "--incident", *of_daily).json["run"]["run_id"] == daily
    assert command("runs", "ack", "--clear", *of_daily).json["run"]["run_id"] == daily
    assert f"run {daily} " in command("runs", "accept", *of_daily).err
    (entry,) = command("quarantine", "list", "--run", *of_daily).json["entries"]
    assert entry["run_id"] == daily


def test_runs_show_of_an_unknown_run_names_the_newest(command: Command, hearings: Path, records: Records) -> None:
    where = ["--target", f"sqlite:///{hearings}"]
    assert command("runs", "show", "last", *where).code == 2
    run_id = command("run", str(records(GOOD)), *flags(hearings), "--format", "json").json["run_id"]

    said = command("runs", "show", "nonesuch", *where)

    assert said.code == 2
    assert run_id in said.err


def test_looking_into_a_database_that_is_none(command: Command, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, but long enough to be looked at" * 10)

    for words in (["runs", "list"], ["runs", "show", "last"], ["db", "status"], ["db", "upgrade"]):
        said = command(*words, "--target", "sqlite:///text.db")
        assert said.code == 3
        assert said.err.startswith("error: the target sqlite:///text.db cannot be read [SQLITE_NOTADB]\n")
        assert "is it a SQLite database" in said.err


# db


def test_db_status_and_upgrade(command: Command, hearings: Path) -> None:
    where = ["--target", f"sqlite:///{hearings}"]

    assert "there is no journal yet" in command("db", "status", *where).out
    assert command("db", "upgrade", *where).code == 0
    assert command("db", "status", *where, "--format", "json").json["version"]
    assert "already" in command("db", "upgrade", *where).out


def test_a_foreign_table_of_our_name_is_refused_with_a_way_out(command: Command, hearings: Path) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("CREATE TABLE update_logs (x)")
        database.commit()

    said = command("db", "upgrade", "--target", f"sqlite:///{hearings}")

    assert said.code == 3
    assert "update_logs" in said.err
    assert "prefix" in said.err


# init


def test_init_writes_settings_that_run(command: Command, hearings: Path, records: Records, tmp_path: Path) -> None:
    said = command("init", "--target", f"sqlite:///{hearings}", "--table", "hearings")

    assert (said.code, said.err) == (0, "")
    assert said.out == "wrote validate-updates.toml\nset the source in it, then: validate-updates plan hearings\n"
    text = (tmp_path / "validate-updates.toml").read_text()
    assert 'key = ["event_id"]  # the primary key\n' in text
    assert "#   title     TEXT, not null\n" in text
    records(GOOD, CHANGED, SAME, name="hearings.jsonl")
    assert command("config", "check").code == 0
    assert command("run", "hearings").code == 0
    assert rows_of(hearings) == AFTER


def test_what_init_writes_as_comments_is_what_holds(command: Command, hearings: Path, tmp_path: Path) -> None:
    command("init", "--target", f"sqlite:///{hearings}", "--table", "hearings")
    path = tmp_path / "validate-updates.toml"
    before = command("config", "show", "--format", "json").json["settings"]

    text, settings = re.subn(r"(?m)^# (?=\w+ = )", "", path.read_text())
    path.write_text(text)

    assert settings > 20
    after = {one["path"]: one["value_text"] for one in command("config", "show", "--format", "json").json["settings"]}
    assert before != []
    for one in before:
        if one["value_text"] != "not set":
            assert after[one["path"]] == one["value_text"]


def test_init_leaves_a_file_alone_unless_forced(command: Command, hearings: Path, tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text("# mine\n")
    words = ["init", "--target", f"sqlite:///{hearings}", "--table", "hearings"]

    said = command(*words)
    assert (said.code, said.err) == (2, "error: validate-updates.toml is there already\n  --force replaces it\n")
    assert (tmp_path / "validate-updates.toml").read_text() == "# mine\n"

    (tmp_path / "reader").hardlink_to(tmp_path / "validate-updates.toml")
    assert command(*words, "--force").code == 0
    assert (tmp_path / "reader").read_text() == "# mine\n", "it was replaced, not written over"
    assert (tmp_path / "validate-updates.toml").read_text() != "# mine\n"


def test_init_of_a_table_with_odd_names(command: Command, tmp_path: Path) -> None:
    table, column = 'odd "table" \x1b[31m', 'key\n[x]"\\\u202e'
    with closing(sqlite3.connect(tmp_path / "odd.db")) as database:
        quoted = [name.replace('"', '""') for name in (table, column)]
        database.execute(f'CREATE TABLE "{quoted[0]}" ("{quoted[1]}" TEXT PRIMARY KEY, "größe" REAL, untyped)')

    assert command("init", "--target", "sqlite:///odd.db", "--table", table).code == 0

    (task,) = load_settings(tmp_path / "validate-updates.toml").model.tasks.values()
    assert list(task.tables) == [table]
    assert task.tables[table].key == (column,)
    assert (tmp_path / "validate-updates.toml").read_text().replace("\n", "").isprintable()


def test_init_of_a_table_that_is_not_there_names_those_that_are(command: Command, hearings: Path) -> None:
    said = command("init", "--target", f"sqlite:///{hearings}", "--table", "hearing")

    assert said.code == 2
    assert "did you mean hearings?" in said.err


# plugins and config


def test_plugins_list_and_show(command: Command) -> None:
    assert "static_thresholds  validate-updates 0" in command("plugins", "list").out
    shown = command("plugins", "show", "static_thresholds")
    assert "  added_most = 1000\n      most records an update may add (integer >= 0)\n" in shown.out
    data = command("plugins", "show", "static_thresholds", "--format", "json").json
    assert {"plugin", "settings", "validators", "strategy", "metrics", "sections", "subcommands"} <= set(data)
    assert command("plugins", "show", "statik_thresholds").code == 2


def test_config_show_masks_secrets_and_tells_origins(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "validate-updates.toml").write_text(
        'target = "postgresql://u:hunter2-and-more@h/d"\n[plugins.static_thresholds]\nadded_most = 7\n'
    )
    monkeypatch.setenv("VALIDATE_UPDATES_JOURNAL__PREFIX", "vu_")

    shown = command("config", "show", "--origin")
    plain = command("config", "show", "--format", "json")

    assert "hunter2" not in shown.out + plain.out
    assert "env VALIDATE_UPDATES_JOURNAL__PREFIX" in shown.out
    paths = {one["path"]: one for one in plain.json["settings"]}
    assert paths["plugins.static_thresholds.added_most"]["origin"] == "validate-updates.toml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tasks.daily]\nsource = 'missing.jsonl'\n", "tasks.daily"),
        ("default_plugins = ['nonesuch']\n", "nonesuch"),
        ("[plugins.static_thresholds]\nadded_moist = 1\n", "added_most"),
    ],
)
def test_config_check_finds_what_a_run_would_stumble_over(
    text: str, told: str, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "validate-updates.toml").write_text(text)

    said = command("config", "check")

    assert said.code == 2
    assert told in said.out
    assert command("config", "check", "--format", "json").json["problems"] != []


def test_config_check_of_sound_settings(command: Command) -> None:
    said = command("config", "check")

    assert (said.code, said.out) == (0, "✔ the settings are sound: 0 tasks\n")


# doctor


def states(said: Any) -> dict[str, str]:
    return {check["name"]: check["state"] for check in said.json["checks"]}


def test_doctor_of_a_sound_place(command: Command, hearings: Path, records: Records) -> None:
    command("run", str(records(GOOD)), *flags(hearings))

    said = command("doctor", "--target", f"sqlite:///{hearings}")
    assert said.code == 0
    assert said.out.endswith("\nnothing keeps an update from running here\n")
    found = states(command("doctor", "--target", f"sqlite:///{hearings}", "--format", "json"))
    assert set(found.values()) == {"ok"}
    expected = {"python", "sqlite", "savepoints", "settings", "plugin", "target", "journal mode", "lock", "journal"}
    assert expected <= set(found)


def test_doctor_tells_what_waits_and_what_can_be_taken_back(command: Command, hearings: Path, records: Records) -> None:
    command("run", str(records(GOOD, UNREADABLE)), *flags(hearings))

    said = " ".join(command("doctor", "--target", f"sqlite:///{hearings}").out.split())

    assert re.search(r"ok quarantine 1 record in it, since \d{4}-\d\d-\d\d", said)
    assert re.search(r"ok undo log 1 run can be taken back, from \d{4}-\d\d-\d\d on", said)
    assert "backup" not in said, "where none are wanted, none are missed"


def test_doctor_tells_the_age_of_the_newest_backup(command: Command, hearings: Path, tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text("[backup]\nmode = 'before-update'\nretention_days = 7\n")
    words = ["doctor", "--target", f"sqlite:///{hearings}"]

    assert "there is none yet" in command(*words).out
    assert states(command(*words, "--format", "json"))["backup"] == "warn"

    command("backup", "create", *words[1:])
    [manifest] = hearings.with_name("hearings.db.backups").glob("*.json")
    assert f"{manifest.stem}, made and verified 0 hours ago; 1 in all" in " ".join(command(*words).out.split())
    assert states(command(*words, "--format", "json"))["backup"] == "ok"

    made = json.loads(manifest.read_text())
    then = datetime.fromisoformat(made["created_at"]) - timedelta(days=9)
    manifest.write_text(json.dumps({**made, "created_at": then.isoformat()}))
    said = command(*words)
    assert "made and verified 9 days ago" in " ".join(said.out.split())
    assert said.code == 0
    assert states(command(*words, "--format", "json"))["backup"] == "warn"


def test_doctor_fails_where_others_may_write_into_the_folder_of_the_backups(
    command: Command, hearings: Path, tmp_path: Path, records: Records
) -> None:
    words = ["doctor", "--target", f"sqlite:///{hearings}", "--format", "json"]
    folder = hearings.with_name("hearings.db.backups")
    folder.mkdir()
    folder.chmod(0o777)
    assert states(command(*words)).get("backup") is None, "where none are wanted, none are missed"
    (tmp_path / "validate-updates.toml").write_text("[backup]\nmode = 'before-update'\n")

    said = command(*words)
    run = command("run", str(records(GOOD)), *flags(hearings))

    (check,) = (one for one in said.json["checks"] if one["name"] == "backup")
    assert (said.code, check["state"]) == (run.code, "fail") == (3, "fail")
    assert "others may write into the folder of the backups" in check["message"]
    assert "others may write into the folder of the backups" in run.out
    folder.chmod(0o700)
    assert states(command(*words))["backup"] == "warn"


def test_doctor_names_the_holder_of_the_lock(command: Command, hearings: Path) -> None:
    with locked_file(hearings.with_name("hearings.db.vu.lock"), run_id="the-other-run", wait=0):
        said = command("doctor", "--target", f"sqlite:///{hearings}")

    assert said.code == 0
    assert "warn  lock          held by run the-other-run, process " in said.out


def test_doctor_warns_of_an_old_sqlite_on_a_wal_database(
    command: Command, hearings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    words = ["doctor", "--target", f"sqlite:///{hearings}", "--format", "json"]

    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    assert states(command(*words))["journal mode"] == "warn"
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    assert states(command(*words))["journal mode"] == "ok"


@pytest.mark.parametrize(
    ("settings", "fails", "code"),
    [
        ("[tasks", "settings", 2),
        ("default_plugins = ['nonesuch']", "settings", 2),
        ("target = 'sqlite:///missing.db'", "target", 3),
        ("target = 'nonsense'", "target", 2),
    ],
)
def test_doctor_ends_with_what_a_run_would_end_with(
    settings: str, fails: str, code: int, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "validate-updates.toml").write_text(settings)

    said = command("doctor", "--format", "json")

    assert said.code == code
    assert states(said)[fails] == "fail"


def test_doctor_of_a_journal_that_is_not_ours(command: Command, hearings: Path) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("CREATE TABLE update_logs (x)")
        database.commit()

    said = command("doctor", "--target", f"sqlite:///{hearings}", "--format", "json")

    assert said.code == 3
    assert states(said)["journal"] == "fail"


# What is told to type next


def test_the_command_told_next_can_be_typed(command: Command, hearings: Path, records: Records) -> None:
    source = records(GOOD, UNREADABLE)

    told = command("run", str(source), *flags(hearings)).out.partition("\nNext\n")[2].strip().splitlines()

    assert told != []
    for line in told:
        program, *words = shlex.split(line)
        assert program == Path(sys.argv[0]).name or program == "validate-updates"
        assert command(*words).code in {0, 1, 5}, line
