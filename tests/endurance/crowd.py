"""Many commands at once: ``python crowd.py RESULT`` reads a JSON list of command lines, and runs each in a process.

The processes are forked when all that they need is loaded, and begin together. How each ended is written to the file
RESULT, as a JSON list.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from validate_updates_cli.main import main as command


def forked(line: list[str], starter: int, gun: int) -> int:
    """The number of a process that runs the command once ``gun`` is closed everywhere."""
    process = os.fork()
    if process:
        return process
    os.close(gun)
    os.read(starter, 1)
    status = 70
    try:
        status = command(line)
    finally:
        os._exit(status)


def main(result: str) -> None:
    lines = json.load(sys.stdin)
    command([*lines[0], "--dry-run"])  # loads what they all need
    starter, gun = os.pipe()
    processes = [forked(line, starter, gun) for line in lines]
    os.close(gun)
    ended = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
    Path(result).write_text(json.dumps(ended))


if __name__ == "__main__":
    main(sys.argv[1])
