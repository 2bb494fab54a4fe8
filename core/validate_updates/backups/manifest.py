"""The paper beside every backup: what is in it, and the fingerprints by which it is recognised.

A backup without a valid manifest is none: it is not listed, not restored and not deleted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from validate_updates.errors import TargetError

FORMAT: Final = "validate-updates backup 1"
MOST_BYTES: Final = 4_000_000
NAME: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
"""A run's id, and nothing else, names a backup."""

Count = Annotated[int, Meta(ge=0)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Suffix = Annotated[str, Meta(pattern=r"^(db|[1-9][0-9]{0,5}\.copy)\Z")]


class MadeFor(StrEnum):
    """Why a backup was made."""

    UPDATE = "before an update"
    RESTORE = "before a restore"
    HAND = "by hand"


class FileEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a backup, named after it."""

    suffix: Suffix
    size: Annotated[int, Meta(ge=0)]
    sha256: Sha256


class TableEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table in a backup."""

    schema: str | None
    name: str
    rows: Count
    columns: tuple[str, ...]
    """Those that are copied."""
    fingerprint: Sha256
    """Of the table's definition."""

    @property
    def title(self) -> str:
        """As people write it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Contents(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a copy holds, as found by looking into it."""

    tables: Annotated[tuple[TableEntry, ...], Meta(min_length=1)]
    orphans: Count = 0
    """Rows whose foreign keys pointed nowhere; they do so in the database too."""


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One backup."""

    format: Literal["validate-updates backup 1"]
    name: Annotated[str, Meta(pattern=rf"^{NAME.pattern}\Z")]
    number: Annotated[int, Meta(ge=1)]
    """Tells the order of backups; times do not, since clocks are set."""
    made_for: MadeFor
    created_at: Annotated[datetime, Meta(tz=True)]
    tool_version: str
    kind: Literal["sqlite", "postgresql"]
    database: str
    """Name of the file, or of the database on its server."""
    verified: Literal["full", "quick"]
    contents: Contents
    files: Annotated[tuple[FileEntry, ...], Meta(min_length=1)]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def holds(self, table: str) -> bool:
        """Whether a table of that name is in it."""
        return any(entry.name == table for entry in self.contents.tables)

    @property
    def order(self) -> tuple[int, str]:
        """What to sort by, oldest first."""
        return self.number, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupInfo:
    """A backup, for those who list and show them."""

    name: str
    made_for: str
    created_at: datetime
    database: str
    size: int
    """Bytes."""
    tables: tuple[tuple[str, int], ...]
    """(table, rows)."""
    orphans: int
    verified: str
    folder: str


def info(manifest: Manifest, folder: object) -> BackupInfo:
    """What is told of a backup."""
    return BackupInfo(
        name=manifest.name,
        made_for=manifest.made_for.value,
        created_at=manifest.created_at.astimezone(UTC),
        database=manifest.database,
        size=manifest.size,
        tables=tuple((table.title, table.rows) for table in manifest.contents.tables),
        orphans=manifest.contents.orphans,
        verified=manifest.verified,
        folder=str(folder),
    )


def encoded(manifest: Manifest) -> bytes:
    """As it is written, for people to read too."""
    return msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"


def decoded(data: bytes, name: str) -> Manifest:
    """The manifest of the backup ``name``. Raises ``TargetError`` where ``data`` is none, or that of another one."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as reason:
        raise TargetError(f"the backup {name} cannot be used: its manifest is damaged") from reason
    suffixes = [file.suffix for file in manifest.files]
    if manifest.name != name or len({*suffixes}) != len(suffixes):
        raise TargetError(f"the backup {name} cannot be used: its manifest is not its own")
    return manifest
