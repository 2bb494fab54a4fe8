"""Paths of keys and values of settings as text, for messages and for ``config show``. Secrets are masked here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final

from validate_updates.secret import SecretUrl
from validate_updates.text import printable

Keys = tuple[str | int, ...]
"""Where a value is: keys of tables, and positions in lists."""

MASK: Final = "***"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_FROM_ENVIRONMENT = re.compile(r"env:[A-Za-z_]\w*")
_URL = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*)://(?P<rest>.*)", re.DOTALL)
_SECRET_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|webhook|dsn|(api|access|private|signing)_?key", re.IGNORECASE
)
_INT64 = 2**63


def dotted(path: Keys) -> str:
    """``path`` as TOML would write it: ``tasks.daily.wait``, ``tasks."two words".wait``, ``checks[0].sql``."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            shown = key if _BARE_KEY.fullmatch(key) and len(key) <= 80 else f'"{printable(key, 80)}"'
            text += f".{shown}" if text else shown
    return text


def as_text(value: object, path: Keys = (), limit: int = 60) -> str:
    """``value`` as TOML would write it, on one line of at most ``limit`` characters, without secrets."""
    return printable(_text(value, path), limit)


def got(value: object, path: Keys = ()) -> str:
    """``value`` as the end of "expected …, got": tables and lists by what they are, since they may hold anything."""
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) and value else as_text(value, path)


def _text(value: object, path: Keys) -> str:
    if value is not None and _is_secret(path):
        return f'"{MASK}"'
    if isinstance(value, SecretUrl):
        return f'"{_target(value.reveal())}"'
    if isinstance(value, str):
        return f'"{without_secrets(value)}"'
    if isinstance(value, Mapping):
        inside = (f"{dotted((str(key),))} = {_text(item, (*path, str(key)))}" for key, item in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(item, path) for item in value)}]"
    return _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return "a number beyond 64 bits"  # str() refuses the very long ones
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def _target(text: str) -> str:
    return without_secrets(text) if _URL.search(text) or _FROM_ENVIRONMENT.fullmatch(text) else MASK


def without_secrets(text: str) -> str:
    """``text`` without the secrets of a URL in it: its password, its query, and the path of a web address."""
    match = _URL.search(text)
    if match is None:
        return text
    login, at, rest = match["rest"].rpartition("@")
    user, colon, _ = login.partition(":")
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    if match["scheme"].lower() in {"http", "https"}:
        host, slash, _ = place.partition("/")
        place = f"{host}/{MASK}" if slash else host
    return f"{text[: match.start()]}{match['scheme']}://{user}{f':{MASK}' if colon else ''}{at}{place}"


def _is_secret(path: Keys) -> bool:
    """Whether the names say so. Only plugins bring keys of their own; ours hold secrets in :class:`SecretUrl` alone."""
    if path[:1] != ("plugins",):
        return False
    return any(isinstance(key, str) and _SECRET_NAME.search(key) and not key.endswith("_file") for key in path[2:])
