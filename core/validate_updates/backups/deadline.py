"""How long a copy may take: a database that stays locked would keep it waiting for ever."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from validate_updates import signals
from validate_updates.errors import TargetError
from validate_updates.text import counted

if TYPE_CHECKING:
    from validate_updates.targets.base import Database


class Deadline:
    """A moment by the clock that is never set, ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = monotonic() + seconds

    def check(self) -> None:
        """Raise ``TargetError`` when it is over, and ``Interrupted`` where a signal came in."""
        signals.check()
        if self.over:
            raise self.error()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return monotonic() > self._end

    @property
    def milliseconds_left(self) -> int:
        """For a server's own limits, where 0 would mean none."""
        return max(math.ceil((self._end - monotonic()) * 1000), 1)

    @contextmanager
    def telling(self, database: Database) -> Iterator[None]:
        """What the driver raises when the time is up, told as that."""
        try:
            yield
        except database.errors as error:
            if self.over:
                raise self.error() from error
            raise

    def error(self) -> TargetError:
        """What to tell when the time is up."""
        return TargetError(
            f"not done after {counted(round(self._seconds), 'second')}: another program keeps the database locked,"
            " or it is too large",
            hint="see who uses the database, or give it longer: [backup] deadline = SECONDS",
        )
