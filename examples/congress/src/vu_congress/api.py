"""One request to the API at a time: the key as a header, within the quota, tried again where that may help.

Trouble            what a request may come to
├── Passing        may be over at the next try: no answer, half an answer, 429, 5xx
└── Missing        404: there is no such thing (any more)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2
import msgspec
import tenacity

from validate_updates import SettingsError, SourceError, TryLater
from vu_congress.settings import Congress

Pause = Callable[[float], None]

_LEISURELY: Final = 0.2
"""Below this part of the hour's quota, requests are made at the pace at which it is renewed."""
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Of an answer."""
_LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries, unless the server says how long to wait."""


class Trouble(Exception):
    """A request that failed. Its text is harmless: it has neither the key nor anything that the server sent."""


class Passing(Trouble):
    """It may be over at the next try."""

    def __init__(self, what: str, *, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait
        """Seconds to wait, where the server said so."""


class Missing(Trouble):
    """There is nothing at that address."""


class Api:
    """The API under its settings. To be closed at the end."""

    def __init__(
        self, settings: Congress, key: str, *, pause: Pause, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._settings = settings
        self._pause = pause
        self._now = now
        self._jitter = tenacity.wait_random_exponential(multiplier=settings.first_pause, max=_LONGEST_PAUSE)
        self._client = httpx2.Client(
            headers={"X-Api-Key": key, "Accept": "application/json", "User-Agent": "vu-congress"},
            timeout=settings.timeout,
            follow_redirects=False,  # the key would go along
            trust_env=not settings.is_local,  # proxies of the environment lead elsewhere
        )
        self._failed_in_a_row = 0
        self.requests = 0
        self.tries_again = 0
        self.waited = 0.0
        """Seconds."""

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """The JSON object at ``path``.

        Raises ``Trouble`` where this request cannot be had, ``TryLater`` where the quota is used up, ``SettingsError``
        where the key is refused, ``SourceError`` where the API as a whole seems to be down.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            wait=self._patience,
            retry=tenacity.retry_if_exception_type(Passing),
            sleep=self._wait,
            reraise=True,
        )
        try:
            answer: dict[str, Any] = retrying(self._once, path, {**(parameters or {}), "format": "json"})
        except Passing as passing:
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= self._settings.give_up_after:
                raise SourceError(
                    f"the API does not work: {self._failed_in_a_row} requests in a row failed, the last with {passing}",
                    hint="nothing was changed; see https://api.congress.gov/ and run it again later",
                ) from None
            raise
        self._failed_in_a_row = 0
        return answer

    def _once(self, path: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        self.requests += 1
        try:
            with self._client.stream(
                "GET", f"{self._settings.base_url.rstrip('/')}/{path}", params=parameters
            ) as answer:
                body = b"".join(_bounded(answer))
        except httpx2.TimeoutException:
            raise Passing(f"no answer within {self._settings.timeout:g} s") from None
        except httpx2.HTTPError as error:
            raise Passing(f"a broken connection ({type(error).__name__})") from None
        self._judge(answer)
        self._keep_pace(answer)
        return _object(body)

    def _judge(self, answer: httpx2.Response) -> None:
        """Raise what the status means."""
        status = int(answer.status_code)
        if status == 200:
            return
        if status == 429:
            wait = self._retry_after(answer)
            if wait is not None and wait > self._settings.longest_wait:
                raise _used_up(wait)
            raise Passing("429, too many requests", wait=wait)
        if status in {401, 403}:
            raise SettingsError(
                f"the API refuses the key that {self._settings.key_from} holds ({status})", hint="mend or renew the key"
            )
        if status in {404, 410}:
            raise Missing(f"{status}, not found")
        if status == 408 or status >= 500:
            raise Passing(f"{status}, an error of the server", wait=self._retry_after(answer))
        raise SourceError(f"the API answers {status}, which makes no sense here", hint="is base_url its address?")

    def _retry_after(self, answer: httpx2.Response) -> float | None:
        """Seconds, from a number or a date."""
        text = str(answer.headers.get("Retry-After", "")).strip()
        if text.isdecimal():
            return float(text)
        try:
            return max((parsedate_to_datetime(text) - self._now()).total_seconds(), 0.0)
        except (ValueError, TypeError):
            return None

    def _keep_pace(self, answer: httpx2.Response) -> None:
        """Obey the quota before it is used up. Raises ``TryLater`` where no more than the reserve is left."""
        limit, left = (_number(answer, f"X-RateLimit-{name}") for name in ("Limit", "Remaining"))
        if not limit or left is None:
            return
        if left <= min(self._settings.reserve, limit // 2):
            raise _used_up(3600 / limit * self._settings.reserve)
        if left < limit * _LEISURELY:
            self._wait(3600 / limit)

    def _patience(self, state: tenacity.RetryCallState) -> float:
        self.tries_again += 1
        error = state.outcome.exception() if state.outcome else None
        told = error.wait if isinstance(error, Passing) else None
        if told is not None:
            return min(told, self._settings.longest_wait)
        return float(self._jitter(state))

    def _wait(self, seconds: float) -> None:
        self.waited += seconds
        self._pause(seconds)


def _used_up(wait: float) -> TryLater:
    minutes = max(round(wait / 60), 1)
    return TryLater(
        "the quota of the API is used up for now",
        hint=f"run it again in {minutes} minutes or later: it begins where the last good run ended",
    )


def _bounded(answer: httpx2.Response) -> list[bytes]:
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > _MOST_BYTES:
            raise Passing(f"an answer of more than {_MOST_BYTES >> 20} MB")
        parts.append(part)
    return parts


def _number(answer: httpx2.Response, header: str) -> int | None:
    text = str(answer.headers.get(header, ""))
    return int(text) if text.isdecimal() else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise Passing("an answer that is not whole JSON") from None
