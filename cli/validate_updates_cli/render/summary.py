"""The summary of one run for people: the verdict first, then what it rests on, then what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.text import Text

from validate_updates.findings import Finding, Severity
from validate_updates.modes import Mode
from validate_updates.result import Change, Judged, KeptOut, RunResult, Section, Verdict
from validate_updates_cli.render.look import Look
from validate_updates_cli.render.page import Page, joined
from validate_updates_cli.render.words import (
    CELLS,
    EXAMPLES,
    FINDINGS,
    KEPT_OUT,
    LONGEST,
    MESSAGE,
    ROWS,
    count_parts,
    equation,
    evidence,
    number,
    place,
    plural,
    quarantine_command,
    seconds,
    shadow_words,
    show_command,
    verdict_words,
    worst_first,
)

_GOOD, _BAD, _MIXED = ("✔", "+", "bold green"), ("✖", "x", "bold red"), ("!", "!", "bold yellow")
_SIGNS: Final = {
    Verdict.COMMITTED: _GOOD,
    Verdict.COMMITTED_WITH_QUARANTINE: _MIXED,
    Verdict.REJECTED: _BAD,
    Verdict.REFUSED: _BAD,
    Verdict.FAILED: _BAD,
    Verdict.INTERRUPTED: _MIXED,
    Verdict.ROLLED_BACK: _BAD,
}
_SEVERITIES: Final = {
    Severity.CRITICAL: ("✖", "x", "red"),
    Severity.WARNING: ("!", "!", "yellow"),
    Severity.INFO: ("·", "-", "cyan"),
}
_ACTIONS: Final = {"insert": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}


def summary(
    result: RunResult, look: Look, *, verbose: bool = False, whole: bool = False, state: str = ""
) -> list[Text]:
    """The whole page. ``verbose`` adds every check, the changes of a real run, timings and metrics.

    ``whole``: all findings and records kept out that the result holds. ``state`` stands in place of the verdict, where
    the run has none yet, or no longer.
    """
    page = Page(look)
    _verdict(page, result, state)
    _counts(page, result)
    _judged(page, result, verbose=verbose)
    _findings(page, result, whole=whole, verbose=verbose)
    _shadow(page, result, whole=whole, verbose=verbose)
    _kept_out(page, result, whole=whole, verbose=verbose)
    if verbose or result.dry_run:
        _changes(page, result)
    for section in result.sections:
        _section(page, section)
    _run(page, result, verbose=verbose)
    _next(page, result)
    return page.lines


def one_line(result: RunResult, look: Look) -> Text:
    """The run on one line, for ``--quiet``."""
    task = look.text(result.task or result.table)
    rest = f"{task}: {equation(result.counts)} (run {look.text(result.run_id)})"
    return joined([_verdict_text(result, look), Text(rest)], " ")


def answer_page(answer: object, look: Look) -> list[Text]:
    """What a command answers: a section, or lines of text; None is no lines."""
    page = Page(look)
    if isinstance(answer, Section):
        _section(page, answer)
    elif answer is not None:
        for line in str(answer).split("\n"):
            page.verbatim(look.text(line, LONGEST), indent=0)
    return page.lines


def answer_pages(answers: Iterable[object], look: Look) -> list[Text]:
    """Several of them, one below the other."""
    return [line for one in answers for line in answer_page(one, look)]


def _sign(sign: tuple[str, str, str], words: str, look: Look) -> Text:
    fancy, plain, style = sign
    return Text(f"{plain if look.ascii else fancy} {words}", style=style)


def _verdict_text(result: RunResult, look: Look, state: str = "") -> Text:
    words = verdict_words(result) if state in {"", result.verdict} else state.upper()
    return _sign(_SIGNS[result.verdict], words, look)


def _verdict(page: Page, result: RunResult, state: str) -> None:
    look = page.look
    task = Text(look.text(result.task or result.table), style="bold")
    line = joined([_verdict_text(result, look, state), task], "  ")
    if result.dry_run:
        line.append("  dry run: nothing was written", style="dim")
    page.put(line, indent=0)
    page.put(look.text(result.reason, MESSAGE))


def _counts(page: Page, result: RunResult) -> None:
    counts = result.counts
    page.blank()
    line = equation(counts)
    if len(line) <= page.look.width - 2:
        page.put(line)
    else:
        signs = ["=", *["+"] * 5]
        parts = [(sign, number(count), what) for sign, (count, what) in zip(signs, count_parts(counts), strict=False)]
        page.table([("", number(counts.read), "read"), *parts], right={1})
    if not counts.add_up:
        page.put(
            Text(f"These do not add up: {number(counts.parts)} of {number(counts.read)} are accounted for.", "red")
        )
    if counts.deleted:
        page.put(f"{plural(counts.deleted, 'row')} deleted that the source no longer has")
    if result.rows_before is not None and result.rows_after is not None:
        after = (
            f" {page.look.arrow} {number(result.rows_after)}"
            if result.rows_after != result.rows_before
            else ", as before"
        )
        page.put(f"rows of {page.look.text(result.table)}: {number(result.rows_before)}{after}")


def _judged(page: Page, result: RunResult, *, verbose: bool) -> None:
    page.heading("Judged by")
    if not result.judged:
        page.put(Text("no check: nothing was judged", style="yellow"))
        return
    by_plugin = sorted(result.judged, key=lambda one: one.plugin)
    groups = [(name, list(checks)) for name, checks in groupby(by_plugin, key=lambda one: one.plugin)]
    if verbose:
        for name, checks in groups:
            shadow = "  in shadow" if _in_shadow(checks) else ""
            page.put(Text(page.look.text(name), style="bold").append(shadow, style="dim"))
            page.table([_check_row(page.look, check) for check in checks], indent=4, right={3})
        return
    said = (*result.findings, *result.shadow)
    page.table([_plugin_row(page.look, name, checks, said) for name, checks in groups], right={2})


def _plugin_row(look: Look, name: str, checks: Sequence[Judged], findings: Iterable[Finding]) -> tuple[Text | str, ...]:
    severities = Counter(finding.severity for finding in findings if finding.plugin == name)
    outcomes = Counter(check.outcome for check in checks)
    said: list[Text | str] = [
        Text(_how_many(severities[severity], severity), style=_SEVERITIES[severity][2])
        for severity in (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
        if severities[severity]
    ]
    said += [Text(f"{outcomes[word]} {word}", style="yellow") for word in ("failed", "not checked") if outcomes[word]]
    took = seconds(sum(check.seconds for check in checks))
    found = joined(said) if said else Text("passed", style="green")
    shadow = Text("in shadow: " if _in_shadow(checks) else "", style="dim")
    return (look.text(name), plural(len(checks), "check"), took, shadow.append_text(found))


def _in_shadow(checks: Iterable[Judged]) -> bool:
    return any(check.mode is Mode.SHADOW for check in checks)


def _how_many(count: int, severity: Severity) -> str:
    return plural(count, severity) if severity is Severity.WARNING else f"{count} {severity}"


def _check_row(look: Look, check: Judged) -> tuple[Text | str, ...]:
    outcome = plural(check.findings, "finding") if check.outcome == "found" else check.outcome
    style = {"passed": "green", "found": "yellow", "failed": "red"}.get(check.outcome, "yellow")
    styled = Text(look.text(outcome), style=style)
    return (
        look.text(check.validator),
        look.text(check.moment),
        styled,
        seconds(check.seconds),
        look.text(check.summary),
    )


def _findings(page: Page, result: RunResult, *, whole: bool, verbose: bool) -> None:
    if not result.findings:
        return
    page.heading("Findings")
    _said(page, result, result.findings, whole=whole, verbose=verbose)


def _shadow(page: Page, result: RunResult, *, whole: bool, verbose: bool) -> None:
    """What decided nothing, apart from what did."""
    if not result.shadow:
        return
    page.heading("In shadow: this decided nothing")
    for words in shadow_words(page.look, result):
        page.put(Text(words, style="yellow"))
    _said(page, result, result.shadow, whole=whole, verbose=verbose)


def _said(page: Page, result: RunResult, findings: Sequence[Finding], *, whole: bool, verbose: bool) -> None:
    worst = worst_first(findings)
    shown = worst if whole else worst[:FINDINGS]
    for finding in shown:
        (_note if finding.severity is Severity.INFO and not verbose else _finding)(page, finding)
    _more(page, len(worst) - len(shown), result, whole=whole)


def _note(page: Page, finding: Finding) -> None:
    """One that weighs nothing, without its evidence."""
    said = Text(page.look.text(finding.message, MESSAGE)).append(f"  {_said_by(page.look, finding)}", style="dim")
    page.put(said, lead=_sign(_SEVERITIES[Severity.INFO], "", page.look))


def _said_by(look: Look, finding: Finding) -> str:
    """``plugin.check``; the plugin alone where the check is named as what it found."""
    check = "" if finding.validator == finding.code else finding.validator
    return ".".join(look.text(name) for name in (finding.plugin, check) if name)


def _finding(page: Page, finding: Finding) -> None:
    look = page.look
    said_by = _said_by(look, finding)
    head = _sign(_SEVERITIES[finding.severity], f"{finding.severity}  {look.text(finding.code)}", look)
    page.put(head.append(f"  {said_by}" if said_by else "", style="dim"))
    page.put(look.text(finding.message, MESSAGE), indent=4)
    about = evidence(look, finding)
    if about:
        page.put(about, indent=4)
    if finding.runs:
        shown = ", ".join(look.text(run) for run in finding.runs[:EXAMPLES])
        rest = len(finding.runs) - EXAMPLES
        page.put(f"{shown}{f' and {rest} more' if rest > 0 else ''}", indent=4, lead="compared with ")
    if finding.samples:
        page.put("; ".join(look.text(sample) for sample in finding.samples[:EXAMPLES]), indent=4, lead="for example ")
    if finding.hint:
        page.put(look.text(finding.hint, MESSAGE), indent=4, lead=f"{look.arrow} ")


def _kept_out(page: Page, result: RunResult, *, whole: bool, verbose: bool) -> None:
    if not result.kept_out:
        return
    total = max(result.counts.quarantined, len(result.kept_out))
    page.heading(f"Quarantined: {plural(total, 'record')}")
    shown = result.kept_out if whole else result.kept_out[:KEPT_OUT]
    for kept in shown:
        _kept(page, kept, verbose=verbose)
    if total > len(shown):
        command = quarantine_command(result)
        more = f": {page.look.text(command, MESSAGE)}" if command else ""
        page.put(f"and {number(total - len(shown))} more{more}")


def _kept(page: Page, kept: KeptOut, *, verbose: bool) -> None:
    look = page.look
    page.put(Text(look.text(place(kept)) or "record").append(f"  {look.text(kept.code)}", style="yellow"))
    key = f"{look.text(kept.key)}: " if kept.key else ""
    page.put(f"{key}{look.text(kept.message, MESSAGE)}", indent=4)
    if verbose:
        about = ("column", kept.column), ("constraint", kept.constraint or None), ("batch", kept.batch)
        page.put(", ".join(f"{word} {look.text(value)}" for word, value in about if value is not None), indent=4)
        page.put(Text(look.text(kept.record, MESSAGE), style="dim"), indent=4)


def _changes(page: Page, result: RunResult) -> None:
    if not result.changes:
        return
    counts = result.counts
    total = counts.inserted + counts.updated + counts.deleted + counts.rolled_back
    shown = len(result.changes)
    page.heading("Changes" + (f": {shown} of {number(total)}" if total > shown else ""))
    for change in result.changes:
        _change(page, change)


def _change(page: Page, change: Change) -> None:
    look = page.look
    sign, style = _ACTIONS.get(change.action, ("?", ""))
    what = f"{look.text(change.table)} {look.text(change.key)}" if change.table else look.text(change.key)
    page.put(Text(f"{sign} {look.text(change.action)}", style=style).append(f"  {what}", style="default"))
    rows: list[Sequence[Text | str]] = []
    for cell in change.cells[:CELLS]:
        new = _cell(look, cell.new)
        pair = joined([_cell(look, cell.old), new], f" {look.arrow} ") if change.action == "update" else new
        rows.append((look.text(cell.column), pair))
    page.table(rows, indent=6)
    if len(change.cells) > CELLS:
        page.put(f"and {plural(len(change.cells) - CELLS, 'column')} more", indent=6)


def _cell(look: Look, value: str | None) -> Text:
    return Text("null", style="dim italic") if value is None else Text(look.text(value, 60) or "''")


def _section(page: Page, section: Section) -> None:
    look = page.look
    page.heading(look.text(section.title))
    rows: list[list[Text | str]] = [[look.text(cell) for cell in row] for row in section.rows[:ROWS]]
    if section.header:
        rows.insert(0, [Text(look.text(cell), style="dim") for cell in section.header])
    page.table(row for row in rows if row)
    if len(section.rows) > ROWS:
        page.put(f"and {plural(len(section.rows) - ROWS, 'row')} more")
    if section.drawing:
        page.blank()
    for line in section.drawing[:ROWS]:
        page.verbatim(look.text(line))
    if section.drawing:
        page.blank()
    for line in section.lines[:ROWS]:
        page.put(look.text(line, MESSAGE))


def _run(page: Page, result: RunResult, *, verbose: bool) -> None:
    look = page.look
    page.heading("Run")
    started = f"{result.started_at:%Y-%m-%d %H:%M:%S} UTC"
    target = [look.text(result.target), f"table {look.text(result.table)}"]
    if result.key:
        target.append(f"key {', '.join(look.text(column) for column in result.key)}")
    rows = [
        ("id", f"{look.text(result.run_id)}, started {started}, took {seconds(result.seconds)}"),
        ("source", look.text(result.source, MESSAGE)),
        ("target", ", ".join(target)),
        ("strategy", look.text(result.strategy)),
    ]
    if result.recovered:
        rows.append(("found dead", ", ".join(look.text(run) for run in result.recovered)))
    if verbose:
        rows += _details(look, result)
    page.table([(Text(name, style="dim"), value) for name, value in rows])


def _details(look: Look, result: RunResult) -> list[tuple[str, str]]:
    plugins = (
        f"{look.text(one.name)} ({look.text(one.distribution)} {look.text(one.version)})"
        + (" in shadow" if one.mode is Mode.SHADOW else "")
        for one in result.plugins
    )
    timings = (f"{look.text(stage)} {seconds(took)}" for stage, took in result.timings)
    metrics = (f"{look.text(name)} {number(value)}" for name, value in sorted(result.metrics.items()))
    details = ("plugins", ", ".join(plugins)), ("timings", ", ".join(timings)), ("metrics", ", ".join(metrics))
    return [detail for detail in details if detail[1]]


def _next(page: Page, result: RunResult) -> None:
    if not result.next_steps:
        return
    page.heading("Next")
    for step in result.next_steps:
        page.verbatim(page.look.text(step, MESSAGE))


def _more(page: Page, count: int, result: RunResult, *, whole: bool) -> None:
    if count > 0:
        command = "" if whole else show_command(result)
        page.put(f"and {number(count)} more{f': {page.look.text(command, MESSAGE)}' if command else ''}")
