from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.settings.made import loaded
from validate_updates.errors import SettingsError
from validate_updates.settings import Flags, job_for
from validate_updates.settings.layers import Layer, lay_over, values

if TYPE_CHECKING:
    from validate_updates.settings import Settings

WORDS = st.from_regex(r"[a-z][a-z0-9]{0,5}_", fullmatch=True)
LAYERS = ("pyproject.toml", "validate-updates.toml", "env", "flag")


@dataclass(frozen=True)
class Known:
    """One setting: how it is written, where it shows up in the job, and its default."""

    values: st.SearchStrategy[Any]
    job: str
    default: Any
    flag: str = ""


KNOWN = {
    "journal.prefix": Known(WORDS, "journal_prefix", "update_"),
    "plugins.p.word": Known(WORDS, "", None),
    "tasks.daily.schema": Known(WORDS, "schema", None, "schema"),
    "tasks.daily.wait": Known(st.integers(0, 1000), "wait", 0.0, "wait"),
    "tasks.daily.format": Known(st.sampled_from(["jsonl", "csv"]), "source_format", None, "format"),
    "tasks.daily.unknown_columns": Known(
        st.sampled_from(["reject", "ignore"]), "unknown_columns", "reject", "unknown_columns"
    ),
}
CHOSEN = st.fixed_dictionaries(
    {},
    optional={
        (path, layer): known.values
        for path, known in KNOWN.items()
        for layer in LAYERS
        if layer != "flag" or known.flag
    },
)
NEEDED = {"TASKS__DAILY__SOURCE": "-", "TASKS__DAILY__TABLES__T__KEY": "id", "TARGET": "sqlite://"}


@given(CHOSEN)
def test_flags_beat_environment_beats_own_file_beats_pyproject_beats_defaults(
    chosen: dict[tuple[str, str], Any],
) -> None:
    settings, flags = _set_up(chosen)
    job = job_for(settings, "daily", flags)
    for path, known in KNOWN.items():
        setters = [layer for layer in LAYERS if (path, layer) in chosen]
        expected = chosen[path, setters[-1]] if setters else known.default
        if known.job:
            assert getattr(job, known.job) == expected
        else:
            in_files = [layer for layer in setters if layer != "flag"]
            assert job.plugin_settings.get("p", {}).get("word") == (chosen[path, in_files[-1]] if in_files else None)
        _same_origin(settings.origins.get(path), path, [layer for layer in setters if layer != "flag"])


def _set_up(chosen: dict[tuple[str, str], Any]) -> tuple[Settings, Flags]:
    def lines(layer: str) -> str:
        return "\n".join(f"{path} = {value!r}" for (path, of), value in chosen.items() if of == layer)

    env = {path.upper().replace(".", "__"): str(value) for (path, of), value in chosen.items() if of == "env"}
    flags = {KNOWN[path].flag: value for (path, of), value in chosen.items() if of == "flag"}
    with tempfile.TemporaryDirectory() as folder:
        pyproject = f"[tool.validate-updates]\n{lines('pyproject.toml')}"
        settings = loaded(Path(folder), lines("validate-updates.toml"), pyproject=pyproject, **NEEDED, **env)
    return settings, Flags(**flags)


def _same_origin(origin: str | None, path: str, setters: list[str]) -> None:
    if not setters:
        assert origin == (None if path.startswith("plugins") else "default")
    elif setters[-1] == "env":
        assert origin == f"env VALIDATE_UPDATES_{path.upper().replace('.', '__')}"
    else:
        assert origin == setters[-1]


TREES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.integers(0, 9), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
    ),
    max_size=3,
)


@given(st.lists(TREES, max_size=4))
def test_every_value_of_the_last_layer_stands_and_every_value_names_its_layer(trees: list[dict[str, Any]]) -> None:
    merged = lay_over([Layer(tree, {(): str(number)}) for number, tree in enumerate(trees)])
    found = dict(values(merged.tree))
    assert set(found) == set(merged.origins)
    for path, value in found.items():
        number = int(merged.origin(path))
        assert (path, value) in list(values(trees[number]))
        assert all(path not in dict(values(tree)) or value == {} for tree in trees[number + 1 :])
    if trees:
        for path, value in values(trees[-1]):
            assert found.get(path) == value or value == {}


def test_empty_tables_add_and_take_nothing() -> None:
    weak, strong = Layer({"a": {"x": 1}, "b": {}}, {(): "weak"}), Layer({"a": {}}, {(): "strong"})
    assert lay_over([weak, strong]).tree == {"a": {"x": 1}, "b": {}}


def test_a_stronger_target_sets_the_weaker_password_file_aside(tmp_path: Path) -> None:
    weak = '[tool.validate-updates]\ntarget = "postgresql://u@a/x"\npassword_file = "/pw"\n'
    weak += 'tasks.t = { target = "postgresql://u@b/x", password_file = "/pw2" }\n'
    both = loaded(tmp_path, 'tasks.t.target = "postgresql://u@c/x"', pyproject=weak, TARGET="postgresql://u@d/x")
    assert both.model.password_file is None
    assert both.model.tasks["t"].password_file is None
    assert both.origins["password_file"] == "default"
    kept = loaded(tmp_path, "", pyproject=weak)
    assert (kept.model.password_file, kept.model.tasks["t"].password_file) == ("/pw", "/pw2")
    moved = loaded(tmp_path, "", pyproject=weak, PASSWORD_FILE="/other")
    assert moved.model.password_file == "/other"


@pytest.mark.parametrize(
    ("own", "places"),
    [
        ("[tasks.t.tables.a]\n[tasks.t.tables.b]\n", "validate-updates.toml: tasks.t.tables: "),
        ("[tasks.t.tables.b]\n", "pyproject.toml and validate-updates.toml: tasks.t.tables: "),
    ],
)
def test_two_tables_that_have_nothing_to_do_with_each_other_are_an_error(tmp_path: Path, own: str, places: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, own, pyproject="[tool.validate-updates.tasks.t.tables.a]\n")
    assert caught.value.message.startswith(places)
    assert caught.value.message.endswith("the records are of a; b is not below it")
