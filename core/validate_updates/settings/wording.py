"""What msgspec says about a value, in the words of somebody who writes TOML."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, Final, Literal, get_args, get_origin

from validate_updates.settings.values import Keys, got

_MESSAGE = re.compile(r"(?P<problem>.*?)(?: - at `\$?(?P<inner>[^`]*)`.*)?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<types>[^`]+)`(?P<limit>[^,].*?)?(?:, got `(?P<got>\w+)`)?", re.DOTALL)
_LIMIT = re.compile(r" (?P<length>of length )?(?P<sign>[<>]=?) (?P<bound>\S+)")
_INNER = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")

_WORDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date and time",
}
_SIGNS: Final = {">=": "of at least", ">": "above", "<=": "of at most", "<": "below"}


def explain(message: str, value: object, allowed: tuple[Any, ...], path: Keys) -> tuple[Keys, str]:
    """(where inside ``value``, what is wrong) from msgspec's ``message`` about ``value``, which lies at ``path``."""
    match = _MESSAGE.fullmatch(message)
    problem, inner = (match["problem"], match["inner"]) if match else (message, None)
    if inner:
        return _keys(inner), _expectation(problem)
    options = [f'"{option}"' for kind in allowed for option in _options(kind)]
    if options:
        return (), f"expected {' or '.join(options)}, got {got(value, path)}"
    return (), _expectation(problem, got(value, path))


def _expectation(problem: str, value: str = "") -> str:
    if problem == "Number out of range":
        return "expected a number of ordinary size" + (f", got {value}" if value else "")
    match = _EXPECTED.fullmatch(problem)
    if match is None:
        return problem[:1].lower() + problem[1:]
    types = [_WORDS.get(name, name) for name in match["types"].split(" | ") if name != "null"]
    told = value or (_WORDS.get(match["got"], match["got"]) if match["got"] else "")
    return f"expected {' or '.join(types)}{_limit(match['limit'] or '')}{f', got {told}' if told else ''}"


def _limit(text: str) -> str:
    match = _LIMIT.fullmatch(text)
    if match is None:
        return text.replace(" matching regex ", " that matches ")
    bound = match["bound"].removesuffix(".0")
    if not match["length"]:
        return f" {_SIGNS[match['sign']]} {bound}"
    return (
        " that is not empty" if (match["sign"], bound) == (">=", "1") else f" {_SIGNS[match['sign']]} {bound} in length"
    )


def _keys(inner: str) -> Keys:
    return tuple(int(position) if position else key for position, key in _INNER.findall(inner))


def _options(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(member.value for member in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()
