"""Update after update in one process, audited and progressive in turns: ``python often.py URL WARM_UP TIMES``.

Says as a line of JSON what the process holds after so many of both to warm up, and after so many more.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator
from typing import Any

from validate_updates import run

RECORDS = 300


def records(turn: str) -> Iterator[dict[str, Any]]:
    """Other names in each turn; one record that is refused, and one that comes twice."""
    for number in range(RECORDS):
        yield {"id": number, "name": f"{turn} {number}", "amount": -1 if number == 7 else number}
    yield {"id": 8, "name": f"{turn} again", "amount": 8}


def update(url: str, turn: int) -> None:
    for publish in ("audited", "progressive"):
        settings = {"batch": {"publish": publish, "commit_batches": 2}}
        source = list(records(f"{publish} {turn}"))
        result = run(source, target=url, table="t", plugins=("batch",), settings=settings)
        if result.verdict != "committed with quarantine":
            raise AssertionError(result.reason)


def held() -> dict[str, int]:
    """What this process holds now; of memory, the most that it ever held, in KB."""
    gc.collect()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "files": len(os.listdir("/dev/fd")),  # noqa: PTH208  # a Path would be one object more
        "threads": threading.active_count(),
        "objects": len(gc.get_objects()),
        "memory": most // 1024 if sys.platform == "darwin" else most,
    }


def main(url: str, warm_up: str, times: str) -> None:
    for turn in range(int(warm_up)):
        update(url, turn)
    before = held()
    for turn in range(int(times)):
        update(url, int(warm_up) + turn)
    json.dump([before, held()], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
