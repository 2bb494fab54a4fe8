"""``rollback``: a committed run is taken back, or what would come of it is shown."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING

from validate_updates_cli.commands.opening import TargetOptions, place_of, settings_of
from validate_updates_cli.output import Shared, answer

if TYPE_CHECKING:
    from validate_updates.undo.result import RollbackResult


def roll_back(shared: Shared, options: TargetOptions, run: str, *, dry_run: bool, force: bool, wait: float) -> int:
    """Take back a run; the exit code says whether rows were left as they are."""
    from validate_updates.signals import stop_on_signals
    from validate_updates.undo.rollback import Rollback
    from validate_updates.undo.rollback import roll_back as take_back
    from validate_updates_cli.render.rollback import rollback_page

    settings = settings_of(shared)
    place = place_of(settings, options)
    wanted = Rollback(
        target=place.url,
        run=run,
        task=options.task,
        schema=place.schema,
        journal_prefix=place.prefix,
        retention_days=settings.model.journal.undo_retention_days,
        wait=wait,
        dry_run=dry_run,
        force=force,
    )
    with stop_on_signals():
        result = take_back(wanted)
    commands = next_steps(result, where_of(options))
    data = {field.name: getattr(result, field.name) for field in fields(result)}
    answer(
        shared,
        {**data, "exit_code": int(result.exit_code), "next_steps": list(commands)},
        lambda look: rollback_page(result, look, commands, verbose=shared.verbose, quiet=shared.quiet),
    )
    return int(result.exit_code)


def next_steps(result: RollbackResult, where: str) -> tuple[str, ...]:
    """Commands to type next, most useful first."""
    again = f"validate-updates rollback {result.taken_back}"
    force = (f"{again} --force{where}",) if result.forceable and not result.forced else ()
    if result.dry_run:
        return (f"{again}{' --force' if result.forced else ''}{where}", *force)
    return (*force, f"validate-updates runs show {result.run_id}{where}")


def where_of(options: TargetOptions) -> str:
    """The options by which another command finds the same database; begins with a space unless it is empty."""
    given = (("--task", options.task), ("--target", _without_password(options.target)), ("--schema", options.schema))
    return "".join(f" {name} {shlex.quote(value)}" for name, value in given if value)


def _without_password(target: str | None) -> str | None:
    from validate_updates.secret import SecretUrl

    return None if target is None else str(SecretUrl(target))
