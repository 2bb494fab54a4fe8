"""The result as JUnit XML, which CI systems show as tests: one test case a validator, and one for the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from validate_updates.findings import Finding, Severity
from validate_updates.modes import Mode
from validate_updates.result import Judged, RunResult
from validate_updates.text import printable
from validate_updates_cli.render.look import Look
from validate_updates_cli.render.words import FINDINGS, MESSAGE, equation, evidence

_LOOK: Final = Look()


def junit(result: RunResult) -> str:
    """The XML document. Only critical findings and checks that could not run fail their case."""
    suite = ET.Element(
        "testsuite", name=printable(result.task or result.table), timestamp=f"{result.started_at:%Y-%m-%dT%H:%M:%S}"
    )
    suite.append(_verdict(result))
    for check in result.judged:
        suite.append(_case(check, _of(check, (*result.findings, *result.shadow))))
    known = {(check.plugin, check.validator) for check in result.judged}
    for findings, shadow in ((result.findings, False), (result.shadow, True)):
        others = [finding for finding in findings if (finding.plugin, finding.validator) not in known]
        for finding in others[:FINDINGS]:
            case = _element(_name(finding.plugin, shadow=shadow), finding.validator or finding.code)
            _report(case, [finding], shadow=shadow)
            suite.append(case)
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(1 for _ in suite.iter(tag))))
    suite.set("time", f"{result.seconds:.3f}")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _verdict(result: RunResult) -> ET.Element:
    case = _element("update", "verdict", result.seconds)
    if not result.verdict.stands:
        _child(case, "failure", f"{result.verdict}: {result.reason}", kind=result.verdict.value)
    _child(case, "system-out", equation(result.counts))
    return case


def _case(check: Judged, findings: list[Finding]) -> ET.Element:
    shadow = check.mode is Mode.SHADOW
    case = _element(_name(check.plugin, shadow=shadow), f"{check.validator} ({check.moment})", check.seconds)
    if check.outcome == "not checked":
        ET.SubElement(case, "skipped", message="not checked")
    if check.outcome == "failed" and not findings:
        _child(case, "system-out" if shadow else "error", "the check could not be run", kind="failed")
    _report(case, findings, shadow=shadow)
    return case


def _name(plugin: str, *, shadow: bool) -> str:
    return f"{plugin} (shadow)" if shadow else plugin or "engine"


def _report(case: ET.Element, findings: Iterable[Finding], *, shadow: bool) -> None:
    """What a plugin in shadow said fails nothing."""
    for finding in findings:
        critical = finding.severity is Severity.CRITICAL
        tag = "failure" if critical and not shadow else "system-out"
        severity = "would have rejected the update" if critical and shadow else finding.severity
        lines = [f"{severity}: {finding.message}", evidence(_LOOK, finding), finding.hint]
        _child(case, tag, "\n".join(line for line in lines if line), kind=finding.code)


def _of(check: Judged, findings: Iterable[Finding]) -> list[Finding]:
    mine = [one for one in findings if (one.plugin, one.validator) == (check.plugin, check.validator)]
    return mine[:FINDINGS]


def _element(plugin: str, name: str, seconds: float = 0.0) -> ET.Element:
    return ET.Element("testcase", classname=printable(plugin), name=printable(name), time=f"{seconds:.3f}")


def _child(case: ET.Element, tag: str, text: str, *, kind: str = "") -> None:
    clean = "\n".join(printable(line, MESSAGE) for line in text.split("\n"))
    child = ET.SubElement(case, tag)
    if tag != "system-out":
        child.set("message", clean.split("\n", 1)[0])
        child.set("type", printable(kind))
    child.text = clean
