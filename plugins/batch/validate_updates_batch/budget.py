"""The failure budget: a feed that is mostly broken must not half-land."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from validate_updates import Finding, Severity

if TYPE_CHECKING:
    from validate_updates_batch.settings import Limit


@lru_cache(maxsize=8)  # asked after every group of batches
def allowed(limit: Limit, total: int) -> int:
    """How many of ``total`` the limit lets pass. A share always allows one: one of three is no broken feed."""
    if isinstance(limit, int):
        return limit
    share = Fraction(limit.rstrip("% ")) / 100
    return max(int(total * share), 1 if share else 0)


def too_many_kept_out(kept_out: int, read: int, limit: Limit) -> Finding | None:
    """The finding that rejects the update; None within the budget."""
    if kept_out <= allowed(limit, read):
        return None
    return Finding(
        code="too_many_quarantined",
        severity=Severity.CRITICAL,
        message=f"{kept_out} of {read} records had to be kept out: too many for the rest to stand",
        observed=kept_out,
        expected=f"at most {limit}",
        hint="look at the records kept out; if the rest should stand, raise max_quarantined in [plugins.batch]",
    )


def too_many_failed(failed: int, planned: int, limit: Limit) -> Finding | None:
    """The finding that rejects the update; None within the budget."""
    if failed <= allowed(limit, planned):
        return None
    return Finding(
        code="too_many_failed_batches",
        severity=Severity.CRITICAL,
        message=f"{failed} of {planned} batches could not be written at all: too many for the rest to stand",
        observed=failed,
        expected=f"at most {limit}",
        hint="look at the records kept out; if the rest should stand, raise max_failed_batches in [plugins.batch]",
    )
