"""``thresholds set``: from a word on the command line into the settings file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command

MINE = """\
[plugins.historical]
min_days = 30  # a month
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "validate-updates.toml"
    path.write_text(MINE)
    return path


def test_old_and_new_are_shown_and_the_file_holds_the_new(command: Command, file: Path) -> None:
    said = command("thresholds", "set", "min_days=17", "on_alert=hold")

    assert said.code == 0, said.err
    assert "plugins.historical.min_days  30      →  17" in said.out
    assert 'plugins.historical.on_alert  "warn"  →  "hold"' in said.out
    assert file.read_text() == '[plugins.historical]\nmin_days = 17  # a month\non_alert = "hold"\n'
    assert '"hold"' in command("config", "show").out


def test_keys_within_tables_and_lists(command: Command, file: Path) -> None:
    recess = 'calendar.periods.recess=["2025-08-01/2025-09-01"]'
    said = command("thresholds", "set", recess, 'watch=["records.*"]', "--format", "json")

    assert [(one["setting"], one["old"]) for one in said.json["changes"]] == [
        ("plugins.historical.calendar.periods.recess", "not set"),
        ("plugins.historical.watch", '["records.*", "errors.percent", "columns.missing.*", "groups.*"]'),
    ]
    assert '[plugins.historical.calendar.periods]\nrecess = ["2025-08-01/2025-09-01"]\n' in file.read_text()


def test_of_another_plugin(command: Command, file: Path) -> None:
    assert command("thresholds", "set", "added_most=500", "--plugin", "static_thresholds").code == 0

    assert file.read_text() == f"{MINE}\n[plugins.static_thresholds]\nadded_most = 500\n"


def test_a_dry_run_writes_nothing(command: Command, file: Path) -> None:
    said = command("thresholds", "set", "min_days=17", "--dry-run")

    assert (said.code, file.read_text()) == (0, MINE)
    assert "nothing was written" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("min_days=3",), "command line: plugins.historical.min_days: expected a whole number of at least 8, got 3"),
        (("min_dyas=17",), 'min_dyas: unknown key, did you mean "min_days"?'),
        (("min_days",), "is no setting"),
        (("=3",), "is no setting"),
        (("calendar.periods.recess=never",), "periods"),
        (("false_alarm_rate=0.01\nother=3",), "false_alarm_rate"),
        (("watch=" + "[" * 3000 + "]" * 3000,), "watch"),
        (("min_days=17", "--plugin", "nobody"), "nobody"),
    ],
)
def test_what_is_wrong_is_not_written(command: Command, file: Path, words: tuple[str, ...], told: str) -> None:
    said = command("thresholds", "set", *words)

    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert file.read_text() == MINE


def test_what_a_variable_sets_is_not_written(command: Command, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALIDATE_UPDATES_PLUGINS__HISTORICAL__MIN_DAYS", "40")

    said = command("thresholds", "set", "min_days=17")

    assert said.code == 2
    assert "is set by env VALIDATE_UPDATES_PLUGINS__HISTORICAL__MIN_DAYS" in said.err
    assert file.read_text() == MINE
