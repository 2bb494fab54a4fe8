"""An update in a process of its own, to be stopped: ``python killed.py URL SOURCE [STAGE SIGNAL]``.

Says ``ready`` when the next thing is the update, and what came of it as a line of JSON. With a stage and a signal, it
sends itself the signal on entering the stage.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from validate_updates import run
from validate_updates.signals import stop_on_signals


class StopAt:
    """Progress that raises a signal at a stage."""

    def __init__(self, wanted: str = "", signum: int = 0) -> None:
        self.wanted = wanted
        self.signum = signum

    def stage(self, name: str) -> None:
        if name == self.wanted:
            os.kill(os.getpid(), self.signum)

    def advance(self, records: int, total: int | None = None) -> None:
        """Nobody looks."""


def main(url: str, source: str, stage: str = "", name: str = "SIGKILL") -> None:
    # All that is needed is loaded before the word is given, so that a random moment falls into the update.
    run(source, target=url, table="t", plugins=(), dry_run=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with stop_on_signals():
        result = run(source, target=url, table="t", plugins=(), progress=StopAt(stage, signal.Signals[name]))
        sys.stdout.write(json.dumps({"verdict": result.verdict, "run": result.run_id}) + "\n")
        sys.stdout.flush()
        os._exit(result.exit_code)  # a signal that comes after the update must not change what is said of it


if __name__ == "__main__":
    main(*sys.argv[1:])
