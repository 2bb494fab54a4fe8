"""Relative paths in a settings file mean files beside it, wherever the command is started."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, Self

from validate_updates.errors import SettingsError
from validate_updates.sources.named import plugin_source
from validate_updates.text import printable

STDIN: Final = "-"
"""The source that is standard input."""

_RELATIVE_SQLITE = re.compile(
    r"(?P<scheme>sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(?P<path>[^?]+)(?P<query>\?.*)?", re.DOTALL
)


class InFile(str):
    """Where a setting came from: what messages call the file, and the folder that relative paths in it start from."""

    __slots__ = ("folder",)
    folder: Path

    def __new__(cls, label: str, folder: Path) -> Self:
        """The label, with the folder."""
        made = super().__new__(cls, label)
        made.folder = folder
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[str, Path]]:
        """For copies."""
        return type(self), (str(self), self.folder)


def exists(path: str) -> bool:
    """Whether something is there. False, unlike ``Path.exists``, for what the system will not even look up."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """Whether it is a file that can be read to its end, no pipe. Never raises, as :func:`exists`."""
    return os.path.isfile(path)  # noqa: PTH113


def anchored(tree: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A settings tree, already found valid, with its relative paths made absolute from ``folder``."""
    tree = _anchored_table(tree, folder)
    if "tasks" in tree:
        tree["tasks"] = {name: _anchored_table(task, folder) for name, task in tree["tasks"].items()}
    if "folder" in tree.get("backup", {}):
        tree["backup"] = {**tree["backup"], "folder": str(folder / tree["backup"]["folder"])}
    return tree


def _anchored_table(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    anchored = dict(table)
    if "source" in table:
        source = table["source"]
        anchored["source"] = (
            _file(source, folder) if isinstance(source, str) else [_file(one, folder) for one in source]
        )
    if "password_file" in table:
        anchored["password_file"] = str(folder / table["password_file"])
    if "target" in table:
        anchored["target"] = _url(table["target"], folder)
    return anchored


def _file(path: str, folder: Path) -> str:
    return path if path == STDIN or plugin_source(path) else str(folder / path)


def _url(url: str, folder: Path) -> str:
    match = _RELATIVE_SQLITE.fullmatch(url)
    if match is None:
        return url
    path = str(folder / match["path"])
    if "?" in path:
        raise SettingsError(
            f"{printable(folder)}: a folder with '?' in its name cannot be written in a database URL",
            hint="rename the folder, or keep the settings or the database elsewhere",
        )
    return f"{match['scheme']}{path}{match['query'] or ''}"
