"""``run`` and ``plan``: one update, done or only planned, and everybody told what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from validate_updates.findings import Severity
from validate_updates.text import printable
from validate_updates.times import as_time
from validate_updates_cli.output import Shared, look, show
from validate_updates_cli.progress import watching
from validate_updates_cli.reports import Report, open_reports, tell_github, write_reports
from validate_updates_cli.streams import complain, write
from validate_updates_cli.translate import as_number, one_of

if TYPE_CHECKING:
    from validate_updates.job import Job
    from validate_updates.result import RunResult
    from validate_updates.settings.jobs import Flags

WHAT, HOW, THEN = "What to update", "How", "What to do with the result"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOptions:
    """Options of ``run`` and ``plan``. What is not given is up to the settings."""

    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="PATH", help="Records for a task, in place of its own.", rich_help_panel=WHAT),
    ] = None
    target: Annotated[
        str | None,
        typer.Option(
            "--target", metavar="URL", help="Database: sqlite:///FILE, postgresql://...", rich_help_panel=WHAT
        ),
    ] = None
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="Table to update.", rich_help_panel=WHAT)
    ] = None
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="COLUMN",
            help="Column that tells records apart; several by commas. Else the primary key.",
            rich_help_panel=WHAT,
        ),
    ] = None
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME", help="Schema of the table.", rich_help_panel=WHAT)
    ] = None
    source_format: Annotated[
        str | None,
        typer.Option(
            "--source-format",
            metavar="FORMAT",
            help="jsonl, json, csv or parquet; else by the file's suffix.",
            rich_help_panel=WHAT,
        ),
    ] = None
    plugins: Annotated[
        str | None,
        typer.Option("--plugins", metavar="A,B", help="Plugins that take part; '' for none.", rich_help_panel=HOW),
    ] = None
    unknown_columns: Annotated[
        str | None,
        typer.Option(
            "--unknown-columns",
            metavar="reject|ignore",
            help="Records with columns that the table does not have.",
            rich_help_panel=HOW,
        ),
    ] = None
    deletes: Annotated[
        str | None,
        typer.Option(
            "--deletes", metavar="off|missing", help="Delete rows that the source no longer has.", rich_help_panel=HOW
        ),
    ] = None
    max_deletes: Annotated[
        str | None,
        typer.Option("--max-deletes", metavar="ROWS", help="More deletes reject the update.", rich_help_panel=HOW),
    ] = None
    max_deletes_percent: Annotated[
        str | None,
        typer.Option("--max-deletes-percent", metavar="P", help="The same, in per cent.", rich_help_panel=HOW),
    ] = None
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="SECONDS", help="Wait for another run to end.", rich_help_panel=HOW),
    ] = None
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="Counts as now: 2024-05-01T06:00Z.", rich_help_panel=HOW),
    ] = None
    report: Annotated[
        list[str] | None,
        typer.Option(
            "--report",
            metavar="KIND=PATH",
            help="Write the result to a file: json, junit or markdown. May be repeated.",
            rich_help_panel=THEN,
        ),
    ] = None
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on", metavar="critical|warning", help="Findings that reject the update.", rich_help_panel=THEN
        ),
    ] = "critical"

    def __post_init__(self) -> None:
        one_of("--fail-on", self.fail_on, ("critical", "warning"))


def update(shared: Shared, options: UpdateOptions, sources: Sequence[str], *, dry_run: bool) -> int:
    """Run one update; the result is its exit code, which nothing that comes afterwards changes."""
    from validate_updates.settings.jobs import job_for
    from validate_updates.settings.load import load_settings

    settings = load_settings(Path(shared.config) if shared.config else None)
    name = sources[0] if len(sources) == 1 else None
    several = tuple(sources) if len(sources) > 1 else None
    job = job_for(settings, name, flags(options, dry_run=dry_run, sources=several))
    return carry_out(job, shared, options)


def carry_out(job: Job, shared: Shared, options: UpdateOptions) -> int:
    """Do the job, and tell everybody."""
    reports = open_reports(options.report or ())

    from validate_updates.engine import execute
    from validate_updates.signals import stop_on_signals

    with stop_on_signals(), watching(shared) as progress:
        result = execute(replace(job, fail_on=Severity(options.fail_on)), progress)
    try:
        deliver(result, shared, reports)
    except Exception:
        complain(f"run {printable(result.run_id)}: {result.verdict}; it could not be shown")
        raise
    return int(result.exit_code)


def flags(options: UpdateOptions, *, dry_run: bool, sources: tuple[str, ...] | None = None) -> Flags:
    """The options as the settings understand them. Raises ``UsageError`` for what is no number or no time."""
    from validate_updates.settings.jobs import Flags

    return Flags(
        source=sources or (tuple(options.source) if options.source else None),
        target=options.target,
        table=options.table,
        key=_by_commas(options.key),
        schema=options.schema,
        format=options.source_format,
        plugins=None if options.plugins is None else _by_commas([options.plugins]) or (),
        unknown_columns=options.unknown_columns,
        deletes=options.deletes,
        max_deletes=as_number("--max-deletes", options.max_deletes),
        max_deletes_percent=as_number("--max-deletes-percent", options.max_deletes_percent, float),
        wait=as_number("--wait", options.wait, float),
        dry_run=dry_run or None,
        as_of=as_time("--as-of", options.as_of),
    )


def deliver(result: RunResult, shared: Shared, reports: Sequence[Report]) -> None:
    """Show the result and write its reports."""
    if shared.json:
        from validate_updates_cli.render.json import result_json

        write(result_json(result))
    else:
        from validate_updates_cli.render.summary import one_line, summary

        here = look()
        show([one_line(result, here)] if shared.quiet else summary(result, here, verbose=shared.verbose), shared)
    write_reports(result, reports)
    tell_github(result)


def _by_commas(texts: Iterable[str] | None) -> tuple[str, ...] | None:
    parts = [part.strip() for text in texts or () for part in text.split(",")]
    return tuple(part for part in parts if part) or None
