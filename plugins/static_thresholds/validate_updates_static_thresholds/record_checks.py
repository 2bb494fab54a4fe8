"""The values that an update brings: dates far off, texts that repeat, columns that are suddenly empty.

Looked at are the records that are written, not those that the table has already just so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from validate_updates import Column, Context, Finding, Kind, Severity

from validate_updates_static_thresholds import queries
from validate_updates_static_thresholds.evidence import PLUGIN, not_carried, not_checked, records
from validate_updates_static_thresholds.settings import StaticThresholds

_DATES: Final = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_TZ})
_NOTHING_WRITTEN: Final = "no record is to be written"


def dates_out_of_range(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Dates too far ahead or back, counted in whole days from the day of the run."""
    yield from not_carried(context, limits.date_columns, "date_columns")
    columns = [column.name for column in _carried(context, limits.date_columns) if column.kind in _DATES]
    if not columns:
        yield not_checked("No dates are looked at: the records carry no column of dates or timestamps.")
        return
    today = context.run.as_of.date()
    first, last = _years_from(today, -limits.years_back), _years_from(today, limits.years_ahead)
    total, counts = queries.dates_outside(context, columns, first, last + timedelta(days=1))
    if not total:
        yield not_checked(f"No dates are looked at: {_NOTHING_WRITTEN}.")
    for name, count in counts.items():
        if count:
            samples = queries.samples_outside(context, name, first, last + timedelta(days=1))
            yield Finding(
                code="dates_out_of_range",
                severity=Severity.WARNING,
                message=f"{count} of {records(total)} written have a {name} before {first} or after {last},"
                f" such as {samples[0]}.",
                hint=f"Correct them, or widen {PLUGIN}.years_back or years_ahead; date_columns says what is looked at.",
                table=context.target.name,
                column=name,
                observed=count,
                expected=f"{first} to {last}",
                samples=tuple(samples),
            )


def text_repeated(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """One text in many records: a placeholder, or the same record under many keys. Empty texts count too."""
    chosen = limits.repeated_text_columns
    yield from not_carried(context, chosen, "repeated_text_columns")
    columns = [column.name for column in _carried(context, chosen) if _may_repeat(context, column)]
    if not columns:
        yield not_checked("No repeated texts are looked for: the records carry no column of free text.")
        return
    total, lengths = queries.text_lengths(context, columns)
    if not total:
        yield not_checked(f"No repeated texts are looked for: {_NOTHING_WRITTEN}.")
    if total <= limits.repeats_most:
        return
    for name in columns:
        if chosen or lengths[name] >= limits.long_text:
            yield from _repeated_in(context, limits, name, total)


def _repeated_in(context: Context, limits: StaticThresholds, column: str, total: int) -> Iterator[Finding]:
    texts = queries.repeated_texts(context, column, limits.repeats_most)
    if texts:
        text, count = texts[0]
        yield Finding(
            code="text_repeated",
            severity=Severity.WARNING,
            message=f"{count} of {records(total)} written have the same {column}, {text!r};"
            f" at most {limits.repeats_most} are expected.",
            hint=f"See whether it is a placeholder; {PLUGIN}.repeated_text_columns says what is looked at.",
            table=context.target.name,
            column=column,
            observed=count,
            expected=f"at most {limits.repeats_most}",
            samples=tuple(f"{text!r} in {records(count)}" for text, count in texts),
        )


def values_missing(context: Context, limits: StaticThresholds) -> Iterator[Finding]:
    """Columns that are empty in many records, and emptier than in the table before the update.

    Asked for before anything is written: afterwards the table holds the new values and can be no measure of them.
    """
    columns = [column.name for column in _carried(context) if column.name not in limits.missing_exempt]
    total, counts = queries.missing_in_records(context, columns)
    if total < limits.missing_floor:
        yield not_checked(
            f"Missing values are not counted: {records(total)} to be written, {limits.missing_floor} are needed."
        )
        return
    suspects = [name for name in columns if counts[name] * 100 / total > limits.missing_percent]
    if not suspects:
        return
    held, before = queries.missing_in_target(context, suspects)
    for name in suspects:
        if counts[name] * held > before[name] * total or not held:
            yield _missing_in(
                context, limits, name, counts[name] * 100 / total, before[name] * 100 / held if held else None
            )


def _missing_in(
    context: Context, limits: StaticThresholds, column: str, percent: float, before: float | None
) -> Finding:
    most = f"{limits.missing_percent:g}"
    usual = "the table is empty so far" if before is None else f"in the table it is {before:.4g} %"
    return Finding(
        code="values_missing",
        severity=Severity.WARNING,
        message=f"{percent:.4g} % of the records to be written have no {column};"
        f" at most {most} % is expected, and {usual}.",
        hint=f"See whether the source still delivers it; add it to {PLUGIN}.missing_exempt if it may be empty.",
        table=context.target.name,
        column=column,
        observed=round(percent, 4),
        expected=f"at most {most} %",
    )


def _carried(context: Context, chosen: Sequence[str] = ()) -> list[Column]:
    """The columns that the records carry; of them only the chosen ones, where any are."""
    return [context.target.column(name) for name in context.columns if not chosen or name in chosen]


def _may_repeat(context: Context, column: Column) -> bool:
    """Free text: no list of choices, and no constraint that keeps its values apart anyway."""
    return column.kind is Kind.TEXT and not column.choices and (column.name,) not in context.target.unique


def _years_from(day: date, years: int) -> date:
    """The same day in another year; 28 February where there is no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
