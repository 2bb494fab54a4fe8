"""Backups: verified copies of the target, the last line when everything else has failed.

The engine calls :func:`before_update` and :func:`retire`; the rest is for people: :func:`listing`, :func:`find`,
:func:`create`, :func:`verify`, :func:`restore`. ``docs/backups.md`` is the page for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from validate_updates.backups.policy import BackupMode, BackupPolicy, Verify

if TYPE_CHECKING:
    from validate_updates.backups.by_hand import Listing, check_folder, create, find, listing
    from validate_updates.backups.making import before_update
    from validate_updates.backups.manifest import BackupInfo
    from validate_updates.backups.restoring import Restored, restore, verify
    from validate_updates.backups.retention import Retired, retire

_HOMES = {
    "by_hand": ("Listing", "check_folder", "create", "find", "listing"),
    "making": ("before_update",),
    "manifest": ("BackupInfo",),
    "restoring": ("Restored", "restore", "verify"),
    "retention": ("Retired", "retire"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BackupInfo",
    "BackupMode",
    "BackupPolicy",
    "Listing",
    "Restored",
    "Retired",
    "Verify",
    "before_update",
    "check_folder",
    "create",
    "find",
    "listing",
    "restore",
    "retire",
    "verify",
]


def __getattr__(name: str) -> Any:
    """The settings ask for the policy alone; what copies databases is loaded when it is used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
