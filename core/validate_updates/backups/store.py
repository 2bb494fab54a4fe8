"""The folder of backups: how files get into it whole or not at all, and which of them count.

Names are made of run ids alone. A file is written under a name that ends in ``.part``; the manifest is the last to
get its own name, so what is listed is complete. Links are never followed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from validate_updates.backups.manifest import MOST_BYTES, NAME, FileEntry, Manifest, decoded, encoded
from validate_updates.errors import TargetError, UsageError
from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.backups.policy import BackupPolicy
    from validate_updates.secret import SecretUrl

LAST: Final = "last"
"""Stands for the newest backup wherever a name is asked for."""
_SHOWN: Final = 5
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe in place of a file must not make us wait
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite makes beside a database while it writes it."""


def database_name(url: SecretUrl) -> str:
    """What a backup's manifest calls the database: its file, or its name on the server."""
    from sqlalchemy.engine import make_url

    if url.scheme == "sqlite":
        return sqlite_path(url).name
    parts = make_url(url.reveal())
    return parts.database or os.environ.get("PGDATABASE") or parts.username or "postgresql"


def sqlite_path(url: SecretUrl) -> Path:
    """The real file behind a SQLite URL. It need not be there."""
    from sqlalchemy.engine import make_url

    from validate_updates.targets.sqlite import database_path

    return database_path(make_url(url.reveal())).resolve()


def folder_of(policy: BackupPolicy, url: SecretUrl) -> Path:
    """Where the backups of this database are.

    Unless the settings name it, ``<database>.backups`` beside a SQLite file, and below the current folder for
    PostgreSQL.
    """
    if policy.folder is not None:
        return policy.folder.absolute()
    if url.scheme == "sqlite":
        path = sqlite_path(url)
        return path.with_name(f"{path.name}.backups")
    return Path.cwd() / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', database_name(url))}.backups"


@dataclass(frozen=True, slots=True)
class Other:
    """Something in the folder that is no backup, and is left alone."""

    name: str
    reason: str
    size: int


class Store:
    """The backups in one folder. What is missing or unsafe raises ``TargetError``, a wrong name ``UsageError``."""

    def __init__(self, policy: BackupPolicy, url: SecretUrl) -> None:
        self.folder = folder_of(policy, url)
        self.kind: Literal["sqlite", "postgresql"] = "sqlite" if url.scheme == "sqlite" else "postgresql"
        self.database = database_name(url)

    def path(self, name: str, suffix: str) -> Path:
        """A file of the backup ``name``, which is inside the folder whatever ``name`` was typed."""
        if not NAME.fullmatch(name):
            raise UsageError(f"{printable(name)!r} is no name of a backup", hint="validate-updates backup list")
        return self.folder / f"{name}.{suffix}"

    # --- reading -----------------------------------------------------------------------------------------------------

    def manifests(self) -> list[Manifest]:
        """The usable backups, oldest first."""
        return sorted(self._readable(), key=lambda manifest: manifest.order)

    def _readable(self) -> Iterator[Manifest]:
        for name in self._names():
            with contextlib.suppress(TargetError):
                yield self.manifest(name)

    def _names(self) -> list[str]:
        return [name.removesuffix(".json") for name in self._files() if _is_manifest(name)]

    def _files(self) -> list[str]:
        try:
            return sorted(entry.name for entry in os.scandir(self.folder))
        except FileNotFoundError:
            return []
        except OSError as reason:
            raise _unreadable(self.folder, reason) from reason

    def others(self) -> list[Other]:
        """What else is in the folder: left by a run that was killed, damaged, or somebody else's."""
        usable = list(self._readable())
        known = {f"{one.name}.{suffix}" for one in usable for suffix in ("json", *_suffixes(one))}
        broken = set(self._names()) - {one.name for one in usable}
        return [self._other(name, broken) for name in self._files() if name not in known]

    def _other(self, name: str, broken: Collection[str]) -> Other:
        reason = "not ours"
        begin = NAME.match(name)
        if _is_manifest(name):
            try:
                self.manifest(name.removesuffix(".json"))
            except TargetError as error:
                reason = error.message
        elif begin and begin[0] in broken and not name.endswith((".part", *_BESIDE)):
            reason = f"of the backup {begin[0]}, which cannot be used"
        elif begin:
            reason = "left by a backup that did not come to its end; may be deleted"
        with contextlib.suppress(OSError):
            return Other(name, reason, os.lstat(self.folder / name).st_size)
        return Other(name, reason, 0)

    def manifest(self, name: str) -> Manifest:
        """The manifest of a backup whose files are there, plain and of the right size."""
        data = self._read(self.path(name, "json"), name)
        found = decoded(data, name)
        for file in found.files:
            self._sized(name, file)
        return found

    def ours(self) -> list[Manifest]:
        """The usable backups of this database, oldest first."""
        return [one for one in self.manifests() if self._is_ours(one)]

    def named(self, wanted: str, table: str | None = None) -> Manifest:
        """The backup of that name, or the ``last`` of this database; of those that hold ``table``, where given."""
        if wanted == LAST:
            ours = [one for one in self.ours() if table is None or one.holds(table)]
            if not ours:
                raise self._none(f"there is no backup of {printable(table)} yet" if table else "there is no backup yet")
            return ours[-1]
        if not os.path.lexists(self.path(wanted, "json")):
            raise self._none(f"there is no backup {wanted}")
        found = self.manifest(wanted)
        if not self._is_ours(found):
            raise TargetError(
                f"the backup {found.name} is of another database, {printable(found.database)} ({found.kind})",
                hint="give each database a folder of its own: [backup] folder",
            )
        return found

    def _is_ours(self, manifest: Manifest) -> bool:
        return (manifest.kind, manifest.database) == (self.kind, self.database)

    def _none(self, message: str) -> UsageError:
        newest = [one.name for one in self.ours()[-_SHOWN:]][::-1]
        there = f"the newest: {', '.join(newest)}" if newest else "make one: validate-updates backup create"
        return UsageError(f"{message} in {printable(self.folder, 200)}", hint=there)

    def _sized(self, name: str, file: FileEntry) -> None:
        with self._opened(self.path(name, file.suffix), name) as descriptor:
            size = os.fstat(descriptor).st_size
        if size != file.size or (not size and file.suffix == "db"):
            raise TargetError(
                f"the backup {name} cannot be used: {name}.{file.suffix} has {size} bytes, not {file.size}"
            )

    def fingerprinted(self, manifest: Manifest) -> None:
        """Raises ``TargetError`` where a file is not, byte for byte, the one that was written."""
        for file in manifest.files:
            with self._opened(self.path(manifest.name, file.suffix), manifest.name) as descriptor:
                digest = _sha256(descriptor)
            if digest != file.sha256:
                raise TargetError(
                    f"the backup {manifest.name} cannot be used: {manifest.name}.{file.suffix} was changed or is"
                    " damaged (its sha256 is another)",
                    hint="take another one: validate-updates backup list",
                )

    def _read(self, path: Path, name: str) -> bytes:
        with self._opened(path, name) as descriptor:
            data = os.read(descriptor, MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise TargetError(f"the backup {name} cannot be used: its manifest is too large")
        return data

    @contextmanager
    def _opened(self, path: Path, name: str) -> Iterator[int]:
        try:
            descriptor = os.open(path, _READ)
        except OSError as reason:
            raise TargetError(f"the backup {name} cannot be used: {path.name}: {reason.strerror}") from reason
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise TargetError(f"the backup {name} cannot be used: {path.name} is not a plain file")
            yield descriptor
        finally:
            os.close(descriptor)

    # --- writing -----------------------------------------------------------------------------------------------------

    def check_folder(self) -> None:
        """Raises ``TargetError`` where the folder is there, and no backup would be made in it."""
        try:
            _check_rights(self.folder)
        except FileNotFoundError:
            return
        except OSError as reason:
            raise _unreadable(self.folder, reason) from reason

    @contextmanager
    def draft(self, name: str) -> Iterator[Draft]:
        """A backup being made. Unless it is published, nothing of it stays."""
        self.path(name, "json")
        try:
            _make_folder(self.folder)
            draft = Draft(self, name)
            try:
                yield draft
            except BaseException:
                draft.clear()
                raise
        except OSError as reason:
            raise _unwritable(self.folder, reason) from reason

    @contextmanager
    def scratch(self, manifest: Manifest) -> Iterator[Path]:
        """An empty file for a copy of a backup, gone afterwards; what a killed process left of one goes too."""
        path = self.path(manifest.name, "copy.part")
        files = (path, *(path.with_name(path.name + more) for more in _BESIDE))
        try:
            for file in files:
                file.unlink(missing_ok=True)
            os.close(os.open(path, _NEW, 0o600))
            try:
                yield path
            finally:
                for file in files:
                    file.unlink(missing_ok=True)
        except OSError as reason:
            raise _unwritable(self.folder, reason) from reason

    def next_number(self) -> int:
        """For the next backup; greater than any that is there."""
        return max((one.number for one in self._readable()), default=0) + 1

    def delete(self, manifest: Manifest) -> None:
        """Remove a backup: its manifest first, so that half a backup is never listed."""
        for suffix in ("json", *_suffixes(manifest)):
            self.path(manifest.name, suffix).unlink(missing_ok=True)
        _sync_folder(self.folder)


@dataclass(slots=True)
class Draft:
    """The files of a backup that has no manifest yet."""

    store: Store
    name: str
    _files: dict[str, Path] = field(default_factory=dict)

    def new_file(self, suffix: str) -> Path:
        """An empty file of our own, to be written and closed."""
        path = self._part(suffix)
        os.close(os.open(path, _NEW, 0o600))
        self._files[suffix] = path
        return path

    def sealed(self) -> tuple[FileEntry, ...]:
        """The files, on the disk for good, with their fingerprints."""
        entries = []
        for suffix, path in self._files.items():
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
                entries.append(FileEntry(suffix=suffix, size=os.fstat(descriptor).st_size, sha256=_sha256(descriptor)))
            finally:
                os.close(descriptor)
        return tuple(entries)

    def publish(self, manifest: Manifest) -> None:
        """Give the files their names, the manifest last."""
        self._write(self.new_file("json"), encoded(manifest))
        for suffix, path in self._files.items():
            path.rename(self.store.path(self.name, suffix))
        _sync_folder(self.store.folder)

    def clear(self) -> None:
        """Remove what was made."""
        for suffix, path in self._files.items():
            for made in (path, *(path.with_name(path.name + more) for more in _BESIDE)):
                made.unlink(missing_ok=True)
            self.store.path(self.name, suffix).unlink(missing_ok=True)

    def _part(self, suffix: str) -> Path:
        path = self.store.path(self.name, suffix)
        if os.path.lexists(path):
            raise TargetError(f"there is a backup {self.name} already")
        return path.with_name(f"{path.name}.part")

    def _write(self, path: Path, data: bytes) -> None:
        with path.open("r+b") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _suffixes(manifest: Manifest) -> list[str]:
    return [file.suffix for file in manifest.files]


def _is_manifest(name: str) -> bool:
    return name.endswith(".json") and NAME.fullmatch(name.removesuffix(".json")) is not None


def _sha256(descriptor: int) -> str:
    with open(descriptor, "rb", closefd=False) as file:  # of a descriptor
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_rights(folder)


def _check_rights(folder: Path) -> None:
    if folder.stat().st_mode & 0o022:
        raise TargetError(
            f"others may write into the folder of the backups, {printable(folder, 200)}",
            hint="they could put a backup of their own there: chmod 700 it",
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(folder: Path, reason: OSError) -> TargetError:
    return TargetError(f"the backups in {printable(folder, 200)} cannot be read: {reason.strerror}")


def _unwritable(folder: Path, reason: OSError) -> TargetError:
    return TargetError(
        f"no backup: {printable(folder, 200)} cannot be written: {reason.strerror}",
        hint="make room or give another place: [backup] folder",
    )
