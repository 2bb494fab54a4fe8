"""What a hook returns, checked: dataclasses do not look at what they are given."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from validate_updates.declarations import (
    Backtest,
    Criteria,
    Metric,
    Moment,
    Observer,
    Occasion,
    RecordSource,
    Report,
    ReportSection,
    Subcommand,
    UpdateStrategy,
    Validator,
)
from validate_updates.times import MOST_DAYS

D = TypeVar(
    "D",
    RecordSource,
    Validator,
    Metric,
    ReportSection,
    Observer,
    Subcommand,
    UpdateStrategy,
    Backtest,
    Criteria,
    Report,
)

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SOURCE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_CODE: Final[dict[type, str]] = {
    RecordSource: "read",
    Validator: "check",
    UpdateStrategy: "apply",
    Metric: "measure",
    ReportSection: "build",
    Observer: "observe",
    Subcommand: "function",
    Backtest: "replay",
    Criteria: "judge",
    Report: "build",
}
_WHEN: Final[dict[type, tuple[str, tuple[Moment | Occasion, ...]]]] = {
    Validator: ("moment", tuple(Moment)),
    Metric: ("moment", (Moment.PLAN, Moment.RESULT)),
    Observer: ("occasion", tuple(Occasion)),
}
"""The field that says when it is called, and what it may hold."""


class Broken(Exception):
    """A hook returned something else than promised; the text says what, after the hook's name."""


def sound(given: Any, kind: type[D]) -> D:
    """``given``, which is a ``kind`` whose fields can be worked with. Raises :class:`Broken`."""
    if not isinstance(given, kind):
        raise Broken(f"gave {kind_of(given)} where a {kind.__name__} belongs")
    fault = _fault(given, kind)
    if fault:
        raise Broken(f"gave a {kind.__name__} called {given.name!r} {fault}")
    return given


def _fault(given: Any, kind: type) -> str:
    pattern, signs = (_SOURCE_NAME, "_ -") if kind is RecordSource else (_NAME, "_ . -")
    if not (isinstance(given.name, str) and pattern.fullmatch(given.name)):
        return f"where a name is letters, digits and {signs}"
    if not isinstance(given.title if kind is ReportSection else given.summary, str):
        return "without a line of text to show"
    if not callable(getattr(given, _CODE[kind])):
        return f"whose {_CODE[kind]} is not a function"
    if kind in _WHEN:
        field, allowed = _WHEN[kind]
        when = getattr(given, field)
        if not any(when is one for one in allowed):  # not a text that equals one
            return f"whose {field} is not one of {', '.join(f'{type(one).__name__}.{one.name}' for one in allowed)}"
    return _fault_of_limits(given, kind)


def _fault_of_limits(given: Any, kind: type) -> str:
    if kind in {Validator, Observer, Backtest, Criteria, Report} and not _is_above_0(given.time_limit):
        return "whose time_limit is not a number of seconds above 0"
    if kind is UpdateStrategy and not (given.at_once is None or (type(given.at_once) is int and given.at_once > 0)):
        return "whose at_once is not a whole number above 0"
    if kind is Report and not (_is_above_0(given.days) and given.days <= MOST_DAYS):
        return f"whose days are not a number above 0, and at most {MOST_DAYS:,}"
    return ""


def _is_above_0(value: object) -> bool:
    return isinstance(value, int | float) and value > 0


def kind_of(value: object) -> str:
    """What to call ``value`` in a message."""
    return "None" if value is None else f"a value of type {type(value).__name__}"
