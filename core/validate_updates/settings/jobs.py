"""From settings and flags to the job: what exactly is to be done."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from validate_updates.backups.policy import BackupPolicy
from validate_updates.errors import SettingsError, UsageError
from validate_updates.job import DeletePolicy, Job
from validate_updates.secret import SecretUrl
from validate_updates.settings.layers import Layer
from validate_updates.settings.load import Settings, refuse
from validate_updates.settings.model import TableSettings, TaskSettings
from validate_updates.settings.paths import STDIN, exists
from validate_updates.settings.schema import convert, did_you_mean, problems
from validate_updates.settings.target import target_of
from validate_updates.settings.values import dotted
from validate_updates.sources.named import plugin_source
from validate_updates.text import printable
from validate_updates.units.declared import UnitTable, root_of, unit_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the command line says; None is not given. Relative paths are relative to the current directory."""

    source: str | tuple[str, ...] | None = None
    target: str | None = None
    table: str | None = None
    key: tuple[str, ...] | None = None
    schema: str | None = None
    format: str | None = None
    plugins: tuple[str, ...] | None = None
    """Empty means none at all."""
    unknown_columns: str | None = None
    deletes: str | None = None
    max_deletes: int | None = None
    max_deletes_percent: float | None = None
    wait: float | None = None
    dry_run: bool | None = None
    as_of: datetime | None = None


def job_for(settings: Settings, task_or_source: str | None, overrides: Flags) -> Job:
    """The job that ``validate-updates run TASK_OR_SOURCE`` means with these flags.

    A task of that name comes before a file of that name. Raises :class:`UsageError` where it is neither, or where
    something that a job needs is missing, and :class:`SettingsError` where the settings are at fault.
    """
    name = task_or_source if task_or_source in settings.model.tasks else None
    task = settings.model.tasks[name] if name is not None else _for_source(settings, task_or_source, overrides)
    task = _with_flags(task, overrides)
    tables = tables_of(task)
    table, key = _table(name, task, overrides, tables)
    if task.source is None:
        raise SettingsError(f"{dotted(('tasks', name or '', 'source'))}: is not set", hint="set it, or give --source")
    return Job(
        source=task.source,
        target=target_of(settings, name, overrides.target),
        table=table,
        task=name or table,
        source_format=task.format,
        schema=task.schema,
        key=key,
        tables=tables if any(one.parent or one.references for one in tables) else (),
        unknown_columns=task.unknown_columns,
        deletes=DeletePolicy(mode=task.deletes, most_rows=task.max_deletes, most_percent=task.max_deletes_percent),
        plugins=settings.model.default_plugins if task.plugins is None else task.plugins,
        switches=overrides.plugins is None,
        plugin_settings=settings.plugin_tables,
        origins=settings.origins,
        journal_prefix=settings.model.journal.prefix,
        undo_retention_days=settings.model.journal.undo_retention_days,
        backup=backup_policy(settings),
        wait=task.wait,
        dry_run=bool(overrides.dry_run),
        as_of=overrides.as_of,
        command=_command(name, task_or_source, overrides),
    )


def backup_policy(settings: Settings) -> BackupPolicy:
    """What the settings say about backups."""
    backup = settings.model.backup
    return BackupPolicy(
        mode=backup.mode,
        folder=None if backup.folder is None else Path(backup.folder),
        retention_days=backup.retention_days,
        verify=backup.verify,
        deadline=backup.deadline,
    )


def _command(name: str | None, source: str | None, flags: Flags) -> str:
    """The words that mean this job again, safe for a shell; a password in a URL is masked."""
    sources = (flags.source,) if isinstance(flags.source, str) else flags.source or ()
    options: list[tuple[str, object]] = [
        *(("source", path) for path in sources),
        ("target", _safe_target(flags.target)),
        ("table", flags.table),
        ("key", _by_commas(flags.key)),
        ("schema", flags.schema),
        ("source-format", flags.format),
        ("plugins", _by_commas(flags.plugins)),
        ("unknown-columns", flags.unknown_columns),
        ("deletes", flags.deletes),
        ("max-deletes", flags.max_deletes),
        ("max-deletes-percent", flags.max_deletes_percent),
        ("wait", flags.wait),
        ("as-of", flags.as_of.isoformat() if flags.as_of else None),
    ]
    words = [name or source] + [word for flag, value in options if value is not None for word in (f"--{flag}", value)]
    return " ".join(shlex.quote(str(word)) for word in words if word is not None)


def _safe_target(flag: str | None) -> str | None:
    return flag if flag is None or flag.startswith("env:") else str(SecretUrl(flag))


def _by_commas(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else ",".join(names)


def _for_source(settings: Settings, argument: str | None, flags: Flags) -> TaskSettings:
    """A run without a task: a source, and flags for the rest."""
    if argument is not None:
        _require_source(settings, argument)
    if argument is None and flags.source is None:
        raise UsageError("nothing to run: give a task or a source", hint=_tasks(settings))
    if argument is not None and flags.source is not None:
        raise UsageError(f'two sources: "{printable(argument)}" is not a task, and --source names another')
    needed = {"--target": flags.target or settings.model.target, "--table": flags.table}
    missing = [flag for flag, value in needed.items() if value is None]
    if missing:
        raise UsageError(f"a source without a task needs {' and '.join(missing)}", hint=_tasks(settings))
    return TaskSettings(source=argument)


def _require_source(settings: Settings, argument: str) -> None:
    if argument != STDIN and not plugin_source(argument) and not exists(argument):
        guess = did_you_mean(argument, settings.model.tasks)
        raise UsageError(f'"{printable(argument)}" is neither a task nor a file{guess}', hint=_tasks(settings))


def _tasks(settings: Settings) -> str:
    if not settings.model.tasks:
        return "no tasks are set up; [tasks.NAME] in validate-updates.toml makes one"
    return f"tasks: {', '.join(settings.model.tasks)}"


def _with_flags(task: TaskSettings, flags: Flags) -> TaskSettings:
    """``task`` with what the flags say, judged like the settings they stand for."""
    given = {name: getattr(flags, name, None) for name in TaskSettings.__struct_fields__}
    given = {name: value for name, value in given.items() if value is not None}
    layer = Layer(given, {(name,): f"--{name.replace('_', '-')}" for name in given})
    refuse([(layer.where(problem.path), problem) for problem in problems(given, TaskSettings)], UsageError)
    flagged = convert(given, TaskSettings)
    return msgspec.structs.replace(task, **{name: getattr(flagged, name) for name in given})


def _table(
    name: str | None, task: TaskSettings, flags: Flags, tables: Sequence[UnitTable]
) -> tuple[str, tuple[str, ...]]:
    """The table that the records are of, and its key as far as it was given."""
    if flags.table is None and not task.tables:
        path = dotted(("tasks", name or "", "tables"))
        raise SettingsError(f"{path}: names no table", hint=f"add [{path}.NAME], or give --table NAME")
    known = {table.name: table for table in tables}
    table = flags.table if flags.table is not None else root_of(known)
    if flags.key is not None:
        return table, flags.key
    return table, known[table].key if table in known else ()


def tables_of(task: TaskSettings) -> tuple[UnitTable, ...]:
    """What the settings of a task say of its tables."""
    return tuple(_unit_table(name, said) for name, said in task.tables.items())


def _unit_table(name: str, said: TableSettings) -> UnitTable:
    references = {
        column: to if isinstance(to, str) else msgspec.structs.asdict(to) for column, to in said.references.items()
    }
    return unit_table(name, {**msgspec.structs.asdict(said), "references": references})
