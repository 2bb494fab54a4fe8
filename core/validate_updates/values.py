"""Values as the column will give them back: one type system for both databases, applied before either sees a record.

A value is converted only where nothing is lost and the way back is certain (``"7"`` to 7 in an integer column, ``7`` to
``"7"`` in a text column); anything else is refused with a reason. So the same source twice plans no changes, and
SQLite refuses what PostgreSQL would.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from validate_updates.sources.strict_json import unparsed
from validate_updates.targets.table import Column, Kind
from validate_updates.text import printable

Converter = Callable[[Any], Any]
"""Takes a value that is not None; returns it normalised, or raises :class:`BadValue`."""

_SHOWN = 60
"""Characters of a refused value in its message."""


class BadValue(ValueError):
    """A value that its column cannot hold without changing it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def converter(column: Column, *, sqlite: bool) -> Converter:
    """The converter of ``column`` for plain Python values that are not None."""
    convert = _PLAIN.get(column.kind) or _MADE[column.kind](column)
    store = _stored_by_sqlite(column) if sqlite else None

    def normalise(value: Any) -> Any:
        try:
            return store(convert(value)) if store else convert(value)
        except BadValue:
            raise
        except (ArithmeticError, TypeError, ValueError) as reason:
            # Python's own limits: a number of 5,000 digits, a signalling NaN.
            raise BadValue("bad_value", f"not a value that can be stored ({type(reason).__name__})") from None

    return normalise


def _stored_by_sqlite(column: Column) -> Converter | None:
    """What SQLite's storage does to a normalised value of ``column``; None where it keeps it as it is."""
    if column.kind is Kind.BOOLEAN:
        return int
    if column.kind is Kind.NUMERIC:
        return _binary_number
    if column.kind in {Kind.JSON, Kind.OTHER} and column.type:
        return _with_numeric_affinity
    return None


_LOOKS_NUMERIC = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def _with_numeric_affinity(value: Any) -> Any:
    """Text that looks like a number becomes one in such a column; only where nothing is lost is it let through."""
    if not isinstance(value, str) or not _LOOKS_NUMERIC.fullmatch(value):
        return value
    if _CANONICAL_INTEGER.fullmatch(value) and -(2**63) <= int(value) < 2**63:
        return int(value)
    if repr(float(value)) == value:
        return float(value)
    raise BadValue("loses_digits", f"{printable(value, _SHOWN)!r} would be stored as a number, and not the same")


def from_text(column: Column, convert: Converter) -> Converter:
    """``convert`` for a source whose values are all text (CSV): empty is None for every kind but text."""
    if column.kind is Kind.TEXT:
        return convert
    reader = _READERS.get(column.kind)

    def read(text: str) -> Any:
        if text == "":
            return None
        return convert(reader(text) if reader else text)

    return read


def cell_meaning(column: Column, text: str) -> Any:
    """What a cell of such a source stands for, before it is converted: as JSON would carry it. Raises ``BadValue``."""
    reader = _READERS.get(column.kind)
    if column.kind is Kind.TEXT or (text and reader is None):
        return text
    return reader(text) if text and reader else None


def _wrong(expected: str, value: object) -> BadValue:
    return BadValue("wrong_type", not_expected(expected, value))


def not_expected(expected: str, value: object) -> str:
    """That something else came than was expected."""
    got = "null" if value is None else f"{_name(value)} {printable(_as_written(value), _SHOWN)!r}"
    return f"expected {expected}, got {got}"


def _as_written(value: object) -> object:
    """As a record has it: ``true``, ``[1,2]``."""
    if isinstance(value, bool | list | tuple | dict):
        with suppress(TypeError, ValueError, RecursionError):  # of a record in Python, which JSON does not know
            return unparsed(value)
    return value


def _name(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    name = type(value).__name__
    return _NAMES.get(name, name)


_NAMES = {
    "str": "text",
    "list": "list",
    "tuple": "list",
    "dict": "object",
    "datetime": "timestamp",
    "timedelta": "interval",
}
"""Of types of Python, as people call them who never saw one."""


_CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")


def _integer(column: Column) -> Converter:
    low, high = -(1 << (column.bits - 1)), (1 << (column.bits - 1)) - 1

    def convert(value: Any) -> int:
        if isinstance(value, bool):
            raise _wrong("an integer", value)
        if (isinstance(value, float | Decimal) and not math.isnan(value) and value == int(_finite(value))) or (
            isinstance(value, str) and _CANONICAL_INTEGER.fullmatch(value)
        ):
            value = int(value)
        if not isinstance(value, int):
            raise _wrong("an integer", value)
        if not low <= value <= high:
            raise BadValue("out_of_range", f"{printable(value, _SHOWN)} does not fit a {column.bits}-bit integer")
        return int(value)

    return convert


def _finite(value: Any) -> Any:
    if not math.isfinite(value):
        raise BadValue("not_finite", "NaN and infinity are not values")
    return value


def _as_real(value: Any) -> float:
    if isinstance(value, str):
        number = _number_from(value)
        if number is None:
            raise _wrong("a number", value)
        value = number
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong("a number", value)
    _finite_or_huge(value)
    result = float(value)
    if isinstance(value, int) and int(result) != value:
        raise BadValue("loses_digits", f"{printable(value, _SHOWN)} has more digits than the column keeps")
    return result + 0.0  # -0.0 and 0.0 are one value to the database


def _finite_or_huge(value: Any) -> None:
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise BadValue("not_finite", "NaN, infinity and numbers beyond the range are not values")


def _number_from(text: str) -> Decimal | None:
    if not re.fullmatch(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _numeric(column: Column) -> Converter:
    scale, precision = column.scale, column.precision

    def convert(value: Any) -> Decimal:
        if isinstance(value, str):
            number = _number_from(value)
        elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            number = None
        else:
            _finite(value)
            number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if number is None:
            raise _wrong("a number", value)
        return _fitted(number, precision, scale)

    return convert


def _fitted(number: Decimal, precision: int | None, scale: int | None) -> Decimal:
    _, digits, power = number.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")  # Decimal.normalize would round to its context's digits
    exponent = int(power) + len(digits) - len(significant) if significant else 0
    decimals = max(-exponent, 0)
    if scale is not None and decimals > scale:
        raise BadValue("loses_digits", f"{printable(number, _SHOWN)} has {decimals} decimals; the column keeps {scale}")
    whole = max(len(significant) + exponent, 0)
    if precision is not None and whole > precision - (scale or 0):
        raise BadValue(
            "out_of_range", f"{printable(number, _SHOWN)} has too many digits for numeric({precision},{scale})"
        )
    if whole + decimals > 1000:
        raise BadValue("out_of_range", "a number of more than 1000 digits")
    return number


def _binary_number(number: Decimal) -> int | float:
    """A decimal as SQLite stores it: an integer or a double."""
    if number == number.to_integral_value() and -(2**63) <= number < 2**63:
        return int(number)
    result = float(number)
    if Decimal(repr(result)) != number:
        raise BadValue("loses_digits", f"{printable(number, _SHOWN)} has more digits than SQLite keeps")
    return result


def _text(column: Column) -> Converter:
    length = column.length
    choices = frozenset(column.choices)

    def convert(value: Any) -> str:
        if (isinstance(value, int) and not isinstance(value, bool)) or isinstance(value, UUID):
            value = str(value)
        elif not isinstance(value, str):
            raise _wrong("text", value)
        _storable(value)
        if length is not None and len(value) > length:
            raise BadValue("too_long", f"{len(value)} characters; the column takes {length}")
        if choices and value not in choices:
            allowed = ", ".join(printable(choice, 30) for choice in column.choices[:8])
            raise BadValue("not_allowed", f"{printable(value, _SHOWN)!r} is not one of: {allowed}")
        return str(value)

    return convert


def _storable(text: str) -> None:
    if "\x00" in text:
        raise BadValue("nul_character", "a NUL character; neither database keeps it whole")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadValue("bad_encoding", "a lone surrogate, which is not text") from None


_TRUE, _FALSE = frozenset({"true", "t", "yes", "1"}), frozenset({"false", "f", "no", "0"})


def _as_boolean(value: Any) -> bool:
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise _wrong("true or false", value)


def _boolean_from(text: str) -> bool:
    word = text.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise _wrong("true or false", text)


# datetime.fromisoformat also reads week dates and basic formats, and cuts fractions to six digits; these do not.
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.(?P<fraction>\d{1,12}))?)?"
_TIME = re.compile(_CLOCK)
_STAMP = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]" + _CLOCK + r"(?P<zone>Z|[+-]\d\d:?\d\d)?)?")
_PLAIN_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):\d\d:\d\d)Z?", re.ASCII)
"""A time of whole seconds, in UTC if anywhere: as its two parts stand there, the column gives them back."""


def _parsed(pattern: re.Pattern[str], parse: Callable[[str], Any], text: str, expected: str) -> Any:
    match = pattern.fullmatch(text)
    if match is None or not text.isascii():
        raise _wrong(expected, text)
    if len((match.groupdict().get("fraction") or "").rstrip("0")) > 6:
        raise BadValue("loses_digits", f"{printable(text, _SHOWN)!r} is finer than a microsecond")
    return _existing(parse, text)


def _existing(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        raise BadValue("no_such_time", f"{printable(text, _SHOWN)!r} does not exist in the calendar") from None


def _as_date(value: Any) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value):
        _existing(date.fromisoformat, value)
        return str(value)
    moment = value
    if isinstance(value, str):
        moment = _parsed(_STAMP, datetime.fromisoformat, value, "a date as YYYY-MM-DD")
    if isinstance(moment, datetime):
        if moment.time() != time():
            raise BadValue("loses_time", f"{printable(value, _SHOWN)!r} has a time of day; the column keeps the date")
        return str(moment.date())
    if isinstance(moment, date):
        return str(moment)
    raise _wrong("a date as YYYY-MM-DD", value)


def _as_time(value: Any) -> str:
    moment = _parsed(_TIME, time.fromisoformat, value, "a time as HH:MM:SS") if isinstance(value, str) else value
    if isinstance(moment, time) and moment.tzinfo is None:
        return str(moment)
    raise _wrong("a time as HH:MM:SS", value)


def _moment(value: Any) -> datetime:
    expected = "a time as YYYY-MM-DD HH:MM:SS"
    if isinstance(value, str):
        parsed: datetime = _parsed(_STAMP, datetime.fromisoformat, value, expected)
        return parsed
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a date has no zone
    raise _wrong(expected, value)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadValue("out_of_range", "a time outside the years 1 to 9999") from None


def _plain(value: Any) -> str:
    """The text of a time that needs no more than a look at the calendar; empty for any other value.

    Most are of that kind, and to write a moment out costs more than to read it: above all once numpy is loaded, whose
    libraries make the C library's ``printf`` slow.
    """
    found = _PLAIN_STAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return ""
    _existing(datetime.fromisoformat, value)
    return " ".join(found.groups())


def _as_timestamp(value: Any) -> str:
    plain = _plain(value)
    if plain:
        return plain
    moment = _moment(value)
    if moment.tzinfo is not None:
        moment = _in_utc(moment).replace(tzinfo=None)
    return str(moment)


def _as_timestamp_tz(value: Any) -> str:
    # A time without an offset is taken as UTC: the same everywhere, whatever the session's zone.
    plain = _plain(value)
    if plain:
        return f"{plain}+00:00"
    moment = _moment(value)
    return str(_in_utc(moment) if moment.tzinfo else moment.replace(tzinfo=UTC))


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise _wrong("bytes (JSON and CSV cannot carry them)", value)


def _as_json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_json_number)
    except (TypeError, ValueError, RecursionError) as reason:
        raise BadValue("bad_json", f"not a JSON value: {printable(reason, _SHOWN)}") from None
    if "\\u0000" in text:
        raise BadValue("nul_character", "a NUL character; neither database keeps it whole")
    _storable(text)
    return text


def _json_number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows")


def _json_from(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("JSON", text) from None


def _as_uuid(value: Any) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise _wrong("a UUID", value) from None


def _other(column: Column) -> Converter:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            _storable(value)
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise _wrong(f"text for a column of type {column.type or 'any'}", value)
        if isinstance(value, Decimal):
            return _binary_number(_finite(value))
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise BadValue("out_of_range", f"{printable(value, _SHOWN)} does not fit a 64-bit integer")
        return _finite(value)

    return convert


_PLAIN: dict[Kind, Converter] = {
    Kind.REAL: _as_real,
    Kind.BOOLEAN: _as_boolean,
    Kind.DATE: _as_date,
    Kind.TIME: _as_time,
    Kind.TIMESTAMP: _as_timestamp,
    Kind.TIMESTAMP_TZ: _as_timestamp_tz,
    Kind.BYTES: _as_bytes,
    Kind.JSON: _as_json,
    Kind.UUID: _as_uuid,
}
"""Kinds whose columns are all alike."""

_MADE: dict[Kind, Callable[[Column], Converter]] = {
    Kind.INTEGER: _integer,
    Kind.NUMERIC: _numeric,
    Kind.TEXT: _text,
    Kind.OTHER: _other,
}
"""Kinds whose converter depends on the column: its size, its choices, its type."""

_READERS: dict[Kind, Callable[[str], Any]] = {Kind.BOOLEAN: _boolean_from, Kind.JSON: _json_from}
