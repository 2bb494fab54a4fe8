"""All settings there are, from the files and the environment: typed, judged, each with its origin."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from validate_updates.errors import SettingsError, UsageError
from validate_updates.settings.environment import CONFIG, environment_layer
from validate_updates.settings.files import Document, find, read_given
from validate_updates.settings.layers import Layer, lay_over, values
from validate_updates.settings.model import SettingsFile, SettingsModel
from validate_updates.settings.paths import InFile, anchored
from validate_updates.settings.schema import Problem, convert, problems
from validate_updates.settings.values import Keys, dotted
from validate_updates.units.declared import root_of, unit_table

DEFAULT: Final = "default"
SHOWN: Final = 10
"""Problems told in one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the files and the environment come to."""

    model: SettingsModel = field(repr=False)
    files: tuple[Path, ...] = ()
    """Those that were read, the stronger last."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Path of keys -> where its value came from: a file, ``env VALIDATE_UPDATES_…`` or ``default``."""
    plugin_tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """The tables ``[plugins.<name>]`` as they came; each plugin's class judges its own."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """For targets given as ``env:NAME``."""

    def where(self, path: str) -> str:
        """The place of a value in a message: ``file: path of keys``, or the variable that holds it."""
        origin = self.origins.get(path, DEFAULT)
        if origin == DEFAULT:
            return path
        return origin if origin.startswith("env ") else f"{origin}: {path}"


def load_settings(
    config: Path | None = None, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Settings:
    """Read the settings that hold in ``cwd``: ``config`` alone where given, else the files found from there upwards.

    Raises :class:`UsageError` where ``config`` cannot be read and :class:`SettingsError` for anything wrong in it.
    """
    environment = os.environ if env is None else env
    documents = _documents(config, environment, cwd)
    written = [Layer(document.tree, {(): InFile(document.label, document.folder)}) for document in documents]
    _require_sound(written)
    placed = [
        Layer(anchored(document.tree, document.folder), layer.origins)
        for document, layer in zip(documents, written, strict=True)
    ]
    variables = environment_layer(environment, lay_over(placed).tree)
    _require_sound([variables])
    merged = lay_over([*placed, variables])
    _require_one_tree(merged)
    tree = {key: value for key, value in merged.tree.items() if key != "plugins"}
    model = convert(tree, SettingsModel)
    plugin_tables = merged.tree.get("plugins", {})
    paths = [path for path, _ in (*every_value(model), *every_value(plugin_tables, ("plugins",)))]
    return Settings(
        model=model,
        files=tuple(document.path for document in documents),
        origins={dotted(path): merged.origins.get(path, DEFAULT) for path in paths},
        plugin_tables=plugin_tables,
        environment=dict(environment),
    )


def every_value(value: object, path: Keys = ()) -> Iterator[tuple[Keys, object]]:
    """Each setting inside ``value``, a model or a table, with its path; defaults included."""
    if isinstance(value, msgspec.Struct):
        inside = [(name, getattr(value, name)) for name in value.__struct_fields__]
    elif isinstance(value, Mapping):
        inside = list(value.items())
    else:
        yield path, value
        return
    for key, item in inside:
        yield from every_value(item, (*path, key))


def refuse(found: Sequence[tuple[str, Problem]], kind: type[UsageError]) -> None:
    """Raise ``kind`` with all problems in one line, each after the place it is in; nothing where there are none."""
    if not found:
        return
    told = "; ".join(f"{where}: {problem.what}" for where, problem in found[:SHOWN])
    more = "; and more" if len(found) > SHOWN else ""
    hints = dict.fromkeys(problem.hint for _, problem in found[:SHOWN] if problem.hint)
    raise kind(f"{told}{more}", hint="; ".join(hints))


def _documents(config: Path | None, environment: Mapping[str, str], cwd: Path | None) -> list[Document]:
    try:
        folder = (cwd or Path()).absolute()
    except OSError as error:
        raise UsageError("the current directory does not exist any more", hint="change to one that does") from error
    given = config or (Path(environment[CONFIG]) if environment.get(CONFIG) else None)
    return find(folder) if given is None else [read_given(given, folder)]


def _require_sound(layers: Sequence[Layer]) -> None:
    refuse(
        [(layer.where(problem.path), problem) for layer in layers for problem in problems(layer.tree, SettingsFile)],
        SettingsError,
    )


def _require_one_tree(merged: Layer) -> None:
    """The records of a task are of one table; others are below it, or referred to."""
    for name, task in merged.tree.get("tasks", {}).items():
        path = ("tasks", name, "tables")
        try:
            known = {table: unit_table(table, said) for table, said in task.get("tables", {}).items()}
            root = root_of(known) if known else ""
        except UsageError as error:
            raise SettingsError(f"{dotted(path[:2])}: {error.message}", hint=error.hint) from None
        referred = {one.table for table in known.values() for one in table.references}
        loose = [one for one, table in known.items() if table.parent is None and one != root and one not in referred]
        if loose:
            places = dict.fromkeys(merged.origin(found) for found, _ in values(task["tables"], path))
            raise SettingsError(
                f"{' and '.join(places)}: {dotted(path)}: the records are of {root}; {loose[0]} is not below it",
                hint="give it a parent, refer to it, or write a task for each table",
            )
