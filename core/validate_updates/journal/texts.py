"""Texts and small data in the form in which the journal stores them: bounded, and such as every database takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import msgspec

from validate_updates.findings import Value

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NAME_BYTES: Final = 200
"""Codes, names of plugins, columns, metrics, files."""
KEY_BYTES: Final = 1000
"""A record's key. PostgreSQL indexes at most 2,704 bytes a row."""
MESSAGE_BYTES: Final = 4000
"""Sentences for people."""
RECORD_BYTES: Final = 64 * 1024
"""A record in quarantine."""
INTEGER_BITS: Final = 1024
"""Of an observed value; Python itself refuses to write out integers of more than 4,300 digits."""
ITEMS: Final = 100
"""Samples and ids of runs of one finding."""

_numbers: Final = msgspec.json.Decoder(dict[str, float])
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def stored(text: str, limit: int = NAME_BYTES) -> str:
    """``text`` in at most ``limit`` bytes of UTF-8; a longer one ends in ``…``.

    NUL and lone surrogates, which databases refuse, become U+FFFD. Everything else stays as it is.
    """
    text = text.replace("\0", _REPLACEMENT)
    if len(text) * 4 <= limit and text.isascii():
        return text
    data = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    if len(data) <= limit:
        return data.decode()
    return data[: limit - len("…".encode())].decode(errors="ignore") + "…"


def stored_or_none(text: str | None, limit: int = NAME_BYTES) -> str | None:
    """As :func:`stored`; nothing for nothing."""
    return None if text is None else stored(text, limit)


def stored_number(number: int | None) -> int | None:
    """``number``, or nothing where no column holds it."""
    return number if number is not None and number.bit_length() <= 63 else None


def json_texts(texts: Iterable[str], limit: int = MESSAGE_BYTES) -> str:
    """The first ``ITEMS`` texts, each bounded, as a JSON array."""
    return msgspec.json.encode([stored(text, limit) for text, _ in zip(texts, range(ITEMS), strict=False)]).decode()


def json_value(value: Value) -> str | None:
    """An observed value as JSON, which keeps its type. What JSON has no number for is kept as text."""
    if value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    if isinstance(value, int) and value.bit_length() > INTEGER_BITS:
        value = f"an integer of {value.bit_length()} bits"
    return msgspec.json.encode(stored(value, KEY_BYTES) if isinstance(value, str) else value).decode()


def json_rows(rows: Iterable[DataclassInstance]) -> str:
    """Small dataclasses as a JSON array of objects, their texts bounded."""
    objects = [
        {name: stored(value, MESSAGE_BYTES) if isinstance(value, str) else value for name, value in asdict(row).items()}
        for row in rows
    ]
    return msgspec.json.encode(objects).decode()


def json_numbers(numbers: Mapping[str, float]) -> str | None:
    """Numbers by name as a JSON object, in the order of names; None for none.

    What is no number is left out: it could not be computed.
    """
    # names are made unique once more, since they may have been cut
    kept = {stored(name): float(value) for name, value in numbers.items() if math.isfinite(value)}
    return msgspec.json.encode(kept, order="sorted").decode() if kept else None


def numbers_of(text: str | None) -> dict[str, float]:
    """What :func:`json_numbers` wrote."""
    return _numbers.decode(text) if text else {}


def base_name(source: str) -> str:
    """A source without its folders, which say more about people than about the update: ``a.jsonl, b.jsonl``."""
    return source if "://" in source else ", ".join(_last(part) for part in source.split(", "))


def without_folders(text: str, source: str) -> str:
    """A sentence that names the run's source or files in it, without the folders that these lie in."""
    if base_name(source) != source:
        for part in source.split(", "):
            text = text.replace(part.rstrip("/"), _last(part))
    return text


def _last(path: str) -> str:
    return PurePath(path).name or path
