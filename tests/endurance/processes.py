"""Updates in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.core.engine.target import Target


@contextmanager
def started(target: Target, source: Path, *how: str) -> Iterator[subprocess.Popen[str]]:
    """The update in a process of its own, about to begin. ``how``: the further arguments of ``worker.py``."""
    command = [sys.executable, str(Path(__file__).with_name("worker.py")), target.url, str(source), *how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for its end; what it said came of the update, nothing where it was killed."""
    assert process.stdout is not None
    said = process.stdout.read()
    process.wait()
    return json.loads(said) if said else {}
