"""A settings file changed: the values that were meant, and not a byte more."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validate_updates.errors import UsageError
from validate_updates.settings import load_settings
from validate_updates.settings.editing import edited, file_of, write

RATE = ("plugins", "historical", "false_alarm_rate")
MINE = """\
# Mine: do not touch.
target = "sqlite:///a.db"   # the one

[plugins.historical]
# one in a hundred
false_alarm_rate   =   0.01   # so they said
min_days = 30

[tasks.daily] # at six
source = "a.jsonl"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "validate-updates.toml"
    path.write_text(MINE)
    return path


def changed(file: Path, text: str, *values: tuple[tuple[str, ...], Any]) -> str:
    file.write_bytes(text.encode())
    edit = edited(file, dict(values))
    assert edit.before == file.read_bytes() == text.encode(), "nothing is written yet"
    return edit.after.decode()


def test_a_value_is_changed_where_it_stands(file: Path) -> None:
    assert changed(file, MINE, (RATE, 0.02)) == MINE.replace("=   0.01 ", "=   0.02 ")


def test_a_new_key_comes_after_those_of_its_table(file: Path) -> None:
    found = changed(file, MINE, (("plugins", "historical", "watch"), ["records.*"]))

    assert found == MINE.replace("min_days = 30\n", 'min_days = 30\nwatch = ["records.*"]\n')


NEW = "false_alarm_rate = 0.02"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"[plugins.historical]\n{NEW}\n"),
        ("a = 1\n", f"a = 1\n\n[plugins.historical]\n{NEW}\n"),
        ("plugins.historical.a = 9 # x\n", f"plugins.historical.a = 9 # x\nplugins.historical.{NEW}\n"),
        ("[plugins]\nhistorical = { a = 9 } # x\n", f"[plugins]\nhistorical = {{ a = 9, {NEW}}} # x\n"),
        ("\ufeffa = 1\r\n[plugins.historical]\r\n", f"\ufeffa = 1\r\n[plugins.historical]\r\n{NEW}\r\n"),
        ("[plugins.historical.a]\nb = 1\n", f"[plugins.historical]\n{NEW}\n\n[plugins.historical.a]\nb = 1\n"),
    ],
)
def test_ways_to_write_a_table(file: Path, before: str, after: str) -> None:
    assert changed(file, before, (RATE, 0.02)) == after


def test_in_pyproject_it_is_below_its_section(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n\n[tool.validate-updates.plugins.historical]\nmin_days = 9\n\n[tool.ruff]\n'

    found = changed(tmp_path / "pyproject.toml", text, (RATE, 0.02))

    assert found == text.replace("min_days = 9\n", "min_days = 9\nfalse_alarm_rate = 0.02\n")


def test_a_value_where_a_table_would_have_to_be(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be changed without changing more") as refused:
        changed(file, "plugins = 3\n", (RATE, 0.02))

    assert refused.value.hint == "write it by hand: plugins.historical.false_alarm_rate = 0.02"


LEAVES = st.one_of(
    st.booleans(), st.integers(-9, 9), st.text('ab"\\\né#', max_size=4), st.lists(st.integers(0, 9), max_size=3)
)
KEYS = st.sampled_from(["historical", "min_days", "false_alarm_rate", "a b", "x.y", "é"])
TREES = st.recursive(LEAVES, lambda inside: st.dictionaries(KEYS, inside, max_size=3), max_leaves=8)


@given(tree=st.dictionaries(KEYS, TREES, max_size=3), table=st.dictionaries(KEYS, LEAVES, max_size=3), value=LEAVES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_file_holds_only_the_value_changes(
    tmp_path: Path, tree: dict[str, Any], table: dict[str, Any], value: Any
) -> None:
    import tomlkit

    before = "# first\n" + tomlkit.dumps({**tree, "plugins": {"other": {"n": 1}, "historical": table}}) + "# last\n"
    found = changed(tmp_path / "validate-updates.toml", before, (RATE, value))

    wanted = tomllib.loads(before)
    wanted["plugins"]["historical"]["false_alarm_rate"] = value
    assert tomllib.loads(found) == wanted
    assert found.startswith("# first\n")
    assert found.count("# last") == 1
    assert edited(tmp_path / "validate-updates.toml", {RATE: value}).after.decode() == found


# Which file


def test_it_goes_where_it_is_set_or_its_table_is(tmp_path: Path) -> None:
    own, shared = tmp_path / "validate-updates.toml", tmp_path / "pyproject.toml"
    own.write_text("[plugins.static_thresholds]\nadded_most = 1\n")
    shared.write_text("[tool.validate-updates.plugins.historical]\nmin_days = 9\n")
    known = load_settings(cwd=tmp_path, env={})

    assert file_of(known, ("plugins", "historical", "min_days")) == shared
    assert file_of(known, RATE) == shared
    assert file_of(known, ("plugins", "static_thresholds", "added_least")) == own
    assert file_of(known, ("plugins", "batch", "size")) == own, "the stronger one"


def test_a_variable_is_stronger_than_any_file(file: Path) -> None:
    name = "VALIDATE_UPDATES_PLUGINS__HISTORICAL__FALSE_ALARM_RATE"
    known = load_settings(cwd=file.parent, env={name: "0.05"})

    with pytest.raises(UsageError, match=f"is set by env {name}"):
        file_of(known, RATE)


def test_without_a_file(tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text("")
    known = load_settings(tmp_path / "validate-updates.toml", env={}, cwd=tmp_path)
    assert file_of(known, RATE) == tmp_path / "validate-updates.toml"

    with pytest.raises(UsageError, match="no settings file"):
        file_of(load_settings(cwd=Path("/"), env={}), RATE)


# Writing


def test_it_is_written_with_its_mode_and_through_a_link(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(file.name)

    write(edited(link, {RATE: 0.02}))

    assert link.is_symlink()
    assert tomllib.loads(file.read_text())["plugins"]["historical"]["false_alarm_rate"] == 0.02
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [link, file]


def test_what_somebody_else_wrote_meanwhile_stays(file: Path, tmp_path: Path) -> None:
    edit = edited(file, {RATE: 0.02})
    file.write_text(MINE + "# and more\n")

    with pytest.raises(UsageError, match="somebody else has changed it"):
        write(edit)

    assert file.read_text().endswith("# and more\n")
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_gone(file: Path) -> None:
    edit = edited(file, {RATE: 0.02})
    file.unlink()

    with pytest.raises(UsageError, match="cannot be written: No such file"):
        write(edit)
