"""What commands need before they can look into a database: the settings, and a connection to read with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from validate_updates.errors import TargetError
from validate_updates_cli.output import Shared

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.secret import SecretUrl
    from validate_updates.settings import Settings
    from validate_updates.targets.base import Database

PANEL = "Which database"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """Which database a command looks into. What is not given is up to the settings."""

    target: Annotated[
        str | None,
        typer.Option("--target", metavar="URL", help="sqlite:///FILE or postgresql://...", rich_help_panel=PANEL),
    ] = None
    task: Annotated[
        str | None, typer.Option("--task", metavar="NAME", help="The target of this task.", rich_help_panel=PANEL)
    ] = None
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME", help="Schema of its tables.", rich_help_panel=PANEL)
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database and where the journal is in it."""

    url: SecretUrl
    schema: str | None
    prefix: str


def settings_of(shared: Shared) -> Settings:
    """The settings that hold here."""
    from validate_updates.settings import load_settings

    return load_settings(Path(shared.config) if shared.config else None)


def place_of(settings: Settings, options: TargetOptions) -> Place:
    """The database that the options and the settings mean. Raises ``SettingsError`` where there is none."""
    from validate_updates.settings import target_of

    task = options.task if options.task in settings.model.tasks else None
    schema = options.schema or (settings.model.tasks[task].schema if task else None)
    return Place(url=target_of(settings, task, options.target), schema=schema, prefix=settings.model.journal.prefix)


@contextmanager
def reading(url: SecretUrl) -> Iterator[tuple[Database, sa.Connection]]:
    """The database, and a connection in a transaction that reads. Raises ``TargetError``, with no value in it."""
    with _transaction(url, write=False) as opened:
        yield opened


@contextmanager
def writing(url: SecretUrl) -> Iterator[tuple[Database, sa.Connection]]:
    """The same with a transaction that writes, and commits at the end."""
    with _transaction(url, write=True) as opened:
        yield opened


@contextmanager
def _transaction(url: SecretUrl, *, write: bool) -> Iterator[tuple[Database, sa.Connection]]:
    import sqlalchemy as sa

    from validate_updates.targets import open_database
    from validate_updates.targets.reaching import what_to_check

    database = open_database(url)
    try:
        with database.connect() as connection, database.transaction(connection, write=write):
            yield database, connection
    except sa.exc.DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
        what = f"the target {url} cannot be {'written' if write else 'read'} [{code or type(error.orig).__name__}]"
        raise TargetError(what, hint=what_to_check(database)) from error
