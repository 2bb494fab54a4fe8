"""The values that an update brings: dates far off, texts that repeat, columns that are suddenly empty.

Looked at are the records that are to be written, not those that the table has already just so. One pass over them makes
the metric :data:`VALUES`, on which the checks rest; it also tells later updates how full each column used to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from validate_updates import Column, Context, Finding, Kind, Severity
from validate_updates_static_thresholds import queries
from validate_updates_static_thresholds.evidence import PLUGIN, not_carried, not_checked, number, records
from validate_updates_static_thresholds.settings import StaticThresholds

VALUES: Final = "values"
"""Metric: see :func:`~validate_updates_static_thresholds.queries.column_numbers`."""
LOOKED_AT: Final = 10_000
"""Records among which repeated texts are looked for: a text that repeats in a bulk load repeats there too."""

_DATES: Final = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_TZ})


def measure_values(limits: StaticThresholds, context: Context) -> Mapping[str, float]:
    """The metric :data:`VALUES`."""
    first, last = _range(context, limits)
    return queries.column_numbers(
        context,
        columns=context.columns,
        dates=_date_columns(context, limits),
        texts=_text_columns(context, limits),
        first=first,
        end=last + timedelta(days=1),
    )


def values_missing(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Columns that are empty in many records, and emptier than in the table before the update.

    Asked for before anything is written: afterwards the table holds the new values and can be no measure of them.
    """
    total = _records(context)
    if total is None or total < limits.missing_floor:
        few = f"{records(total or 0)} to be written, {limits.missing_floor} are needed"
        yield not_checked(f"missing values are not counted: {_unmeasured(total) or few}")
        return
    shares = {name: _number(context, "missing", name) for name in context.columns if name not in limits.missing_exempt}
    suspects = [name for name, percent in shares.items() if percent > limits.missing_percent]
    before = queries.missing_in_target(context, suspects) if suspects else {}
    for name in suspects:
        if shares[name] > before.get(name, -1):
            yield _missing_in(limits, context.target.name, name, shares[name], before.get(name))


def dates_out_of_range(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Dates too far ahead or back, counted in whole days from the day of the run."""
    yield from not_carried(context, limits.date_columns, "date_columns")
    columns, total = _date_columns(context, limits), _records(context)
    if not columns or not total:
        nothing = "no record is to be written" if columns else "the records carry no column of dates or timestamps"
        yield not_checked(f"no dates are looked at: {_unmeasured(total) or nothing}")
        return
    first, last = _range(context, limits)
    for name in columns:
        count = round(_number(context, "dates_outside", name))
        if count:
            samples = queries.dates_outside(context, name, first, last + timedelta(days=1))
            yield Finding(
                code="dates_out_of_range",
                severity=Severity.WARNING,
                message=f"{count} of {records(total)} written have a {name} before {first} or after {last},"
                f" such as {samples[0]}",
                hint=f"correct them, or widen {PLUGIN}.years_back or years_ahead; date_columns says what is looked at",
                table=context.target.name,
                column=name,
                observed=count,
                expected=f"{first} to {last}",
                samples=tuple(samples),
            )


def text_repeated(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """One text in many records: a placeholder, or the same record under many keys. Empty texts count too."""
    yield from not_carried(context, limits.repeated_text_columns, "repeated_text_columns")
    columns, total = _text_columns(context, limits), _records(context)
    if not columns or not total:
        nothing = "no record is to be written" if columns else "the records carry no column of free text"
        yield not_checked(f"no repeated texts are looked for: {_unmeasured(total) or nothing}")
        return
    if total > LOOKED_AT:
        yield not_checked(f"repeated texts are looked for in the first {LOOKED_AT} of {total} records only")
    for name in columns:
        if limits.repeated_text_columns or _number(context, "text_length", name) >= limits.long_text:
            yield from _repeated_in(context, limits, name, min(total, LOOKED_AT))


def _repeated_in(context: Context, limits: StaticThresholds, column: str, total: int) -> Iterator[Finding]:
    texts = queries.repeated_texts(context, column, limits.repeats_most, looked_at=LOOKED_AT)
    if texts:
        text, count = texts[0]
        yield Finding(
            code="text_repeated",
            severity=Severity.WARNING,
            message=f"{count} of {records(total)} written have the same {column}, {text!r};"
            f" at most {limits.repeats_most} are expected",
            hint=f"see whether it is a placeholder; {PLUGIN}.repeated_text_columns says what is looked at",
            table=context.target.name,
            column=column,
            observed=count,
            expected=f"at most {limits.repeats_most}",
            samples=tuple(f"{text!r} in {records(count)}" for text, count in texts),
        )


def _missing_in(limits: StaticThresholds, table: str, column: str, percent: float, before: float | None) -> Finding:
    most = number(limits.missing_percent)
    usual = "the table is empty so far" if before is None else f"in the table it is {before:.4g} %"
    return Finding(
        code="values_missing",
        severity=Severity.WARNING,
        message=f"{percent:.4g} % of the records to be written have no {column};"
        f" at most {most} % is expected, and {usual}",
        hint=f"see whether the source still delivers it; add it to {PLUGIN}.missing_exempt if it may be empty",
        table=table,
        column=column,
        metric=f"{VALUES}.missing.{column}",
        observed=round(percent, 4),
        expected=f"at most {most} %",
    )


# What the metric says.


def _records(context: Context) -> int | None:
    """Records to be written; None where the metric could not be measured."""
    total = context.metrics.get(f"{VALUES}.records")
    return None if total is None else round(total)


def _unmeasured(total: int | None) -> str:
    return f"the metric {VALUES} could not be measured" if total is None else ""


def _number(context: Context, what: str, column: str) -> float:
    return context.metrics.get(f"{VALUES}.{what}.{column}", 0.0)


# Which columns, which days.


def _date_columns(context: Context, limits: StaticThresholds) -> list[str]:
    return [column.name for column in _carried(context, limits.date_columns) if column.kind in _DATES]


def _text_columns(context: Context, limits: StaticThresholds) -> list[str]:
    """Free text: no list of choices, and no constraint that keeps its values apart anyway."""
    free = [one for one in _carried(context, limits.repeated_text_columns) if one.kind is Kind.TEXT and not one.choices]
    return [column.name for column in free if (column.name,) not in context.target.unique]


def _carried(context: Context, chosen: Sequence[str]) -> list[Column]:
    """The columns that the records carry; of them only the chosen ones, where any are."""
    return [context.target.column(name) for name in context.columns if not chosen or name in chosen]


def _range(context: Context, limits: StaticThresholds) -> tuple[date, date]:
    """The first and the last day that a date may have."""
    today = context.run.as_of.date()
    return _years_from(today, -limits.years_back), _years_from(today, limits.years_ahead)


def _years_from(day: date, years: int) -> date:
    """The same day in another year; 28 February where there is no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
