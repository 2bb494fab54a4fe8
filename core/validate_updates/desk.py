"""What a plugin's command may ask and do: the tasks of the settings, their journals, the plugins in them.

A command gets it where one of its parameters is annotated with ``Desk``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from validate_updates.errors import PluginError, UsageError
from validate_updates.journal.rows import Switch, SwitchMode
from validate_updates.journal.view import JournalReader, JournalView
from validate_updates.text import printable

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.choosing import Standing
    from validate_updates.context import History
    from validate_updates.criteria import Criterion
    from validate_updates.declarations import Backtest, Criteria, Report
    from validate_updates.journal.rows import Waiting
    from validate_updates.journal.tables import JournalTables
    from validate_updates.manager import Plugins
    from validate_updates.modes import Selected
    from validate_updates.result import Change, Section
    from validate_updates.secret import SecretUrl
    from validate_updates.settings import Settings
    from validate_updates.targets.base import Database


T = TypeVar("T")


class OpenJournal(JournalView, Protocol):
    """The journal of a task, in one transaction. What is switched and kept needs one that writes."""

    def history(self, task: str) -> History:
        """The earlier runs of a task."""
        ...

    def changes(self, run_id: str, each: int = 5) -> Sequence[Change]:
        """The first few rows that a run added, changed and deleted in each table, while the undo log has them."""
        ...

    def waiting(self, task: str) -> Sequence[Waiting]:
        """What is open in the quarantine of a task, by reason, the most frequent first."""
        ...

    def standings(self, task: str) -> Sequence[Standing]:
        """How plugins take part in the next run of a task, by the settings and by the switches that hold."""
        ...

    def state(self, task: str) -> dict[str, str]:
        """What the command's plugin keeps for a task, by name. Set and delete in it: it is written at the end."""
        ...


class Desk(Protocol):
    """What a command of a plugin may ask and do."""

    @property
    def tasks(self) -> Sequence[str]:
        """Names of the tasks of the settings."""
        ...

    def beside(self, task: str) -> Sequence[str]:
        """The other tasks whose journal is that of this one. Raises ``UsageError`` where there is no such task."""
        ...

    def journal(self, task: str, *, write: bool = False) -> AbstractContextManager[OpenJournal]:
        """The journal of a task, to be read, or also written: then it is committed at the end of the block.

        Raises ``UsageError`` where there is no such task, or no journal yet.
        """
        ...

    def problem(self, plugins: Sequence[str]) -> str:
        """Why a run could not begin with these plugins, such as ``historical:shadow``; empty where it could."""
        ...

    def backtests(self, plugin: str, task: str, runs: int) -> Sequence[Section]:
        """What a plugin would have said of the last runs of a task; nothing of one that cannot tell."""
        ...

    def criteria(self, plugin: str, task: str, since: datetime, until: datetime) -> Sequence[Criterion]:
        """What a plugin asks of a task within a window, and what came of it; nothing of one that asks nothing."""
        ...


@dataclass(frozen=True, slots=True)
class SettingsDesk:
    """The desk of a plugin's command, over the settings that hold here."""

    settings: Settings
    plugin: str

    @property
    def tasks(self) -> Sequence[str]:
        """Names of the tasks."""
        return tuple(self.settings.model.tasks)

    def beside(self, task: str) -> Sequence[str]:
        """The other tasks of the same journal. A target that cannot be told is none of theirs."""
        here = self._place(task)
        return tuple(other for other in self.tasks if other != task and self._same_place(other, here))

    def _place(self, task: str) -> tuple[SecretUrl, str | None]:
        from validate_updates.settings import target_of

        if task not in self.settings.model.tasks:
            raise UsageError(
                f"there is no task {printable(task, 60)!r}", hint=f"tasks: {', '.join(self.tasks) or 'none'}"
            )
        return target_of(self.settings, task), self.settings.model.tasks[task].schema

    def _same_place(self, task: str, place: tuple[SecretUrl, str | None]) -> bool:
        try:
            return self._place(task) == place
        except UsageError:
            return False

    @contextmanager
    def journal(self, task: str, *, write: bool = False) -> Iterator[OpenJournal]:
        """The journal, in one transaction."""
        from validate_updates.journal.schema import find
        from validate_updates.targets import open_database
        from validate_updates.targets.reaching import reached, told

        url, schema = self._place(task)
        database = open_database(url)
        with (
            reached(database) as connection,
            told(database, connection),
            database.transaction(connection, write=write),
        ):
            tables = find(connection, self.settings.model.journal.prefix, schema)
            if tables is None:
                raise UsageError("no run has been written down in this database yet", hint="start one: run TASK")
            opened = _Journal(database, connection, tables, self.plugin, self._named, write)
            yield opened
            opened.keep()

    def _named(self, task: str) -> tuple[tuple[Selected, ...], str]:
        from validate_updates.choosing import named_by_settings

        return named_by_settings(self.settings, task)

    def problem(self, plugins: Sequence[str]) -> str:
        """Why a run could not begin with these plugins."""
        from validate_updates.manager import load

        try:
            load(plugins, self.settings.plugin_tables, origins=self.settings.origins)
        except UsageError as error:
            return error.message
        return ""

    def backtests(self, plugin: str, task: str, runs: int) -> Sequence[Section]:
        """What a plugin would have said of the last runs."""
        from validate_updates.journal.history import seen_by

        loaded = self._loaded(plugin)
        with self.journal(task) as journal:
            history = seen_by(plugin, journal.history(task))
            return [
                asked(f"the backtest {plugin}.{one.item.name}", partial(one.item.replay, history, runs), one.item)
                for one in loaded.backtests()
            ]

    def criteria(self, plugin: str, task: str, since: datetime, until: datetime) -> Sequence[Criterion]:
        """What a plugin asks of a task, and what came of it."""
        from validate_updates.answers import read_criteria

        def judged(one: Criteria, journal: OpenJournal) -> tuple[Criterion, ...]:
            return read_criteria(one.judge(journal, task, since, until))

        loaded = self._loaded(plugin)
        with replace(self, plugin=plugin).journal(task) as journal:
            return [
                criterion
                for one in loaded.criteria()
                for criterion in asked(
                    f"the criteria {plugin}.{one.item.name}", partial(judged, one.item, journal), one.item
                )
            ]

    def _loaded(self, plugin: str) -> Plugins:
        from validate_updates.manager import load_one

        return load_one(plugin, self.settings.plugin_tables, origins=self.settings.origins)


def asked(who: str, call: Callable[[], T], declared: Backtest | Criteria | Report) -> T:
    """What another plugin's code answers."""
    from validate_updates.guard import guarded

    outcome = guarded(call, limit=declared.time_limit)
    if outcome.problem or outcome.value is None:
        raise PluginError(f"{who} {outcome.problem.message if outcome.problem else 'gave nothing'}")
    return outcome.value


@dataclass(slots=True)
class _Journal(JournalReader):
    """The journal within one transaction."""

    database: Database
    connection: sa.Connection
    tables: JournalTables
    plugin: str
    named: Callable[[str], tuple[tuple[Selected, ...], str]]
    write: bool
    _states: dict[str, dict[str, str]] = field(default_factory=dict)
    _before: dict[str, dict[str, str]] = field(default_factory=dict)

    @contextmanager
    def _reading(self) -> Iterator[tuple[sa.Connection, JournalTables]]:
        yield self.connection, self.tables

    def history(self, task: str) -> History:
        """The earlier runs of a task."""
        from validate_updates.journal.history import JournalHistory

        return JournalHistory(self.connection, self.tables, task=task, except_run="")

    def changes(self, run_id: str, each: int = 5) -> Sequence[Change]:
        """Some of the rows that a run changed."""
        from validate_updates.undo.sampling import sample

        return sample(self.database, self.connection, self.tables, self.run(run_id).run, each=each)

    def waiting(self, task: str) -> Sequence[Waiting]:
        """What is open in the quarantine, by reason."""
        from validate_updates.quarantine.reading import open_by_reason

        return open_by_reason(self.connection, self.tables, task)

    def standings(self, task: str) -> Sequence[Standing]:
        """How plugins take part in the next run."""
        from validate_updates.choosing import standings
        from validate_updates.journal.switches import in_force

        return standings(*self.named(task), in_force(self.switches(task)))

    def switch(self, task: str, plugin: str, mode: SwitchMode, reason: str) -> None:
        """Enter a switch."""
        from validate_updates.journal.switches import enter, who

        self._check_written()
        now = datetime.now(UTC)
        made = Switch(task=task, plugin=plugin, mode=mode, reason=reason, made_at=now, made_by=who())
        enter(self.connection, self.tables, made)

    def state(self, task: str) -> dict[str, str]:
        """What the plugin keeps for a task."""
        from validate_updates.journal.keeping import kept_by

        if task not in self._states:
            self._before[task] = kept_by(self.connection, self.tables, self.plugin).get(task, {})
            self._states[task] = dict(self._before[task])
        return self._states[task]

    def keep(self) -> None:
        """Write down what was set and deleted in the states."""
        from validate_updates.journal.keeping import changes, keep

        for task, after in self._states.items():
            changed = changes(self._before[task], after)
            if changed:
                self._check_written()
            keep(self.connection, self.tables, self.plugin, task, changed, now=datetime.now(UTC))

    def _check_written(self) -> None:
        if not self.write:
            raise RuntimeError("the journal was opened to be read: desk.journal(task, write=True)")
