"""The summary as GitHub-flavoured Markdown, for a CI system's page or an artifact.

Values of records stand in code spans, sentences are escaped: nothing in the data becomes a link, an image, a tag or a
table of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from validate_updates.findings import Finding, Severity
from validate_updates.result import KeptOut, RunResult, Section, Verdict
from validate_updates.text import printable
from validate_updates_cli.render.look import Look
from validate_updates_cli.render.words import (
    EXAMPLES,
    FINDINGS,
    KEPT_OUT,
    MESSAGE,
    ROWS,
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
_ACTIVE: Final = re.compile(r"([\\`*_{}\[\]<>()#|~$&@:!])")
_LOOK: Final = Look()


def markdown(result: RunResult) -> str:
    """The whole document, ending in a line feed."""
    parts = (_head(result), _findings(result), _shadow(result), _kept_out(result), _sections(result), _run(result))
    return "\n".join(line for part in parts for line in part) + "\n"


def sections_markdown(sections: Iterable[Section]) -> str:
    """Sections alone."""
    return "\n".join(line for section in sections for line in _section(section)) + "\n"


def prose(value: object, limit: int = MESSAGE) -> str:
    """A sentence that may hold values of records, as text that means nothing to Markdown."""
    escaped = _ACTIVE.sub(r"\\\1", printable(value, limit))
    return re.sub(r"(?i)\bwww\.", lambda match: f"{match[0][:-1]}\\.", escaped)


def code(value: object) -> str:
    """A value as a code span, also inside a table."""
    text = printable(value)
    if not text.strip():
        return "` `"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


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
    yield from _table(("", "code", "what", "evidence"), (_finding(one) for one in worst_first(findings)[:FINDINGS]))
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
    yield from _table(("where", "code", "key", "why"), (_kept(kept) for kept in shown))
    yield from _more(total - len(shown), quarantine_command(result))


def _kept(kept: KeptOut) -> tuple[str, ...]:
    key = "" if kept.key is None else code(kept.key)
    return (code(place(kept)), code(kept.code), key, prose(kept.message))


def _sections(result: RunResult) -> Iterator[str]:
    for section in result.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"### {prose(section.title)}"
        yield ""
    if section.rows:
        header = section.header or ("",) * len(section.rows[0])
        yield from _table(
            map(prose, header), ([code(cell) if cell else "" for cell in row] for row in section.rows[:ROWS])
        )
    if section.drawing:  # indented, which nothing in a line can end
        yield from ("", *(f"    {printable(line)}" for line in section.drawing[:ROWS]), "")
    for line in section.lines[:ROWS]:
        yield f"{prose(line)}\n"


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
    yield from _table(("", ""), rows)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = list(header)
    yield _row(titles)
    yield _row("---" for _ in titles)
    for row in rows:
        yield _row(row)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _more(count: int, command: str) -> Iterator[str]:
    if count > 0:
        yield f"and {number(count)} more{f': {code(command)}' if command else ''}"
        yield ""
