"""All rules in one pass over the records to be written: who breaks which, as records to keep out and as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from validate_updates import Context, Finding, KeepOut, Kind, SettingsError, Severity
from validate_updates_rules import constraints
from validate_updates_rules.checks import Check
from validate_updates_rules.compiling import applicable, compiled, whole_columns
from validate_updates_rules.outcome import Outcome
from validate_updates_rules.settings import Constraints, RulesSettings

_BITS: Final = 60
"""Checks that one number tells of."""
_CUT: Final = 80
"""Characters of a value that are read."""
_SAMPLES: Final = 5
_TOLD: Final = 3
"""Broken rules that the reason of one record names."""


def judge(settings: RulesSettings, context: Context) -> Iterator[KeepOut | Finding]:
    """Keep out what breaks a critical rule, and sum up what breaks others.

    Raises ``SettingsError`` where a rule cannot be checked on a table.
    """
    for table in context.tables:
        yield from _judge(settings, context.of(table))


def _judge(settings: RulesSettings, context: Context) -> Iterator[KeepOut | Finding]:
    outcome, checks = _checks(settings, context)
    if not checks:
        return
    tallies = {check: _Tally() for check in checks if check.severity is Severity.WARNING}
    reading = _Reading(outcome, checks)
    for row, key, broken in reading.broken():
        critical = [one for one in broken if one.check.severity is Severity.CRITICAL]
        if critical:
            yield _kept_out(row, critical, context.target.name)
            continue
        for one in broken:
            tallies[one.check].add(key, one.message)
    for check, tally in tallies.items():
        if tally.count:
            yield tally.finding(check, context.target.name, of_children=outcome.unit is not None)


def _checks(settings: RulesSettings, context: Context) -> tuple[Outcome, list[Check]]:
    named = list(applicable(settings.rules, context))
    of_table = settings.target_constraints is not Constraints.OFF
    whole = whole_columns(named, context) | (constraints.whole_columns(context) if of_table else frozenset())
    outcome = Outcome(context, whole)
    checks = list(constraints.checks_of(outcome, settings.target_constraints)) if of_table else []
    for one in named:
        made = list(compiled(one, outcome))
        for check in made:
            _try(check, outcome)
        checks += made
    return outcome, checks


def _try(check: Check, outcome: Outcome) -> None:
    """Have the database read a condition. It says what is wrong with one, and not with which of many."""
    nothing = sa.select(outcome.row).where(check.broken).limit(0)
    try:
        outcome.context.db.rows(nothing)
    except sa.exc.DBAPIError as error:
        said = " ".join(str(error.orig).split("\n")[0].split())[:200]
        raise SettingsError(
            f"plugins.rules: the rule {check.rule} cannot be checked: the database says {said}",
            hint="an SQL rule is one expression over the columns of the table, true where all is well",
        ) from error


@dataclass(slots=True)
class _Tally:
    """Records, or children of such, that break a rule and pass."""

    count: int = 0
    samples: list[str] = field(default_factory=list)

    def add(self, key: str, message: str) -> None:
        self.count += 1
        if len(self.samples) < _SAMPLES:
            self.samples.append(f"{key}: {message}")

    def finding(self, check: Check, table: str, *, of_children: bool) -> Finding:
        noun, of_table = ("row", f" of {table}") if of_children else ("record", "")
        records = f"1 {noun}{of_table} breaks" if self.count == 1 else f"{self.count} {noun}s{of_table} break"
        return Finding(
            code=check.code,
            severity=Severity.WARNING,
            message=f"{records} the {check.called}: {self.samples[0]}",
            hint="mend the source, or the rule in plugins.rules",
            table=table,
            column=check.column,
            observed=self.count,
            expected=check.rule,
            samples=tuple(self.samples),
        )


@dataclass(frozen=True, slots=True)
class _Broken:
    check: Check
    message: str


def _kept_out(row: int, broken: Sequence[_Broken], table: str) -> KeepOut:
    first, more = broken[0].check, len(broken) - _TOLD
    said = "; ".join(one.message for one in broken[:_TOLD])
    return KeepOut(
        row=row,
        code=first.code,
        message=f"{said}; and {more} more" if more > 0 else said,
        column=first.column,
        rule=first.rule,
        table=table,
    )


class _Reading:
    """The statement, and how its rows are read."""

    def __init__(self, outcome: Outcome, checks: Sequence[Check]) -> None:
        self._context = outcome.context
        self._checks = checks
        self._key = outcome.context.target.key
        self._unit = outcome.unit
        self._unit_key = self._unit.target.key if self._unit else ()
        self._shown = list(dict.fromkeys(name for check in checks for name in check.columns))
        self._masks = range(0, len(checks), _BITS)
        masks = [_mask(checks[start : start + _BITS]).label(f"vu_broken{start}") for start in self._masks]
        names = dict.fromkeys([*self._key, *self._shown])
        cells = [
            _start(self._context, name, outcome.value(name)).label(f"vu_cell{number}")
            for number, name in enumerate(names)
        ]
        inner = sa.select(*outcome.numbers, *masks, *cells).subquery("judged")
        broken = [inner.c[mask.name] != 0 for mask in masks]
        cell = {name: inner.c[f"vu_cell{number}"] for number, name in enumerate(names)}
        found: sa.FromClause = inner
        unit_key: list[sa.ColumnElement[Any]] = []
        if self._unit:
            records = self._unit.staged
            found = inner.join(records, records.c["vu_row"] == inner.c["vu_unit"])
            unit_key = [_start(self._unit, name, records.c[name]) for name in self._unit_key]
        self.statement = (
            sa.select(
                inner.c["vu_row"],
                *(inner.c[mask.name] for mask in masks),
                *unit_key,
                *(cell[name] for name in self._key),
                *(cell[name] for name in self._shown),
            )
            .select_from(found)
            .where(sa.or_(*broken))
            .order_by(inner.c["vu_order"])
        )

    def broken(self) -> Iterator[tuple[int, str, list[_Broken]]]:
        """Each record that breaks a rule: its number, its key as text, and what it breaks."""
        masks = 1 + len(self._masks)
        unit = masks + len(self._unit_key)
        own = unit + len(self._key)
        for row in self._rows():
            values = dict(zip(self._shown, row[own:], strict=True))
            yield (
                row[0],
                self._whose(row[masks:unit], row[unit:own]),
                [
                    _Broken(check, check.message([values[name] for name in check.columns]))
                    for check in self._found(row[1:masks])
                ],
            )

    def _whose(self, unit: Sequence[Any], own: Sequence[Any]) -> str:
        """The key of a record; of a child that of its unit, the table, and what is known of its own."""
        key = _key_text(self._key, own)
        if self._unit is None:
            return key
        child = f"{self._context.target.name} ({key})" if key else self._context.target.name
        return f"{_key_text(self._unit_key, unit)}: {child}"

    def _found(self, masks: Sequence[int]) -> Iterator[Check]:
        for start, mask in zip(self._masks, masks, strict=True):
            for number, check in enumerate(self._checks[start : start + _BITS]):
                if mask >> number & 1:
                    yield check

    def _rows(self) -> Iterator[Sequence[Any]]:
        """Raises ``SettingsError`` where the database cannot evaluate what the owner wrote."""
        try:
            yield from self._context.db.each(self.statement)
        except sa.exc.DBAPIError as error:
            written = [check.rule for check in self._checks if check.in_sql]
            code = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", ""))
            if not written or not code.startswith(("22", "SQLITE_ERROR", "SQLITE_MISMATCH")):
                raise
            which = f"the rule {written[0]}" if len(written) == 1 else f"one of the rules {', '.join(written)}"
            raise SettingsError(
                f"plugins.rules: {which} cannot be evaluated for every record [{code}]",
                hint="its SQL must be able to take any value: a text that is no number, a division by 0",
            ) from error


def _start(context: Context, name: str, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The beginning of a value as text; of bytes nothing, which are no text."""
    if context.target.column(name).kind is Kind.BYTES:
        return sa.cast(sa.null(), sa.Text())
    return sa.func.substr(sa.cast(value, sa.Text()), 1, _CUT)


def _key_text(names: Sequence[str], cells: Sequence[Any]) -> str:
    """Without what the database has still to make up."""
    return ", ".join(f"{name}={cell}" for name, cell in zip(names, cells, strict=True) if cell is not None)


def _mask(checks: Sequence[Check]) -> sa.ColumnElement[int]:
    """A number with a bit for each check that is broken."""
    big = sa.BigInteger()
    bits = (
        sa.case((check.broken, sa.literal_column(str(1 << number), big)), else_=sa.literal_column("0", big))
        for number, check in enumerate(checks)
    )
    first = next(bits)
    return sum(bits, first)
