"""``doctor``: whether an update could run here, and what to do where it could not."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from validate_updates import __version__
from validate_updates.errors import ExitCode, UpdateError
from validate_updates_cli.commands.opening import Place, TargetOptions, place_of, reading, settings_of
from validate_updates_cli.output import Shared, answer
from validate_updates_cli.render.words import plural

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.journal.tables import JournalTables
    from validate_updates.settings import Settings
    from validate_updates.targets.base import Database

OK, WARN, FAIL = "ok", "warn", "fail"
WAL_FIXED: Final = (3, 51, 3)
"""The SQLite from which two connections that write and checkpoint at the same moment cannot damage a WAL database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: str
    """``ok``, ``warn`` or ``fail``."""
    message: str
    todo: str = ""
    exit_code: int = 0
    """What a run would end with because of it."""


def doctor(shared: Shared, options: TargetOptions) -> int:
    """Look at everything that a run needs; the exit code is that of the first thing that fails."""
    from validate_updates_cli.render.checks import checks_page

    found = list(checks(shared, options))
    data = {"checks": [asdict(check) for check in found]}
    answer(shared, data, lambda look: checks_page(found, look))
    return next((check.exit_code for check in found if check.state == FAIL), 0)


def checks(shared: Shared, options: TargetOptions) -> Iterator[Check]:
    """All checks. One that fails never hides the others, but for those that rest on it."""
    yield Check(name="python", state=OK, message=f"{platform.python_version()}, validate-updates {__version__}")
    yield from drivers()
    yield from _guarded("savepoints", savepoints)
    settings: list[Settings] = []
    yield from _guarded("settings", lambda: _settings(shared, settings))
    if settings:
        yield from plugins(settings[0])
        places: list[Place] = []
        yield from _guarded("target", lambda: _place(settings[0], options, places))
        if places:
            yield from _guarded("target", lambda: target(places[0]))
            yield from _guarded("backup", lambda: backups(settings[0], places[0], datetime.now(UTC)))


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except UpdateError as error:
        yield Check(name=name, state=FAIL, message=error.message, todo=error.hint, exit_code=int(error.exit_code))


def drivers() -> Iterator[Check]:
    """What this installation can open."""
    yield Check(name="sqlite", state=OK, message=f"SQLite {sqlite3.sqlite_version}")
    for name, module, extra in (("postgresql", "psycopg", "postgres"), ("parquet", "arro3", "parquet")):
        if find_spec(module):
            yield Check(name=name, state=OK, message=f"{module} is installed")
        else:
            todo = f"only where it is needed: pip install 'validate-updates[{extra}]'"
            yield Check(name=name, state=OK, message=f"{module} is not installed", todo=todo)


def savepoints() -> Iterator[Check]:
    """Whether what a savepoint kept goes with the transaction around it, as everything here rests on."""
    from validate_updates.targets.sqlite import prove_savepoints

    prove_savepoints()
    yield Check(name="savepoints", state=OK, message="a rollback takes back what savepoints kept")


def _settings(shared: Shared, found: list[Settings]) -> Iterator[Check]:
    from validate_updates_cli.commands.config import problems

    settings = settings_of(shared)
    found.append(settings)
    wrong = problems(settings)
    for problem in wrong:
        yield Check(name="settings", state=FAIL, message=problem, exit_code=int(ExitCode.USAGE))
    if not wrong:
        files = ", ".join(str(path) for path in settings.files) or "no file"
        tasks = ", ".join(settings.model.tasks) or "none"
        yield Check(name="settings", state=OK, message=f"{files}; tasks: {tasks}")


def plugins(settings: Settings) -> Iterator[Check]:
    """Whether each installed plugin can be loaded; one that nobody selected is only a warning."""
    from validate_updates.manager import available, describe

    tasks = settings.model.tasks.values()
    selected = {*settings.model.default_plugins, *(name for task in tasks for name in task.plugins or ())}
    for found in available():
        try:
            describe(found.name, settings.plugin_tables, origins=settings.origins)
        except UpdateError as error:
            state = FAIL if found.name in selected else WARN
            yield Check(name="plugin", state=state, message=error.message, todo=error.hint, exit_code=error.exit_code)
        else:
            message = f"{found.name} ({found.distribution} {found.version})"
            yield Check(name="plugin", state=OK, message=message)


def _place(settings: Settings, options: TargetOptions, found: list[Place]) -> Iterator[Check]:
    tasks = settings.model.tasks
    named = options.task or options.target or settings.model.target
    if not named and not any(task.target for task in tasks.values()):
        todo = "give --target URL to have it looked at"
        yield Check(name="target", state=WARN, message="no target is set, so none was looked at", todo=todo)
        return
    first = next((name for name, task in tasks.items() if task.target), None)
    found.append(place_of(settings, options if named else TargetOptions(task=first, schema=options.schema)))


def target(place: Place) -> Iterator[Check]:
    """The database: reachable, sound in itself, free, and its journal of our version."""
    from validate_updates.journal.tables import tables
    from validate_updates.targets.reflect import table_names

    with reading(place.url) as (database, connection):
        own = tables(place.prefix, place.schema).names
        names = [name for name in table_names(connection, place.schema) if name not in own]
        yield Check(name="target", state=OK, message=f"{place.url}: {plural(len(names), 'table')}")
        yield from sqlite_checks(database, connection)
        yield from _guarded("journal", lambda: journal(place, connection))


def sqlite_checks(database: Database, connection: sa.Connection) -> Iterator[Check]:
    """How the database is written, and who does at this moment."""
    from validate_updates.lockfile import holder_of
    from validate_updates.targets.sqlite import Sqlite

    if not isinstance(database, Sqlite):
        return
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if mode == "wal" and sqlite3.sqlite_version_info < WAL_FIXED:
        todo = "rare, and only where two programs write at once; SQLite 3.51.3 or newer has it mended"
        message = f"journal mode wal with SQLite {sqlite3.sqlite_version}, whose checkpoints can damage a database"
        yield Check(name="journal mode", state=WARN, message=message, todo=todo)
    else:
        yield Check(name="journal mode", state=OK, message=str(mode))
    real = database.path.resolve()
    holder = holder_of(real.with_name(f"{real.name}.vu.lock"))
    if holder:
        todo = "a run started now would end with exit code 75; wait for it, or use --wait SECONDS"
        yield Check(name="lock", state=WARN, message=f"held by {holder}", todo=todo)
    else:
        yield Check(name="lock", state=OK, message="free")


def journal(place: Place, connection: sa.Connection) -> Iterator[Check]:
    """Whether its tables are ours, and how the last run ended."""
    from validate_updates.journal.reading import runs
    from validate_updates.journal.schema import HEAD, find

    found = find(connection, place.prefix, place.schema)
    if found is None:
        yield Check(name="journal", state=OK, message="none yet; the first run makes it")
        return
    yield Check(name="journal", state=OK, message=f"version {HEAD}")
    for run in runs(connection, found, limit=1):
        yield Check(name="last run", state=OK, message=f"{run.run_id}, task {run.task}: {run.state}")
    yield from waiting(found, connection)


def waiting(tables: JournalTables, connection: sa.Connection) -> Iterator[Check]:
    """What waits for a person: records in quarantine. And how far back runs can be taken back."""
    from validate_updates.quarantine.reading import waiting_since
    from validate_updates.undo.expiry import held_since

    records, since = waiting_since(connection, tables)
    if since:
        message = f"{plural(records, 'record')} in it, since {since:%Y-%m-%d}"
        yield Check(name="quarantine", state=OK, message=message, todo="validate-updates quarantine list")
    number, first = held_since(connection, tables)
    if first:
        message = f"{plural(number, 'run')} can be taken back, from {first:%Y-%m-%d} on"
        yield Check(name="undo log", state=OK, message=message)


def backups(settings: Settings, place: Place, now: datetime) -> Iterator[Check]:
    """How old the newest backup is, and whether the next can be made. All that are listed were verified when made."""
    from validate_updates.backups import check_folder, listing
    from validate_updates.backups.policy import BackupMode
    from validate_updates.settings import backup_policy

    policy = backup_policy(settings)
    wanted = policy.mode is BackupMode.BEFORE_UPDATE
    if wanted:
        check_folder(policy, place.url)
    made = listing(policy, place.url).backups
    if not made:
        if wanted:
            todo = "the next update that changes something makes one; or: validate-updates backup create"
            yield Check(name="backup", state=WARN, message="there is none yet", todo=todo)
        return
    age = max(now - made[0].created_at, timedelta())
    old = wanted and age > timedelta(days=policy.retention_days)
    message = f"{made[0].name}, made and verified {_ago(age)}; {len(made)} in all"
    todo = "no update has changed anything since; for a newer one: validate-updates backup create" if old else ""
    yield Check(name="backup", state=WARN if old else OK, message=message, todo=todo)


def _ago(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    return f"{plural(hours // 24, 'day')} ago" if hours >= 48 else f"{plural(hours, 'hour')} ago"
