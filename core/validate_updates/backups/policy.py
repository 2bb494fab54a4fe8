"""What the settings say about backups."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class BackupMode(StrEnum):
    """When an update makes a backup."""

    OFF = "off"
    BEFORE_UPDATE = "before-update"
    """Before its first row; without a verified backup no row is written."""


class Verify(StrEnum):
    """How closely SQLite looks at a copy. Size, fingerprint, tables and rows are compared either way."""

    FULL = "full"
    QUICK = "quick"
    """Without comparing indexes with their tables: nine times as fast, for the large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPolicy:
    """``[backup]``, settled."""

    mode: BackupMode = BackupMode.OFF
    folder: Path | None = None
    """Where the backups are; ``<database>.backups`` unless given: :func:`~validate_updates.backups.store.folder_of`."""
    retention_days: int = 7
    verify: Verify = Verify.FULL
    deadline: float = 600.0
    """Seconds that a backup, or a restore, may take."""
