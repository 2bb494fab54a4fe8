"""An update in batches, in a process of its own: ``python worker.py URL SOURCE PUBLISH [STAGE MOMENT SIGNAL]``.

Says ``ready`` when the next thing is the update, and what came of it as a line of JSON. With a stage, a moment and a
signal, it sends itself the signal at that moment of the stage: 0 is its beginning, 1 the first batch done, and so on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from validate_updates import run
from validate_updates.signals import stop_on_signals


class SignalAt:
    """Progress that raises a signal at a moment of a stage."""

    def __init__(self, stage: str = "", moment: int = 0, signum: int = 0) -> None:
        self._wanted = (stage, moment)
        self._signum = signum
        self._now = ("", 0)

    def stage(self, name: str) -> None:
        self._reach((name, 0))

    def advance(self, records: int, total: int | None = None) -> None:  # noqa: ARG002  # its signature
        name, moment = self._now
        self._reach((name, moment + 1))

    def _reach(self, now: tuple[str, int]) -> None:
        self._now = now
        if now == self._wanted:
            os.kill(os.getpid(), self._signum)


def main(url: str, source: str, publish: str, *when: str) -> None:
    stage, moment, name = when or ("", "0", "SIGKILL")
    how: dict[str, Any] = {"plugins": ("batch",), "settings": {"batch": {"publish": publish, "commit_seconds": 3600}}}
    # All that is needed is loaded before the word is given, so that a random moment falls into the update.
    run([], target=url, table="t", dry_run=True, **how)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    progress = SignalAt(stage, int(moment), signal.Signals[name])
    with stop_on_signals():
        result = run(source, target=url, table="t", progress=progress, **how)
        sys.stdout.write(json.dumps({"verdict": result.verdict, "run": result.run_id}) + "\n")
        sys.stdout.flush()
        os._exit(result.exit_code)  # a signal that comes after the update must not change what is said of it


if __name__ == "__main__":
    main(*sys.argv[1:])
