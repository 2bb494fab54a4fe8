"""HTTP as far as it is needed: one request, no redirect, no proxy, a bounded answer that nobody reads."""

from __future__ import annotations

import http.client
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from validate_updates import __version__
from validate_updates_notify.delivering import Undelivered
from validate_updates_notify.reaching import in_words, reach
from validate_updates_notify.revealing import revealed
from validate_updates_notify.settings import Ping, Webhook

MOST_SENT: Final = 100_000
"""Bytes of a body."""
_MOST_READ: Final = 4096


class Address:
    """A web address that nobody shows: it may open a door."""

    __slots__ = ("_parts", "allow_link_local")

    def __init__(self, url: str, *, allow_link_local: bool = False) -> None:
        try:
            self._parts: SplitResult = urlsplit(url.strip())
            port = self._parts.port
        except ValueError:
            raise Undelivered("has an address that is none") from None
        plain = url.strip().isascii() and url.strip().isprintable() and " " not in url.strip()
        if self._parts.scheme not in {"http", "https"} or not self._parts.hostname or not plain or port == 0:
            raise Undelivered("has an address that is none: http:// or https://, and a host")
        self.allow_link_local = allow_link_local

    def below(self, path: str, query: str = "") -> Address:
        """The address with more path at its end, and more of a query."""
        parts = self._parts
        whole = "&".join(part for part in (parts.query, query) if part)
        longer = parts._replace(path=f"{parts.path.rstrip('/')}/{path}" if path else parts.path, query=whole)
        return Address(urlunsplit(longer), allow_link_local=self.allow_link_local)

    def __repr__(self) -> str:
        return "Address(***)"

    def post(self, body: bytes, content_type: str, *, seconds: float) -> None:
        """Send it. Raises :class:`Undelivered` unless the server takes it."""
        with in_words(seconds):
            connection = self._connection(seconds)
            try:
                headers = {"Content-Type": content_type, "User-Agent": f"validate-updates/{__version__}"}
                connection.request("POST", self._target, body=body[:MOST_SENT], headers={**headers, **self._login})
                answer = connection.getresponse()
                answer.read(_MOST_READ)
            finally:
                connection.close()
        _judge(answer.status)

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=seconds)
            plain = reach(host, port, seconds=seconds, allow_link_local=self.allow_link_local)
            connection.sock = context.wrap_socket(plain, server_hostname=host)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
            connection.sock = reach(host, port, seconds=seconds, allow_link_local=self.allow_link_local)
        return connection

    @property
    def _port(self) -> int:
        """Never left to :mod:`http.client`, which takes the end of an IPv6 address for one."""
        return self._parts.port or (443 if self._parts.scheme == "https" else 80)

    @property
    def _target(self) -> str:
        return urlunsplit(("", "", self._parts.path or "/", self._parts.query, ""))

    @property
    def _login(self) -> Mapping[str, str]:
        if self._parts.username is None:
            return {}
        login = f"{unquote(self._parts.username)}:{unquote(self._parts.password or '')}"
        return {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}


def address_of(settings: Webhook | Ping) -> Address:
    """Where it leads. Raises :class:`Undelivered` where that is not to be had."""
    return Address(revealed(settings.url), allow_link_local=settings.allow_link_local)


def _judge(status: int) -> None:
    if 300 <= status < 400:
        raise Undelivered(f"answered with a redirect ({status}), which is not followed")
    if not 200 <= status < 300:
        raise Undelivered(f"answered {status}", again=status >= 500 or status == 429)
