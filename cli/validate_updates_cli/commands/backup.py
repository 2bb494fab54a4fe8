"""``backup create``, ``list``, ``verify`` and ``restore``: the last line, and how to get back from it."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from validate_updates.errors import UsageError
from validate_updates.secret import SecretUrl
from validate_updates_cli.commands.opening import Place, TargetOptions, place_of, settings_of
from validate_updates_cli.output import Shared, answer, look
from validate_updates_cli.streams import complain

if TYPE_CHECKING:
    from validate_updates.backups import BackupInfo, BackupPolicy
    from validate_updates.settings import Settings


def create(shared: Shared, options: TargetOptions, *, wait: float) -> int:
    """Make a verified backup now: of a task's table, or of everything but the journal. SQLite is copied whole."""
    from validate_updates.backups import create as make
    from validate_updates.signals import stop_on_signals
    from validate_updates_cli.render.backups import made_page

    settings = settings_of(shared)
    place, policy = _place(settings, options)
    with stop_on_signals():
        made, retired = make(
            policy,
            place.url,
            tables=_tables(settings, options),
            journal_prefix=place.prefix,
            schema=place.schema,
            wait=wait,
            now=datetime.now(UTC),
        )
    data = {"backup": made, "deleted": list(retired.deleted), "notes": list(retired.notes)}
    answer(shared, data, lambda look: made_page(made, retired, look))
    return 0


def list_backups(shared: Shared, options: TargetOptions) -> int:
    """What there is to go back to. The database itself is not asked; it may be gone."""
    from validate_updates.backups import listing
    from validate_updates_cli.render.backups import backup_list

    place, policy = _place(settings_of(shared), options)
    found = listing(policy, place.url)
    data = {"folder": found.folder, "backups": list(found.backups), "others": list(found.others)}
    answer(shared, data, lambda look: backup_list(found, look, verbose=shared.verbose))
    return 0


def verify(shared: Shared, options: TargetOptions, name: str) -> int:
    """Whether a backup can be restored: fingerprints, the database's own check, tables and rows."""
    from validate_updates.backups import find
    from validate_updates.backups import verify as look_into
    from validate_updates_cli.render.backups import verified_page

    settings = settings_of(shared)
    place, policy = _place(settings, options)
    meant = find(policy, place.url, name, table=next(iter(_tables(settings, options)), None))
    backup = look_into(policy, place.url, meant.name)
    answer(shared, {"backup": backup}, lambda look: verified_page(backup, look))
    return 0


def restore(shared: Shared, options: TargetOptions, name: str, *, yes: bool, wait: float) -> int:
    """Go back to a backup, once somebody has said yes."""
    from validate_updates.backups import find
    from validate_updates.backups import restore as bring_back
    from validate_updates.signals import stop_on_signals
    from validate_updates_cli.render.backups import restored_page

    settings = settings_of(shared)
    place, policy = _place(settings, options)
    backup = find(policy, place.url, name, table=next(iter(_tables(settings, options)), None))
    if not yes:
        _ask(backup)
    with stop_on_signals():
        done = bring_back(
            policy,
            place.url,
            backup.name,
            journal_prefix=place.prefix,
            schema=place.schema,
            wait=wait,
            now=datetime.now(UTC),
        )
    data = {
        "run_id": done.run_id,
        "backup": done.backup,
        "safety": done.safety,
        "lost_runs": list(done.lost_runs),
        "notes": list(done.notes),
    }
    where = _where(options)
    commands = [f"validate-updates runs show {done.run_id}{where}"]
    if done.safety:
        commands.append(f"validate-updates backup restore {done.safety}{where}")
    answer(shared, data, lambda look: restored_page(done, look, commands))
    return 0


def _place(settings: Settings, options: TargetOptions) -> tuple[Place, BackupPolicy]:
    """The database that is meant. A task that is misspelt must not mean another database."""
    from validate_updates.settings import backup_policy

    if options.task is not None and options.task not in settings.model.tasks:
        tasks = ", ".join(settings.model.tasks) or "none"
        raise UsageError(f"there is no task {options.task!r}", hint=f"tasks: {tasks}")
    return place_of(settings, options), backup_policy(settings)


def _tables(settings: Settings, options: TargetOptions) -> tuple[str, ...]:
    """The tables of the task, where one is named: those that it writes, and those that it refers to."""
    if options.task is None:
        return ()
    from validate_updates.settings.jobs import tables_of

    tables = tables_of(settings.model.tasks[options.task])
    return tuple(dict.fromkeys([one.name for one in tables] + [to.table for one in tables for to in one.references]))


def _ask(backup: BackupInfo) -> None:
    from validate_updates_cli.render.backups import question

    if not sys.stdin.isatty():
        raise UsageError(
            f"a restore of {backup.name} replaces what is in the database; nobody is there to be asked",
            hint="say --yes where that is meant",
        )
    complain(question(backup, look()))
    complain("Restore? Type yes:")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("not restored; nothing was changed")


def _where(options: TargetOptions) -> str:
    """The same flags again, without a password."""
    target = options.target
    if target is not None and not target.startswith("env:"):
        target = str(SecretUrl(target))
    flags = {"--target": target, "--task": options.task, "--schema": options.schema}
    return "".join(f" {flag} {shlex.quote(value)}" for flag, value in flags.items() if value is not None)
