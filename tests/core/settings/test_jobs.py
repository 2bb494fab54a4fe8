from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.core.settings.made import DAILY, in_environment, loaded
from validate_updates.errors import SettingsError, UsageError
from validate_updates.job import DeletePolicy, Deletes, Job, UnknownColumns
from validate_updates.secret import SecretUrl
from validate_updates.settings import Flags, check, job_for

FULL = """
default_plugins = ["a"]
[journal]
prefix = "our_"
[tasks.daily]
source = ["x.jsonl", "/abs.csv", "-"]
format = "jsonl"
target = "sqlite:///data/x.db?timeout=5"
schema = "public"
plugins = ["b"]
unknown_columns = "ignore"
deletes = "missing"
max_deletes = 7
max_deletes_percent = 1
wait = 3
[tasks.daily.tables.hearings]
key = ["congress", "event_id"]
[plugins.b]
size = 5
"""


def test_everything_of_a_task_gets_into_its_job(tmp_path: Path) -> None:
    settings = loaded(tmp_path, FULL)
    assert job_for(settings, "daily", Flags()) == Job(
        source=(f"{tmp_path}/x.jsonl", "/abs.csv", "-"),
        target=SecretUrl(f"sqlite:///{tmp_path}/data/x.db?timeout=5"),
        table="hearings",
        task="daily",
        source_format="jsonl",
        schema="public",
        key=("congress", "event_id"),
        unknown_columns=UnknownColumns.IGNORE,
        deletes=DeletePolicy(mode=Deletes.MISSING, most_rows=7, most_percent=1.0),
        plugins=("b",),
        plugin_settings={"b": {"size": 5}},
        origins=settings.origins,
        journal_prefix="our_",
        wait=3.0,
        command="daily",
    )


def test_flags_change_everything_for_one_run(tmp_path: Path) -> None:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    flags = Flags(
        source=("one.csv", "two.csv"),
        target="sqlite:///here.db",
        table="other",
        key=("id",),
        schema="s",
        format="csv",
        plugins=(),
        unknown_columns="reject",
        deletes="off",
        max_deletes=0,
        max_deletes_percent=0,
        wait=0,
        dry_run=True,
        as_of=now,
    )
    job = job_for(loaded(tmp_path, FULL), "daily", flags)
    assert (job.source, job.target.reveal(), job.table, job.key) == (
        ("one.csv", "two.csv"),
        "sqlite:///here.db",
        "other",
        ("id",),
    )
    assert (job.schema, job.source_format, job.plugins, job.unknown_columns) == ("s", "csv", (), "reject")
    assert (job.deletes, job.wait, job.dry_run, job.as_of) == (DeletePolicy(most_rows=0, most_percent=0), 0, True, now)
    assert job.task == "daily"


def test_the_command_for_the_same_job_has_every_flag_and_no_password(tmp_path: Path) -> None:
    flags = Flags(
        target="postgresql://u:hunter2@h/d",
        table="my table",
        key=("a", "b"),
        schema="s",
        format="csv",
        plugins=(),
        unknown_columns="ignore",
        deletes="missing",
        max_deletes=7,
        max_deletes_percent=50.0,
        wait=3.0,
        as_of=datetime(2024, 5, 1, tzinfo=UTC),
    )
    assert job_for(loaded(tmp_path), "-", flags).command == (
        "- --target 'postgresql://u:***@h/d' --table 'my table' --key a,b --schema s --source-format csv --plugins '' "
        "--unknown-columns ignore --deletes missing --max-deletes 7 --max-deletes-percent 50.0 --wait 3.0 "
        "--as-of 2024-05-01T00:00:00+00:00"
    )


def test_the_command_for_the_same_job_names_the_variable_of_its_target(tmp_path: Path) -> None:
    flags = Flags(target="env:TARGET", source=("one.csv", "two.csv"))
    command = job_for(in_environment(tmp_path, DAILY, {"TARGET": "sqlite:///x.db"}), "daily", flags).command
    assert command == "daily --source one.csv --source two.csv --target env:TARGET"


def test_another_table_does_not_take_the_key_of_the_tasks_table(tmp_path: Path) -> None:
    settings = loaded(tmp_path, DAILY)
    assert job_for(settings, "daily", Flags()).key == ("event_id",)
    assert job_for(settings, "daily", Flags(table="other")).key == ()
    assert job_for(settings, "daily", Flags(table="hearings")).key == ("event_id",)
    assert job_for(settings, "daily", Flags(key=("id",))).key == ("id",)


def test_without_any_settings_flags_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "records.jsonl").touch()
    flags = Flags(target="sqlite:///x.db", table="hearings", key=("event_id",))
    job = job_for(loaded(tmp_path), "records.jsonl", flags)
    assert (job.source, job.target.reveal(), job.table) == ("records.jsonl", "sqlite:///x.db", "hearings")
    assert (job.task, job.plugins) == ("hearings", ("static_thresholds",))
    assert job_for(loaded(tmp_path), "-", flags).source == "-"
    assert job_for(loaded(tmp_path), None, Flags(target="sqlite://", table="t", source=("a", "b"))).source == ("a", "b")


def test_the_source_of_a_plugin_is_no_file(tmp_path: Path) -> None:
    own = 'tasks.api = {source = "congress:meetings", target = "sqlite://", tables.t = {}}'
    settings = loaded(tmp_path, f'target = "sqlite://"\n{own}')
    assert job_for(settings, "api", Flags()).source == "congress:meetings"
    assert job_for(settings, "congress:meetings", Flags(table="t")).source == "congress:meetings"
    assert check(settings) == []
    with pytest.raises(UsageError, match="neither a task nor a file"):
        job_for(settings, "./congress:meetings", Flags(table="t"))


def test_a_source_may_take_its_target_from_the_settings(tmp_path: Path) -> None:
    assert job_for(loaded(tmp_path, DAILY), "-", Flags(table="t")).target == SecretUrl("sqlite:////srv/hearings.db")


def test_a_task_comes_before_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "daily").touch()
    settings = loaded(tmp_path, DAILY)
    assert job_for(settings, "daily", Flags()).source == "/srv/today.jsonl"
    assert job_for(settings, "./daily", Flags(table="t")).source == "./daily"


@pytest.mark.parametrize(
    ("argument", "flags", "message", "hint"),
    [
        ("dayly", {}, '"dayly" is neither a task nor a file, did you mean "daily"?', "tasks: daily"),
        ("no/\x1bsuch", {}, '"no/\\x1bsuch" is neither a task nor a file', "tasks: daily"),
        ("a\0b", {}, "is neither a task nor a file", ""),
        ("x" * 9000, {}, "is neither a task nor a file", ""),
        (None, {}, "nothing to run: give a task or a source", "tasks: daily"),
        ("-", {"source": "x"}, "two sources", ""),
        ("-", {}, "a source without a task needs --table", "tasks: daily"),
        ("daily", {"wait": -1.0}, "--wait: expected a number of at least 0, got -1", ""),
        ("daily", {"max_deletes_percent": 101.0}, "--max-deletes-percent: expected a number of at most 100", ""),
        ("daily", {"unknown_columns": "x"}, '--unknown-columns: expected "reject" or "ignore", got "x"', ""),
        ("daily", {"format": "xml", "deletes": "x"}, '--deletes: expected "off" or "missing", got "x"', ""),
        ("daily", {"target": ""}, "--target: expected text that is not empty", ""),
        ("daily", {"target": "x.db"}, "--target: is not the URL of a database", "sqlite:///"),
    ],
)
def test_what_makes_no_job_is_a_usage_error(
    tmp_path: Path, argument: str | None, flags: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        job_for(loaded(tmp_path, DAILY), argument, Flags(**flags))
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_without_settings_every_missing_flag_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs --target and --table") as caught:
        job_for(loaded(tmp_path), "-", Flags())
    assert "no tasks are set up" in caught.value.hint


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ('[tasks.daily]\nsource = "x"\n', "tasks.daily.tables: names no table"),
        ("[tasks.daily.tables.t]\n", "tasks.daily.source: is not set"),
        ('[tasks.daily]\nsource = "x"\ntables.t = {}', "there is no target"),
    ],
)
def test_a_task_that_lacks_something_says_what(tmp_path: Path, own: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        job_for(loaded(tmp_path, own), "daily", Flags())
