"""What can go wrong, and the exit code each thing has.

    UpdateError                  anything a user can do something about
    ├── UsageError               wrong flags or settings                 exit 2
    │   ├── SettingsError        names the file, the path of keys, the valid ones
    │   └── PluginError          names the plugin, its distribution, what exists
    ├── RunError                 the run could not be done, rolled back  exit 3
    │   ├── SourceError          the source cannot be opened or read
    │   └── TargetError          the database refused, is full, is gone
    ├── StateUncertain           a person is needed                      exit 4
    ├── TryLater                 nothing is wrong, but not now           exit 75
    │   └── LockHeld             another run works on this target
    └── Interrupted              a signal stopped the run                exit 128 + signal

Every error carries one line for people (``message``) and one for what to do next (``hint``).
Anything else that escapes is a defect of ours: exit 70.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit status of the command. Frozen: scripts depend on these numbers."""

    OK = 0
    """Committed, or nothing to do."""
    REJECTED = 1
    """Rejected by validation; the target is unchanged."""
    USAGE = 2
    """Wrong flags or settings; nothing was tried."""
    FAILED = 3
    """Source, database or disk failed; rolled back."""
    UNCERTAIN = 4
    """The state of the target is not known, or a run was taken back but for some rows; a person is needed."""
    PARTIAL = 5
    """Committed in part: records are in quarantine or batches failed."""
    DEFECT = 70
    """A defect of this program."""
    TRY_LATER = 75
    """Another run holds the lock, or a source has nothing to give for now."""


class UpdateError(Exception):
    """Base of everything a user can do something about."""

    exit_code: ClassVar[int] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(UpdateError):
    """The flags or settings do not make a job that can be started."""

    exit_code = ExitCode.USAGE


class SettingsError(UsageError):
    """A setting is unknown, of the wrong type or out of range."""


class PluginError(UsageError):
    """A plugin is unknown, named twice, misspelt or broken."""


class RunError(UpdateError):
    """The run was started and could not be done. It was rolled back."""


class SourceError(RunError):
    """The source cannot be opened or read."""


class TargetError(RunError):
    """The target database refused, is full, is read-only or is gone."""


class StateUncertain(UpdateError):
    """It cannot be told whether the update landed; the message says how to find out."""

    exit_code = ExitCode.UNCERTAIN


class TryLater(UpdateError):
    """It cannot be done now, and can be later without anybody's doing: a quota is used up, a service is down."""

    exit_code = ExitCode.TRY_LATER


class LockHeld(TryLater):
    """Another run works on the same target."""


class Interrupted(UpdateError):
    """A signal stopped the run at a safe place; nothing of it was kept."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by signal {signum}", hint="run it again when ready; nothing was changed")
        self.signum = signum
        self.exit_code = 128 + signum  # type: ignore[misc]  # the one code that depends on the instance
