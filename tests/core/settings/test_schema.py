from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from tests.core.settings.made import loaded
from validate_updates.errors import SettingsError
from validate_updates.settings.schema import problems


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('tasks.daily.wait = "x"', 'tasks.daily.wait: expected a number, got "x"'),
        ("tasks.daily.wait = -1", "tasks.daily.wait: expected a number of at least 0, got -1"),
        ("tasks.daily.wait = nan", "tasks.daily.wait: expected a number of at least 0, got nan"),
        ("tasks.daily.wait = inf", "tasks.daily.wait: expected a number of at most 86400, got inf"),
        ("tasks.daily.wait = true", "tasks.daily.wait: expected a number, got true"),
        ("tasks.daily.max_deletes = 1.5", "tasks.daily.max_deletes: expected a whole number, got 1.5"),
        ("tasks.daily.max_deletes = -2", "tasks.daily.max_deletes: expected a whole number of at least 0, got -2"),
        ("tasks.daily.max_deletes_percent = 101", "expected a number of at most 100, got 101"),
        ('tasks.daily.deletes = "all"', 'tasks.daily.deletes: expected "off" or "missing", got "all"'),
        ("tasks.daily.deletes = true", 'tasks.daily.deletes: expected "off" or "missing", got true'),
        ('tasks.daily.format = "xml"', 'expected "jsonl" or "json" or "csv" or "parquet", got "xml"'),
        ("tasks.daily.source = 5", "tasks.daily.source: expected text or a list, got 5"),
        ('tasks.daily.source = ""', 'tasks.daily.source: expected text that is not empty, got ""'),
        ("tasks.daily.source = []", "tasks.daily.source: expected a list that is not empty, got []"),
        ('tasks.daily.source = ["a", 5]', "tasks.daily.source[1]: expected text, got a whole number"),
        ("tasks.daily.schema = 2024-01-01", "tasks.daily.schema: expected text, got 2024-01-01"),
        ('tasks.daily.plugins = "batch"', 'tasks.daily.plugins: expected a list, got "batch"'),
        ("tasks.daily = 5", "tasks.daily: expected a table, got 5"),
        ("[[tasks]]", "tasks: expected a table, got a list"),
        ('[tasks."a\\nb"]', 'tasks."a\\x0ab": name: expected at most 64 letters'),
        ('[tasks."two words"]', 'tasks."two words": name: expected at most 64 letters'),
        (
            "journal.prefix = ''",
            "journal.prefix: expected at most 30 small letters, digits and _, starting with a letter",
        ),
        ("journal.prefix = 'sqlite_x'", 'not with sqlite_, got "sqlite_x"'),
        ("target = ''", "target: expected text that is not empty"),
        ("target = 5", "target: expected text, got 5"),
        ("target = { password = 's3cret' }", "target: expected text, got a table"),
        ("plugins = ['batch']", "the list of plugins to use is named default_plugins"),
        ("plugins.batch = 5", "plugins.batch: expected a table, got 5"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, line)
    assert caught.value.message.startswith("validate-updates.toml: ")
    assert message in caught.value.message
    assert "`" not in caught.value.message
    assert "s3cret" not in caught.value.message


def test_the_longest_numbers_are_told_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="got a number beyond 64 bits"):
        loaded(tmp_path, f"tasks.daily.wait = 0x{'f' * 5000}")


def test_every_unknown_key_is_told_at_once_with_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, 'tarjet = "x"\nqqq = 1\n[tasks.daily]\nsorce = "x"\n[tasks.daily.tables.t]\nkeys = "x"\n')
    message, hint = caught.value.message, caught.value.hint
    assert 'validate-updates.toml: tarjet: unknown key, did you mean "target"?' in message
    assert "qqq: unknown key;" in message
    assert 'tasks.daily.sorce: unknown key, did you mean "source"?' in message
    assert 'tasks.daily.tables.t.keys: unknown key, did you mean "key"?' in message
    assert "valid at the top: target, password_file, default_plugins, journal, backup, tasks, plugins" in hint
    assert "valid in tasks.daily: source, format" in hint
    assert "\n" not in message


def test_the_problems_of_both_files_are_told_at_once_and_not_without_end(tmp_path: Path) -> None:
    many = "\n".join(f"unknown{number} = 1" for number in range(1000))
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, many, pyproject="[tool.validate-updates]\nwrong = 1\n")
    assert caught.value.message.startswith("pyproject.toml: wrong: unknown key; validate-updates.toml: unknown0")
    assert len(caught.value.message) < 1000
    assert "more" in caught.value.message


def test_a_value_that_a_stronger_file_replaces_is_judged_nevertheless(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^pyproject.toml: journal.prefix: "):
        loaded(tmp_path, 'journal.prefix = "a_"', pyproject="[tool.validate-updates]\njournal.prefix = 5\n")


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    most: Annotated[float, Meta(gt=0)] | None = None


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    checks: list[Inner] = []
    text: str = ""

    def __post_init__(self) -> None:
        if self.text == "bad":
            raise ValueError("text and checks do not go together")


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({}, []),
        ({"checks": [{"name": "a", "most": 1}]}, []),
        ({"checks": [{"name": "a"}, {"nam": "b"}]}, [("p", "checks", 1, "nam"), ("p", "checks", 1, "name")]),
        ({"checks": [{"name": "a", "most": 0}, 5]}, [("p", "checks", 0, "most"), ("p", "checks", 1)]),
        ({"checks": {}}, [("p", "checks")]),
        ({"text": "bad"}, [("p",)]),
    ],
)
def test_any_struct_can_be_held_against_a_tree(tree: dict[str, Any], found: list[tuple[object, ...]]) -> None:
    assert [problem.path for problem in problems(tree, Outer, ("p",))] == found


def test_what_a_struct_itself_refuses_is_told_in_its_words() -> None:
    assert [problem.what for problem in problems({"text": "bad"}, Outer)] == ["text and checks do not go together"]
