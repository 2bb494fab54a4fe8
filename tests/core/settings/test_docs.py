"""``docs/settings.md`` says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from validate_updates.manager import load
from validate_updates.settings import Flags, job_for, load_settings, show
from validate_updates.settings.model import SettingsFile
from validate_updates.settings.schema import fields, is_struct, members
from validate_updates.settings.values import as_text

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"
TEXT = DOCS.read_text(encoding="utf-8")
EXAMPLE, IN_PYPROJECT = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
ROWS = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", TEXT, re.MULTILINE))


def _keys(kind: Any = SettingsFile, path: str = "") -> list[tuple[str, Any]]:
    """Every key there may be, as the reference writes it, with its default."""
    found: list[tuple[str, Any]] = []
    for name in fields(kind):
        inner = members(fields(kind)[name])[0]
        here = f"{path}.{name}".removeprefix(".")
        if is_struct(inner):
            found += _keys(inner, here)
        elif get_origin(inner) is dict and is_struct(get_args(inner)[1]):
            found += _keys(get_args(inner)[1], f"{here}.{'TABLE' if name == 'tables' else 'NAME'}")
        else:
            found.append((f"{here}.NAME" if name == "plugins" and not path else here, getattr(kind(), name)))
    return found


def test_the_reference_has_every_key_and_no_other() -> None:
    documented = {row for row in ROWS if not row.startswith("VALIDATE_UPDATES_")}
    assert documented == {key for key, _ in _keys()}


@pytest.mark.parametrize(("key", "default"), [(key, default) for key, default in _keys() if default not in (None, {})])
def test_the_reference_has_the_defaults(key: str, default: object) -> None:
    assert f"`{as_text(default)}`" in ROWS[key].split(" | ")[1]


def test_the_complete_example_is_complete_and_works(tmp_path: Path) -> None:
    whole = EXAMPLE.replace("# password_file", "password_file", 1)
    tree = tomllib.loads(whole)
    assert set(tree) == set(fields(SettingsFile))
    assert set(tree["journal"]) == {"prefix"}
    assert {*tree["tasks"]["daily"], "password_file"} == {
        key.split(".")[2] for key, _ in _keys() if key.startswith("tasks.")
    }
    (tmp_path / "validate-updates.toml").write_text(EXAMPLE, encoding="utf-8")
    settings = load_settings(env={"DATABASE_URL": "sqlite:////srv/x.db"}, cwd=tmp_path)
    job = job_for(settings, "daily", Flags())
    assert job.source == f"{tmp_path}/updates/today.jsonl"
    assert load(job.plugins, job.plugin_settings, origins=job.origins).infos[0].name == "static_thresholds"


def test_the_values_of_the_example_are_the_defaults_where_there_are_defaults(tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text(EXAMPLE, encoding="utf-8")
    shown = {entry.path: entry.value_text for entry in show(load_settings(env={}, cwd=tmp_path))}
    for key, default in _keys():
        if default not in (None, {}):
            assert shown[key.replace("NAME", "daily").replace("TABLE", "hearings")] == as_text(default)


def test_the_example_for_pyproject_works(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(IN_PYPROJECT, encoding="utf-8")
    assert job_for(load_settings(env={}, cwd=tmp_path), "daily", Flags()).key == ("event_id",)


@pytest.mark.parametrize("row", [row for row in ROWS if row.startswith("VALIDATE_UPDATES_")])
def test_the_variables_of_the_table_set_what_it_says(tmp_path: Path, row: str) -> None:
    name, _, value = row.partition("=")
    (tmp_path / "validate-updates.toml").write_text(EXAMPLE, encoding="utf-8")
    settings = load_settings(env={name: value}, cwd=tmp_path)
    assert settings.origins[ROWS[row].strip("`")] == f"env {name}"


def test_the_messages_of_the_page_are_those_of_the_program(tmp_path: Path) -> None:
    shown = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)[0].splitlines()
    causes = ('[tasks.daily]\nsorce = "x"', '[tasks.daily]\nwait = "x"', f"{chr(10) * 11}x    = = 1", "")
    env = {"VALIDATE_UPDATES_TASKS__DAILY__WAIT": "90000"}
    for line, cause in zip(shown, causes, strict=True):
        (tmp_path / "validate-updates.toml").write_text(cause)
        with pytest.raises(Exception, match=f"^{re.escape(line)}$"):
            load_settings(env={} if cause else env, cwd=tmp_path)
