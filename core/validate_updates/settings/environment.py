"""Settings from environment variables: ``VALIDATE_UPDATES_TASKS__DAILY__WAIT=60`` is ``tasks.daily.wait = 60``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args, get_origin

from validate_updates.errors import SettingsError
from validate_updates.settings.files import toml_value
from validate_updates.settings.layers import Layer
from validate_updates.settings.model import SettingsFile
from validate_updates.settings.schema import fields, is_struct, members
from validate_updates.settings.values import Keys, dotted
from validate_updates.text import printable

PREFIX: Final = "VALIDATE_UPDATES_"
CONFIG: Final = f"{PREFIX}CONFIG"
"""Names the settings file; not a setting itself."""


def environment_layer(environment: Mapping[str, str], known: Mapping[str, Any]) -> Layer:
    """The variables of ``environment`` that are settings. An empty variable counts as one that is not set.

    ``known`` is what the files say: it tells ``DAILY_HEARINGS`` that it means the task ``daily-hearings``.
    """
    tree: dict[str, Any] = {}
    origins: dict[Keys, str] = {}
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX) and name != CONFIG and text:
            _check_text(name, text)
            path, kind = _address(name, known)
            _insert(tree, path, _read(text, kind), f"env {printable(name)}", origins)
    return Layer(tree, origins)


def _check_text(name: str, text: str) -> None:
    """Bytes that are no text arrive as lone surrogates, which no file and no database takes."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise SettingsError(f"env {printable(name)}: is not text in UTF-8")


def _address(name: str, known: Any) -> tuple[Keys, Any]:
    """The path of keys that a variable names, and the type of what belongs there (None where no such key exists)."""
    path: Keys = ()
    kind: Any = SettingsFile
    rest = name.removeprefix(PREFIX)
    while rest or not path:
        names = fields(kind) if is_struct(kind) else known if isinstance(known, Mapping) else ()
        key, rest = _step(rest, names, name)
        path = (*path, key)
        kind = _inside(kind, key)
        known = known.get(key) if isinstance(known, Mapping) else None
    return path, kind


def _step(rest: str, names: Iterable[str], variable: str) -> tuple[str, str]:
    """The next key and what follows it: a name that exists where one fits, the longest of several."""
    fitting = [name for name in names if f"{rest}__".startswith(f"{_shouted(name)}__")]
    if not fitting:
        key, _, rest = rest.partition("__")
        return key.lower(), rest
    best = max(fitting, key=len)
    twins = [name for name in fitting if _shouted(name) == _shouted(best)]
    if len(twins) > 1:
        raise SettingsError(
            f"env {printable(variable)}: may mean {' or '.join(dotted((name,)) for name in twins)}; rename one of them"
        )
    return best, rest[len(_shouted(best)) + 2 :]


def _shouted(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _inside(kind: Any, key: str) -> Any:
    """The type of ``kind``'s value at ``key``."""
    if is_struct(kind):
        inside = fields(kind).get(key)
    elif get_origin(kind) is dict:
        inside = get_args(kind)[1]
    else:
        return kind if kind is Any else None
    tables = [member for member in members(inside) if is_struct(member) or get_origin(member) is dict]
    return tables[0] if tables else inside


def _read(text: str, kind: Any) -> object:
    """The value that ``text`` stands for where a ``kind`` belongs; the text itself where it makes no such value."""
    kinds = members(kind)
    if any(get_origin(member) is tuple for member in kinds):
        return toml_value(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    if Any in kinds:  # a plugin's class will tell a number from text; lists and tables it could not
        return toml_value(text) if text.startswith(("[", "{")) else text
    return toml_value(text) if any(member in {int, float, bool} for member in kinds) else text


def _insert(tree: dict[str, Any], path: Keys, value: object, origin: str, origins: dict[Keys, str]) -> None:
    for other, its_origin in origins.items():
        shared = min(len(other), len(path))
        if other[:shared] == path[:shared]:
            raise SettingsError(f"{origin}: is the same setting as {its_origin}, or inside it; unset one of them")
    for key in path[:-1]:
        tree = tree.setdefault(str(key), {})
    tree[str(path[-1])] = value
    origins[path] = origin
