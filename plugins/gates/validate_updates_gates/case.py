"""What a gate is asked about: a task, a window, and files of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """As it was typed."""

    task: str
    since: datetime
    until: datetime
    junit: tuple[Path, ...] = ()
    benchmarks: tuple[Path, ...] = ()
    evaluation: tuple[Path, ...] = ()
    dry_runs: tuple[Path, ...] = ()

    @property
    def window(self) -> str:
        """``since 2026-11-01``."""
        return f"since {self.since:%Y-%m-%d %H:%M} UTC"
