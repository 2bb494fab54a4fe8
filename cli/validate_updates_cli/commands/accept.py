"""``runs accept``: let an update in that was held for its past, by doing it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from validate_updates.errors import UsageError
from validate_updates.findings import Severity
from validate_updates.text import printable
from validate_updates_cli.commands.opening import TargetOptions, place_of, reading, settings_of, writing
from validate_updates_cli.commands.update import UpdateOptions, carry_out, flags
from validate_updates_cli.output import Shared

if TYPE_CHECKING:
    from validate_updates.job import Job
    from validate_updates.journal.rows import StoredRun
    from validate_updates.settings import Settings

HELD = "unusual"
"""Code of the findings that a person may overrule."""
DAYS = 1
"""How long the acceptance holds: for this update, not for the like of it."""


def accept_run(shared: Shared, options: UpdateOptions, wanted: str, *, task: str | None) -> int:
    """Label a held run as expected, for a day, and do its update again: then its numbers are no news.

    Numbers that are not those of the held run are judged as ever, so a source that has changed since gets no free pass.
    """
    from validate_updates.journal.reading import show
    from validate_updates.journal.schema import find
    from validate_updates.past.labels import label_run

    settings = settings_of(shared)
    place = place_of(settings, TargetOptions(target=options.target, task=task, schema=options.schema))
    with reading(place.url) as (_, connection):
        stored = show(connection, find(connection, place.prefix, place.schema), wanted, task=task)
    _check_held(stored)
    job = _job(settings, options, stored)
    with writing(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        if tables is None:
            raise UsageError("the journal is gone")
        now = job.as_of or datetime.now(UTC)
        until = max(now, datetime.now(UTC)) + timedelta(days=DAYS)
        label_run(connection, tables, stored.run.run_id, "expected", now=now, note="accepted", until=until)
    return carry_out(job, shared, options)


def _check_held(stored: StoredRun) -> None:
    """Refuse a run that was not held, or not for this alone."""
    run = stored.run
    critical = {finding.code for finding in stored.findings if finding.severity is Severity.CRITICAL}
    if run.state != "rejected" or HELD not in critical:
        raise UsageError(
            f"run {run.run_id} is {run.state}, and not held for being unusual",
            hint=f"see why: validate-updates runs show {run.run_id}",
        )
    if critical != {HELD}:
        others = ", ".join(sorted(critical - {HELD}))
        raise UsageError(f"run {run.run_id} was rejected for other reasons too: {others}", hint="these must be mended")


def _job(settings: Settings, options: UpdateOptions, stored: StoredRun) -> Job:
    """The same update again. Raises ``UsageError`` where its source cannot be told, or is another one by now."""
    from validate_updates.journal.texts import base_name
    from validate_updates.settings.jobs import job_for
    from validate_updates.sources import can_be_read_again, source_title

    run = stored.run
    by_hand = f"if you have the records: validate-updates runs ack {run.run_id} --expected, then run the update again"
    given = flags(options, dry_run=False)
    if run.task in settings.model.tasks:
        job = job_for(settings, run.task, given)
    elif given.source is None:
        raise UsageError(
            f"the source of run {run.run_id} cannot be told: {printable(run.task)} is no task", hint=by_hand
        )
    else:
        table = run.table.removeprefix(f"{given.schema}.")
        job = job_for(settings, None, replace(given, table=given.table or table, key=given.key or run.key))
    if not can_be_read_again(job.source):
        raise UsageError(f"the source of run {run.run_id} cannot be read again: {run.source}", hint=by_hand)
    source = base_name(source_title(job.source))
    if source != run.source:
        said = f"run {run.run_id} had the source {printable(run.source)}, not {printable(source)}"
        raise UsageError(said, hint=by_hand)
    return job
