"""Any sequence of updates, faults, roll-backs, replays and interruptions: the database is what a plain model says."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.core.undo.taking_back import taken_back
from tests.plugins.batch.office import Office, Table, broken_rules, chains, check, found, records, tables, wanted, ways
from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, STANDS, Batched, Record, Watch
from validate_updates import RunResult
from validate_updates.errors import UpdateError, UsageError
from validate_updates.journal.rows import RunState
from validate_updates.signals import stop_on_signals
from validate_updates.targets.prepared import Prepared

Changes = dict[int, tuple[Record | None, Record | None]]
"""Rows by id, as they were before a run and as it left them."""
unreadable = st.integers(1, 8).map(lambda number: {"id": number, "age": "many"})
sources = st.lists(records | records | records | unreadable, max_size=8)
moments = st.integers(1, 80)
endings = st.sampled_from(["", "", "signal", "disk full"])


@contextmanager
def disk_full(target: Batched, at: int) -> Iterator[None]:
    """The ``at``-th statement from now on finds the disk full; those after it do not."""
    left = at

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise _full(target)

    def on_execute(connection: sa.Connection, _cursor: object, statement: str, *_more: object) -> None:
        if not connection.engine.url.database:
            return  # a scratch database in memory
        try:
            count()
        except (sqlite3.Error, psycopg.Error) as error:
            raise sa.exc.OperationalError(statement, None, error) from error

    run = Prepared.run

    def counted(self: Prepared, connection: sa.Connection, **values: Any) -> int:
        count()
        return run(self, connection, **values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prepared, "run", counted)
        sa.event.listen(sa.Engine, "before_cursor_execute", on_execute)
        try:
            yield
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", on_execute)


def _full(target: Batched) -> Exception:
    if not target.is_sqlite:
        return psycopg.errors.DiskFull("could not extend file")
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = "SQLITE_FULL"
    return error


class Office24h(RuleBasedStateMachine):
    """A table of people, what was done to it, and what is to be there."""

    def __init__(self, target: Batched) -> None:
        super().__init__()
        self.target = target
        self.begun = self.ran = False
        self.table: Table = {}
        self.kept_out: Counter[int] = Counter()
        """Open entries in quarantine, by id."""
        self.changes: dict[str, Changes] = {}
        """What can be taken back of each run."""
        self.closed: dict[str, set[int]] = {}
        """Entries that each run has closed."""

    @initialize(table=tables())
    def begin(self, table: Table) -> None:
        self.target.execute(*_emptied(self.target), PEOPLE)
        self.target.insert("t", [tuple(row.values()) for row in table.values()])
        self.table, self.begun = table, True

    # What is done

    @rule(data=st.data(), source=sources, way=ways, ending=endings, at=moments)
    def update(self, data: st.DataObject, source: list[Record], way: dict[str, Any], ending: str, at: int) -> None:
        source = [*source, *data.draw(chains(self.table))]

        def run(progress: Watch) -> RunResult:
            batch = {"batch": {**way, **ANY_NUMBER}}
            return self.target.update(source, plugins=("batch",), settings=batch, progress=progress)

        self._carried_out(run, source, ending, at)

    @precondition(lambda self: self.kept_out.total())
    @rule(data=st.data(), way=ways, ending=endings, at=moments)
    def replay(self, data: st.DataObject, way: dict[str, Any], ending: str, at: int) -> None:
        ids = data.draw(st.sets(st.sampled_from(sorted(self.kept_out)), min_size=1))
        entries = [(number, record) for number, key, record in self._entries() if _id(key) in ids]
        numbers = [number for number, _ in entries]
        source = [json.loads(record) for _, record in entries]

        def run(progress: Watch) -> RunResult:
            batch = {"batch": {**way, **ANY_NUMBER}}
            return self.target.replayed(*numbers, plugins=("batch",), plugin_settings=batch, progress=progress)

        self._carried_out(run, source, ending, at)

    @precondition(lambda self: self.changes)
    @rule(data=st.data(), ending=st.sampled_from(["", "", "dry run", "disk full"]), at=moments)
    def roll_back(self, data: st.DataObject, ending: str, at: int) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.changes)))
        before, held = self.table, self._held(run_id)
        if not held:
            with pytest.raises(UsageError):
                taken_back(self.target, run_id)
            return
        if ending == "disk full":
            with disk_full(self.target, at):
                try:
                    taken_back(self.target, run_id)
                except UpdateError:
                    self._taken_back_in_part(run_id, before)
                    return
        else:
            back = taken_back(self.target, run_id, dry_run=ending == "dry run")
            if ending == "dry run":
                return
            left = self._taken_back(run_id, before)
            assert back.conflicts == left
            return
        self._taken_back(run_id, before)

    @precondition(lambda self: self.table)
    @rule(data=st.data(), name=st.sampled_from(["old", "other"]))
    def somebody_else_writes(self, data: st.DataObject, name: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.table)))
        self.target.execute(f"UPDATE t SET name = '{name}' WHERE id = {number}")
        self.table = {**self.table, number: {**self.table[number], "name": name}}

    # What has to be there

    @invariant()
    def the_table_is_the_model_s(self) -> None:
        if self.begun:
            assert found(self.target) == self.table

    @invariant()
    def the_quarantine_is_the_model_s(self) -> None:
        assert self._open() == +self.kept_out

    # How the model follows

    def _carried_out(self, run: Callable[[Watch], RunResult], source: list[Record], ending: str, at: int) -> None:
        """An update, which may be ended by bad luck."""
        runs, still_open = self._runs(), self._numbers()
        result: RunResult | None = None
        bad_luck = disk_full(self.target, at) if ending == "disk full" else stop_on_signals()
        with bad_luck:
            try:
                result = run(_stopping(at if ending == "signal" else 0))
            except UpdateError:
                assert ending == "disk full"
        if result:
            self.target.tells_the_truth(result)
        self.ran = self.ran or "update_logs" in self.target.all_tables()
        new = self._runs() - runs
        assert len(new) <= 1
        stood = result is not None and result.verdict in STANDS
        assert stood or ending, result and result.reason
        before, after = self.table, found(self.target)
        office = Office(before, [record for record in source if record.get("age") != "many"])
        bad = Counter(record["id"] for record in source if record.get("age") == "many")
        run_id = next(iter(new), "")
        if stood:
            kept_out = self._of_batches(run_id)
            check(office, after, kept_out)
            for number in {record["id"] for record in source}:
                self.kept_out[number] = bad[number] + (number in kept_out)
        else:
            in_part = result is None or result.publish == "progressive"
            assert in_part or after == before
            ask = wanted(office)
            assert after == {
                **before,
                **{number: ask[number] for number, row in after.items() if row != before.get(number)},
            }
            assert not broken_rules(after)
            concerned = {record["id"] for record in source}
            was, self.kept_out = self.kept_out, self._open()
            untouched = {number: count for number, count in (+was).items() if number not in concerned}
            assert untouched == {number: self.kept_out[number] for number in untouched}, (result, ending)
        self.table = after
        changes: Changes = {
            number: (before.get(number), row) for number, row in after.items() if row != before.get(number)
        }
        if changes:
            self.changes[run_id] = changes
        if run_id:
            self.closed[run_id] = still_open - self._numbers()

    def _taken_back(self, run_id: str, before: Table) -> int:
        """What is to be there after a roll-back; how many rows are to be left as they are."""
        after = found(self.target)
        left: Changes = {}
        for number, (was, became) in self.changes[run_id].items():
            now, then = before.get(number), after.get(number)
            if then == was:
                assert now in (was, became), f"{number} was changed since"
                continue
            assert then == now, f"{number} is neither as it was nor as it is"
            left[number] = (was, became)
            if now == became:
                assert broken_rules(_with(after, number, was)), f"{number} could have been taken back"
        self._follow(run_id, before, after, left)
        still_open = self._numbers()
        if self.target.story(run_id).run.state is RunState.ROLLED_BACK:  # one of which all is left alone stands
            assert self.closed.pop(run_id, set()) <= still_open, "what it closed is open again"
        self.kept_out = self._open()
        return len(left)

    def _taken_back_in_part(self, run_id: str, before: Table) -> None:
        """A roll-back that bad luck ended: a group of batches is as before, or as it was left."""
        after = found(self.target)
        left: Changes = {}
        for number, (was, became) in self.changes[run_id].items():
            now, then = before.get(number), after.get(number)
            assert then == now or (then == was and now == became)
            if then != was or now == was:
                left[number] = (was, became)
        self._follow(run_id, before, after, left)
        self.kept_out = self._open()

    def _follow(self, run_id: str, before: Table, after: Table, left: Changes) -> None:
        others = (before.keys() | after.keys()) - self.changes[run_id].keys()
        assert all(before.get(number) == after.get(number) for number in others)
        assert not broken_rules(after)
        self.table = after
        self.changes[run_id] = left
        if not left:
            del self.changes[run_id]

    def _of_batches(self, run_id: str) -> set[int]:
        """Ids of the records that a run kept out of its batches."""
        query = f"SELECT record_key FROM update_quarantine WHERE run_id = '{run_id}' AND batch_no IS NOT NULL"
        return {_id(key) for (key,) in self.target.rows(query)}

    def _held(self, run_id: str) -> bool:
        ours = f"entry_no / {1 << 40} = (SELECT run_no FROM update_logs WHERE run_id = '{run_id}')"
        query = f"SELECT count(*) FROM update_undo WHERE action IN ('I', 'U', 'D') AND {ours}"
        return self.target.rows(query) != [(0,)]

    def _runs(self) -> set[str]:
        if not self.ran:
            return set()
        return {run_id for (run_id,) in self.target.rows("SELECT run_id FROM update_logs")}

    def _open(self) -> Counter[int]:
        """Ids of the open entries."""
        return Counter(_id(key) for _, key, _ in self._entries())

    def _numbers(self) -> set[int]:
        """Of the open entries."""
        return {number for number, _, _ in self._entries()}

    def _entries(self) -> list[tuple[Any, ...]]:
        """Number, key and record of the open entries."""
        if not self.ran:
            return []
        query = "SELECT entry_no, record_key, record FROM update_quarantine WHERE state = 'open' ORDER BY entry_no"
        return self.target.rows(query)


def _stopping(at: int) -> Watch:
    """Progress under which a signal comes in when the ``at``-th batch is settled."""

    def act(stage: str, batches: int) -> None:
        if (stage, batches) == ("apply", at) and at:
            os.kill(os.getpid(), signal.SIGTERM)

    return Watch(act)


def _id(key: str | None) -> int:
    return int(str(key).removeprefix("id="))


def _with(table: Table, number: int, row: Record | None) -> Table:
    others = {other: cells for other, cells in table.items() if other != number}
    return others if row is None else {**others, number: row}


def _emptied(target: Batched) -> list[str]:
    if not target.is_sqlite:
        return ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]
    target.path.unlink(missing_ok=True)
    return []


def test_whatever_happens_the_database_is_what_the_model_says(target: Batched) -> None:
    examples = max(settings().max_examples // (5 if target.is_sqlite else 12), 1)

    class Here(Office24h):
        def __init__(self) -> None:
            super().__init__(target)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
