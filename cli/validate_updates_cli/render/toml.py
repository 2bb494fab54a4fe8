"""A settings file to begin with, written from the table that is to be updated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from validate_updates.text import printable

if TYPE_CHECKING:
    from validate_updates.plugin_settings import Setting
    from validate_updates.secret import SecretUrl
    from validate_updates.targets.table import Column, TargetTable

PLUGIN = "static_thresholds"
"""The plugin of a new task."""


def starter(target: TargetTable, url: SecretUrl, settings: Sequence[Setting]) -> str:
    """The file: one task for ``target``, everything else as comments. ``settings`` are those of the plugin."""
    task = task_name(target.name)
    parts = (_head(task, url), _task(task, target), _table(task, target), _plugin(settings))
    return "\n".join(line for part in parts for line in part)


def task_name(table: str) -> str:
    """A name for the task that updates ``table``: letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", table).strip("-_.")[:64] or "daily"


def quoted(text: str) -> str:
    """``text`` as a TOML string; what cannot be seen is escaped."""
    inside = "".join(char if char.isprintable() and char not in '"\\' else _escaped(char) for char in text)
    return f'"{inside}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def _head(task: str, url: SecretUrl) -> Iterator[str]:
    yield "# Settings of validate-updates: one task. Set its source, look at what it would do, then let it:"
    yield f"#   validate-updates plan {task}"
    yield f"#   validate-updates run {task}"
    yield "# All settings, as they hold: validate-updates config show --origin"
    yield ""
    if url.secrets:
        yield "# The URL holds a secret, so it stands in a variable and not here."
        yield 'target = "env:DATABASE_URL"'
    else:
        yield f"target = {quoted(url.reveal())}"
    yield ""


def _task(task: str, target: TargetTable) -> Iterator[str]:
    yield f"[tasks.{_key(task)}]"
    yield f"source = {quoted(f'{task}.jsonl')}  # a file, a folder, a list of them, or - for standard input"
    if target.schema:
        yield f"schema = {quoted(target.schema)}"
    yield f'plugins = ["{PLUGIN}"]'
    yield '# format = "jsonl"             # jsonl, json, csv or parquet; else by the suffix'
    yield '# unknown_columns = "reject"   # or "ignore": records with columns that the table does not have'
    yield '# deletes = "off"              # or "missing": delete rows that the source no longer has'
    yield "# max_deletes = 100            # more rows to delete reject the update,"
    yield "# max_deletes_percent = 10.0   # and so does a larger part of the table"
    yield "# wait = 0.0                   # seconds to wait for another run's lock"
    yield ""


def _table(task: str, target: TargetTable) -> Iterator[str]:
    yield f"[tasks.{_key(task)}.tables.{_key(target.name)}]"
    candidates = target.unique
    if candidates:
        yield f"key = {_array(candidates[0])}{'  # the primary key' if candidates[0] == target.primary_key else ''}"
        for other in candidates[1:]:
            yield f"# key = {_array(other)}  # is unique too"
    else:
        yield '# key = ["…"]  # the table has no unique columns: name those that tell its rows apart'
    yield "#"
    yield "# What records may carry:"
    width = max((len(printable(column.name, 60)) for column in target.columns), default=0)
    for column in target.columns:
        yield f"#   {printable(column.name, 60):<{width}}  {_described(column)}"
    yield ""


def _described(column: Column) -> str:
    notes = [printable(column.type or column.kind.value, 60)]
    if column.choices:
        notes.append(f"one of {', '.join(printable(choice, 30) for choice in column.choices[:10])}")
    if column.generated:
        notes.append("computed by the database: leave it out")
    elif not column.nullable:
        notes.append("not null, has a default" if column.has_default else "not null")
    return ", ".join(notes)


def _plugin(settings: Sequence[Setting]) -> Iterator[str]:
    from validate_updates.settings.values import as_text

    yield f"[plugins.{PLUGIN}]"
    for setting in settings:
        if setting.default is not None:
            yield f"# {setting.name} = {as_text(setting.default, limit=500)}  # {printable(setting.description, 500)}"
    yield ""


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _array(names: Sequence[str]) -> str:
    return f"[{', '.join(quoted(name) for name in names)}]"
