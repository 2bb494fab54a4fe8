"""``history``: the past of a task brought in from a log or from the target itself, looked at, and taken back."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Any

import typer

from validate_updates.errors import ExitCode, SourceError, UsageError
from validate_updates.text import counted, printable
from validate_updates.times import as_day
from validate_updates_cli.commands.opening import Place, TargetOptions, place_of, reading, settings_of, writing
from validate_updates_cli.output import Shared, answer
from validate_updates_cli.translate import one_of

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.past.bringing_in import Arrived, Known, Settled
    from validate_updates.past.log import Log
    from validate_updates.settings import Settings
    from validate_updates_cli.render.history import Brought

LOG = "Which log"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Which log, and what is in it."""

    from_table: Annotated[
        str | None,
        typer.Option("--from-table", metavar="NAME", help="A table or view of the target.", rich_help_panel=LOG),
    ] = None
    pairs: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN,...", help="What its columns mean.", rich_help_panel=LOG),
    ] = None
    timezone: Annotated[
        str, typer.Option("--timezone", metavar="ZONE", help="Of times that name none.", rich_help_panel=LOG)
    ] = "UTC"
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave rows out that cannot be read.", rich_help_panel=LOG)
    ] = False


def import_log(shared: Shared, options: TargetOptions, which: LogOptions, file: str | None, *, dry_run: bool) -> int:
    """Bring the runs of another program's log into the journal: all of them, or none where a row cannot be read."""
    from validate_updates.past.bringing_in import settle
    from validate_updates.past.log import runs_in
    from validate_updates.past.mapping import mapping_given, mapping_guessed
    from validate_updates_cli.render.history import Brought, import_page

    if (file is None) == (which.from_table is None):
        raise UsageError("which log? a file, or --from-table NAME")
    zone = _zone(which.timezone)
    settings = settings_of(shared)
    place, task = place_of(settings, options), _task(settings, options)
    log = _log(place, file, which.from_table)
    if not log.rows:
        why = "".join(f"{log.unit} {bad.number}: {bad.reason}" for bad in log.unreadable[:1])
        raise SourceError(f"{printable(log.name)} holds no run that can be read", hint=why)
    mapping = mapping_given(which.pairs, log.columns) if which.pairs else mapping_guessed(log.columns)
    found = runs_in(log, mapping, task=task, zone=zone, now=datetime.now(UTC))
    done = _bring_in(
        settings,
        place,
        task,
        lambda known: settle(found, known, task),
        source=log.name,
        skip_bad=which.skip_bad,
        dry_run=dry_run,
    )
    brought = Brought(task=task, source=log.name, done=done, dry_run=dry_run, where=_where(options, task))
    data = _told(brought) | {
        "mapping": dict(mapping.columns),
        "guessed": not which.pairs,
        "doubts": list(mapping.doubts),
        "unused": list(mapping.unused(log.columns)),
        "bad": list(done.settled.bad),
    }
    answer(shared, data, lambda look: import_page(brought, log, mapping, look, guessed=not which.pairs))
    return ExitCode.REJECTED if done.settled.bad and not which.skip_bad else ExitCode.OK


def backfill(
    shared: Shared,
    options: TargetOptions,
    *,
    column: str,
    group_by: str,
    metric: str,
    since: str | None,
    dry_run: bool,
) -> int:
    """Make a run of each day that has none, from the rows that a timestamp column of the target has of it."""
    from validate_updates.past.backfill import days_of, runs_of
    from validate_updates.past.bringing_in import BACKFILL
    from validate_updates_cli.render.history import Brought, backfill_page

    one_of("--group-by", group_by, ("day",))
    first = as_day("--since", since)
    settings = settings_of(shared)
    place, task = place_of(settings, options), _task(settings, options)
    table = _table(settings, task)
    with reading(place.url) as (database, connection):
        days = days_of(database, connection, table=table, schema=place.schema, column=column)

    def settled(known: Known) -> Settled:
        return runs_of(days, known, now=datetime.now(UTC), since=first, metric=metric)

    source = f"{table}.{column}"
    done = _bring_in(settings, place, task, settled, source=source, way=BACKFILL, dry_run=dry_run)
    brought = Brought(task=task, source=source, done=done, dry_run=dry_run, where=_where(options, task))
    data = _told(brought) | {"rows_without_day": days.without}
    answer(shared, data, lambda look: backfill_page(brought, days, look))
    return ExitCode.OK


def show_history(shared: Shared, options: TargetOptions, *, metric: str | None, limit: int) -> int:
    """What history there is: of every task, and of one its metrics."""
    from validate_updates.journal.schema import find
    from validate_updates.past.looking import metrics_of, tasks_with_history
    from validate_updates_cli.render.history import history_page

    place = place_of(settings_of(shared), options)
    with reading(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        tasks = tasks_with_history(connection, tables, options.task)
        one = tasks[0].task if len(tasks) == 1 else None
        metrics = metrics_of(connection, tables, one, metric=metric, limit=limit) if one is not None else ()
    if metric is not None and one is None and tasks:
        names = ", ".join(printable(found.task, 60) for found in tasks)
        raise UsageError(f"a metric of which task? --task: {names}")
    data = {"tasks": list(tasks), "metrics": list(metrics)}
    answer(shared, data, lambda look: history_page(tasks, metrics, look, metric=metric))
    return ExitCode.OK


def forget_history(shared: Shared, options: TargetOptions, *, kind: str) -> int:
    """Take runs that were brought in out of the journal again."""
    from validate_updates.journal.schema import find
    from validate_updates.past.bringing_in import WAYS, forget
    from validate_updates_cli.render.summary import answer_page

    one_of("--kind", kind, WAYS)
    settings = settings_of(shared)
    place, task = place_of(settings, options), _task(settings, options)
    with writing(place.url) as (_, connection):
        tables = find(connection, place.prefix, place.schema)
        gone = forget(connection, tables, task, way=kind) if tables is not None else 0
    said = f"{counted(gone, 'run')} of the task {printable(task)} taken out of the journal ({kind})"
    answer(shared, {"task": task, "kind": kind, "forgotten": gone}, lambda look: answer_page(said, look))
    return ExitCode.OK


def _bring_in(settings: Settings, place: Place, task: str, settled: Callable[[Known], Settled], **more: Any) -> Arrived:
    from validate_updates.past.bringing_in import bring_in

    table = _table(settings, task)
    where = f"{place.schema}.{table}" if place.schema else table
    with (reading if more["dry_run"] else writing)(place.url) as (_, connection):
        _known(connection, settings, place, task)
        return bring_in(connection, settled, task=task, table=where, prefix=place.prefix, schema=place.schema, **more)


def _log(place: Place, file: str | None, table: str | None) -> Log:
    from validate_updates.journal.schema import find
    from validate_updates.past.log import log_from, log_from_table

    if table is None:
        return log_from(file)
    with reading(place.url) as (_, connection):
        journal = find(connection, place.prefix, place.schema)
        return log_from_table(connection, table, place.schema, journal)


def _task(settings: Settings, options: TargetOptions) -> str:
    """The task that is meant: the one named, or the only one there is."""
    tasks = list(settings.model.tasks)
    if options.task is not None:
        return options.task
    if len(tasks) != 1:
        known = f"tasks: {', '.join(tasks)}" if tasks else "without settings it is the name of the table"
        raise UsageError("the history of which task? --task NAME", hint=known)
    return tasks[0]


def _table(settings: Settings, task: str) -> str:
    """The table that the task updates. A run without settings is of a task that is called as its table."""
    known = settings.model.tasks.get(task)
    return next(iter(known.tables), task) if known else task


def _known(connection: sa.Connection, settings: Settings, place: Place, task: str) -> None:
    """Refuse a task that nobody knows: its history would be of no use to any other."""
    from validate_updates.journal.reading import runs
    from validate_updates.journal.schema import find
    from validate_updates.targets.reflect import table_names

    tasks = list(settings.model.tasks)
    if task in tasks or task in table_names(connection, place.schema):
        return
    if not runs(connection, find(connection, place.prefix, place.schema), limit=1, task=task):
        raise UsageError(f"there is no task {printable(task)!r}", hint=f"tasks: {', '.join(tasks) or 'none'}")


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder of zones, a path, a name that is not there
        raise UsageError(f"--timezone {printable(name)!r} is not known", hint="such as America/New_York") from None


def _where(options: TargetOptions, task: str) -> str:
    """The same flags again, without a password."""
    from validate_updates.secret import SecretUrl

    target = options.target
    if target is not None and not target.startswith("env:"):
        target = str(SecretUrl(target))
    flags = {"--task": task, "--target": target, "--schema": options.schema}
    return "".join(f" {flag} {shlex.quote(value)}" for flag, value in flags.items() if value is not None)


def _told(brought: Brought) -> dict[str, Any]:
    settled = brought.done.settled
    first, last = brought.span or (None, None)
    return {
        "task": brought.task,
        "source": brought.source,
        "dry_run": brought.dry_run,
        "rows": settled.rows,
        "new": len(settled.new),
        "written": brought.done.written,
        "left_out": dict(settled.left_out),
        "first": first,
        "last": last,
    }
