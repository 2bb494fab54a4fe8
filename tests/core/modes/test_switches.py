"""Plugins switched on, off and into shadow for a task, by what the journal says."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.core.modes.trial import Trial, finding
from validate_updates import Moment, RunResult, Severity, Verdict
from validate_updates.choosing import standings
from validate_updates.engine import execute
from validate_updates.errors import PluginError
from validate_updates.job import Job
from validate_updates.journal.rows import Switch, SwitchMode
from validate_updates.journal.schema import prepare
from validate_updates.journal.switches import enter, in_force, switched, switches, who
from validate_updates.modes import Mode, Selected, selected
from validate_updates.secret import SecretUrl
from validate_updates.targets import open_database

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
GOOD = [{"id": 1, "name": "a"}]
AGAINST = Trial(says={Moment.PLAN: [finding("no", Severity.CRITICAL)]})


@pytest.fixture
def made(target: Target) -> Target:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    return target


def switch(target: Target, plugin: str, mode: SwitchMode, *, task: str = "t") -> None:
    database = open_database(SecretUrl(target.url))
    with database.connect() as connection, database.transaction(connection):
        made = Switch(task=task, plugin=plugin, mode=mode, reason="to see", made_at=AT, made_by="anna")
        enter(connection, prepare(connection, "update_"), made)


def stored(target: Target, task: str = "t") -> list[Switch]:
    database = open_database(SecretUrl(target.url))
    with database.connect() as connection, database.transaction(connection):
        return list(switches(connection, prepare(connection, "update_"), task))


def update(target: Target, *plugins: str, **options: Any) -> RunResult:
    return execute(Job(source=GOOD, target=SecretUrl(target.url), table="t", plugins=plugins, **options))


def took_part(result: RunResult) -> dict[str, str]:
    return {one.name: str(one.mode) for one in result.plugins}


def test_a_switch_goes_before_the_settings_from_the_next_run_on(made: Target) -> None:
    assert took_part(update(made, "static_thresholds")) == {"static_thresholds": "enforce"}

    switch(made, "static_thresholds", SwitchMode.SHADOW)
    switch(made, "batch", SwitchMode.ENFORCE)
    switch(made, "historical", SwitchMode.SHADOW, task="another")
    result = update(made, "static_thresholds")

    assert took_part(result) == {"batch": "enforce", "static_thresholds": "shadow"}
    assert [one.message for one in result.findings if one.code == "plugin_switched"] == [
        "static_thresholds was set to shadow by anna on 2026-11-28 12:00 UTC: to see",
        "batch was set to enforce by anna on 2026-11-28 12:00 UTC: to see",
    ]
    assert took_part(update(made, "static_thresholds", dry_run=True)) == took_part(result)

    switch(made, "static_thresholds", SwitchMode.OFF)
    switch(made, "batch", SwitchMode.SETTINGS)
    assert took_part(update(made, "static_thresholds")) == {}
    assert [one.mode.value for one in stored(made)] == ["shadow", "enforce", "off", "settings"]


def test_a_broken_plugin_is_switched_off_without_being_loaded(made: Target) -> None:
    with pytest.raises(PluginError, match="no plugin is called"):
        update(made, "uninstalled")
    switch(made, "uninstalled", SwitchMode.OFF)

    assert update(made, "uninstalled").verdict is Verdict.COMMITTED


def test_a_switch_that_says_what_the_settings_say_is_no_news(made: Target) -> None:
    switch(made, "batch", SwitchMode.ENFORCE)

    assert [one.code for one in update(made, "batch").findings] == []


def test_what_is_named_for_one_run_goes_before_a_switch(made: Target) -> None:
    switch(made, "batch", SwitchMode.OFF)

    result = update(made, "batch", switches=False)

    assert took_part(result) == {"batch": "enforce"}
    assert [(one.code, one.severity) for one in result.findings] == [("switch_overruled", Severity.INFO)]
    assert "--plugins overrules that" in result.findings[0].message


def test_a_plugin_given_as_an_object_is_switched_too(made: Target) -> None:
    switch(made, "trial", SwitchMode.SHADOW)
    job = Job(source=GOOD, target=SecretUrl(made.url), table="t")

    assert execute(job, extra={"trial": AGAINST}).verdict is Verdict.COMMITTED
    switch(made, "trial", SwitchMode.OFF)
    assert took_part(execute(job, extra={"trial": AGAINST})) == {}
    switch(made, "trial", SwitchMode.SETTINGS)
    assert execute(job, extra={"trial": AGAINST}).verdict is Verdict.REJECTED


# The rule, without a database


def one(plugin: str, mode: SwitchMode) -> Switch:
    return Switch(task="t", plugin=plugin, mode=mode, reason="", made_at=AT, made_by="anna")


def test_the_newest_of_each_plugin_holds() -> None:
    made = [one("a", SwitchMode.OFF), one("b", SwitchMode.OFF), one("a", SwitchMode.SHADOW)]

    assert in_force(made) == {"a": made[2], "b": made[1]}
    assert in_force([*made, one("b", SwitchMode.SETTINGS)]) == {"a": made[2]}


def test_what_a_switch_makes_of_the_settings() -> None:
    named = selected(["a", "b:shadow"])

    assert switched(named, [one("a", SwitchMode.SHADOW)]) == (Selected("b", Mode.SHADOW), Selected("a", Mode.SHADOW))
    assert switched(named, [one("b", SwitchMode.OFF), one("c", SwitchMode.ENFORCE)]) == selected(["a", "c"])
    assert switched(named, []) == named
    standing = standings(named, "a.toml", {"b": one("b", SwitchMode.OFF)})
    assert [(each.plugin, each.mode, each.origin) for each in standing] == [
        ("a", "enforce", "a.toml"),
        ("b", "off", ""),
    ]


@pytest.mark.parametrize(
    ("text", "name", "mode"),
    [("a", "a", Mode.ENFORCE), ("a:enforce", "a", Mode.ENFORCE), ("a:shadow", "a", Mode.SHADOW)],
)
def test_how_a_mode_is_written(text: str, name: str, mode: Mode) -> None:
    assert selected([text]) == (Selected(name, mode),)
    assert selected([str(Selected(name, mode))]) == (Selected(name, mode),)


@pytest.mark.parametrize("text", ["a:shadwo", "a:off", "a:", "a:b:c"])
def test_a_mode_that_there_is_not(text: str) -> None:
    with pytest.raises(PluginError, match="cannot run in the mode") as caught:
        selected([text])
    assert ":shadow; leave it out to switch it off" in caught.value.hint


def test_who_is_the_user_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert who() == getpass.getuser()

    def nobody() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert who() == f"user {os.getuid()}"
