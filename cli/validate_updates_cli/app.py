"""The commands as typer knows them: names, options and help. What they do is in ``commands``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from validate_updates import __version__
from validate_updates_cli.commands.history import LogOptions
from validate_updates_cli.commands.opening import TargetOptions
from validate_updates_cli.commands.quarantine import EntryOptions
from validate_updates_cli.commands.report import ReportOptions, ReportShared
from validate_updates_cli.commands.update import UpdateOptions
from validate_updates_cli.output import Shared
from validate_updates_cli.streams import write
from validate_updates_cli.translate import PlainGroup, add, as_number, new_app

ABOUT = """A verdict on every database update, before the commit: stage, plan, judge, apply, write down.

Plugins may bring commands of their own: validate-updates PLUGIN --help. Exit codes: 0 committed or nothing to do,
1 rejected, 2 wrong flags or settings, 3 failed and rolled back, 4 state uncertain, 5 committed in part, 70 a defect,
75 try later.
"""


SHORT: dict[str, tuple[str, str | None, str]] = {
    "monitor": ("monitoring", "show", "The criteria of success of each task, and what the runs say."),
    "health": ("monitoring", "health", "Healthy, degraded or unhealthy, for a probe."),
    "gate": ("gates", None, "Whether the next stage may begin, for a pipeline."),
}
"""Commands of a plugin that are typed, and set up for probes, without its name; None is all of them."""


class Commands(PlainGroup):
    """The built-in commands and, looked for only when one of those is not meant, the plugins' groups."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None where there is none."""
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        from validate_updates_cli.plugin_commands import group_of

        if cmd_name in SHORT:
            plugin, command, _ = SHORT[cmd_name]
            group = group_of(plugin, ctx.obj)
            return group.get_command(ctx, command) if group and command else group
        return group_of(cmd_name, ctx.obj)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The built-in commands, and the short names of others; no plugin is loaded for it."""
        super().format_commands(ctx, formatter)
        with formatter.section("Commands of plugins"):
            formatter.write_dl([(name, text) for name, (_, _, text) in SHORT.items()])


app = new_app(help=ABOUT, cls=Commands)
Sources = Annotated[
    list[str], typer.Argument(metavar="TASK|SOURCE", help="A task of the settings; or files, folders, - for stdin.")
]


def _version(asked: bool) -> None:  # noqa: FBT001  # typer calls it
    if asked:
        write(f"validate-updates {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    *, version: Annotated[bool, typer.Option("-V", "--version", help="Show the version.", callback=_version)] = False
) -> None:
    """Options of the program itself."""


def run(
    *,
    sources: Sources,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all of it, then roll it back.")] = False,
    options: UpdateOptions,
    shared: Shared,
) -> int:
    """Bring records to a table, and decide before the commit whether the update may stand."""
    from validate_updates_cli.commands.update import update

    return update(shared, options, sources, dry_run=dry_run)


def plan(*, sources: Sources, options: UpdateOptions, shared: Shared) -> int:
    """Show what `run` would do: the same path, ended by a rollback."""
    from validate_updates_cli.commands.update import update

    return update(shared, options, sources, dry_run=True)


def demo(
    *,
    folder: Annotated[
        str, typer.Option("--folder", metavar="NAME", help="Where to make it.")
    ] = "validate-updates-demo",
    shared: Shared,
) -> int:
    """Make a database of hearings with weeks of updates, and show what happens to a good one and two bad ones."""
    from validate_updates_cli.commands.demo import demo as command

    return command(shared, folder)


def init(
    *,
    target: Annotated[str, typer.Option("--target", metavar="URL", help="sqlite:///FILE or postgresql://...")],
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="The table to update.")],
    schema: Annotated[str | None, typer.Option("--schema", metavar="NAME", help="Schema of the table.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    shared: Shared,
) -> int:
    """Write commented settings for a table into validate-updates.toml."""
    from validate_updates_cli.commands.init import write_settings

    return write_settings(shared, target=target, table=table, schema=schema, force=force)


def doctor(*, options: TargetOptions, shared: Shared) -> int:
    """Look whether an update could run here, and say what to do where it could not."""
    from validate_updates_cli.commands import doctor as command

    return command.doctor(shared, options)


WhichRun = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Its id, the beginning of it, or last; with --task the last of that task."),
]


def runs_list(
    *,
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="How many.")] = "20",
    options: TargetOptions,
    shared: Shared,
) -> int:
    """The newest runs."""
    from validate_updates_cli.commands.runs import list_runs

    return list_runs(shared, options, limit=as_number("--limit", limit, least=1))


def runs_show(
    *,
    run_id: WhichRun,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Everything about one run."""
    from validate_updates_cli.commands.runs import show_run

    return show_run(shared, options, run_id)


def runs_ack(
    *,
    run_id: WhichRun,
    expected: Annotated[bool, typer.Option("--expected", help="It was right: the like is no news.")] = False,
    incident: Annotated[bool, typer.Option("--incident", help="It was wrong: no example for later ones.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take the label away.")] = False,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why, for the journal.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="With --expected: no longer than this.")
    ] = None,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Say of a run that it was expected, or an incident: later updates are compared with it, or not."""
    from validate_updates_cli.commands.runs import ack_run

    labels = [word for word, meant in (("expected", expected), ("incident", incident)) if meant]
    return ack_run(shared, options, run_id, labels=labels, clear=clear, note=note, until=until)


def runs_explain(
    *,
    run_id: WhichRun,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Show why a run passed, or did not: each number beside what its past made to be expected."""
    from validate_updates_cli.commands.explain import explain_run

    return explain_run(shared, options, run_id)


def runs_accept(
    *,
    run_id: WhichRun,
    task: Annotated[str | None, typer.Option("--task", metavar="NAME", help="The target of this task.")] = None,
    options: UpdateOptions,
    shared: Shared,
) -> int:
    """Let a held update in: it is expected, and done again."""
    from validate_updates_cli.commands.accept import accept_run

    return accept_run(shared, options, run_id, task=task)


Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the plugin changed; repeatable.")
]
Last = Annotated[str, typer.Option("--runs", metavar="N", help="The last so many.")]


def thresholds_show(*, changes: Changes = None, options: TargetOptions, shared: Shared) -> int:
    """What is expected of a run now, and the settings behind it."""
    from validate_updates_cli.commands.thresholds import show_thresholds

    return show_thresholds(shared, options, changes or ())


def thresholds_backtest(*, changes: Changes = None, runs: Last = "120", options: TargetOptions, shared: Shared) -> int:
    """Judge the last runs again under changed settings: which would raise an alert, and how often wrongly."""
    from validate_updates_cli.commands.thresholds import backtest

    return backtest(shared, options, changes or (), runs=as_number("--runs", runs))


def thresholds_suggest(*, changes: Changes = None, runs: Last = "120", options: TargetOptions, shared: Shared) -> int:
    """Find the false-alarm rate that fits the history."""
    from validate_updates_cli.commands.thresholds import suggest

    return suggest(shared, options, changes or (), runs=as_number("--runs", runs))


def thresholds_set(
    *,
    changes: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Such as false_alarm_rate=0.02.")],
    plugin: Annotated[str, typer.Option("--plugin", metavar="NAME", help="Whose settings they are.")] = "historical",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; nothing is written.")] = False,
    shared: Shared,
) -> int:
    """Write settings of a plugin into the settings file: comments and order stay."""
    from validate_updates_cli.commands.setting import set_thresholds

    return set_thresholds(shared, changes, plugin=plugin, dry_run=dry_run)


def history_import(
    *,
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="A log: CSV, JSON lines, Parquet.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be imported.")] = False,
    log: LogOptions,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Bring the log of another program into the history, so that updates can be compared with it.

    Fields for --map: started_at, finished_at, seconds, milliseconds, state, id, task, read, inserted, updated,
    unchanged, duplicates, deleted, quarantined, metric.NAME. Without --map they are guessed from the columns' names.
    """
    from validate_updates_cli.commands.history import import_log

    return import_log(shared, options, log, file, dry_run=dry_run)


def history_backfill(
    *,
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="The target's column of times.")],
    group_by: Annotated[str, typer.Option("--group-by", metavar="day", help="What makes a run.")] = "day",
    metric: Annotated[
        str, typer.Option("--metric", metavar="NAME", help="What its rows are counted as.")
    ] = "records.inserted",
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="The first day.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written.")] = False,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Make history of a column of times in the target: a run for each day that has none."""
    from validate_updates_cli.commands.history import backfill

    return backfill(shared, options, column=column, group_by=group_by, metric=metric, since=since, dry_run=dry_run)


def history_show(
    *,
    metric: Annotated[str | None, typer.Option("--metric", metavar="NAME", help="Each value of this metric.")] = None,
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="How many runs.")] = "60",
    options: TargetOptions,
    shared: Shared,
) -> int:
    """What history there is: runs, their span, their metrics."""
    from validate_updates_cli.commands.history import show_history

    return show_history(shared, options, metric=metric, limit=as_number("--limit", limit, least=1))


def history_plot(
    *,
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="One that `history show` lists.")],
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="Ends with .svg, .png or .html.")],
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="How many runs.")] = "120",
    detector: Annotated[
        str, typer.Option("--detector", metavar="PLUGIN", help="What says how each run was to be expected.")
    ] = "historical",
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Draw a metric over time: the range that the past made to be expected, alerts, labels."""
    from validate_updates_cli.commands.plot import plot_history

    runs = as_number("--limit", limit, least=1)
    return plot_history(shared, options, metric, output=output, limit=runs, plugin=detector)


def history_forget(
    *,
    kind: Annotated[str, typer.Option("--kind", metavar="import|backfill", help="How it came in.")],
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Take what was imported or backfilled out of the history again."""
    from validate_updates_cli.commands.history import forget_history

    return forget_history(shared, options, kind=kind)


Entries = Annotated[list[str] | None, typer.Argument(metavar="ENTRY", help="Numbers of entries.")]


def quarantine_list(
    *,
    closed_too: Annotated[bool, typer.Option("--all", help="Also what was replayed, superseded, discarded.")] = False,
    limit: Annotated[str, typer.Option("--limit", metavar="N", help="How many.")] = "20",
    which: EntryOptions,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Records that were kept out, and why."""
    from validate_updates_cli.commands.quarantine import list_entries

    number = as_number("--limit", limit, least=1)
    return list_entries(shared, options, which, closed_too=closed_too, limit=number)


def quarantine_show(
    *,
    number: Annotated[str, typer.Argument(metavar="ENTRY", help="Number of an entry.")],
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Everything about one of them."""
    from validate_updates_cli.commands.quarantine import show_entry

    return show_entry(shared, options, number)


def quarantine_export(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file of JSON lines; - for stdout.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    which: EntryOptions,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Write them to a file to be mended, and the reasons to FILE.reasons.txt."""
    from validate_updates_cli.commands.quarantine import export_entries

    return export_entries(shared, options, which, file, force=force)


def quarantine_replay(
    *,
    numbers: Entries = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Those that this run kept out.")] = None,
    code: Annotated[str | None, typer.Option("--code", metavar="CODE", help="Those of this reason.")] = None,
    task: Annotated[str | None, typer.Option("--task", metavar="NAME", help="Those of this task.")] = None,
    mended: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Mended records, in place of those that came.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all of it, then roll it back.")] = False,
    options: UpdateOptions,
    shared: Shared,
) -> int:
    """Try them again, as an update of their own; all that are open, unless told which."""
    from validate_updates_cli.commands.quarantine import replay_entries

    return replay_entries(shared, options, numbers or (), run=run, code=code, task=task, mended=mended, dry_run=dry_run)


def quarantine_discard(
    *,
    numbers: Entries = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the journal.")] = None,
    which: EntryOptions,
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Close those that nobody needs; the journal keeps them."""
    from validate_updates_cli.commands.quarantine import discard_entries

    return discard_entries(shared, options, which, numbers or (), reason)


def backup_create(
    *,
    wait: Annotated[str, typer.Option("--wait", metavar="SECONDS", help="Wait for another run to end.")] = "0",
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Make a verified backup now; then let the old ones go."""
    from validate_updates_cli.commands.backup import create

    return create(shared, options, wait=as_number("--wait", wait, float))


def backup_list(*, options: TargetOptions, shared: Shared) -> int:
    """What there is to go back to, the newest first."""
    from validate_updates_cli.commands.backup import list_backups

    return list_backups(shared, options)


def backup_verify(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a backup, or last.")],
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Whether a backup can be restored."""
    from validate_updates_cli.commands.backup import verify

    return verify(shared, options, name)


def backup_restore(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a backup, or last.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[str, typer.Option("--wait", metavar="SECONDS", help="Wait for another run to end.")] = "0",
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Go back to a backup. It asks first, and makes a backup of the present."""
    from validate_updates_cli.commands.backup import restore

    return restore(shared, options, name, yes=yes, wait=as_number("--wait", wait, float))


def rollback(
    *,
    run: WhichRun,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would come of it; nothing is written.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also rows that others have changed since: what they wrote is lost.")
    ] = False,
    wait: Annotated[str, typer.Option("--wait", metavar="SECONDS", help="Wait for another run to end.")] = "0",
    options: TargetOptions,
    shared: Shared,
) -> int:
    """Take back what a run has written: rows are again what they were before it."""
    from validate_updates_cli.commands.rollback import roll_back

    seconds = as_number("--wait", wait, float)
    return roll_back(shared, options, run, dry_run=dry_run, force=force, wait=seconds)


def report(
    *,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Without it the reports are listed.")] = None,
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="For a report about one run: its id, or last.")
    ] = None,
    request: ReportOptions,
    shared: ReportShared,
) -> int:
    """What has happened, over a day, a week, a month: what the installed plugins tell of each task."""
    from validate_updates_cli.commands.report import list_reports, show_report

    return list_reports(shared) if name is None else show_report(shared, request, name, run_id)


def evaluate(
    *,
    histories: Annotated[
        list[str] | None, typer.Argument(metavar="[HISTORY.csv]...", help="Earlier runs: a date, and metrics.")
    ] = None,
    detector: Annotated[
        str, typer.Option("--detector", metavar="PLUGIN|MODULE:FUNCTION", help="What is evaluated.")
    ] = "historical",
    seed: Annotated[
        str, typer.Option("--seed", metavar="N", help="Of what is made up; the same gives the same.")
    ] = "0",
    runs: Annotated[str, typer.Option("--runs", metavar="N", help="Runs of each history that is made up.")] = "200",
    shared: Shared,
) -> int:
    """Put anomalies into made-up and given histories: which are found, how late, and how many alarms are false."""
    from validate_updates_cli.commands.evaluate import evaluate_detector

    numbers = {"seed": as_number("--seed", seed), "runs": as_number("--runs", runs)}
    return evaluate_detector(shared, histories or (), detector=detector, **numbers)


def plugins_list(*, options: TargetOptions, shared: Shared) -> int:
    """The plugins that are installed; with --task those that take part in it, how, and who says so."""
    from validate_updates_cli.commands.plugins import list_plugins

    return list_plugins(shared, options)


def plugins_show(*, name: Annotated[str, typer.Argument(metavar="NAME", help="Of a plugin.")], shared: Shared) -> int:
    """What a plugin does: settings, checks, metrics, commands."""
    from validate_updates_cli.commands.plugins import show_plugin

    return show_plugin(shared, name)


PluginName = Annotated[str, typer.Argument(metavar="NAME", help="Of a plugin.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the journal.")]


def plugins_enable(*, name: PluginName, reason: Reason = None, options: TargetOptions, shared: Shared) -> int:
    """Let a plugin decide about the updates of a task, from the next run on, whatever the settings say."""
    from validate_updates.journal.rows import SwitchMode
    from validate_updates_cli.commands.switches import switch_plugin

    return switch_plugin(shared, options, name, SwitchMode.ENFORCE, reason)


def plugins_disable(*, name: PluginName, reason: Reason = None, options: TargetOptions, shared: Shared) -> int:
    """Leave a plugin out of the updates of a task."""
    from validate_updates.journal.rows import SwitchMode
    from validate_updates_cli.commands.switches import switch_plugin

    return switch_plugin(shared, options, name, SwitchMode.OFF, reason)


def plugins_shadow(*, name: PluginName, reason: Reason = None, options: TargetOptions, shared: Shared) -> int:
    """Let a plugin say what it would decide about the updates of a task, and decide nothing."""
    from validate_updates.journal.rows import SwitchMode
    from validate_updates_cli.commands.switches import switch_plugin

    return switch_plugin(shared, options, name, SwitchMode.SHADOW, reason)


def plugins_reset(*, name: PluginName, reason: Reason = None, options: TargetOptions, shared: Shared) -> int:
    """Let the settings decide again how a plugin takes part in a task."""
    from validate_updates.journal.rows import SwitchMode
    from validate_updates_cli.commands.switches import switch_plugin

    return switch_plugin(shared, options, name, SwitchMode.SETTINGS, reason)


def config_show(
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Also where each value came from.")] = False,
    shared: Shared,
) -> int:
    """Every setting as it holds here; secrets are masked."""
    from validate_updates_cli.commands.config import show_settings

    return show_settings(shared, origin=origin)


def config_check(*, shared: Shared) -> int:
    """What a run of each task would stumble over at once."""
    from validate_updates_cli.commands.config import check_settings

    return check_settings(shared)


def db_status(*, options: TargetOptions, shared: Shared) -> int:
    """Which version the journal's tables have."""
    from validate_updates_cli.commands.db import status

    return status(shared, options)


def db_upgrade(*, options: TargetOptions, shared: Shared) -> int:
    """Bring the journal's tables to the version of this program."""
    from validate_updates_cli.commands.db import upgrade

    return upgrade(shared, options)


def _group(name: str, summary: str, **commands: Any) -> None:
    group = new_app(name=name, help=summary)
    for command, function in commands.items():
        add(group, command, function)
    app.add_typer(group)


add(app, "run", run)
add(app, "plan", plan)
add(app, "rollback", rollback)
add(app, "demo", demo)
add(app, "init", init)
_group(
    "runs",
    "What earlier runs came to.",
    list=runs_list,
    show=runs_show,
    explain=runs_explain,
    ack=runs_ack,
    accept=runs_accept,
)
_group(
    "thresholds",
    "What the past makes to be expected, under these settings and others.",
    show=thresholds_show,
    set=thresholds_set,
    backtest=thresholds_backtest,
    suggest=thresholds_suggest,
)
_group(
    "history",
    "The past that updates are compared with.",
    **{"import": history_import},
    backfill=history_backfill,
    show=history_show,
    plot=history_plot,
    forget=history_forget,
)
_group(
    "quarantine",
    "Records that were kept out of updates.",
    list=quarantine_list,
    show=quarantine_show,
    export=quarantine_export,
    replay=quarantine_replay,
    discard=quarantine_discard,
)
_group(
    "backup",
    "Verified copies of the database.",
    create=backup_create,
    list=backup_list,
    verify=backup_verify,
    restore=backup_restore,
)
_group(
    "plugins",
    "What takes part in updates.",
    list=plugins_list,
    show=plugins_show,
    enable=plugins_enable,
    disable=plugins_disable,
    shadow=plugins_shadow,
    reset=plugins_reset,
)
_group("config", "The settings that hold here.", show=config_show, check=config_check)
_group("db", "The journal's own tables.", status=db_status, upgrade=db_upgrade)
add(app, "report", report)
add(app, "evaluate", evaluate)
add(app, "doctor", doctor)
