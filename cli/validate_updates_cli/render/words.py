"""The phrases that all papers share: counts, durations, verdicts, evidence. And how much of each thing they show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from validate_updates.result import Counts, KeptOut, RunResult, Verdict
from validate_updates_cli.render.look import Look

if TYPE_CHECKING:
    from validate_updates.findings import Finding

FINDINGS: Final = 20
KEPT_OUT: Final = 10
CELLS: Final = 8
EXAMPLES: Final = 3
ROWS: Final = 20
MESSAGE: Final = 500
"""Characters of a sentence; most are far shorter."""
LONGEST: Final = 10_000
"""Characters of a line that is not wrapped."""


def number(value: float) -> str:
    """A count or measurement for people: ``12,345``, ``0.333333``."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def seconds(value: float) -> str:
    """A duration for people: ``0.04 s``, ``3 min 12 s``."""
    if value < 60:
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def plural(count: int, noun: str) -> str:
    """``1 check``, ``2 checks``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def verdict_words(result: RunResult) -> str:
    """``COMMITTED``; of a dry run ``WOULD BE COMMITTED``."""
    judged = {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE, Verdict.REJECTED}
    return f"{'would be ' if result.dry_run and result.verdict in judged else ''}{result.verdict}".upper()


def equation(counts: Counts) -> str:
    """``500 read = 20 inserted + 480 unchanged``: every record read is in one of the parts."""
    parts = count_parts(counts)
    text = f"{number(counts.read)} read"
    if parts:
        text += " = " + " + ".join(f"{number(count)} {what}" for count, what in parts)
    return text


def count_parts(counts: Counts) -> list[tuple[int, str]]:
    """What became of the records read, without what became of none."""
    parts = (
        (counts.inserted, "inserted"),
        (counts.updated, "updated"),
        (counts.unchanged, "unchanged"),
        (counts.duplicates, "replaced by a later record of the same key"),
        (counts.quarantined, "quarantined"),
        (counts.rolled_back, "rolled back"),
    )
    return [part for part in parts if part[0]]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Critical ones first, otherwise as they came."""
    return sorted(findings, key=lambda finding: -finding.severity.rank)


def shadow_words(look: Look, result: RunResult) -> list[str]:
    """What plugins in shadow would have decided, one sentence each; those that would have let it pass say nothing."""
    return [f"{look.text(name)} would have rejected it, were it not in shadow" for name in result.opposed_in_shadow]


def place(kept: KeptOut) -> str:
    """``day.jsonl:17``; not sanitised."""
    if kept.line is not None:
        return f"{kept.file}:{kept.line}"
    return f"{kept.file}, byte {kept.offset}" if kept.offset is not None else kept.file


def show_command(result: RunResult) -> str:
    """The command that shows all of the run; empty for a dry run, of which nothing is kept. Not sanitised."""
    return _command(result, "runs show")


def quarantine_command(result: RunResult) -> str:
    """The command that lists all that it kept out; empty for a dry run. Not sanitised."""
    return _command(result, "quarantine list --run")


def _command(result: RunResult, words: str) -> str:
    if result.dry_run:
        return ""
    bare = f"validate-updates {words} {result.run_id}"
    return next((step for step in result.next_steps if step.startswith(bare)), bare)


def evidence(look: Look, finding: Finding) -> str:
    """Where it is and how far from what was expected, on one line."""
    where = ("table", finding.table), ("key", finding.key), ("column", finding.column), ("batch", finding.batch)
    named = [f"{word} {look.text(value)}" for word, value in (*where, ("metric", finding.metric)) if value is not None]
    seen = []
    if finding.observed is not None:
        seen.append(f"observed {observed(look, finding)}")
    if finding.expected is not None:
        seen.append(f"expected {look.text(finding.expected)}")
    return ": ".join(", ".join(part) for part in (named, seen) if part)


def observed(look: Look, finding: Finding) -> str:
    """The observed value for people; not empty."""
    value = finding.observed
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return look.text(value) or "''"
