"""A local server that speaks the part of the Congress.gov API that the source asks for, with faults on demand.

Faults come by the count of requests and by the meeting, never by chance: the same requests get the same answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

PREFIX = "/v3/committee-meeting"
LARGEST_PAGE = 250
USUAL_PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong. A number ``n`` means each n-th request; 0 is never."""

    too_many: int = 0
    """429, with ``Retry-After``."""
    retry_after: str = "1"
    server_error: int = 0
    """500, and the next try works."""
    truncated: int = 0
    """Half of the answer."""
    dropped: int = 0
    """The connection is closed without an answer."""
    moved: int = 0
    """302, to another address of this server."""
    slow: int = 0
    """The answer takes :attr:`slow_seconds`."""
    slow_seconds: float = 5.0
    broken_entries: frozenset[str] = frozenset()
    """Event ids: 500 on each page of the list that has one of them."""
    broken_meetings: frozenset[str] = frozenset()
    """Event ids: 500 on the meeting itself."""
    missing: frozenset[str] = frozenset()
    """Event ids that are listed and not there: 404."""
    moving: frozenset[str] = frozenset()
    """Event ids that leave the list when its first page has been read."""


@dataclass(slots=True)
class Asked:
    """What the server was asked."""

    path: str
    query: dict[str, str]
    status: int


@dataclass(slots=True)
class World:
    """What the server has, what it was asked, and what goes wrong."""

    meetings: Sequence[Mapping[str, Any]]
    """As the API gives them, without the envelope."""
    key: str
    faults: Faults = field(default_factory=Faults)
    limit: int = 5000
    """Requests an hour."""
    used: int = 0
    asked: list[Asked] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    closing: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Running:
    """A server at work."""

    world: World
    url: str
    """What ``base_url`` is set to."""


@contextmanager
def serving(
    meetings: Iterable[Mapping[str, Any]], *, key: str, faults: Faults | None = None, limit: int = 5000, port: int = 0
) -> Iterator[Running]:
    """The server, on this machine alone, for as long as the block lasts. ``port`` 0 is any that is free."""
    world = World(list(meetings), key, faults or Faults(), limit)
    handler = type("Handler", (_Handler,), {"world": world})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield Running(world, f"http://127.0.0.1:{server.server_address[1]}/v3")
        finally:
            world.closing.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    world: ClassVar[World]
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body go in one piece: the second of two small ones waits for the first to be acknowledged."""

    def do_GET(self) -> None:  # its name
        """Answer, or misbehave."""
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        world = self.world
        with world.lock:
            world.used += 1
            turn = world.used
        fault = self._fault(turn)
        if fault == "dropped":
            self.close_connection = True
            self._note(address.path, query, 0)
            return
        if fault == "slow":
            world.closing.wait(world.faults.slow_seconds)
        status, answer = (fault, {"error": "made up"}) if isinstance(fault, int) else self._answer(address.path, query)
        self._note(address.path, query, status)
        body = json.dumps(answer).encode()
        self._send(status, body[: len(body) // 2] if fault == "truncated" else body)

    def _fault(self, turn: int) -> str | int:
        """What goes wrong with the request of this number: a word, a status, or ``""``."""
        faults = self.world.faults
        if turn > self.world.limit:
            return 429
        kinds: list[tuple[int, str | int]] = [
            (faults.too_many, 429),
            (faults.server_error, 500),
            (faults.moved, 302),
            (faults.truncated, "truncated"),
            (faults.dropped, "dropped"),
            (faults.slow, "slow"),
        ]
        return next((kind for each, kind in kinds if each and turn % each == 0), "")

    def _answer(self, path: str, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        if self.headers.get("X-Api-Key") != self.world.key:
            return 403, {"error": {"code": "API_KEY_INVALID"}}
        if query.get("format") != "json":
            return 400, {"error": "this server speaks JSON only"}
        congress, *rest = path.removeprefix(f"{PREFIX}/").split("/")
        if not path.startswith(f"{PREFIX}/") or len(rest) > 2:
            return 404, {"error": "no such thing"}
        if len(rest) == 2:
            return self._one(rest[1])
        return self._page(congress, rest[0] if rest else "", query)

    def _one(self, event_id: str) -> tuple[int, dict[str, Any]]:
        faults = self.world.faults
        if event_id in faults.broken_meetings:
            return 500, {"error": "made up"}
        found = [meeting for meeting in self.world.meetings if meeting["eventId"] == event_id]
        if not found or event_id in faults.missing:
            return 404, {"error": "no such meeting"}
        return 200, {"committeeMeeting": found[-1], "request": {"format": "json"}}

    def _page(self, congress: str, chamber: str, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", USUAL_PAGE)), LARGEST_PAGE)
        chosen = [one for one in self._listed(query) if str(one["congress"]) == congress]
        chosen = [one for one in chosen if chamber in {"", str(one["chamber"]).lower()}]
        page = chosen[offset : offset + limit]
        if any(one["eventId"] in self.world.faults.broken_entries for one in page):
            return 500, {"error": "made up"}
        names = ("eventId", "congress", "chamber", "updateDate", "url")
        return 200, {
            "committeeMeetings": [{name: one[name] for name in names} for one in page],
            "pagination": {"count": len(chosen), **_next(self.path, offset + limit, len(chosen))},
            "request": {"format": "json"},
        }

    def _listed(self, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """The newest state of each meeting in the window."""
        begin, end = _moment(query.get("fromDateTime", "")), _moment(query.get("toDateTime", ""))
        moved = self.world.faults.moving if any(one.path.count("/") == 3 for one in self.world.asked) else frozenset()
        newest = {str(one["eventId"]): one for one in self.world.meetings}
        return [
            one
            for event_id, one in newest.items()
            if event_id not in moved
            and (begin is None or _moment(one["updateDate"]) >= begin)
            and (end is None or _moment(one["updateDate"]) <= end)
        ]

    def _send(self, status: int, body: bytes) -> None:
        world = self.world
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-RateLimit-Limit", str(world.limit))
        self.send_header("X-RateLimit-Remaining", str(max(world.limit - world.used, 0)))
        if status == 302:
            self.send_header("Location", "/elsewhere")
        if status == 429:
            self.send_header("Retry-After", world.faults.retry_after if world.used <= world.limit else "3600")
        self.end_headers()
        self.wfile.write(body)

    def _note(self, path: str, query: dict[str, str], status: int) -> None:
        with self.world.lock:
            self.world.asked.append(Asked(path, query, status))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        """Nothing: what was asked is in :attr:`World.asked`."""


def _next(path: str, offset: int, count: int) -> dict[str, str]:
    return {"next": f"{urlsplit(path).path}?offset={offset}"} if offset < count else {}


def _moment(text: str) -> Any:
    return datetime.fromisoformat(text) if text else None
