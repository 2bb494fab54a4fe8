"""Taking back loaded entries: which can be, in which steps, and halving where the database refuses.

An entry whose row is as before already needs nothing. One whose row is what the run left is taken back. All others are
conflicts, left alone unless forced. Where a run wrote a row twice, the later entry comes first, and as long as that may
still be taken back the earlier one waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from validate_updates.targets.plan import DELETE, INSERT, UPDATE
from validate_updates.targets.prepared import prepare
from validate_updates.targets.savepoint import savepoint
from validate_updates.targets.trouble import Blame, Trouble, world_error
from validate_updates.undo.held import broken, referred_to
from validate_updates.undo.keys import keys_about
from validate_updates.undo.loaded import OPEN
from validate_updates.undo.matching import Matching
from validate_updates.undo.result import Reason
from validate_updates.undo.steps import ORDERS, READY, Step, Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from validate_updates.targets.base import Database
    from validate_updates.undo.loaded import Loaded

DONE, ALREADY = "done", "already"
"""States of an entry that is settled; the others are :class:`Reason`."""
_WAITING: Final = "waiting"
"""The state of an entry whose row comes back when every table has lost what may have taken its place."""
_IN_THE_WAY: Final = (Reason.REFUSED, Reason.REFERRED_TO)
"""Why an entry is not taken back whose own row is as it should be."""
AMBIGUOUS: Final = "more than one row has its key"
_AT_THE_COMMIT: Final = "SQLITE_CONSTRAINT_FOREIGNKEY"
OF_A_FOREIGN_KEY: Final = {_AT_THE_COMMIT, "23503", "23001"}
"""What databases call a foreign key that does not hold, or would not hold any more."""


class _BrokenError(Exception):
    """What only the commit would have refused: a foreign key."""


class Restoring:
    """Takes back the entries of one loaded table."""

    def __init__(self, database: Database, connection: sa.Connection, loaded: Loaded, *, force: bool) -> None:
        self.loaded = loaded
        self.name = loaded.target.schema, loaded.target.name
        self.matching = Matching(database, loaded)
        self.keys = keys_about(database, connection, loaded.target)
        """The foreign keys of the table, and those that point at it."""
        self.refusals: dict[int, Trouble] = {}
        """``pos`` -> what the database said to that entry."""
        self._database = database
        self._connection = connection
        self._force = force
        self._entry = loaded.table
        self._steps = Steps(database, connection, loaded, self.matching)
        self._done = prepare(self._set_state(READY, DONE, ranged=True), connection)
        self._refused = prepare(self._set_state(READY, Reason.REFUSED, ranged=True), connection)
        self._referred_to = () if force else referred_to(self.keys, self.matching)
        self._broken = [(key, prepare(query, connection)) for key, query in broken(self.keys, self.matching)]

    def brings_back(self) -> bool:
        """Whether any of the entries is about a row that the run deleted."""
        query = sa.select(sa.exists().where(self._entry.c.action == DELETE))
        return bool(self._connection.execute(query).scalar_one())

    def take_back(self, *, after_refused: bool, put_back: bool) -> bool:
        """All that can be taken back now; whether there was anything to look at.

        ``after_refused``: also what is older than an entry that the database refused. Not ``put_back``: deleted rows
        wait for :meth:`put_back`. Raises ``TargetError`` for what no row is to blame for.
        """
        looked_at = 0
        while found := self._classify(after_refused=after_refused):
            self._prepare_steps(READY if put_back else _WAITING)
            self._take(1, self.loaded.last)
            looked_at += found
        return looked_at > 0

    def put_back(self) -> None:
        """Bring back the deleted rows that wait."""
        if self._connection.execute(self._set_state(_WAITING, READY)).rowcount:
            self._take(1, self.loaded.last)

    def retry(self) -> bool:
        """Try again what others were in the way of, since other rows have changed; whether any of it went now."""
        before = self._in_the_way()
        if not before:
            return False
        for reason in _IN_THE_WAY:
            again = self._set_state(reason, READY).where(self._entry.c.step.isnot(None))
            self._connection.execute(again)
        self._leave_referred_to()
        self._take(1, self.loaded.last)
        return self._in_the_way() < before

    def _in_the_way(self) -> int:
        return sum(map(self.count, _IN_THE_WAY))

    def reconsider(self) -> None:
        """Make ready what the database refused to add or to remove."""
        again = self._set_state(Reason.REFUSED, READY).where(self._entry.c.step.in_((Step.DELETE, Step.INSERT)))
        self._connection.execute(again)

    def take_ready(self) -> bool:
        """Take back all that is ready at once; whether the database lets it."""
        return not self._attempt(1, self.loaded.last, ORDERS[0])

    def empty(self, names: Sequence[str]) -> bool:
        """Empty columns, where they can be empty, of the rows that are ready to go; whether the database lets it."""
        target = self.loaded.target
        can = [name for name in names if target.column(name).nullable and name not in target.key]
        return not can or not self._refusal(lambda: self._steps.empty(1, self.loaded.last, can))

    def give_up(self) -> None:
        """Refuse again what is still ready."""
        self._refused.run(self._connection, first=1, last=self.loaded.last)

    def count(self, state: str, step: Step | None = None) -> int:
        """Entries in that state."""
        query = sa.select(sa.func.count()).select_from(self._entry).where(self._entry.c.state == state)
        if step is not None:
            query = query.where(self._entry.c.step == step)
        return int(self._connection.execute(query).scalar_one())

    def settled(self) -> sa.Select[Any]:
        """The numbers of the entries that the undo log need not keep."""
        entry = self._entry
        return sa.select(entry.c.entry_no).where(entry.c.state.in_((DONE, ALREADY)))

    def altered(self) -> int:
        """Rows that were written, and still are not as before; of several entries about one row, the first tells."""
        entry, rows, matching = self._entry, self.matching.rows, self.matching
        earlier = self._entry.alias("earlier")
        same = (earlier.c[column.name] == column for column in map(self.loaded.written, self.loaded.target.key))
        first = ~sa.exists().where(*same, earlier.c.pos < entry.c.pos, earlier.c.state == DONE).correlate(entry)
        stands = sa.exists().where(matching.same_key_before(), matching.as_before()).correlate(entry)
        still_there = sa.exists().where(matching.same_key()).select_from(rows).correlate(entry)
        is_delete = entry.c.step == Step.DELETE
        amiss = sa.or_(sa.and_(is_delete, still_there), sa.and_(~is_delete, ~stands))
        query = sa.select(sa.func.count()).select_from(entry).where(entry.c.state == DONE, amiss, first)
        return int(self._connection.execute(query).scalar_one())

    def _classify(self, *, after_refused: bool) -> int:
        """Give a state to the open entries, but those of whose row a later entry is not settled; how many."""
        entry, later = self._entry, self._entry.alias("later")
        unsettled = [OPEN, _WAITING, *([] if after_refused else [Reason.REFUSED])]
        same = (later.c[column.name] == column for column in map(self.loaded.written, self.loaded.target.key))
        newer = sa.exists().where(*same, later.c.pos > entry.c.pos, later.c.state.in_(unsettled)).correlate(entry)
        as_written = sa.case((self.matching.as_written(), READY), else_=Reason.CHANGED)
        state = sa.case(
            (entry.c.action == INSERT, self._found(none=ALREADY, one=as_written)),
            (entry.c.action == UPDATE, self._found(none=Reason.GONE, one=self._if_before(as_written))),
            (entry.c.action == DELETE, self._found(none=READY, one=self._if_before(Reason.THERE_AGAIN))),
        )
        statement = sa.update(entry).where(entry.c.state == OPEN, ~newer).values(state=state)
        return self._connection.execute(statement).rowcount

    def _found(self, *, none: str, one: Any) -> sa.ScalarSelect[Any]:
        """A state by the rows of the entry's key."""
        number = sa.func.count()
        state = sa.case((number == 0, none), (number == 1, sa.func.min(one)), else_=Reason.REFUSED)
        query = sa.select(state).select_from(self.matching.rows).where(self.matching.same_key())
        return query.correlate(self._entry).scalar_subquery()

    def _if_before(self, otherwise: Any) -> sa.ColumnElement[Any]:
        return sa.case((self.matching.as_before(), ALREADY), else_=otherwise)

    def _prepare_steps(self, inserts: str) -> None:
        """Say by which step each entry is taken back, and give those of deleted rows the state ``inserts``."""
        entry = self._entry
        wanted = [READY, *([Reason.CHANGED, Reason.GONE, Reason.THERE_AGAIN] if self._force else [])]
        step = sa.case(
            (entry.c.action == INSERT, Step.DELETE),
            (entry.c.state == Reason.GONE, Step.INSERT),
            (entry.c.state == Reason.THERE_AGAIN, Step.UPDATE),
            (entry.c.action == UPDATE, Step.UPDATE),
            else_=Step.INSERT,
        )
        self._connection.execute(sa.update(entry).where(entry.c.state.in_(wanted)).values(step=step, state=READY))
        self._leave_referred_to()
        if inserts != READY:
            comes_back = sa.and_(entry.c.state == READY, entry.c.step == Step.INSERT)
            self._connection.execute(sa.update(entry).where(comes_back).values(state=inserts))

    def _leave_referred_to(self) -> None:
        while sum(self._connection.execute(statement).rowcount for statement in self._referred_to):
            pass

    def _take(self, first: int, last: int) -> None:
        """Take back a range; where the database refuses it, its later half and then its earlier half."""
        refusal: Trouble | None = None
        for order in ORDERS:
            refusal = self._attempt(first, last, order)
            if not refusal:
                return
        if first == last and refusal:
            self._refused.run(self._connection, first=first, last=last)
            self.refusals[first] = refusal
            return
        middle = (first + last) // 2
        self._take(middle + 1, last)
        self._take(first, middle)

    def _attempt(self, first: int, last: int, order: Sequence[Step]) -> Trouble | None:
        """Take back a range in one go; why the database refused, or nothing."""

        def take() -> None:
            if not self._database.is_sqlite:
                self._connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")
            self._steps.run(first, last, order)
            self._database.check_deferred(self._connection)
            for key, query in self._broken:
                if query.count(self._connection, first=first, last=last):
                    raise _BrokenError(f"a foreign key of {key.child[1]} points to a row that does not exist")
            self._done.run(self._connection, first=first, last=last)

        return self._refusal(take)

    def _refusal(self, work: Callable[[], None]) -> Trouble | None:
        """Why the database refused what is then taken back, or nothing."""
        try:
            with savepoint(self._connection):
                work()
        except _BrokenError as error:
            return Trouble(blame=Blame.RECORD, code=_AT_THE_COMMIT, message=str(error))
        except self._database.errors as error:
            trouble = self._database.trouble(error, self._connection)
            if trouble.blame is not Blame.RECORD or not trouble.transaction_alive:
                raise world_error(trouble) from error
            return trouble
        return None

    def _set_state(self, old: str, new: str, *, ranged: bool = False) -> sa.Update:
        entry = self._entry
        statement = sa.update(entry).where(entry.c.state == old).values(state=new)
        if not ranged:
            return statement
        first, last = (sa.bindparam(name, type_=sa.BigInteger) for name in ("first", "last"))
        return statement.where(entry.c.pos.between(first, last))
