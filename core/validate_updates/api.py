"""The program as two calls: what the terminal does, Python does with these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from validate_updates.backups.policy import BackupPolicy
from validate_updates.errors import UsageError
from validate_updates.findings import Severity
from validate_updates.job import DeletePolicy, Job, Progress, UnknownColumns
from validate_updates.result import RunResult
from validate_updates.secret import SecretUrl
from validate_updates.units.declared import unit_table

Choice = TypeVar("Choice", bound=StrEnum)


def run(
    source: Any,
    *,
    target: str,
    table: str,
    key: str | Iterable[str] = (),
    tables: Mapping[str, Mapping[str, Any]] | None = None,
    plugins: Iterable[str] = ("static_thresholds",),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    task: str = "",
    schema: str | None = None,
    source_format: str | None = None,
    dry_run: bool = False,
    unknown_columns: str = "reject",
    deletes: DeletePolicy | None = None,
    fail_on: str = "critical",
    journal_prefix: str = "update_",
    undo_retention_days: int = 30,
    backup: BackupPolicy | None = None,
    wait: float = 0.0,
    as_of: datetime | None = None,
    progress: Progress | None = None,
    extra: Mapping[str, object] | None = None,
) -> RunResult:
    """Bring ``source`` to ``table`` of the database at the URL ``target``; the result says what became of it.

    ``source`` is a path, several, ``-``, an iterable of mappings, or an object with ``__arrow_c_stream__``.
    ``tables``: where records carry children, or refer to rows by natural keys, each table as the settings have it:
    ``{"visits": {"parent": "people", "references": {"place_id": "places.code"}}}``; ``table`` may be among them.
    ``settings`` holds each plugin's settings by its name, ``extra`` plugins given as objects, by names of yours.
    ``unknown_columns`` is ``reject`` or ``ignore``; findings of the severity ``fail_on`` reject the update. ``as_of``
    without a zone is in UTC. The run can be taken back for ``undo_retention_days``; 0 keeps no undo log.

    A rejected or failed update is a result, not an exception; raised are
    :class:`~validate_updates.errors.UsageError` where the job makes no sense and
    :class:`~validate_updates.errors.LockHeld` where another run works on the same target.
    """
    from validate_updates.engine import execute

    parts = {name: unit_table(name, said) for name, said in (tables or {}).items()}
    job = Job(
        source=source,
        target=SecretUrl(target),
        table=table,
        task=task,
        key=((key,) if isinstance(key, str) else tuple(key)) or (parts[table].key if table in parts else ()),
        tables=tuple(parts.values()),
        plugins=tuple(plugins),
        plugin_settings=dict(settings or {}),
        schema=schema,
        source_format=source_format,
        unknown_columns=_choice(UnknownColumns, "unknown_columns", unknown_columns),
        deletes=deletes or DeletePolicy(),
        fail_on=_choice(Severity, "fail_on", fail_on),
        journal_prefix=journal_prefix,
        undo_retention_days=undo_retention_days,
        backup=backup or BackupPolicy(),
        wait=wait,
        dry_run=dry_run,
        as_of=as_of.replace(tzinfo=UTC) if as_of and as_of.tzinfo is None else as_of,
    )
    return execute(job, progress, extra=extra)


def plan(source: Any, *, target: str, table: str, **options: Any) -> RunResult:
    """What :func:`run` would do with the same arguments: the same path, ended by a rollback."""
    return run(source, target=target, table=table, **{**options, "dry_run": True})


def _choice(choices: type[Choice], name: str, value: str) -> Choice:
    try:
        return choices(value)
    except ValueError:
        raise UsageError(f"{name}={value!r} is unknown", hint=f"one of: {', '.join(choices)}") from None
