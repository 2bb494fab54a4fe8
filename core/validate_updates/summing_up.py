"""The last words of a run: why this verdict, what the plugins add to the summary, and what to type next."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from validate_updates.findings import Finding, Severity
from validate_updates.guard import guarded
from validate_updates.result import RunResult, Section, Verdict

if TYPE_CHECKING:
    from validate_updates.job import Job
    from validate_updates.manager import Plugins

SECTION_SECONDS = 10.0
"""Time limit of one plugin's section."""


def reason_for(result: RunResult) -> str:
    """One sentence on why an update that stands does."""
    counts = result.counts
    would = "would be " if result.dry_run else ""
    if not counts.read:
        return "the source has no records; there is nothing to do"
    written = counts.inserted + counts.updated + counts.deleted
    kept_out = f"; {counts.quarantined} of {counts.read} records are kept out" if counts.quarantined else ""
    if counts.quarantined == counts.read:
        return "nothing to write: every record is kept out"
    if not written:
        return f"nothing to write: the target has it all already{kept_out}"
    parts = [(counts.inserted, "added"), (counts.updated, "changed"), (counts.deleted, "deleted")]
    said = ", ".join(f"{count} {would}{word}" for count, word in parts if count)
    return f"{said}; nothing critical was found{kept_out}"


def sections_of(plugins: Plugins, result: RunResult) -> tuple[tuple[Section, ...], tuple[Finding, ...]]:
    """The plugins' parts of the summary; a section that cannot be built becomes a warning."""
    sections: list[Section] = []
    findings: list[Finding] = []
    for owned in plugins.sections:
        outcome = guarded(lambda build=owned.item.build: build(result), limit=SECTION_SECONDS)  # type: ignore[misc]
        if outcome.problem is None and isinstance(outcome.value, Section):
            sections.append(outcome.value)
        elif outcome.problem is not None or outcome.value is not None:
            what = outcome.problem.message if outcome.problem else "is not a Section"
            findings.append(
                Finding(
                    code="section_failed",
                    severity=Severity.WARNING,
                    message=f"the section {owned.item.name} could not be built: it {what}",
                    plugin=owned.plugin,
                    hint="the outcome of the run is not affected",
                )
            )
    return tuple(sections), tuple(findings)


def next_steps(result: RunResult, job: Job) -> tuple[str, ...]:
    """Commands to type next; none for a job from Python."""
    if not job.command:
        return ()
    stands = result.verdict.stands
    again, plan = ("quarantine replay", "quarantine replay --dry-run") if job.replay else ("run", "plan")
    if result.dry_run:
        return (f"validate-updates {again} {job.command}",) if stands else ()
    if result.verdict is Verdict.COMMITTED and result.worst() in {None, Severity.INFO}:
        return ()
    where = _where(job)
    show = f"validate-updates runs show {result.run_id}{where}"
    quarantine = f"validate-updates quarantine list --run {result.run_id}{where}"
    kept_out = (quarantine,) if result.counts.quarantined else ()
    return (*kept_out, show) if stands else (show, *kept_out, f"validate-updates {plan} {job.command}")


def _where(job: Job) -> str:
    """The options by which another command finds the same database; begins with a space unless it is empty."""
    words = shlex.split(job.command)
    given = dict(pairwise(words))
    options = (
        ("--task", given.get("--task") or (job.task if words[0] == job.task else None)),
        ("--target", str(job.target) if "--target" in given else None),
        ("--schema", given.get("--schema")),
    )
    return "".join(f" {name} {shlex.quote(value)}" for name, value in options if value)
