"""A tree of keys, as TOML gives it, held against a struct: every unknown key, wrong type and value out of range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeGuard, TypeVar, Union, get_args, get_origin

import msgspec

from validate_updates.secret import SecretUrl
from validate_updates.settings.values import Keys, dotted, got
from validate_updates.settings.wording import explain

T = TypeVar("T")

ENOUGH: Final = 20
"""Problems looked for; a file with more is not helped by a longer list."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a tree."""

    path: Keys
    what: str
    hint: str = ""


def problems(tree: object, kind: Any, path: Keys = ()) -> list[Problem]:
    """What keeps ``tree``, which lies at ``path``, from being a ``kind``; empty where :func:`convert` will succeed."""
    return list(islice(_walk(tree, kind, path), ENOUGH)) or list(_leaf(tree, kind, path))


def convert(tree: object, kind: type[T]) -> T:
    """``tree`` as a ``kind``. Raises :class:`msgspec.ValidationError`, so ask for :func:`problems` first."""
    return msgspec.convert(tree, kind, dec_hook=_secret_url)


def members(kind: Any) -> tuple[Any, ...]:
    """The types that ``kind`` allows: annotations peeled off, unions opened, None left out."""
    if get_origin(kind) is Annotated:
        return members(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return tuple(member for part in get_args(kind) for member in members(part))
    return () if kind is NoneType else (kind,)


@cache
def infos(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of ``struct``. Each time msgspec would evaluate their annotations anew."""
    return msgspec.structs.fields(struct)


@cache
def fields(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The keys of ``struct`` and the type of each."""
    return {field.encode_name: field.type for field in infos(struct)}


def is_struct(kind: Any) -> TypeGuard[type[msgspec.Struct]]:
    """Whether ``kind`` is a class of structs."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``, did you mean "source"?``, or nothing."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1)
    return f', did you mean "{close[0]}"?' if close else ""


def _walk(value: object, kind: Any, path: Keys) -> Iterator[Problem]:
    allowed = members(kind)
    only = allowed[0] if len(allowed) == 1 else None
    if is_struct(only) and isinstance(value, dict):
        yield from _struct(value, only, path)
    elif get_origin(only) is dict and isinstance(value, dict):
        key_kind, value_kind = get_args(only)
        yield from _table(value, key_kind, value_kind, path)
    elif get_origin(only) in {list, tuple} and isinstance(value, list) and is_struct(get_args(only)[0]):
        for position, item in enumerate(value):
            yield from _walk(item, get_args(only)[0], (*path, position))
    else:
        yield from _leaf(value, kind, path)


def _struct(tree: dict[str, Any], struct: type[msgspec.Struct], path: Keys) -> Iterator[Problem]:
    known = fields(struct)
    for key, value in tree.items():
        if key in known:
            yield from _walk(value, known[key], (*path, key))
        else:
            place = f"valid in {dotted(path)}" if path else "valid at the top"
            yield Problem(
                (*path, key), f"unknown key{did_you_mean(key, known)}", f"{place}: {', '.join(known) or 'nothing'}"
            )
    for field in infos(struct):
        if field.required and field.encode_name not in tree:
            yield Problem((*path, field.encode_name), "is missing")


def _table(tree: dict[str, Any], key_kind: Any, value_kind: Any, path: Keys) -> Iterator[Problem]:
    for key, value in tree.items():
        yield from _leaf(key, key_kind, (*path, key), what="name: ")
        yield from _walk(value, value_kind, (*path, key))


def _leaf(value: object, kind: Any, path: Keys, what: str = "") -> Iterator[Problem]:
    try:
        convert(value, kind)
    except msgspec.ValidationError as error:
        inner, text = explain(str(error), value, members(kind), path)
        expected = _expected(kind)
        if expected and not inner:
            text = f"expected {expected}, got {got(value, path)}"
        yield Problem((*path, *inner), what + text)


def _expected(kind: Any) -> str:
    """The annotation's own words for what it takes, where a type and a range do not say it well."""
    notes = kind.__metadata__ if get_origin(kind) is Annotated else ()
    return next((str(note.extra["expected"]) for note in notes if note.extra and "expected" in note.extra), "")


def _secret_url(kind: type, value: object) -> object:
    if kind is not SecretUrl:
        raise NotImplementedError(f"settings of type {kind}")
    if not isinstance(value, str):
        raise TypeError("Expected `str`")
    if not value:
        raise ValueError("Expected `str` of length >= 1")
    return SecretUrl(value)
