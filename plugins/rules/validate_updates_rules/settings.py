"""The rules as settings: the table ``[plugins.rules]``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from validate_updates import Pattern, PluginSettings
from validate_updates_rules.days import read_day, read_layout
from validate_updates_rules.expressions import problem_of


class Weight(StrEnum):
    """What becomes of a record that breaks a rule."""

    CRITICAL = "critical"
    """It goes to quarantine."""
    WARNING = "warning"
    """It passes, and a finding tells."""


class Constraints(StrEnum):
    """What becomes of a record that the table's own constraints forbid."""

    CRITICAL = "critical"
    WARNING = "warning"
    OFF = "off"
    """The database finds it."""


class Type(StrEnum):
    """What a text can be read as."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    UUID = "uuid"


COMPARISON: Final = re.compile(r"\s*(?P<sign><=|>=|<>|!=|=|<|>)\s*(?P<column>\S.*?)\s*", re.DOTALL)
"""``>= starts_on``."""
REFERENCE: Final = re.compile(r"\s*(?P<table>.+?)\.(?P<columns>[^.]+?)\s*", re.DOTALL)
"""``witnesses.full_name,organization``."""

CHECKS: Final = (
    *("required", "type", "allowed", "min", "max", "min_length", "max_length", "pattern"),
    *("date_format", "earliest", "latest", "unique", "exists", "compare", "sql"),
)
"""Settings that make a rule a rule."""
_OF_SEVERAL: Final = {"unique", "exists", "sql"}


class Rule(PluginSettings, frozen=True, kw_only=True):
    """What must hold for a column, or for a record. What has no value passes every check but ``required``."""

    name: Annotated[
        str, Meta(max_length=60, description="what findings call it; made of the column and the check unless given")
    ] = ""
    table: Annotated[str, Meta(description="the table it is about; that of the records unless given")] = ""
    column: Annotated[str, Meta(description="the column it is about")] = ""
    columns: Annotated[tuple[str, ...], Meta(description="several, for unique and exists")] = ()
    severity: Annotated[
        Weight, Meta(description="critical: the record goes to quarantine; warning: it passes with a finding")
    ] = Weight.CRITICAL
    message: Annotated[str, Meta(max_length=200, description="what to say of a record that breaks it")] = ""
    required: Annotated[bool, Meta(description="there is a value, and of a text more than blanks")] = False
    type: Annotated[Type | None, Meta(description="what a text must be readable as")] = None
    allowed: Annotated[tuple[str | int | float | bool, ...], Meta(description="the values that may be")] = ()
    min: Annotated[int | float | None, Meta(description="the smallest number")] = None
    max: Annotated[int | float | None, Meta(description="the largest number")] = None
    min_length: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="fewest characters")] = None
    max_length: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="most characters")] = None
    pattern: Annotated[str, Meta(description="what the whole text must fit")] = ""
    date_format: Annotated[str, Meta(description="how a text writes a date: %d.%m.%Y")] = ""
    earliest: Annotated[str, Meta(description="first day: 2015-01-01, today, today - 2 years")] = ""
    latest: Annotated[str, Meta(description="last day, written likewise")] = ""
    unique: Annotated[bool, Meta(description="no other record of the update has the same")] = False
    exists: Annotated[str, Meta(description="where the value must be found: committees.system_code")] = ""
    compare: Annotated[str, Meta(description="how it compares with another column: >= starts_on")] = ""
    sql: Annotated[str, Meta(description="an SQL expression over the columns that must be true")] = ""

    def __post_init__(self) -> None:
        """Refuse a rule that could never be checked."""
        problem = next(_problems(self), "")
        if problem:
            raise ValueError(problem)

    @property
    def checks(self) -> tuple[str, ...]:
        """The settings that say what must hold."""
        return tuple(
            name for name in CHECKS if getattr(self, name) not in {None, "", (), False} or _is_zero(self, name)
        )

    @property
    def about(self) -> tuple[str, ...]:
        """The columns it is about."""
        return (self.column,) if self.column else self.columns


def _is_zero(rule: Rule, name: str) -> bool:
    """0 is a bound like any other, and equal to False."""
    return name in {"min", "max", "min_length", "max_length"} and getattr(rule, name) is not None


def _problems(rule: Rule) -> Iterator[str]:
    checks = set(rule.checks)
    if not checks:
        yield f"it checks nothing: give at least one of {', '.join(CHECKS)}"
    if rule.column and rule.columns:
        yield "give column or columns, not both"
    if rule.columns and checks - _OF_SEVERAL:
        yield f"columns is for unique and exists, not for {min(checks - _OF_SEVERAL)}: give column"
    if checks != {"sql"} and not rule.about:
        yield "it needs a column"
    yield from _bounds(rule)
    yield from _texts(rule)


def _bounds(rule: Rule) -> Iterator[str]:
    numbers = [number for number in (rule.min, rule.max, *rule.allowed) if isinstance(number, float)]
    if not all(map(math.isfinite, numbers)):
        yield "numbers must be finite"
    whole = (rule.min, rule.max, rule.min_length, rule.max_length, *rule.allowed)
    beyond = [number for number in whole if isinstance(number, int) and not -(2**63) <= number < 2**63]
    if beyond:
        yield f"{beyond[0]} is beyond 64 bits"
    for low, high in (("min", "max"), ("min_length", "max_length")):
        least, most = getattr(rule, low), getattr(rule, high)
        if least is not None and most is not None and least > most:
            yield f"{low} must not be more than {high}"


def _texts(rule: Rule) -> Iterator[str]:
    """What is read from texts, each by its own reader, whose ``ValueError`` says what is wrong."""
    if rule.pattern:
        Pattern(rule.pattern)
    if rule.date_format:
        read_layout(rule.date_format)
    first, last = (read_day(day).fixed if day else None for day in (rule.earliest, rule.latest))
    if first and last and first > last:
        yield "earliest must not be after latest"
    if rule.compare and not COMPARISON.fullmatch(rule.compare):
        yield f"compare is a sign and a column, as in '>= starts_on', not {rule.compare!r}"
    if rule.exists:
        reference = REFERENCE.fullmatch(rule.exists)
        if reference is None:
            yield f"exists is a table and its columns, as in 'committees.system_code', not {rule.exists!r}"
        elif (theirs := len(reference["columns"].split(","))) != len(rule.about):
            yield f"exists names {theirs} columns, and the rule is about {len(rule.about)}"
    problem = problem_of(rule.sql) if rule.sql else ""
    if problem:
        yield f"sql is one expression; {problem}"


class RulesSettings(PluginSettings, frozen=True, kw_only=True):
    """``[plugins.rules]``."""

    target_constraints: Annotated[
        Constraints,
        Meta(description="records that NOT NULL, UNIQUE or a foreign key of the table forbids: critical, warning, off"),
    ] = Constraints.CRITICAL
    rules: Annotated[tuple[Rule, ...], Meta(max_length=500, description="the rules, in the order of their checks")] = ()

    def __post_init__(self) -> None:
        """Refuse two rules of one name: nobody could tell which of them was broken."""
        names = [rule.name for rule in self.rules if rule.name]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"rules: the name {name!r} is used more than once")
