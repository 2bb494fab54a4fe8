"""Database URLs, which hold passwords, as values that cannot be printed by accident."""

from __future__ import annotations

import re
from urllib.parse import unquote

_URL = re.compile(
    # A password may hold any character unescaped; up to the last @ all of it is taken for the password.
    r"(?P<scheme>[a-zA-Z][\w+.-]*)://(?:(?P<user>[^:@/?#]*)(?::(?P<password>.*))?@)?(?P<rest>[^?#]*)",
    re.DOTALL,
)


class SecretUrl:
    """A database URL. ``str`` and ``repr`` leave out its password, and its query, which may hold secrets."""

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        self._url = url

    def reveal(self) -> str:
        """The whole URL, for the driver alone."""
        return self._url

    @property
    def scheme(self) -> str:
        """``sqlite``, ``postgresql``, …, without the driver."""
        return self._url.partition("://")[0].partition("+")[0].lower()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts that must never be shown, as written and decoded: to scrub foreign messages with."""
        match = _URL.match(self._url)
        if match is None:
            return (self._url,) if self._url else ()
        found = [match["password"] or ""]
        found += [pair.partition("=")[2] for pair in self._url.partition("?")[2].split("&") if _is_secret(pair)]
        return tuple(dict.fromkeys(text for part in found if part for text in (part, unquote(part))))

    def __str__(self) -> str:
        match = _URL.match(self._url)
        if match is None:
            return "(not a database URL)"
        user = match["user"]
        if match["password"] is not None:
            user = f"{user}:***"
        return f"{match['scheme']}://{user + '@' if user else ''}{match['rest']}"

    def __repr__(self) -> str:
        return f"SecretUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and other._url == self._url

    def __hash__(self) -> int:
        return hash(self._url)


def _is_secret(pair: str) -> bool:
    return any(word in pair.partition("=")[0].lower() for word in ("pass", "secret", "token", "key"))
