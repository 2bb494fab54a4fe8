from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.settings.made import DAILY, loaded
from validate_updates.settings import Entry, Flags, check, job_for, show
from validate_updates.settings.model import BackupSettings, JournalSettings, SettingsModel, TaskSettings
from validate_updates.settings.values import without_secrets

SECRET = "s3cret"
SECRETS = f"""
target = "postgresql://me:{SECRET}@host/d?password={SECRET}"
[tasks.a]
target = "postgresql://me:{SECRET}/{SECRET}@{SECRET}@host/d"
[tasks.b]
target = "host=h password={SECRET}"
[plugins.notify]
webhook = "{SECRET}"
url = "https://hooks.example.org/{SECRET}?{SECRET}"
api_key = ["{SECRET}"]
lines = ["see https://me:{SECRET}@example.org"]
nested = {{ my_token = "{SECRET}", list = [{{ password = "{SECRET}" }}] }}
"""


def test_every_setting_is_shown_with_its_origin(tmp_path: Path) -> None:
    shown = {entry.path: entry for entry in show(loaded(tmp_path, DAILY, TASKS__DAILY__WAIT="5", PLUGINS__P__N="1"))}
    own = ("target", "password_file", "default_plugins")
    journal = (f"journal.{name}" for name in JournalSettings.__struct_fields__)
    backup = (f"backup.{name}" for name in BackupSettings.__struct_fields__)
    task = (f"tasks.daily.{name}" for name in TaskSettings.__struct_fields__ if name != "tables")
    table = (f"tasks.daily.tables.hearings.{name}" for name in ("key", "parent", "children"))
    assert set(shown) == {*own, *journal, *backup, *task, *table, "plugins.p.n"}
    assert {*own, "journal", "backup", "tasks"} == set(SettingsModel.__struct_fields__)
    assert shown["target"] == Entry("target", '"sqlite:////srv/hearings.db"', "validate-updates.toml")
    assert shown["password_file"] == Entry("password_file", "not set", "default")
    assert shown["default_plugins"] == Entry("default_plugins", '["static_thresholds"]', "default")
    assert shown["tasks.daily.wait"] == Entry("tasks.daily.wait", "5.0", "env VALIDATE_UPDATES_TASKS__DAILY__WAIT")
    assert shown["tasks.daily.deletes"] == Entry("tasks.daily.deletes", '"off"', "default")
    assert shown["plugins.p.n"].origin == "env VALIDATE_UPDATES_PLUGINS__P__N"


def test_a_target_in_the_environment_is_shown_as_its_name(tmp_path: Path) -> None:
    assert show(loaded(tmp_path, 'target = "env:DATABASE_URL"'))[0].value_text == '"env:DATABASE_URL"'


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    settings = loaded(tmp_path, SECRETS, TASKS__C__TARGET=f"postgresql://u:{SECRET}@h/d")
    shown = {entry.path: entry.value_text for entry in show(settings)}
    assert SECRET not in str(shown)
    assert shown["target"] == '"postgresql://me:***@host/d"'
    assert shown["plugins.notify.url"] == '"https://hooks.example.org/***"'
    assert SECRET not in f"{settings!r}{settings}{check(settings)}"


def test_names_of_tables_that_sound_secret_are_shown(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path, '[tasks.tokens.tables.passwords]\nkey = "id"\n[plugins.webhooks]\nmost = 5\ntoken_file = "x"'
    )
    shown = {entry.path: entry.value_text for entry in show(settings)}
    assert shown["tasks.tokens.tables.passwords.key"] == '"id"'
    assert shown["plugins.webhooks.most"] == "5"
    assert shown["plugins.webhooks.token_file"] == '"x"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("env:NAME", "env:NAME"),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:p@h/d#p", "postgresql://u:***@h/d"),
        ("http://h", "http://h"),
        ("see http://u:p@h/x/y", "see http://u:***@h/***"),
    ],
)
def test_urls_are_shown_without_their_secrets(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_a_value_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    settings = loaded(tmp_path, 'tasks.t.schema = "\\u001b[31m\\n"\nplugins.p."\\u001b[31m" = "x"')
    assert all((entry.path + entry.value_text + entry.origin).isprintable() for entry in show(settings))


def test_check_tells_what_a_run_would_stumble_over(tmp_path: Path) -> None:
    (tmp_path / "here.jsonl").touch()
    own = """
        [tasks.good]
        source = ["here.jsonl", "-"]
        target = "sqlite://"
        tables.t = {}
        [tasks.gone]
        source = ["here.jsonl", "gone.jsonl"]
        target = "sqlite://"
        tables.t = {}
        [tasks.unset]
        source = "here.jsonl"
        target = "env:NOWHERE"
        tables.t = {}
        [tasks.empty]
    """
    settings = loaded(tmp_path, own)
    assert job_for(settings, "good", Flags()).table == "t"
    assert check(settings) == [
        f"task gone: validate-updates.toml: tasks.gone.source: there is no {tmp_path}/gone.jsonl",
        "task unset: validate-updates.toml: tasks.unset.target: the environment variable NOWHERE is not set",
        "task empty: tasks.empty.tables: names no table",
    ]
