"""Names of runs."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_run_id(now: datetime) -> str:
    """A name for the run that starts ``now`` (aware): ``20261122-083015-4f2a9c``.

    The UTC time, so that names sort by time, and a random end, since several runs may start in one second. Safe as the
    name of a file.
    """
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
