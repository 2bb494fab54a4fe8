"""From the table of a plugin to its settings, or to the key that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from validate_updates import PluginSettings, hookimpl
from validate_updates.errors import SettingsError
from validate_updates.manager import describe, load
from validate_updates.plugin_settings import Setting
from validate_updates.settings import load_settings
from validate_updates.text import printable


class Mode(StrEnum):
    SOFT = "soft"
    HARD = "hard"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    sql: str = ""
    warn: float | None = None


class Limits(PluginSettings, frozen=True):
    size: Annotated[int, Meta(ge=1, le=100, description="records a batch")] = 50
    share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    strict: bool = False
    mode: Mode = Mode.SOFT
    order: Literal["key", "source"] = "key"
    label: Annotated[str, Meta(min_length=1)] = "x"
    checks: tuple[Check, ...] = ()
    extra: dict[str, int] = msgspec.field(default_factory=dict)
    one: Check | None = None

    def __post_init__(self) -> None:
        if self.size == 13:
            raise ValueError("13 is an unlucky size")


class Plugin:
    @hookimpl
    def vu_settings(self) -> type[PluginSettings]:
        return Limits


class Bare:
    @hookimpl
    def vu_metrics(self) -> list[object]:
        return []


def settled(table: Mapping[str, Any], origins: Mapping[str, str] = {}) -> Limits:
    return load([], {"batch": table}, origins=origins, extra={"batch": Plugin()}).settings[Limits]


def refused(table: Any, origins: Mapping[str, str] = {}) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        settled(table, origins)
    return caught.value


def test_defaults_without_a_table() -> None:
    assert load([], {}, extra={"batch": Plugin()}).settings[Limits] == Limits()


def test_values_of_the_table() -> None:
    table = {"size": 7, "mode": "hard", "checks": [{"sql": "select 1", "warn": 2}], "extra": {"a": 1}}

    assert settled(table) == Limits(size=7, mode=Mode.HARD, checks=(Check(sql="select 1", warn=2.0),), extra={"a": 1})


def test_text_from_the_environment_is_read_as_what_the_setting_is() -> None:
    table = {"size": "7", "share": "0.25", "strict": "true", "one": {"sql": "1", "warn": "3"}, "label": "9"}

    assert settled(table) == Limits(size=7, share=0.25, strict=True, one=Check(sql="1", warn=3.0), label="9")


def test_an_unknown_key_names_file_path_and_valid_keys() -> None:
    error = refused({"sise": 7}, {"plugins.batch.sise": "validate-updates.toml"})

    assert error.message == 'validate-updates.toml: plugins.batch.sise: unknown key, did you mean "size"?'
    assert error.hint == ("valid in plugins.batch: size, share, strict, mode, order, label, checks, extra, one")


def test_an_unknown_key_deep_inside_is_found_even_where_the_class_would_let_it_pass() -> None:
    error = refused({"checks": [{"sql": "x"}, {"sqll": "y"}]}, {"plugins.batch.checks": "a.toml"})

    assert error.message == 'a.toml: plugins.batch.checks[1].sqll: unknown key, did you mean "sql"?'


def test_a_wrong_value_from_the_environment_names_the_variable() -> None:
    variable = "env VALIDATE_UPDATES_PLUGINS__BATCH__SIZE"
    error = refused({"size": "many"}, {"plugins.batch.size": variable})

    assert error.message == f'{variable}: plugins.batch.size: expected a whole number, got "many"'


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"size": 0}, "plugins.batch.size: expected a whole number of at least 1, got 0"),
        ({"size": "101"}, "plugins.batch.size: expected a whole number of at most 100, got 101"),
        ({"size": 1.5}, "plugins.batch.size: expected a whole number, got 1.5"),
        ({"size": True}, "plugins.batch.size: expected a whole number, got true"),
        ({"share": float("nan")}, "plugins.batch.share: expected a number above 0, got nan"),
        ({"strict": "yes"}, 'plugins.batch.strict: expected true or false, got "yes"'),
        ({"mode": "medium"}, 'plugins.batch.mode: expected "soft" or "hard", got "medium"'),
        ({"order": 3}, 'plugins.batch.order: expected "key" or "source", got 3'),
        ({"extra": {"a": "b"}}, "plugins.batch.extra.a: expected a whole number"),
        ({"size": 13}, "13 is an unlucky size"),
        (5, "plugins.batch: expected a table of settings"),
        ({"size": 0, "share": 2}, "of at least 1, got 0; plugins.batch.share: expected a number of at most 1, got 2"),
    ],
)
def test_a_wrong_value_names_its_path_and_what_is_expected(table: Any, said: str) -> None:
    error = refused(table)

    assert said in error.message
    assert "plugins.batch" in error.message


def test_the_origin_of_a_table_is_that_of_what_it_holds() -> None:
    with pytest.raises(SettingsError, match=r"^a\.toml: plugins\.bacth: no such plugin, did you mean \"batch\"\?"):
        load([], {"bacth": {"size": 3}}, origins={"plugins.bacth.size": "a.toml"}, extra={"batch": Plugin()})


def test_a_plugin_without_settings_takes_none() -> None:
    with pytest.raises(SettingsError, match=r"plugins\.bare\.size: unknown key") as caught:
        load([], {"bare": {"size": 3}}, extra={"bare": Bare()})

    assert caught.value.hint == "valid in plugins.bare: nothing"


def test_a_secret_is_not_repeated() -> None:
    class Hook(PluginSettings, frozen=True):
        api_token: int = 0

    class Notifier:
        @hookimpl
        def vu_settings(self) -> type[PluginSettings]:
            return Hook

    with pytest.raises(SettingsError) as caught:
        load([], {"notify": {"api_token": "hunter2"}}, extra={"notify": Notifier()})

    assert "hunter2" not in caught.value.message + caught.value.hint


def test_settings_are_described() -> None:
    assert describe("batch", extra={"batch": Plugin()}).settings == (
        Setting(name="size", type="integer >= 1, <= 100", default=50, description="records a batch"),
        Setting(name="share", type="float > 0, <= 1", default=0.5, description=""),
        Setting(name="strict", type="boolean", default=False, description=""),
        Setting(name="mode", type='"soft" or "hard"', default=Mode.SOFT, description=""),
        Setting(name="order", type='"key" or "source"', default="key", description=""),
        Setting(name="label", type="string of at least 1 in length", default="x", description=""),
        Setting(name="checks", type="array of table", default=(), description=""),
        Setting(name="extra", type="table", default={}, description=""),
        Setting(name="one", type="table", default=None, description=""),
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from([*Limits.__struct_fields__, "sizes", ""]) | st.text(max_size=5)


@given(st.dictionaries(keys, anything, max_size=4))
def test_any_table_is_settings_or_an_error_that_points_into_it(table: dict[str, Any]) -> None:
    try:
        outcome: Limits | SettingsError = settled(table)
    except SettingsError as error:
        outcome = error

    if isinstance(outcome, SettingsError):
        assert "plugins.batch" in outcome.message
        assert outcome.message == printable(outcome.message, len(outcome.message))
    else:
        assert set(table) <= set(Limits.__struct_fields__)


@given(st.integers())
def test_the_bounds_hold_for_numbers_and_for_their_text(size: int) -> None:
    for value in (size, str(size)):
        if 1 <= size <= 100 and size != 13:
            assert settled({"size": value}).size == size
        else:
            refused({"size": value})


# Paths

APath = Annotated[str, Meta(extra={"path": True})]


class Files(PluginSettings, frozen=True):
    log: APath = "log.txt"
    days: tuple[Annotated[str, Meta(extra={"path": ".ics"})], ...] = ()
    named: dict[str, APath] = msgspec.field(default_factory=dict)
    words: str = ""


class WithFiles:
    @hookimpl
    def vu_settings(self) -> type[PluginSettings]:
        return Files


def files_of(folder: Path, **env: str) -> Files:
    settings = load_settings(env=env, cwd=folder)
    loaded = load(("p",), settings.plugin_tables, origins=settings.origins, extra={"p": WithFiles()})
    return loaded.settings[Files]


def test_a_relative_path_starts_from_the_folder_of_its_file(tmp_path: Path) -> None:
    (here := tmp_path / "some" / "where").mkdir(parents=True)
    (tmp_path / "validate-updates.toml").write_text("""
        [plugins.p]
        log = "mine.txt"
        days = ["2025-07-04", "HOLIDAYS.ics", "/srv/other.ics"]
        named = { one = "sub/one.txt" }
        words = "mine.txt"
    """)

    found = files_of(here)

    assert found == Files(
        log=f"{tmp_path}/mine.txt",
        days=("2025-07-04", f"{tmp_path}/HOLIDAYS.ics", "/srv/other.ics"),
        named={"one": f"{tmp_path}/sub/one.txt"},
        words="mine.txt",
    )


def test_a_path_of_the_environment_stays_and_one_that_nobody_set_is_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").write_text('[plugins.p]\nlog = "mine.txt"\n')

    assert files_of(tmp_path, VALIDATE_UPDATES_PLUGINS__P__LOG="theirs.txt").log == "theirs.txt"
    assert files_of(tmp_path, VALIDATE_UPDATES_PLUGINS__P__WORDS="x").log == f"{tmp_path}/mine.txt"
    assert files_of(tmp_path.parent).log == "log.txt", "there are no settings to be beside"
    (tmp_path / "validate-updates.toml").write_text('target = "sqlite:///x.db"\n')
    assert files_of(tmp_path) == Files(log=f"{tmp_path}/log.txt")
