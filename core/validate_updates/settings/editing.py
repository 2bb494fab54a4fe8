"""A settings file changed as a person would do it: some values, and nothing else; comments and order stay.

What comes out is read again, and must be what was there with those values and no other difference. So a file that
cannot be changed in place is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from validate_updates.errors import UsageError
from validate_updates.files import whole
from validate_updates.settings.files import PYPROJECT, SECTION, parse
from validate_updates.settings.load import DEFAULT, Settings
from validate_updates.settings.values import as_text, dotted
from validate_updates.text import printable

Place = tuple[str, ...]
"""Keys of tables that lead to a value."""

_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Edit:
    """One file as it is and as it is to be."""

    file: Path
    before: bytes
    after: bytes


def file_of(settings: Settings, path: Place) -> Path:
    """The file in which a value belongs: the strongest that sets it, or else a table that it is in; or the strongest.

    Raises ``UsageError`` where there is no file, or a variable sets it, which is stronger than any file.
    """
    origin = settings.origins.get(dotted(path), DEFAULT)
    if origin.startswith("env "):
        raise UsageError(f"{dotted(path)} is set by {origin}, which is stronger than any file", hint="change it there")
    if not settings.files:
        raise UsageError("there is no settings file to write into", hint="write one: validate-updates init")
    trees = [(file, _tree(file.read_bytes(), file)) for file in reversed(settings.files)]
    for depth in range(len(path), 0, -1):
        for file, tree in trees:
            if _has(tree, (*_root(file), *path[:depth])):
                return file
    return trees[0][0]


def edited(file: Path, values: Mapping[Place, Any]) -> Edit:
    """The file with these values. Raises ``UsageError`` where it cannot be had without any other difference."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    before = file.read_bytes()
    wanted = _tree(before, file)
    text = before.removeprefix(_BOM).decode()
    placed = {(*_root(file), *path): value for path, value in values.items()}
    try:
        document = tomlkit.parse(text)
        for path, value in placed.items():
            _put(wanted, path, value, new=dict)
            _put(document, path, value, new=lambda: tomlkit.table(is_super_table=True))
        made = tomlkit.dumps(document)
        after = (_BOM if before.startswith(_BOM) else b"") + _with_line_ends_of(text, made).encode()
        same = _tree(after, file) == wanted
    except (TOMLKitError, UsageError, TypeError, ValueError):
        same, after = False, b""
    if not same:
        lines = "; ".join(f"{dotted(path)} = {as_text(value, path, 200)}" for path, value in values.items())
        raise UsageError(
            f"{printable(file, 200)}: cannot be changed without changing more; it was left alone",
            hint=f"write it by hand: {lines}",
        )
    return Edit(file, before, after)


def write(edit: Edit) -> None:
    """Put the new text in the file's place, at once or not at all; its mode stays, and so does a link to it.

    Raises ``UsageError`` where somebody else has changed it since, or it cannot be written.
    """
    shown = printable(edit.file, 200)
    try:
        with whole(edit.file) as stream:
            stream.buffer.write(edit.after)
            if edit.file.read_bytes() != edit.before:
                raise UsageError(f"{shown}: somebody else has changed it at this moment; it was left alone")
    except OSError as error:
        raise UsageError(f"{shown}: cannot be written: {error.strerror}") from error


def _root(file: Path) -> Place:
    return ("tool", SECTION) if file.name == PYPROJECT else ()


def _tree(data: bytes, file: Path) -> dict[str, Any]:
    return parse(data, printable(file, 200))


def _has(tree: Any, path: Place) -> bool:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True


def _put(tree: Any, path: Place, value: Any, *, new: Any) -> None:
    for key in path[:-1]:
        if key not in tree:
            tree[key] = new()
        tree = tree[key]
    tree[path[-1]] = value


def _with_line_ends_of(text: str, made: str) -> str:
    if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
        return made.replace("\r\n", "\n").replace("\n", "\r\n")
    return made
