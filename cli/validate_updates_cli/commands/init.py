"""``init``: a commented settings file, written from the table that is to be updated."""

from __future__ import annotations

import os
from pathlib import Path

from validate_updates.errors import TargetError, UsageError
from validate_updates.files import write_whole
from validate_updates_cli.commands.opening import reading
from validate_updates_cli.output import Shared, answer


def write_settings(shared: Shared, *, target: str, table: str, schema: str | None, force: bool) -> int:
    """Write ``validate-updates.toml`` into the current folder; one that is there stays, but for ``force``."""
    from validate_updates.manager import describe
    from validate_updates.secret import SecretUrl
    from validate_updates.settings.files import OWN
    from validate_updates.targets.reflect import target_table
    from validate_updates_cli.render.summary import answer_page
    from validate_updates_cli.render.toml import PLUGIN, starter, task_name

    url = SecretUrl(target)
    with reading(url) as (database, connection):
        found = target_table(database, connection, table, schema=schema, key=())
    _write(Path(OWN), starter(found, url, describe(PLUGIN).settings), force=force)
    said = f"wrote {OWN}\nset the source in it, then: validate-updates plan {task_name(table)}"
    answer(shared, {"wrote": OWN, "task": task_name(table)}, lambda look: answer_page(said, look))
    return 0


def _write(path: Path, text: str, *, force: bool) -> None:
    if not force and os.path.lexists(path):
        raise UsageError(f"{path} is there already", hint="--force replaces it")
    try:
        write_whole(path, text)
    except OSError as error:
        raise TargetError(f"{path} cannot be written: {error.strerror}") from error
