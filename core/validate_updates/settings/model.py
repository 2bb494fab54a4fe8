"""Every setting there is, typed, with its range, its default and a sentence. ``docs/settings.md`` says more of each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from validate_updates.backups.policy import BackupMode, Verify
from validate_updates.job import Deletes, UnknownColumns
from validate_updates.secret import SecretUrl
from validate_updates.units.declared import Ambiguous, Children, Missing

Text = Annotated[str, Meta(min_length=1)]
Texts = tuple[Text, ...]
OneOrMore = Text | Annotated[Texts, Meta(min_length=1)]
TaskName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z",
        extra={"expected": "at most 64 letters, digits, _, . or -, not starting with a sign"},
    ),
]

A_DAY = 86_400


class ReferenceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[tasks.<name>.tables.<table>.references.<column>]``."""

    to: Annotated[Text, Meta(description="a natural key elsewhere: TABLE.COLUMN,COLUMN")]
    missing: Annotated[Missing, Meta(description="a row that is not there")] = Missing.REQUIRE
    ambiguous: Annotated[Ambiguous, Meta(description="a natural key that several rows have")] = Ambiguous.REFUSE


class TableSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[tasks.<name>.tables.<table>]``."""

    key: Annotated[OneOrMore | None, Meta(description="columns that identify a record")] = None
    parent: Annotated[Text | None, Meta(description="the table whose records carry those of this one")] = None
    references: Annotated[
        dict[Text, Text | ReferenceSettings],
        Meta(description="columns filled by a natural key elsewhere: TABLE.COLUMN,COLUMN"),
    ] = {}
    children: Annotated[Children, Meta(description="what a parent's list of them means")] = Children.MERGE


class TaskSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[tasks.<name>]``: one scheduled job."""

    source: Annotated[OneOrMore | None, Meta(description="where the records are: a file, a folder, several, or -")] = (
        None
    )
    format: Annotated[Literal["jsonl", "json", "csv", "parquet"] | None, Meta(description="of the source")] = None
    target: Annotated[SecretUrl | None, Meta(description="URL of the database, or env:NAME")] = None
    password_file: Annotated[Text | None, Meta(description="file that holds the target's password alone")] = None
    schema: Annotated[Text | None, Meta(description="schema of the table (PostgreSQL)")] = None
    plugins: Annotated[Texts | None, Meta(description="plugins that take part")] = None
    unknown_columns: Annotated[UnknownColumns, Meta(description="records with columns the table does not have")] = (
        UnknownColumns.REJECT
    )
    deletes: Annotated[Deletes, Meta(description="which rows an update may delete")] = Deletes.OFF
    max_deletes: Annotated[int, Meta(ge=0, description="rows an update may delete")] = 100
    max_deletes_percent: Annotated[float, Meta(ge=0, le=100, description="of the table that may be deleted")] = 10.0
    wait: Annotated[float, Meta(ge=0, le=A_DAY, description="seconds to wait for another run's lock")] = 0.0
    tables: Annotated[dict[Text, TableSettings], Meta(description="the tables to update")] = {}


class JournalSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[journal]``."""

    prefix: Annotated[
        str,
        Meta(
            pattern=r"^(?!sqlite_)[a-z][a-z0-9_]{0,29}\Z",
            description="of the names of the journal's tables",
            extra={"expected": "at most 30 small letters, digits and _, starting with a letter, not with sqlite_"},
        ),
    ] = "update_"
    undo_retention_days: Annotated[
        int, Meta(ge=0, le=3650, description="days that a run can be taken back; 0 keeps no undo log")
    ] = 30


class BackupSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[backup]``."""

    mode: Annotated[BackupMode, Meta(description="when an update makes a backup")] = BackupMode.OFF
    folder: Annotated[Text | None, Meta(description="where the backups are")] = None
    retention_days: Annotated[int, Meta(ge=0, le=36_500, description="days after which old ones go")] = 7
    verify: Annotated[Verify, Meta(description="how closely SQLite looks at a copy")] = Verify.FULL
    deadline: Annotated[float, Meta(ge=1, le=A_DAY, description="seconds that a copy may take")] = 600.0


class SettingsModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file, but for the plugins' tables."""

    target: Annotated[SecretUrl | None, Meta(description="URL of the database for tasks without one of their own")] = (
        None
    )
    password_file: Annotated[Text | None, Meta(description="file that holds the target's password alone")] = None
    default_plugins: Annotated[Texts, Meta(description="plugins of tasks that do not name theirs")] = (
        "static_thresholds",
    )
    journal: JournalSettings = JournalSettings()
    backup: BackupSettings = BackupSettings()
    tasks: dict[TaskName, TaskSettings] = {}


class SettingsFile(SettingsModel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file may hold: the model, and the plugins' tables, which each plugin judges and which may hold secrets."""

    plugins: Annotated[
        dict[Text, dict[str, Any]],
        Meta(
            description="one table [plugins.<name>] a plugin",
            extra={"expected": "tables [plugins.<name>] (the list of plugins to use is named default_plugins)"},
        ),
    ] = {}
