"""Calling the observers: under guard, after the fact, with what their plugins keep between runs.

Nothing here changes what a run comes to. What observers say is added to the findings, in the journal too, and an
observer that fails is one more of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from validate_updates import remarks, signals
from validate_updates.answers import Answer, read_answer
from validate_updates.declarations import Observer, Occasion
from validate_updates.errors import Interrupted, LockHeld, UpdateError
from validate_updates.findings import Finding, Severity
from validate_updates.guard import guarded
from validate_updates.journal.keeping import changes
from validate_updates.journal.rows import Switch, SwitchMode
from validate_updates.journal.view import JournalReader
from validate_updates.observation import Observation

if TYPE_CHECKING:
    import sqlalchemy as sa

    from validate_updates.context import RunInfo
    from validate_updates.job import Job
    from validate_updates.journal.tables import JournalTables
    from validate_updates.manager import Owned, Plugins
    from validate_updates.result import RunResult
    from validate_updates.targets.base import Database
    from validate_updates.undo.result import RollbackResult

State = Mapping[str, Mapping[str, str]]
"""What a plugin keeps: task -> name -> text. What belongs to no task is under the empty name."""
Changes = Mapping[str, str | None]
"""Name -> the new text; None for what is gone."""

LONGEST_TEXT: Final = 64 * 1024
"""Characters of one text that a plugin keeps."""
MOST_NAMES: Final = 1000
"""Texts that a plugin keeps for one task."""


class Observers:
    """The observers of one run. A dry run has none: it leaves nothing behind."""

    def __init__(self, database: Database, job: Job, info: RunInfo) -> None:
        self._observers: list[Owned[Observer]] | None = None
        """Who is still to be told; None as long as that is not known."""
        self._database = database
        self._job = job
        self._info = info
        self.result_so_far: Callable[[], RunResult | None] = lambda: None
        """The result of the run as far as it has come, for those who are told that it broke off."""
        self.taken_back: RollbackResult | None = None
        """What became of the run where an observer asked for it to be taken back, and it was."""

    def are_those_of(self, plugins: Plugins) -> None:
        """It is known which plugins take part. Those in shadow are told nothing: they would act on it."""
        told = (owned for owned in plugins.observers if not owned.shadow)
        self._observers = [] if self._job.dry_run else list(told)

    def tell(
        self,
        occasion: Occasion,
        connection: sa.Connection | None,
        result: RunResult | None = None,
        error: Exception | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> tuple[Finding, ...]:
        """Call the observers of an occasion, once in a run; what they found. A signal ends it.

        ``connection``: idle; None where the database cannot be reached.
        """
        makes = partial(Observation, occasion=occasion, run=self._info, result=result, error=error, findings=findings)
        found: list[Finding] = []
        waiting = self._observers or []
        for owned in [one for one in waiting if one.item.occasion is occasion]:
            if signals.asked_to_stop():
                break
            waiting.remove(owned)  # what breaks off from here on is no second outcome
            try:
                found += self._told(owned, connection, makes)
            except Interrupted:
                break
        return tuple(found)

    @contextmanager
    def told_of_what_breaks_off(self, as_named: Callable[[], Plugins]) -> Iterator[None]:
        """A block that is a run. Where it raises they are told, over a new connection if there can be one.

        ``as_named`` gives the plugins where the run did not come far enough to ask the journal for them. A lock that
        somebody else holds is no trouble worth telling: the run is for later.
        """
        try:
            yield
        except LockHeld:
            raise
        except Exception as error:
            if self._observers is None:
                with suppress(UpdateError):
                    self.are_those_of(as_named())
            if self._observers:
                with _perhaps(self._database) as connection:
                    self._told_that_it_broke_off(connection, error)
            raise

    def _told_that_it_broke_off(self, connection: sa.Connection | None, error: Exception) -> None:
        result = self.result_so_far()
        findings = result.findings if result else ()
        for occasion in (Occasion.RECORDED, Occasion.TELL):
            findings += self.tell(occasion, connection, result, error, findings)

    def _told(
        self, owned: Owned[Observer], connection: sa.Connection | None, makes: Callable[..., Observation]
    ) -> Sequence[Finding]:
        view = _View(self._database, connection, self._job, owned)
        kept = view.kept
        state, shared = (dict(kept.get(task, {})) for task in (self._info.task, ""))
        answer = _answer(owned, makes(journal=view, state=state, shared=shared), view)
        after: State = {self._info.task: dict(state), "": dict(shared)}
        strange = _strange(after)
        if strange:
            after = kept
            answer.add(_failed(owned, strange))
        found = [one.by(owned.plugin, owned.item.name, owned.item.occasion.value) for one in answer.findings()]
        if owned.item.occasion is Occasion.BEGIN:  # written down with the outcome, on which it has no influence
            found = [replace(one, severity=min(one.severity, Severity.WARNING, key=_rank)) for one in found]
        changed = {task: changes(kept.get(task, {}), texts) for task, texts in after.items()}
        found += self._keep(owned, view, found, changed)
        back = [one.by(owned.plugin, owned.item.name, owned.item.occasion.value) for one in self._take_back(view)]
        return [*found, *back, *self._keep(owned, view, back, {})]

    def _take_back(self, view: _View) -> Iterator[Finding]:
        """Take back the runs that it asked for; whatever goes wrong is a finding."""
        for run_id, reason in view.asked_back.items():
            outcome = view.take_back_now(run_id, reason, self._job)
            if not isinstance(outcome, str):
                yield remarks.taken_back(outcome, reason)
                self.taken_back = outcome if run_id == self._info.run_id else self.taken_back
            else:
                yield remarks.could_not_be_taken_back(run_id, outcome, reason)

    def _keep(
        self, owned: Owned[Observer], view: _View, found: Sequence[Finding], changed: Mapping[str, Changes]
    ) -> Sequence[Finding]:
        """Write down what it said and what its plugin keeps; a finding where that cannot be."""
        if owned.item.occasion is Occasion.BEGIN:
            found = ()
        try:
            view.write(changed, self._info, found)
        except self._database.troubles as error:
            unwritten = f"could not be written down [{type(getattr(error, 'orig', error)).__name__}]"
            finding = _failed(owned, f"said and keeps what {unwritten}")
            return [finding.by(owned.plugin, owned.item.name, owned.item.occasion.value)]
        return ()


_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
"""A plugin's."""


def _answer(owned: Owned[Observer], observation: Observation, view: _View) -> Answer:
    observe, limit = owned.item.observe, owned.item.time_limit
    outcome = guarded(lambda: read_answer(observe(observation)), limit=limit, interrupt=view.interrupt)
    view.close()
    return outcome.value or Answer([_failed(owned, outcome.problem.message if outcome.problem else "gave nothing")])


class _View(JournalReader):
    """The journal as an observer reads it, each time in a transaction of its own, so that none is open for long."""

    def __init__(self, database: Database, connection: sa.Connection | None, job: Job, owned: Owned[Observer]) -> None:
        self._plugin = owned.plugin
        self._occasion = owned.item.occasion
        self._database = database
        self._connection = connection
        self._open = True
        self._tables: JournalTables | None = None
        self._made: list[Switch] = []
        self.asked_back: dict[str, str] = {}
        """Id of a run -> why it is to be taken back."""
        self.kept: State = {}
        if connection is not None:
            self._look(connection, job)

    def _look(self, connection: sa.Connection, job: Job) -> None:
        from validate_updates.journal.keeping import kept_by
        from validate_updates.journal.schema import find

        try:
            with self._database.transaction(connection, write=False):
                self._tables = find(connection, job.journal_prefix, job.schema)
                self.kept = kept_by(connection, self._tables, self._plugin) if self._tables else {}
        except self._database.troubles:
            self._connection = None

    def switch(self, task: str, plugin: str, mode: SwitchMode, reason: str) -> None:
        """Say how a plugin takes part; written after the call. Raises ``ValueError`` for what is no plugin's name."""
        texts: tuple[object, ...] = (task, plugin, reason)
        if not all(isinstance(text, str) for text in texts) or not _NAME.fullmatch(plugin):
            raise ValueError("a switch names one plugin, and says in words why")
        self._made.append(
            Switch(
                task=task,
                plugin=plugin,
                mode=SwitchMode(mode),
                reason=reason,
                made_at=datetime.now(UTC),
                made_by=self._plugin,
            )
        )

    def take_back(self, run_id: str, reason: str) -> None:
        """Ask for a run to be taken back after the call. Raises ``ValueError`` at other occasions than ``recorded``."""
        if self._occasion is not Occasion.RECORDED:
            raise ValueError(f"runs are taken back at the occasion {Occasion.RECORDED}, and this is {self._occasion}")
        texts: tuple[object, ...] = (run_id, reason)
        if not all(isinstance(text, str) and text for text in texts):
            raise ValueError("taking back a run takes its id, and why in words")
        self.asked_back[run_id] = reason

    @contextmanager
    def _reading(self) -> Iterator[tuple[sa.Connection, JournalTables | None] | None]:
        if not self._open:
            raise RuntimeError("the access to the journal ended with the observer's call")
        if self._connection is None:
            yield None
            return
        with self._database.transaction(self._connection, write=False):
            yield self._connection, self._tables

    # What is not for the observer.

    def interrupt(self) -> None:
        """Stop the query that it may wait for."""
        if self._connection is not None:
            self._database.interrupt(self._connection)

    def close(self) -> None:
        """No query is run any more, and none that was given up on is left open."""
        self._open = False
        if self._connection is not None:
            self._database.abandon(self._connection)

    def write(self, changed: Mapping[str, Changes], info: RunInfo, found: Sequence[Finding]) -> None:
        """What the plugin keeps from now on, what its observer found, and the switches that it made."""
        from validate_updates.journal.keeping import keep
        from validate_updates.journal.switches import enter
        from validate_updates.journal.writing import Journal

        if self._connection is None or self._tables is None or not (found or self._made or any(changed.values())):
            return
        with self._database.transaction(self._connection):
            for task, texts in changed.items():
                keep(self._connection, self._tables, self._plugin, task, texts, now=datetime.now(UTC))
            for switch in self._made:
                enter(self._connection, self._tables, replace(switch, made_at=info.as_of, made_by=self._plugin))
            Journal(self._tables).add_findings(self._connection, info.run_id, found, info.source)
        self._made.clear()

    def take_back_now(self, run_id: str, reason: str, job: Job) -> RollbackResult | str:
        """Take back a run under the lock; or why that could not be."""
        from validate_updates.undo.rollback import Rollback, roll_back_over

        if self._connection is None:
            return "the database cannot be reached"
        wanted = Rollback(
            target=job.target,
            run=run_id,
            schema=job.schema,
            journal_prefix=job.journal_prefix,
            retention_days=job.undo_retention_days,
            wait=job.wait,
            as_of=job.as_of,
            asked_by=f"{self._plugin}: {reason}",
        )
        try:
            return roll_back_over(wanted, self._database, self._connection)
        except self._database.troubles as error:
            self._database.abandon(self._connection)
            return error.message if isinstance(error, UpdateError) else type(error).__name__


@contextmanager
def _perhaps(database: Database) -> Iterator[sa.Connection | None]:
    """A connection, or None where there can be none."""
    try:
        opened = database.engine.connect()
    except database.troubles:
        yield None
        return
    with opened as connection:
        yield connection


def _rank(severity: Severity) -> int:
    return severity.rank


def _strange(state: State) -> str:
    """What is wrong with what a plugin wants to keep; empty where nothing is."""
    for kept in state.values():
        if len(kept) > MOST_NAMES:
            return f"keeps more than {MOST_NAMES} texts"
        anything: dict[Any, Any] = dict(kept)
        for name, text in anything.items():
            if not (isinstance(name, str) and isinstance(text, str)):
                return "keeps something else than texts by name"
            if len(text) > LONGEST_TEXT or len(name) > 100:
                return f"keeps a text of more than {LONGEST_TEXT} characters, or under a name of more than 100"
    return ""


def _failed(owned: Owned[Observer], what: str) -> Finding:
    return Finding(
        code="observer_failed",
        severity=Severity.WARNING,
        message=f"observer {owned.plugin}.{owned.item.name}{owned.brought_by} {what}",
        hint="the outcome of the run is not affected",
    )
