"""The commit of an update or of a group: what the database refuses only then, and what stands where no answer comes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates import remarks
from validate_updates.errors import StateUncertain, TargetError
from validate_updates.journal.tables import tables
from validate_updates.targets.trouble import Blame, world_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validate_updates.journal.rows import RunState
    from validate_updates.result import Counts
    from validate_updates.underway import UnderWay

RUN_AGAIN = "run the update again: it does what is not done yet"
ASKING_SECONDS = 15.0
"""How long the server may take to notice that the old session is gone: its keepalive gives up after about 11 s."""


def check_deferred(run: UnderWay) -> None:
    """What a commit would refuse, refused now where the database can be asked."""
    try:
        run.database.check_deferred(run.connection)
    except run.database.errors as error:
        _reject_as_commit_would(run, error)


def commit(run: UnderWay, state: RunState, counts: Counts) -> bool:
    """Commit what leaves the run in this state, with these counts.

    False where the answer was lost, and the journal says that the commit stood; where it did not, it raises.
    """
    try:
        run.transaction().commit()
    except Exception as error:  # noqa: BLE001  # sorted by what it means, as everything the driver raises
        _commit_failed(run, error, {"state": state, **asdict(counts)})
        return False
    return True


def _commit_failed(run: UnderWay, error: Exception, expected: Mapping[str, object]) -> None:
    trouble = run.database.trouble(error, run.connection)
    if trouble.blame is Blame.RECORD:
        _reject_as_commit_would(run, error)
    lost = run.connection.invalidated or not trouble.transaction_alive
    if run.database.is_sqlite or not lost:
        raise world_error(trouble) from error
    if not _stood_after_all(run, error, expected):
        raise TargetError("the connection was lost during a commit, which did not stand", hint=RUN_AGAIN) from error


def _stood_after_all(run: UnderWay, error: Exception, expected: Mapping[str, object]) -> bool:
    """Ask the journal, over a new connection, whether it has what a commit should have left whose answer was lost.

    Under the lock: only when the old session is gone is the answer final. Raises ``StateUncertain`` where the
    journal cannot be asked.
    """
    logs = tables(run.job.journal_prefix, run.job.schema).logs
    as_left = (logs.c[name] == value for name, value in expected.items())
    asked = sa.select(logs.c.state).where(logs.c.run_id == run.info.run_id, *as_left)
    try:
        run.connection.invalidate()
        with (
            run.database.connect() as fresh,
            run.database.lock(fresh, run_id=run.info.run_id, tables=run.places(), wait=ASKING_SECONDS),
            run.database.transaction(fresh, write=False),
        ):
            stood = fresh.execute(asked).first() is not None
    except run.database.troubles:
        raise StateUncertain(
            f"the connection was lost during the commit of run {run.info.run_id}: it stood or it did not, wholly",
            hint=f"when the server is back: validate-updates runs show {run.info.run_id} (running: it did not)",
        ) from error
    return stood


def _reject_as_commit_would(run: UnderWay, error: Exception) -> None:
    trouble = run.database.trouble(error, run.connection)
    if trouble.blame is not Blame.RECORD:
        raise world_error(trouble) from error
    raise run.rejected(remarks.refused_at_the_end(run.target, trouble)) from error
