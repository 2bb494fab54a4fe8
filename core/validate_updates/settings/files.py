"""Find settings files and read them, whatever is in them."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from validate_updates.errors import SettingsError, UsageError
from validate_updates.settings.paths import is_file
from validate_updates.settings.values import got
from validate_updates.text import printable

OWN: Final = "validate-updates.toml"
PYPROJECT: Final = "pyproject.toml"
SECTION: Final = "validate-updates"
"""Its table under ``[tool]`` in ``pyproject.toml``."""

MOST_BYTES: Final = 1_000_000
DEEPEST: Final = 32
"""Tables and lists inside each other."""

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True)
class Document:
    """One settings file, read."""

    path: Path
    """Absolute."""
    label: str
    """What messages call it."""
    tree: dict[str, Any]

    @property
    def folder(self) -> Path:
        """What relative paths in it are relative to."""
        return self.path.parent


def read_given(config: Path, cwd: Path) -> Document:
    """The file the user named. Raises ``UsageError`` where it cannot be read or says nothing to us."""
    label = printable(config)
    try:
        data = _bytes(cwd / config)
    except (OSError, ValueError) as error:
        raise UsageError(f"{label}: the settings file cannot be read: {_reason(error)}") from error
    tree = parse(data, label)
    if config.name == PYPROJECT:
        section = _section(tree, label)
        if section is None:
            raise UsageError(f"{label}: has no [tool.{SECTION}]")
        tree = section
    return Document(cwd / config, label, tree)


def find(cwd: Path) -> list[Document]:
    """The settings files of the first folder, from ``cwd`` upwards, that has one; the stronger last."""
    for folder in (cwd, *cwd.parents):
        found = [document for document in (_pyproject(folder, cwd), _own(folder, cwd)) if document]
        if found:
            return found
    return []


def parse(data: bytes, label: str) -> dict[str, Any]:
    """The tree of keys in ``data``. Raises ``SettingsError`` with line and column for whatever is not such a tree."""
    if len(data) > MOST_BYTES:
        raise SettingsError(f"{label}: is larger than {MOST_BYTES // 1_000_000} MB, which settings never are")
    try:
        tree = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{label}:{line}: is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_syntax(str(error), label), hint="the documentation of settings has an example") from None
    except RecursionError:
        raise SettingsError(_too_deep(label)) from None
    except ValueError:
        raise SettingsError(f"{label}: holds a number of too many digits") from None
    if deeper_than(tree, DEEPEST):
        raise SettingsError(_too_deep(label))
    return tree


def _own(folder: Path, cwd: Path) -> Document | None:
    path = folder / OWN
    if not os.path.lexists(path):
        return None
    label = _label(path, cwd)
    return Document(path, label, parse(_found(path, label), label))


def _pyproject(folder: Path, cwd: Path) -> Document | None:
    path = folder / PYPROJECT
    if not is_file(path):
        return None
    label = _label(path, cwd)
    data = _found(path, label)
    if SECTION.encode() not in data:
        return None  # somebody else's, and theirs to keep in order
    section = _section(parse(data, label), label)
    return None if section is None else Document(path, label, section)


def _section(tree: dict[str, Any], label: str) -> dict[str, Any] | None:
    tool = tree.get("tool")
    section = tool.get(SECTION) if isinstance(tool, dict) else None
    if section is None or isinstance(section, dict):
        return section
    raise SettingsError(f"{label}: tool.{SECTION}: expected a table, got {got(section)}")


def _found(path: Path, label: str) -> bytes:
    if not is_file(path):  # a pipe would never end, a dangling link is somebody's mistake
        raise SettingsError(f"{label}: the settings file cannot be read: not a file")
    try:
        return _bytes(path)
    except OSError as error:
        raise SettingsError(f"{label}: the settings file cannot be read: {_reason(error)}") from error


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _label(path: Path, cwd: Path) -> str:
    return printable(os.path.relpath(path, cwd))


def _reason(error: Exception) -> str:
    return (error.strerror or "unknown reason") if isinstance(error, OSError) else "not a path"


def _syntax(message: str, label: str) -> str:
    place = _PLACE.search(message)
    where = f"{label}:{place[1]}:{place[2]}" if place else label
    return f"{where}: not valid TOML: {printable(_PLACE.sub('', message))}"


def _too_deep(label: str) -> str:
    return f"{label}: tables and lists lie more than {DEEPEST} deep inside each other"


def deeper_than(tree: object, levels: int) -> bool:
    """Whether tables and lists lie more than ``levels`` inside each other."""
    level = [tree]  # one after the other, since recursion is what deep trees break
    for _ in range(levels):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return any(isinstance(node, dict | list) for node in level)


def toml_value(text: str) -> object:
    """``50``, ``0.5``, ``true``, ``["a", "b"]``, ``"quoted"`` as TOML reads them; anything else is just text."""
    try:
        tree = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return tree["value"] if len(tree) == 1 and not deeper_than(tree, DEEPEST) else text
