"""``quarantine``: records that were kept out, looked at, exported, mended, replayed, discarded."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from validate_updates.errors import UsageError
from validate_updates.files import whole
from validate_updates.text import counted, printable
from validate_updates_cli.commands.opening import (
    Place,
    TargetOptions,
    place_of,
    reading,
    settings_of,
    writing,
)
from validate_updates_cli.commands.update import UpdateOptions, carry_out, flags
from validate_updates_cli.output import Shared, answer
from validate_updates_cli.streams import complain, write
from validate_updates_cli.translate import as_number

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.job import Job
    from validate_updates.journal.tables import JournalTables
    from validate_updates.quarantine.export import Exported
    from validate_updates.quarantine.reading import Entry, Wanted
    from validate_updates.quarantine.replay import Chosen
    from validate_updates.settings import Settings

WHICH = "Which entries"
STDOUT = "-"
REASONS = ".reasons.txt"
"""What is added to the name of a file of records for the one with their reasons."""
_NAMED = 20
"""Numbers of entries that a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOptions:
    """Which entries a command is about. All that is given must apply."""

    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="Kept out by this run: its id, the beginning of it, or last; with --task the last of that task.",
            rich_help_panel=WHICH,
        ),
    ] = None
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="Meant for this table.", rich_help_panel=WHICH)
    ] = None
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="Kept out for this reason.", rich_help_panel=WHICH)
    ] = None


def list_entries(shared: Shared, target: TargetOptions, which: EntryOptions, *, closed_too: bool, limit: int) -> int:
    """The entries, those of the newest run first; and which runs kept out more than could be stored."""
    from validate_updates.quarantine.reading import count, listed, not_stored
    from validate_updates_cli.render.quarantine import entry_list

    place = place_of(settings_of(shared), target)
    found: Sequence[Entry] = ()
    total, missing = 0, dict[str, int]()
    with reading(place.url) as (_, connection):
        tables = _journal(connection, place)
        if tables is not None:
            wanted = _wanted(connection, tables, place, which, task=target.task, closed_too=closed_too)
            found, total = listed(connection, tables, wanted, limit), count(connection, tables, wanted)
            missing = dict(not_stored(connection, tables, wanted))
    data = {"entries": list(found), "total": total, "not_stored": missing}
    again, chosen = _where(target), bool(target.task) or which != EntryOptions()
    answer(shared, data, lambda look: entry_list(found, total, missing, again, look, chosen=chosen))
    return 0


def show_entry(shared: Shared, target: TargetOptions, number: str) -> int:
    """Everything about one entry."""
    from validate_updates.quarantine.reading import entry
    from validate_updates_cli.render.quarantine import entry_page

    place = place_of(settings_of(shared), target)
    with reading(place.url) as (_, connection):
        found = entry(connection, _needed(connection, place), _number(number))
    answer(
        shared,
        {field.name: getattr(found, field.name) for field in fields(found)},
        lambda look: entry_page(found, look),
    )
    return 0


def export_entries(shared: Shared, target: TargetOptions, which: EntryOptions, file: str, *, force: bool) -> int:
    """Write open entries as records to a file, and their reasons beside it; or the records to stdout."""
    from validate_updates.quarantine.export import export
    from validate_updates.quarantine.reading import groups
    from validate_updates_cli.render.quarantine import export_page

    place = place_of(settings_of(shared), target)
    with reading(place.url) as (_, connection):
        tables = _needed(connection, place)
        wanted = _wanted(connection, tables, place, which, task=target.task)
        names = sorted({table for _, table in groups(connection, tables, wanted)})
        if len(names) > 1:
            some = ", ".join(printable(name, 60) for name in names[:_NAMED])
            raise UsageError(f"the entries are of {len(names)} tables: {some}", hint="name one with --table")
        if file == STDOUT:
            paper = io.StringIO()  # a reader that takes its time must not hold up the next update's commit
            done = export(connection, tables, wanted, records=paper, ascii_only=True)
        else:
            with _new(file, force=force) as records, _new(file + REASONS, force=force) as reasons:
                done = export(connection, tables, wanted, records=records, reasons=reasons)
    if file == STDOUT:
        write(paper.getvalue())
        _complain_of(done)
        return 0
    data = {field.name: getattr(done, field.name) for field in fields(done)}
    again = _where(target)
    answer(shared, {"file": file, **data}, lambda look: export_page(done, file, file + REASONS, again, look))
    return 0


def discard_entries(
    shared: Shared, target: TargetOptions, which: EntryOptions, numbers: Sequence[str], reason: str | None
) -> int:
    """Close entries that nobody needs."""
    from validate_updates.quarantine.closing import discard
    from validate_updates.quarantine.reading import open_entries

    if bool(numbers) == any((which.run, which.table, which.code)):
        raise UsageError("which entries? give their numbers, or else --run, --table or --code")
    place = place_of(settings_of(shared), target)
    with reading(place.url) as (_, connection):
        tables = _needed(connection, place)
        wanted = _wanted(connection, tables, place, which, task=target.task, numbers=numbers)
        open_entries(connection, tables, wanted.numbers)
    with writing(place.url) as (_, connection):
        closed = discard(connection, tables, wanted, reason)
    said = f"{counted(closed, 'record')} discarded; the journal keeps them: validate-updates quarantine list --all"
    from validate_updates_cli.render.summary import answer_page

    answer(shared, {"discarded": closed}, lambda look: answer_page(said, look))
    return 0


def replay_entries(
    shared: Shared,
    options: UpdateOptions,
    numbers: Sequence[str],
    *,
    run: str | None,
    code: str | None,
    task: str | None,
    mended: str | None,
    dry_run: bool,
) -> int:
    """Try records again, as an update of their own: as they are, or mended in a file."""
    from validate_updates.quarantine.reading import Wanted
    from validate_updates.quarantine.replay import choose

    if options.source or options.deletes not in {None, "off"}:
        raise UsageError("a replay has no --source and deletes nothing", hint="mended records: --from FILE")
    settings = settings_of(shared)
    place = place_of(settings, TargetOptions(target=options.target, task=task, schema=options.schema))
    which = EntryOptions(run=run, table=options.table, code=code)
    with reading(place.url) as (_, connection):
        tables = _needed(connection, place)
        wanted = _wanted(connection, tables, place, which, task=task, numbers=numbers)
        chosen = choose(connection, tables, wanted)
        if mended is not None:
            everything = choose(connection, tables, Wanted(task=chosen.task, table=chosen.table))
    job = _job(settings, options, place, chosen, mended=mended, dry_run=dry_run)
    if mended is not None:
        job = _from_file(job, chosen, (*everything.records, *everything.broken), wanted.numbers)
    else:
        job = _as_they_are(job, chosen, place, wanted.numbers)
    words = [*numbers, *_given(("run", run), ("code", code), ("task", task), ("from", mended))]
    return carry_out(replace(job, command=_again(words, options)), shared, options)


def _job(
    settings: Settings, options: UpdateOptions, place: Place, chosen: Chosen, *, mended: str | None, dry_run: bool
) -> Job:
    """The task's own job with other records: its plugins, its settings; but it deletes nothing."""
    from validate_updates.job import DeletePolicy
    from validate_updates.settings.jobs import job_for

    table = chosen.table.removeprefix(f"{place.schema}.") if place.schema else chosen.table
    given = replace(flags(options, dry_run=dry_run, sources=(mended or STDOUT,)), table=table)
    known = chosen.task if chosen.task in settings.model.tasks else None
    job = job_for(settings, known, given)
    return replace(
        job,
        task=chosen.task,
        target=place.url,
        schema=place.schema,
        key=job.key or chosen.key,
        deletes=DeletePolicy(),
        source_format=options.source_format,
    )


def _as_they_are(job: Job, chosen: Chosen, place: Place, named: Sequence[int]) -> Job:
    from validate_updates.job import Replay
    from validate_updates.quarantine.replay import Quarantined

    broken = ", ".join(map(str, chosen.broken[:_NAMED]))
    hint = "mend them first: validate-updates quarantine export FILE"
    if chosen.broken and (named or not chosen.records):
        raise UsageError(f"not a record as it came, so it cannot be tried again: entry {broken}", hint=hint)
    if chosen.broken:
        complain(f"left out, not being records as they came: entry {broken}; {hint}")
    source = Quarantined(place.url, job.journal_prefix, job.schema, chosen.records)
    return replace(job, source=source, replay=Replay(entries=frozenset(chosen.records), parent=chosen.run_id))


def _from_file(job: Job, chosen: Chosen, entries: Sequence[int], named: Sequence[int]) -> Job:
    from validate_updates.job import Replay

    replayed = Replay(entries=frozenset(entries), stands_for=frozenset(named), parent=chosen.run_id)
    return replace(job, replay=replayed)


def _again(words: Sequence[str], options: UpdateOptions) -> str:
    """What to type after ``quarantine replay`` to get the same again; a password in a URL is masked."""
    from validate_updates.secret import SecretUrl

    target = options.target
    if target is not None and not target.startswith("env:"):
        target = str(SecretUrl(target))
    rest = _given(
        ("target", target),
        ("table", options.table),
        ("key", ",".join(options.key) if options.key else None),
        ("schema", options.schema),
        ("source-format", options.source_format),
        ("plugins", options.plugins),
        ("unknown-columns", options.unknown_columns),
        ("wait", options.wait),
        ("as-of", options.as_of),
    )
    return shlex.join([*words, *rest])


def _given(*pairs: tuple[str, str | None]) -> Iterator[str]:
    for name, value in pairs:
        if value is not None:
            yield from (f"--{name}", value)


def _where(target: TargetOptions) -> str:
    """The same database, for a command to type next; begins with a space unless it is empty."""
    from validate_updates.secret import SecretUrl

    url = target.target
    if url is not None and not url.startswith("env:"):
        url = str(SecretUrl(url))
    words = shlex.join(_given(("task", target.task), ("target", url), ("schema", target.schema)))
    return f" {words}" if words else ""


def _journal(connection: sa.Connection, place: Place) -> JournalTables | None:
    from validate_updates.journal.schema import find

    return find(connection, place.prefix, place.schema)


def _needed(connection: sa.Connection, place: Place) -> JournalTables:
    tables = _journal(connection, place)
    if tables is None:
        raise UsageError("no run has been written down in this database yet, so nothing is in quarantine")
    return tables


def _wanted(
    connection: sa.Connection,
    tables: JournalTables,
    place: Place,
    which: EntryOptions,
    *,
    task: str | None,
    numbers: Sequence[str] = (),
    closed_too: bool = False,
) -> Wanted:
    from validate_updates.journal.reading import show
    from validate_updates.quarantine.reading import Wanted

    return Wanted(
        numbers=tuple(map(_number, numbers)),
        run_id=None if which.run is None else show(connection, tables, which.run, task=task).run.run_id,
        task=task,
        table=f"{place.schema}.{which.table}" if place.schema and which.table else which.table,
        code=which.code,
        closed_too=closed_too,
    )


def _number(text: str) -> int:
    number: int = as_number("ENTRY", text)
    if number >= 1 << 63:
        raise UsageError(f"ENTRY {printable(text, 30)} is not the number of an entry")
    return number


@contextmanager
def _new(name: str, *, force: bool) -> Iterator[TextIO]:
    """A file to write to. One that is there may hold records that somebody has mended: only with ``force``."""
    if not force and os.path.lexists(name):
        raise UsageError(
            f"{printable(name)} is there already, perhaps with records that were mended",
            hint="choose another name, or replace it with --force",
        )
    try:
        with whole(Path(name), mode=0o600) as stream:  # records may be nobody else's business
            yield stream
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "not a name of a file"
        raise UsageError(f"{printable(name)} cannot be written: {what}") from None


def _complain_of(done: Exported) -> None:
    if done.broken:
        complain(f"{counted(done.broken, 'line')} to be mended before they are records")
    if done.lost:
        complain(f"without a text, and so left out: {', '.join(map(str, done.lost[:_NAMED]))}")
