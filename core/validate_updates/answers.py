"""What a validator may answer: findings, each checked, all counted, a bounded number kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import CoroutineType, NoneType
from typing import Final

from validate_updates import result
from validate_updates.chart import Chart
from validate_updates.criteria import Criterion, CriterionState
from validate_updates.declared import kind_of
from validate_updates.findings import Finding, KeepOut, Severity

MOST_FINDINGS: Final = 200
"""Findings kept of one call of a validator; the worst stay."""
MOST_CRITERIA: Final = 200
"""Criteria of one plugin; one that has more loops."""

_FIELDS: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("code", (str,), "text"),
    ("severity", (Severity,), "a Severity"),
    ("message", (str,), "text"),
    ("hint", (str,), "text"),
    ("table", (str, NoneType), "text"),
    ("key", (str, NoneType), "text"),
    ("column", (str, NoneType), "text"),
    ("batch", (int, NoneType), "a number"),
    ("metric", (str, NoneType), "text"),
    ("observed", (str, int, float, NoneType), "text, a number or None"),
    ("expected", (str, NoneType), "text"),
    ("runs", (tuple,), "a tuple of text"),
    ("samples", (tuple,), "a tuple of text"),
)


_FIELDS_OF_KEEP_OUT: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("row", (int,), "a number"),
    ("code", (str,), "text"),
    ("message", (str,), "text"),
    ("column", (str, NoneType), "text"),
    ("rule", (str,), "text"),
    ("table", (str, NoneType), "text"),
)


_FIELDS_OF_CRITERION: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("name", (str,), "text"),
    ("target", (str,), "text"),
    ("actual", (str,), "text"),
    ("state", (CriterionState,), "a CriterionState"),
    ("evidence", (str,), "text"),
    ("todo", (str,), "text"),
    ("runs", (tuple,), "a tuple of text"),
)


_FIELDS_OF_REPORT: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("data", (Mapping,), "a mapping"),
    ("exit_status", (int,), "a number"),
)


_FIELDS_OF_SECTION: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("title", (str,), "text"),
    ("header", (tuple,), "a tuple of text"),
    ("lines", (tuple,), "a tuple of text"),
    ("drawing", (tuple,), "a tuple of text"),
)


class Rubbish(Exception):
    """Plugin code answered with something else than promised; the text says with what."""


class Answer:
    """The findings of one call of a validator, in the order they came."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self.count = 0
        self.kept_out = 0
        """Records that it keeps out."""
        self._kept: dict[Severity, list[tuple[int, Finding]]] = {severity: [] for severity in Severity}
        for finding in findings:
            self.add(finding)

    def add(self, finding: Finding) -> None:
        """Count it, and keep it as long as there is room among its equals."""
        self.count += 1
        equals = self._kept[finding.severity]
        if len(equals) < MOST_FINDINGS:
            equals.append((self.count, finding))

    def findings(self) -> tuple[Finding, ...]:
        """At most :data:`MOST_FINDINGS`, never an info in place of a critical one; one more counts the rest."""
        worst_first = sorted(self._kept, key=lambda severity: severity.rank, reverse=True)
        kept = [one for severity in worst_first for one in self._kept[severity]][:MOST_FINDINGS]
        in_order = [finding for _, finding in sorted(kept, key=lambda one: one[0])]
        left_out = self.count - len(in_order)
        return (*in_order, _more(left_out)) if left_out else tuple(in_order)


def read_answer(returned: object, keep_out: Callable[[KeepOut], None] | None = None) -> Answer:
    """Read what a validator returned to its end. ``keep_out`` takes what it keeps out; None where it may not.

    Iterating runs plugin code, so it belongs under the guard. Raises :class:`Rubbish`, and whatever that code raises.
    """
    if isinstance(returned, CoroutineType):
        returned.close()  # never awaited, it would complain when it is thrown away
    if not isinstance(returned, Iterable):
        raise Rubbish(f"returned {kind_of(returned)}; return findings, or an empty list")
    answer = Answer()
    for item in returned:
        if isinstance(item, KeepOut) and keep_out:
            _check_fields(item, "a KeepOut", _FIELDS_OF_KEEP_OUT)
            keep_out(item)
            answer.kept_out += 1
        else:
            answer.add(checked(item))
    return answer


def checked(item: object) -> Finding:
    """``item``, which is a finding whose fields can be worked with. Raises :class:`Rubbish`."""
    if not isinstance(item, Finding):
        late = " (records are kept out at the moment records alone)" if isinstance(item, KeepOut) else ""
        raise Rubbish(f"gave {kind_of(item)} where a Finding belongs{late}")
    _check_fields(item, "a finding", _FIELDS)
    return item


def read_criteria(returned: object) -> tuple[Criterion, ...]:
    """What a plugin's criteria came to, read to the end: see :func:`read_answer`."""
    if not isinstance(returned, Iterable):
        raise Rubbish(f"returned {kind_of(returned)}; return criteria, or an empty list")
    criteria = []
    for item in returned:
        if not isinstance(item, Criterion):
            raise Rubbish(f"gave {kind_of(item)} where a Criterion belongs")
        _check_fields(item, "a criterion", _FIELDS_OF_CRITERION)
        criteria.append(item)
        if len(criteria) > MOST_CRITERIA:
            raise Rubbish(f"gave more than {MOST_CRITERIA} criteria")
    return tuple(criteria)


def read_report(returned: object) -> result.Answer:
    """What the function of a report returned: sections that can be shown, data, an exit status."""
    if not isinstance(returned, result.Answer):
        raise Rubbish(f"returned {kind_of(returned)}; return an Answer")
    if not isinstance(returned.sections, tuple):
        raise Rubbish(f"gave an Answer whose sections are {kind_of(returned.sections)}, not a tuple")
    _check_fields(returned, "an Answer", _FIELDS_OF_REPORT)
    for section in returned.sections:
        if not isinstance(section, result.Section):
            raise Rubbish(f"gave {kind_of(section)} where a Section belongs")
        _check_fields(section, "a section", _FIELDS_OF_SECTION)
        if not all(_is_texts(row) for row in section.rows):
            raise Rubbish("gave a section whose rows are not tuples of text")
        if not all(isinstance(chart, Chart) for chart in section.charts):
            raise Rubbish("gave a section whose charts are not Charts")
    return returned


def _is_texts(row: object) -> bool:
    return isinstance(row, tuple) and all(isinstance(cell, str) for cell in row)


def _check_fields(item: object, what: str, fields: Iterable[tuple[str, tuple[type, ...], str]]) -> None:
    for name, kinds, wanted in fields:
        value = getattr(item, name)
        if not isinstance(value, kinds):
            raise Rubbish(f"gave {what} whose {name} is {kind_of(value)}, not {wanted}")
        if isinstance(value, tuple) and not all(isinstance(text, str) for text in value):
            raise Rubbish(f"gave {what} whose {name} holds something else than text")


def _more(count: int) -> Finding:
    return Finding(
        code="more_findings",
        severity=Severity.INFO,
        message=f"{count} more findings of this validator are not kept",
        hint=f"a validator should sum up; of more than {MOST_FINDINGS} findings the worst are kept",
        observed=count,
    )
