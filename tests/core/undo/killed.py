"""A roll-back in a process of its own that is killed: ``python killed.py URL RUN GROUPS``.

It dies when so many groups are committed, and the rows of the next are taken back already.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from validate_updates.journal.undoing import UndoLog
from validate_updates.secret import SecretUrl
from validate_updates.undo.rollback import Rollback, roll_back


def main(url: str, run: str, groups: str) -> None:
    forget, left = UndoLog.forget, [int(groups)]

    def die(self: UndoLog, *arguments: Any) -> None:
        forget(self, *arguments)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    UndoLog.forget = die  # type: ignore[assignment,method-assign]
    roll_back(Rollback(target=SecretUrl(url), run=run))


if __name__ == "__main__":
    main(*sys.argv[1:])
