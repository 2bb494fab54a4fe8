"""A backup or a restore in a process of its own, to be killed: ``python killed.py URL FOLDER create|restore``.

Says ``ready`` when the next thing is the copying, and ``done`` when it is over.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from validate_updates.backups import BackupPolicy, create, find, restore, verify
from validate_updates.secret import SecretUrl


def main(url: str, folder: str, what: str) -> None:
    target, policy = SecretUrl(url), BackupPolicy(folder=Path(folder), deadline=60)
    # All that is needed is loaded before the word is given, so that a random moment falls into the copying.
    from validate_updates.backups import postgresql, sqlite  # noqa: F401
    from validate_updates.targets import open_database

    with open_database(target).connect():
        pass
    if what == "restore":
        verify(policy, target, find(policy, target, "last").name)
    say("ready")
    options = {"journal_prefix": "update_", "schema": None, "wait": 0.0, "now": datetime.now(UTC)}
    if what == "create":
        create(policy, target, **options)  # type: ignore[arg-type]  # of mixed types
    else:
        restore(policy, target, find(policy, target, "last").name, **options)  # type: ignore[arg-type]  # as above
    say("done")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
