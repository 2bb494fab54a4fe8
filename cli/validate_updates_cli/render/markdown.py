"""The summary as GitHub-flavoured Markdown, for a CI system's page or an artifact.

Values of records stand in code spans, sentences are escaped: nothing in the data becomes a link, an image, a tag or a
table of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from validate_updates.findings import Finding, Severity
from validate_updates.markdown import code, prose, section_lines, table
from validate_updates.result import KeptOut, RunResult, Verdict
from validate_updates_cli.render.look import Look
from validate_updates_cli.render.words import (
    EXAMPLES,
    FINDINGS,
    KEPT_OUT,
    equation,
    number,
    observed,
    place,
    plural,
    quarantine_command,
    seconds,
    shadow_words,
    show_command,
    verdict_words,
    worst_first,
)

_MARKS: Final = {
    Verdict.COMMITTED: "✅",
    Verdict.COMMITTED_WITH_QUARANTINE: "⚠️",
    Verdict.INTERRUPTED: "⚠️",
}
_SEVERITIES: Final = {Severity.CRITICAL: "❌ critical", Severity.WARNING: "⚠️ warning", Severity.INFO: "info"}
_LOOK: Final = Look()


def markdown(result: RunResult) -> str:
    """The whole document, ending in a line feed."""
    parts = (_head(result), _findings(result), _shadow(result), _kept_out(result), _sections(result), _run(result))
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(result: RunResult) -> Iterator[str]:
    counts = result.counts
    yield f"## {_MARKS.get(result.verdict, '❌')} {verdict_words(result)}: {prose(result.task or result.table)}"
    yield ""
    yield prose(result.reason)
    yield ""
    yield f"**{equation(counts)}**"
    if not counts.add_up:
        yield f"\nThese do not add up: {number(counts.parts)} of {number(counts.read)} are accounted for."
    if counts.deleted:
        yield f"\n{plural(counts.deleted, 'row')} deleted that the source no longer has."
    yield ""


def _findings(result: RunResult) -> Iterator[str]:
    if not result.findings:
        return
    yield "### Findings"
    yield ""
    yield from _said(result, result.findings)


def _shadow(result: RunResult) -> Iterator[str]:
    if not result.shadow:
        return
    yield "### In shadow: this decided nothing"
    yield ""
    for words in shadow_words(_LOOK, result):
        yield f"{prose(words)}.\n"
    yield from _said(result, result.shadow)


def _said(result: RunResult, findings: Sequence[Finding]) -> Iterator[str]:
    yield from table(("", "code", "what", "evidence"), (_finding(one) for one in worst_first(findings)[:FINDINGS]))
    yield from _more(len(findings) - FINDINGS, show_command(result))


def _finding(finding: Finding) -> tuple[str, ...]:
    message = prose(finding.message)
    if finding.hint:
        message += f"<br>→ {prose(finding.hint)}"
    return (_SEVERITIES[finding.severity], code(finding.code), message, "<br>".join(_evidence(finding)))


def _evidence(finding: Finding) -> Iterator[str]:
    named = ("table", finding.table), ("key", finding.key), ("column", finding.column), ("batch", finding.batch)
    for word, value in (*named, ("metric", finding.metric), ("expected", finding.expected)):
        if value is not None:
            yield f"{word} {code(value)}"
    if finding.observed is not None:
        yield f"observed {code(observed(_LOOK, finding))}"
    for sample in finding.samples[:EXAMPLES]:
        yield f"for example {code(sample)}"


def _kept_out(result: RunResult) -> Iterator[str]:
    if not result.kept_out:
        return
    total = max(result.counts.quarantined, len(result.kept_out))
    yield f"### Quarantined: {plural(total, 'record')}"
    yield ""
    shown = result.kept_out[:KEPT_OUT]
    yield from table(("where", "code", "key", "why"), (_kept(kept) for kept in shown))
    yield from _more(total - len(shown), quarantine_command(result))


def _kept(kept: KeptOut) -> tuple[str, ...]:
    key = "" if kept.key is None else code(kept.key)
    return (code(place(kept)), code(kept.code), key, prose(kept.message))


def _sections(result: RunResult) -> Iterator[str]:
    for section in result.sections:
        yield from section_lines(section)


def _run(result: RunResult) -> Iterator[str]:
    yield "### Run"
    yield ""
    checks = plural(len(result.judged), "check")
    plugins = ", ".join(dict.fromkeys(prose(one.plugin) for one in result.judged))
    rows = [
        ("id", code(result.run_id)),
        ("judged by", f"{checks} of {plugins}" if result.judged else "no check: nothing was judged"),
        ("started, took", f"{result.started_at:%Y-%m-%d %H:%M:%S} UTC, {seconds(result.seconds)}"),
        ("source", code(result.source)),
        ("target", f"{code(result.target)} table {code(result.table)}"),
    ]
    if result.rows_before is not None and result.rows_after is not None:
        rows.append(("rows", f"{number(result.rows_before)} → {number(result.rows_after)}"))
    yield from table(("", ""), rows)


def _more(count: int, command: str) -> Iterator[str]:
    if count > 0:
        yield f"and {number(count)} more{f': {code(command)}' if command else ''}"
        yield ""
