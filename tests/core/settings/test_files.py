from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.settings.made import DAILY, loaded, write
from validate_updates.errors import SettingsError, UsageError
from validate_updates.settings import check, load_settings, show
from validate_updates.settings.paths import InFile
from validate_updates.text import printable


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert settings.files == ()
    assert settings.model.default_plugins == ("static_thresholds",)
    assert settings.model.journal.prefix == "update_"
    assert set(settings.origins.values()) == {"default"}


def test_the_nearest_folder_upwards_that_has_settings_is_taken(tmp_path: Path) -> None:
    near = tmp_path / "near"
    here = near / "some" / "where"
    here.mkdir(parents=True)
    write(tmp_path, 'journal.prefix = "far_"')
    write(near, 'journal.prefix = "near_"')
    settings = load_settings(env={}, cwd=here)
    assert settings.model.journal.prefix == "near_"
    assert settings.files == (near / "validate-updates.toml",)
    assert settings.origins["journal.prefix"] == "../../validate-updates.toml"


def test_the_own_file_beats_pyproject_key_by_key(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        '[tasks.daily]\nschema = "own"\n',
        pyproject='[tool.validate-updates.tasks.daily]\nschema = "weak"\nwait = 7\n',
    )
    assert settings.model.tasks["daily"].schema == "own"
    assert settings.model.tasks["daily"].wait == 7
    assert settings.origins["tasks.daily.schema"] == "validate-updates.toml"
    assert settings.origins["tasks.daily.wait"] == "pyproject.toml"
    assert settings.origins["tasks.daily.max_deletes"] == "default"
    assert settings.files == (tmp_path / "pyproject.toml", tmp_path / "validate-updates.toml")


def test_where_a_value_came_from_can_be_copied_with_its_folder(tmp_path: Path) -> None:
    origin = loaded(tmp_path, 'journal.prefix = "own_"').origins["journal.prefix"]

    copied = copy.deepcopy(origin)

    assert copied == "validate-updates.toml"
    assert isinstance(copied, InFile)
    assert copied.folder == tmp_path


@pytest.mark.parametrize("theirs", ["[broken", '[tool.other]\nname = "x"\n', 'tool = "validate-updates"', ""])
def test_a_pyproject_of_others_is_passed_by(tmp_path: Path, theirs: str) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "pyproject.toml").write_text(theirs)
    write(tmp_path, 'journal.prefix = "far_"')
    assert load_settings(env={}, cwd=here).model.journal.prefix == "far_"


def test_a_broken_pyproject_that_speaks_of_us_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^pyproject.toml:2:\d+: not valid TOML"):
        loaded(tmp_path, pyproject="[tool.validate-updates]\ntarget = \n")


def test_a_section_that_is_no_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^pyproject.toml: tool.validate-updates: expected a table, got 5$"):
        loaded(tmp_path, pyproject="[tool]\nvalidate-updates = 5\n")


def test_a_named_file_is_read_alone(tmp_path: Path) -> None:
    write(tmp_path, 'journal.prefix = "found_"\ndefault_plugins = []')
    (tmp_path / "other.toml").write_text('journal.prefix = "named_"')
    for settings in (
        load_settings(Path("other.toml"), env={"VALIDATE_UPDATES_CONFIG": "missing.toml"}, cwd=tmp_path),
        load_settings(env={"VALIDATE_UPDATES_CONFIG": "other.toml"}, cwd=tmp_path),
    ):
        assert settings.model.journal.prefix == "named_"
        assert settings.model.default_plugins == ("static_thresholds",)
        assert settings.origins["journal.prefix"] == "other.toml"


def test_a_named_pyproject_is_read_for_its_section(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.validate-updates.journal]\nprefix = "mine_"')
    assert load_settings(Path("pyproject.toml"), env={}, cwd=tmp_path).model.journal.prefix == "mine_"
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(UsageError, match=r"^pyproject.toml: has no \[tool.validate-updates\]$"):
        load_settings(Path("pyproject.toml"), env={}, cwd=tmp_path)


@pytest.mark.parametrize("name", ["missing.toml", ".", "a\0b", "x" * 5000])
def test_a_named_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="the settings file cannot be read"):
        load_settings(Path(name), env={}, cwd=tmp_path)


def test_a_pipe_or_a_dangling_link_in_the_place_of_the_file_is_an_error_and_never_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "validate-updates.toml"
    os.mkfifo(path)
    with pytest.raises(SettingsError, match=r"^validate-updates.toml: .* not a file"):
        loaded(tmp_path)
    path.unlink()
    path.symlink_to(tmp_path / "gone.toml")
    with pytest.raises(SettingsError, match=r"^validate-updates.toml: .* not a file"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[tasks]\nx = \n", r"^validate-updates.toml:2:5: not valid TOML: Invalid value$"),
        (b'target = "open', r"^validate-updates.toml: not valid TOML: .*end of document"),
        (b"a = 1\na = 2\n", r"^validate-updates.toml:2:6: not valid TOML"),
        (b"ok = 1\n# \xff\n", r"^validate-updates.toml:2: is not UTF-8 text \(byte 9\)$"),
        (b"#" * 1_000_001, r"^validate-updates.toml: is larger than 1 MB"),
        (b"x = " + b"[" * 100_000, r"^validate-updates.toml: .* deep inside each other"),
        (b"[" + b".".join([b"a"] * 200) + b"]", r"^validate-updates.toml: .* deep inside each other"),
        (b"x = " + b"1" * 5000, r"^validate-updates.toml: holds a number of too many digits"),
    ],
)
def test_what_is_no_toml_is_named_with_its_place(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        loaded(tmp_path, data)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    assert loaded(tmp_path, b'\xef\xbb\xbf[journal]\r\nprefix = "x_"\r\n').model.journal.prefix == "x_"


def test_a_directory_that_is_gone_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageError, match="current directory"):
        load_settings(env={})


KEYS = "target password_file default_plugins plugins journal tasks tasks.daily tasks.daily.tables tasks.daily.source"
KEYS += ' tasks.daily.wait tasks.daily.deletes tasks.daily.tables.t.key plugins.x.n ""'
VALUES = (
    '""',
    '"a\\u0000b"',
    "5",
    "-1",
    "nan",
    "inf",
    "0x" + "f" * 5000,
    "[]",
    '["a", 5]',
    "{}",
    "{ a = 1 }",
    "true",
    '"-"',
)
MORE = (
    '"-"',
    "true",
    '"sqlite:///x.db"',
    '"env:NOWHERE"',
    "[{ a = [1] }]",
    "1979-05-27",
    "1979-05-27T07:32:00Z",
    "07:32:00",
)
LINES = st.builds("{} = {}".format, st.sampled_from(KEYS.split()), st.sampled_from(VALUES + MORE))
FILES = st.one_of(
    st.binary(),
    st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(LINES, unique_by=lambda line: line.partition(" ")[0], max_size=6).map(
        lambda lines: "\n".join(lines).encode()
    ),
    st.builds(
        lambda at, data: DAILY.encode()[:at] + data + DAILY.encode()[at:],
        st.integers(0, len(DAILY)),
        st.binary(max_size=5),
    ),
)
NAMES = st.sampled_from(
    ["TARGET", "TASKS__DAILY__SOURCE", "TASKS__DAILY__WAIT", "PLUGINS__X__N", "PLUGINS", "TASKS", "_"]
)
TEXTS = st.one_of(st.sampled_from(VALUES + MORE), st.text(st.characters(exclude_characters="\0")))
VARIABLES = st.dictionaries(NAMES, TEXTS)


@given(FILES, VARIABLES)
@example(DAILY.encode(), {"TASKS__DAILY__WAIT": "5"})
def test_any_bytes_are_settings_or_a_clear_error(data: bytes, variables: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        lines = list(_everything_told(Path(name), data, variables))
    assert lines
    assert all(printable(line, 5000) == line for line in lines)


def _everything_told(folder: Path, data: bytes, variables: dict[str, str]) -> Iterator[str]:
    try:
        settings = loaded(folder, data, **variables)
    except UsageError as error:
        yield error.message
        return
    yield from (f"{entry.path} {entry.value_text} {entry.origin}" for entry in show(settings))
    yield from check(settings)
