"""One JSON record, read strictly, and written as it was: what another reader might understand otherwise is refused.

Refused with these codes: ``bad_encoding`` (not UTF-8, or half of a surrogate pair), ``bad_json`` (not JSON; NaN and
Infinity are not), ``not_an_object``, ``duplicate_member``, ``bad_number`` (an integer above 19 digits, a number beyond
the range of floats), ``nul_in_text``, ``too_deep``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from validate_updates.text import printable

MAX_DEPTH: Final = 64
"""Objects and arrays inside each other, the record itself included."""
MAX_DIGITS: Final = 19
"""Of an integer: what 64 bits hold."""

_EXCERPT = 20
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class BadRecord(Exception):
    """These bytes are not a record. ``code`` is for scripts, ``message`` one printable line for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def parse_record(raw: bytes) -> dict[str, Any]:
    """The record: integers as ``int``, other numbers as exact, finite ``Decimal``. Raises :class:`BadRecord`."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise undecodable(error) from None
    if _depth(text) > MAX_DEPTH:
        raise BadRecord("too_deep", f"more than {MAX_DEPTH} objects and arrays inside each other")
    try:
        record = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None
    if not isinstance(record, dict):
        raise BadRecord("not_an_object", f"a record is a JSON object, not {_NAMES[type(record)]}")
    if "\\u" in text:  # the one way for such characters to get past the checks before
        for string in _strings(record):
            _check_text(string)
    return record


def undecodable(error: UnicodeDecodeError, before: int = 0) -> BadRecord:
    """The reason to refuse bytes that are not UTF-8 and stand after ``before`` others of the record."""
    byte, place = error.object[error.start], before + error.start + 1
    return BadRecord("bad_encoding", f"not UTF-8: byte 0x{byte:02x} at byte {place} of the record")


def unparsed(value: object) -> str:
    """What :func:`parse_record` reads as this value: on one line, numbers to their last digit. Not sanitised.

    Raises ``TypeError``, ``ValueError`` or ``RecursionError`` for what JSON has no word for.
    """
    return _ENCODER.encode(value).decode()


def _not_json(text: str, error: json.JSONDecodeError) -> BadRecord:
    place = len(text[: error.pos].encode()) + 1
    found = text[error.pos : error.pos + _EXCERPT]
    near = f", at {printable(found, _EXCERPT)!r}" if found else ", where the record ends"
    what = error.msg.removesuffix(" at").removesuffix(" starting at").rstrip(": ")
    return BadRecord("bad_json", f"not JSON: {printable(what)}, byte {place} of the record{near}")


def _depth(text: str) -> int:
    """How deep objects and arrays nest; an upper bound where that is harmless or ``text`` is not JSON."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise BadRecord("duplicate_member", f"member {printable(twice, _EXCERPT)!r} appears twice in an object")
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise BadRecord("bad_number", f"integer {printable(digits, _EXCERPT)} has more than {MAX_DIGITS} digits")
    return int(digits)


def _real(digits: str) -> Decimal:
    try:
        number = Decimal(digits)
    except InvalidOperation:  # such as 0e99999999999999999999
        raise BadRecord("bad_number", f"number {printable(digits, _EXCERPT)} has too large an exponent") from None
    if math.isinf(float(digits)):
        raise BadRecord("bad_number", f"number {printable(digits, _EXCERPT)} is too large")
    return number


def _constant(name: str) -> Any:
    raise BadRecord("bad_json", f"not JSON: {name} is not a number that JSON knows")


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise BadRecord("nul_in_text", f"text with a NUL character: {printable(text, _EXCERPT)!r}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise BadRecord("bad_encoding", f"half of a surrogate pair, \\u{code:04x}, in a text") from None


_NAMES: Final = {list: "an array", str: "a string", int: "a number", Decimal: "a number", bool: "a truth value"} | {
    type(None): "null"
}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_real, parse_constant=_constant
)
