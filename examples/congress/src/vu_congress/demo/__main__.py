"""A database, settings and an API to try the plugin out with: ``python -m vu_congress.demo``.

It makes a folder, and then answers as the API would, with faults, until it is stopped.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from vu_congress.demo.server import Faults, serving
from vu_congress.demo.world import all_of, feed, make_database

KEY = "demo-key"
FAULTS = Faults(too_many=31, retry_after="0", server_error=17, truncated=23, dropped=37)
SETTINGS = """\
target = "sqlite:///hearings.db"

[tasks.daily]
source = "congress:meetings"
plugins = ["batch", "historical", "static_thresholds", "rules", "congress"]

[tasks.daily.tables.hearings]
key = "event_id"

# A hearing comes with its committees and witnesses; new ones are made.
[tasks.daily.tables.hearing_committees]
parent = "hearings"
children = "replace"
references.committee_id = {{ to = "committees.system_code", missing = "create" }}

[tasks.daily.tables.witness_appearances]
parent = "hearings"
children = "replace"
references.witness_id = {{ to = "witnesses.full_name,organization", missing = "create" }}

[tasks.daily.tables.witness_documents]
parent = "witness_appearances"
children = "replace"
key = ["appearance_id", "document_url"]

[plugins.congress]
base_url = "http://127.0.0.1:{port}/v3"  # the API itself unless set
first_pause = 0.01

[plugins.historical]
group_by = ["chamber"]

# While Congress is in recess hardly anything comes, and that is no news.
[plugins.historical.calendar.periods]
recess = ["2025-08-01/2025-09-01", "2025-12-19/2026-01-04", "2026-03-27/2026-04-12", "2026-07-31/2026-09-07"]
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the folder, and serve."""
    parser = argparse.ArgumentParser(prog="python -m vu_congress.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("congress-demo"), help="made anew; must not be there")
    parser.add_argument("--port", type=int, default=8119, help="of the API on this machine")
    given = parser.parse_args(arguments)
    if given.folder.exists():
        parser.error(f"{given.folder} is there already")
    asked_to_stop = _asked_to_stop()
    by_day = feed(datetime.now(UTC).date() - timedelta(days=1))
    with serving(all_of(by_day), key=KEY, faults=FAULTS, port=given.port) as server:
        given.folder.mkdir()
        make_database(given.folder / "hearings.db")
        port = server.url.rpartition(":")[2].partition("/")[0]
        (given.folder / "validate-updates.toml").write_text(SETTINGS.format(port=port))
        print(
            f"{given.folder} is made; an API with faults answers at {server.url} until it is stopped. Now, over there:"
        )
        print(f"  cd {given.folder} && CONGRESS_API_KEY={KEY} validate-updates run daily", flush=True)
        asked_to_stop.wait()
    return 0


def _asked_to_stop() -> Event:
    """Set by Ctrl-C, also where a shell in the background has told us not to listen to it, and by ``kill``."""
    asked = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    return asked


if __name__ == "__main__":
    sys.exit(main())
