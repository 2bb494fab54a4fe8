"""``gate check`` and ``gate template``, as they are typed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

from validate_updates import Desk, UsageError, as_window, printable
from validate_updates_gates.case import Case

Task = Annotated[str, "the task; the only one of the settings unless named"]
Days = Annotated[float, "how far back to look"]
Time = Annotated[str, "counts as now: 2024-05-01T06:00Z"]
Files = Annotated[list[str] | None, "a file of evidence; repeatable"]


def known(gate: str, gates: Collection[str]) -> str:
    """The gate, which is one of these. Raises ``UsageError``."""
    if gate not in gates:
        raise UsageError(f"there is no gate {printable(gate, 60)!r} here", hint=f"one of {', '.join(gates)}")
    return gate


def case(
    desk: Desk,
    task: str,
    days: float,
    as_of: str,
    *,
    junit: Iterable[str] | None = None,
    benchmarks: Iterable[str] | None = None,
    evaluation: Iterable[str] | None = None,
    dry_runs: Iterable[str] | None = None,
) -> Case:
    """What was typed, as a case. Raises ``UsageError``."""
    since, until = as_window(days, as_of)
    return Case(
        task=_task(desk, task),
        since=since,
        until=until,
        junit=_paths(junit),
        benchmarks=_paths(benchmarks),
        evaluation=_paths(evaluation),
        dry_runs=_paths(dry_runs),
    )


def _task(desk: Desk, task: str) -> str:
    if task:
        return task
    if len(desk.tasks) != 1:
        raise UsageError("which task? --task NAME", hint=f"tasks: {', '.join(desk.tasks) or 'none'}")
    return desk.tasks[0]


def _paths(files: Iterable[str] | None) -> tuple[Path, ...]:
    return tuple(map(Path, dict.fromkeys(files or ())))
