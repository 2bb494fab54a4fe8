"""A criterion, judged: what is wanted of a task, what is, what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CriterionState(StrEnum):
    """What came of it."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    UNKNOWN = "not known"
    """There is not enough to go by. Never as good as a pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One of those by which a task is judged."""

    name: str
    target: str
    """What is wanted: ``at least 95 %``."""
    actual: str
    """What is; empty where that cannot be told."""
    state: CriterionState
    evidence: str
    """What it rests on: ``7 runs``, a file, a moment."""
    todo: str = ""
    """Where it is not known: what to do for it to be."""
    runs: tuple[str, ...] = ()
    """Ids of runs that speak against it."""
