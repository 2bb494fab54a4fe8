"""Rolling back, as the tests ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from validate_updates.job import DeletePolicy, Deletes
from validate_updates.secret import SecretUrl
from validate_updates.undo.rollback import Rollback, roll_back

if TYPE_CHECKING:
    from tests.core.engine.target import Target
    from validate_updates.undo.result import RollbackResult

DELETING = DeletePolicy(mode=Deletes.MISSING, most_rows=10**6, most_percent=100)


def taken_back(target: Target, run: str = "last", **options: Any) -> RollbackResult:
    """Roll back a run of a target."""
    return roll_back(Rollback(target=SecretUrl(target.url), run=run, **options))
