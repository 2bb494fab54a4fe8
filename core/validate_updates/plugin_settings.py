"""The table ``[plugins.<name>]``: from raw keys and values to a plugin's settings, or an error that points at a key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from validate_updates.declarations import PluginSettings
from validate_updates.errors import SettingsError
from validate_updates.settings.load import refuse
from validate_updates.settings.paths import InFile
from validate_updates.settings.schema import Problem, convert, did_you_mean, fields, infos, is_struct, members, problems
from validate_updates.settings.values import Keys, dotted

S = TypeVar("S", bound=PluginSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a plugin, for people."""

    name: str
    type: str
    """In TOML's words, with its bounds: ``integer >= 1``."""
    default: Any
    description: str


class NoSettings(PluginSettings, frozen=True):
    """Of a plugin that has none: any key is unknown."""


def settle(kind: type[S], name: str, table: Mapping[str, Any], origins: Mapping[str, str]) -> S:
    """The settings object of plugin ``name``, from its table. ``origins``: dotted path of keys -> where it was set.

    Text where a number or a truth value belongs is read as one: the environment holds nothing but text. Raises
    ``SettingsError`` with everything that is wrong.
    """
    tree = _read_text({str(key): value for key, value in table.items()}, kind)
    found = problems(tree, kind, ("plugins", name))
    refuse([(_place(problem.path, origins), problem) for problem in found], SettingsError)
    return convert({**_unset_paths(kind, origins), **_anchored(tree, kind, ("plugins", name), origins)}, kind)


def check_tables(tables: Mapping[str, object], known: Collection[str], origins: Mapping[str, str]) -> None:
    """Raise ``SettingsError`` where a table belongs to no plugin in ``known``, or is none."""
    refuse([(_place(problem.path, origins), problem) for problem in _strange(tables, sorted(known))], SettingsError)


def _strange(tables: Mapping[str, object], known: list[str]) -> Iterator[Problem]:
    for name, table in tables.items():
        path = ("plugins", name)
        if name not in known:
            exist = f"plugins that exist: {', '.join(known) or 'none'}"
            yield Problem(path, f"no such plugin{did_you_mean(name, known)}", exist)
        elif not isinstance(table, Mapping):
            yield Problem(path, "expected a table of settings")


def _place(path: Keys, origins: Mapping[str, str]) -> str:
    """``origin: path``; the origin is that of the nearest key above, or of the first one below."""
    origin = _origin(path, origins)
    return f"{origin}: {dotted(path)}" if origin else dotted(path)


def _origin(path: Keys, origins: Mapping[str, str]) -> str:
    above = (dotted(path[:length]) for length in range(len(path), 0, -1))
    below = (key for key in origins if key.startswith(f"{dotted(path)}."))
    return next((origins[key] for key in chain(above, below) if key in origins), "")


def describe_settings(kind: type[PluginSettings]) -> tuple[Setting, ...]:
    """The settings that a class declares, in its order."""
    defaults = kind()
    return tuple(
        Setting(
            name=field.encode_name,
            type=_type(field.type),
            default=getattr(defaults, field.name),
            description=next((str(note.description) for note in _notes(field.type) if note.description), ""),
        )
        for field in infos(kind)
    )


_FROM_TEXT: Final = frozenset({int, float, bool})


def _read_text(value: Any, kind: Any) -> Any:
    """``value`` with text read as the number or truth value that ``kind`` asks for; what cannot be read stays text."""
    allowed = members(kind)
    only = allowed[0] if len(allowed) == 1 else None
    if isinstance(value, str) and allowed and _FROM_TEXT.issuperset(allowed):
        try:
            return msgspec.convert(value, Union[allowed], strict=False)  # noqa: UP007  # made of a tuple
        except msgspec.ValidationError:
            return value
    if isinstance(value, Mapping) and is_struct(only):
        return {key: _read_text(item, fields(only).get(key, Any)) for key, item in value.items()}
    return value


def _anchored(value: Any, kind: Any, path: Keys, origins: Mapping[str, str]) -> Any:
    """``value``, already found valid, with relative paths of a file made absolute from the folder of that file."""
    allowed = members(kind)
    only = allowed[0] if len(allowed) == 1 else None
    inside = get_args(only)
    if value and isinstance(value, str) and _is_path(value, kind):
        origin = _origin(path, origins)
        return str(origin.folder / value) if isinstance(origin, InFile) else value
    if isinstance(value, Mapping) and (is_struct(only) or get_origin(only) is dict):
        return {
            key: _anchored(item, fields(only)[key] if is_struct(only) else inside[1], (*path, key), origins)
            for key, item in value.items()
        }
    if isinstance(value, list) and get_origin(only) in {list, tuple}:
        return [_anchored(item, inside[0], path, origins) for item in value]
    return value


def _unset_paths(kind: type[PluginSettings], origins: Mapping[str, str]) -> dict[str, str]:
    """The paths that a plugin has unless set: they too start from the folder of the settings, where there is one."""
    folder = next((origin.folder for origin in origins.values() if isinstance(origin, InFile)), None)
    return {
        field.encode_name: str(folder / field.default)
        for field in infos(kind)
        if folder and field.default and isinstance(field.default, str) and _is_path(field.default, field.type)
    }


def _is_path(text: str, kind: Any) -> bool:
    """Whether the annotation says so: ``Meta(extra={"path": True})``, or ``{"path": ".ics"}`` of texts that end so."""
    marks = [note.extra["path"] for note in _notes(kind) if note.extra and "path" in note.extra]
    return any(mark is True or text.lower().endswith(str(mark)) for mark in marks)


_WORDS: Final = {str: "string", int: "integer", float: "float", bool: "boolean", dict: "table"}
_BOUNDS: Final = {
    "ge": ">= {}",
    "gt": "> {}",
    "le": "<= {}",
    "lt": "< {}",
    "min_length": "of at least {} in length",
    "max_length": "of at most {} in length",
    "pattern": "matching {}",
}


def _type(kind: Any) -> str:
    names = " or ".join(_name(one) for one in members(kind)) or "anything"
    bounds = [
        text.format(getattr(note, bound))
        for note in _notes(kind)
        for bound, text in _BOUNDS.items()
        if getattr(note, bound) is not None
    ]
    return f"{names} {', '.join(bounds)}".rstrip()


def _name(kind: Any) -> str:
    home = get_origin(kind) or kind
    if home is Literal:
        return " or ".join(f'"{value}"' for value in get_args(kind))
    if isinstance(home, type) and issubclass(home, Enum):
        return " or ".join(f'"{member.value}"' for member in home)
    if home in {tuple, list, set, frozenset}:
        return f"array of {_type((get_args(kind) or (Any,))[0])}"
    return "table" if is_struct(kind) else _WORDS.get(home, getattr(home, "__name__", "anything"))


def _notes(kind: Any) -> tuple[msgspec.Meta, ...]:
    """What ``Annotated`` has to say about a field."""
    return tuple(note for note in getattr(kind, "__metadata__", ()) if isinstance(note, msgspec.Meta))
