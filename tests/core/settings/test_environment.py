from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.settings.made import DAILY, in_environment, loaded
from validate_updates.errors import SettingsError


def test_variables_reach_every_kind_of_setting_and_beat_the_files(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        DAILY,
        TARGET="sqlite:///env.db",
        JOURNAL__PREFIX="env_",
        DEFAULT_PLUGINS="static_thresholds, batch",
        TASKS__DAILY__SOURCE="env.jsonl",
        TASKS__DAILY__WAIT="2.5",
        TASKS__DAILY__MAX_DELETES="7",
        TASKS__DAILY__MAX_DELETES_PERCENT="3",
        TASKS__DAILY__DELETES="missing",
        TASKS__DAILY__TABLES__HEARINGS__KEY="congress,event_id",
    )
    task = settings.model.tasks["daily"]
    assert settings.model.target is not None
    assert settings.model.target.reveal() == "sqlite:///env.db"  # relative to the current directory, so as given
    assert settings.model.journal.prefix == "env_"
    assert settings.model.default_plugins == ("static_thresholds", "batch")
    assert (task.source, task.wait, task.max_deletes, task.max_deletes_percent) == (("env.jsonl",), 2.5, 7, 3.0)
    assert task.deletes == "missing"
    assert task.tables["hearings"].key == ("congress", "event_id")
    assert settings.origins["tasks.daily.wait"] == "env VALIDATE_UPDATES_TASKS__DAILY__WAIT"


def test_a_task_may_live_in_the_environment_alone(tmp_path: Path) -> None:
    settings = loaded(tmp_path, TASKS__NIGHTLY__SOURCE="a", TASKS__NIGHTLY__TABLES__HEARINGS__KEY="id")
    assert settings.model.tasks["nightly"].tables["hearings"].key == ("id",)


def test_names_in_the_files_are_found_whatever_their_spelling(tmp_path: Path) -> None:
    own = '[tasks.daily-Hearings.tables."my  __table"]\n[tasks.daily]\n[plugins.p.Limits.x-y]\nn = 1\n'
    settings = loaded(
        tmp_path,
        own,
        TASKS__DAILY_HEARINGS__WAIT="1",
        TASKS__DAILY__WAIT="2",
        TASKS__DAILY_HEARINGS__TABLES__MY____TABLE__KEY="id",
        PLUGINS__P__LIMITS__X_Y__N="2",
    )
    tasks = settings.model.tasks
    assert (tasks["daily-Hearings"].wait, tasks["daily"].wait) == (1, 2)
    assert tasks["daily-Hearings"].tables["my  __table"].key == ("id",)
    assert settings.plugin_tables["p"] == {"Limits": {"x-y": {"n": "2"}}}


def test_a_name_that_fits_two_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"env VALIDATE_UPDATES_TASKS__A_B__WAIT: may mean a-b or a_b"):
        loaded(tmp_path, "[tasks.a-b]\n[tasks.a_b]\n", TASKS__A_B__WAIT="1")


def test_values_for_plugins_stay_text_unless_they_are_lists_or_tables(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        PLUGINS__P__NUMBER="50",
        PLUGINS__P__DAY="2024-01-01",
        PLUGINS__P__NAMES='["a", "b"]',
        PLUGINS__P__CHECKS='[{name = "x", sql = "SELECT 1"}]',
        PLUGINS__P__BROKEN="[a",
        PLUGINS__P__DEEPER__N="1",
    )
    assert settings.plugin_tables["p"] == {
        "number": "50",
        "day": "2024-01-01",
        "names": ["a", "b"],
        "checks": [{"name": "x", "sql": "SELECT 1"}],
        "broken": "[a",
        "deeper": {"n": "1"},
    }
    assert settings.origins["plugins.p.number"] == "env VALIDATE_UPDATES_PLUGINS__P__NUMBER"


def test_lists_are_written_with_commas_or_as_toml(tmp_path: Path) -> None:
    assert loaded(tmp_path, DEFAULT_PLUGINS="[]").model.default_plugins == ()
    assert loaded(tmp_path, DEFAULT_PLUGINS=" a ,b,").model.default_plugins == ("a", "b")
    assert loaded(tmp_path, TASKS__T__SOURCE='["a,b", "c"]').model.tasks["t"].source == ("a,b", "c")


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    settings = loaded(tmp_path, DEFAULT_PLUGINS="", TARGET="", NONSENSE="", CONFIG="")
    assert settings.model.default_plugins == ("static_thresholds",)
    assert settings.model.target is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TARGTE", "x", 'env VALIDATE_UPDATES_TARGTE: unknown key, did you mean "target"?'),
        ("", "x", "env VALIDATE_UPDATES_: unknown key"),
        ("TASKS__DAILY__SORCE", "x", 'env VALIDATE_UPDATES_TASKS__DAILY__SORCE: unknown key, did you mean "source"?'),
        ("TASKS__DAILY__WAIT", "x", 'env VALIDATE_UPDATES_TASKS__DAILY__WAIT: expected a number, got "x"'),
        ("TASKS__DAILY__WAIT", "[[[[", 'env VALIDATE_UPDATES_TASKS__DAILY__WAIT: expected a number, got "[[[["'),
        ("TASKS__DAILY__WAIT", "1\nx = 2", 'expected a number, got "1\\x0ax = 2"'),
        ("TASKS__DAILY__MAX_DELETES", "1.5", "expected a whole number, got 1.5"),
        ("JOURNAL", "x", 'env VALIDATE_UPDATES_JOURNAL: expected a table, got "x"'),
        ("PLUGINS", "a,b", "the list of plugins to use is named default_plugins"),
        ("TARGET", "sqlite:///a\udcff.db", "env VALIDATE_UPDATES_TARGET: is not text in UTF-8"),
        ("TARGET__X", "x", "env VALIDATE_UPDATES_TARGET__X: expected text, got a table"),
    ],
)
def test_a_wrong_variable_is_an_error_that_names_it(tmp_path: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, DAILY, **{name: value})
    assert message in caught.value.message


def test_an_unknown_variable_is_told_with_the_valid_keys(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, DAILY, TASKS__DAILY__SORCE="x")
    assert "valid in tasks.daily: source," in caught.value.hint


def test_two_variables_for_one_setting_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"env VALIDATE_UPDATES_target: .* VALIDATE_UPDATES_TARGET"):
        loaded(tmp_path, TARGET="a", target="b")
    with pytest.raises(SettingsError, match="env VALIDATE_UPDATES_PLUGINS__P__A__B: "):
        loaded(tmp_path, PLUGINS__P__A="1", PLUGINS__P__A__B="2")


def test_other_variables_are_none_of_ours(tmp_path: Path) -> None:
    assert in_environment(tmp_path, DAILY, {"VALIDATE_UPDATE_X": "1", "TARGET": "x", "PATH": "y"}).model.tasks
