"""The limits of every check, and how much each finding weighs."""

from __future__ import annotations

import math
from typing import Annotated, Final

from msgspec import Meta

from validate_updates import PluginSettings, Severity

CODES: Final = (
    "table_missing",
    "table_too_small",
    "database_damaged",
    "orphans_before",
    "last_run_recent",
    "source_empty",
    "rows_added_high",
    "rows_added_above_average",
    "rows_changed_low",
    "error_rate_high",
    "error_rate_above_average",
    "every_record_changed",
    "values_missing",
    "table_left_empty",
    "foreign_keys_violated",
    "keys_duplicated",
    "dates_out_of_range",
    "text_repeated",
)
"""Codes of findings whose severity can be set. A named SQL check says itself what is a warning and what is critical."""


class SqlCheck(PluginSettings, frozen=True, kw_only=True):
    """A check of the owner's own: one SELECT that gives one number, and the limits of that number."""

    name: Annotated[
        str,
        Meta(pattern="^[a-z][a-z0-9_]*$", max_length=60, description="what reports and metrics call it: check.<name>"),
    ]
    sql: Annotated[str, Meta(min_length=1, description="one SELECT; the first cell of its first row is judged")]
    warn_above: Annotated[float | None, Meta(description="a larger number is a warning")] = None
    critical_above: Annotated[float | None, Meta(description="a larger number rejects the update")] = None
    warn_below: Annotated[float | None, Meta(description="a smaller number is a warning")] = None
    critical_below: Annotated[float | None, Meta(description="a smaller number rejects the update")] = None
    message: Annotated[str, Meta(description="what to say when a limit is crossed; the numbers are added to it")] = ""

    def __post_init__(self) -> None:
        """Refuse limits under which the check could never say anything, or never what is meant."""
        limits = (self.warn_above, self.critical_above, self.warn_below, self.critical_below)
        given = [limit for limit in limits if limit is not None]
        if not given:
            raise ValueError("give at least one of warn_above, critical_above, warn_below, critical_below")
        if not all(map(math.isfinite, given)):
            raise ValueError("limits must be finite numbers")
        if _above(self.warn_above, self.critical_above):
            raise ValueError("warn_above must not be more than critical_above")
        if _above(self.critical_below, self.warn_below):
            raise ValueError("warn_below must not be less than critical_below")


class StaticThresholds(PluginSettings, frozen=True, kw_only=True):
    """Limits that do not move. Exactly at a limit always passes."""

    severities: Annotated[
        dict[str, Severity],
        Meta(description="code of a finding -> info, warning or critical, in place of the built-in severity"),
    ] = {}  # noqa: RUF012  # msgspec gives each instance its own

    required_tables: Annotated[
        tuple[str, ...], Meta(description="tables that must exist; those of minimum_rows are required anyway")
    ] = ()
    minimum_rows: Annotated[
        dict[str, Annotated[int, Meta(ge=0)]], Meta(description="table -> rows it must hold before an update")
    ] = {}  # noqa: RUF012  # msgspec gives each instance its own
    full_integrity_rows: Annotated[
        int,
        Meta(ge=0, description="rows in all tables up to which SQLite's full integrity check is made, not the quick"),
    ] = 50_000
    seconds_between_runs: Annotated[int, Meta(ge=0, description="seconds that should lie between two updates")] = 3600

    average_runs: Annotated[int, Meta(ge=1, le=100, description="most earlier updates that an average is taken of")] = (
        10
    )
    added_most: Annotated[int, Meta(ge=0, description="most records an update may add")] = 1000
    added_ratio: Annotated[float, Meta(gt=0, description="most records added, as a multiple of the average")] = 3.0
    added_floor: Annotated[int, Meta(ge=0, description="records added that are never compared with the average")] = 50
    changed_ratio: Annotated[
        float, Meta(ge=0, le=1, description="fewest records changed, as a part of the average; 0 never warns")
    ] = 0.3
    changed_runs: Annotated[
        int, Meta(ge=1, le=100, description="earlier changing updates needed to call one small")
    ] = 5
    errors_percent: Annotated[
        float, Meta(ge=0, le=100, description="most records in quarantine, in per cent of those read")
    ] = 5.0
    errors_ratio: Annotated[
        float, Meta(gt=0, description="highest error rate, as a multiple of the recent average")
    ] = 2.0
    errors_floor: Annotated[int, Meta(ge=1, description="records in quarantine from which the rate is compared")] = 2
    every_changed_floor: Annotated[
        int, Meta(ge=1, description="records with a row in the table from which it is odd that all of them change it")
    ] = 20

    date_columns: Annotated[
        tuple[str, ...], Meta(description="columns whose dates are looked at; empty: all dates and timestamps")
    ] = ()
    years_ahead: Annotated[int, Meta(ge=0, le=1000, description="years that a date may lie ahead")] = 2
    years_back: Annotated[int, Meta(ge=0, le=1000, description="years that a date may lie back")] = 2
    repeated_text_columns: Annotated[
        tuple[str, ...], Meta(description="columns looked at for repeated texts; empty: those with long texts")
    ] = ()
    long_text: Annotated[int, Meta(ge=1, description="characters on average that make a column one of long texts")] = 20
    repeats_most: Annotated[int, Meta(ge=1, description="records of one update that may carry the same text")] = 5
    missing_percent: Annotated[
        float, Meta(ge=0, le=100, description="most records without a value in a column, in per cent")
    ] = 30.0
    missing_floor: Annotated[int, Meta(ge=1, description="records from which missing values are counted")] = 20
    missing_exempt: Annotated[tuple[str, ...], Meta(description="columns that may be empty")] = ()

    checks: Annotated[tuple[SqlCheck, ...], Meta(description="named SQL checks")] = ()

    def __post_init__(self) -> None:
        """Refuse unknown codes, more runs than are looked at, and two checks of one name."""
        for code in self.severities:
            if code not in CODES:
                raise ValueError(f"severities: there is no finding {code!r}; the codes are {', '.join(CODES)}")
        if self.changed_runs > self.average_runs:
            raise ValueError("changed_runs must not be more than average_runs: no more runs are looked at")
        names = [check.name for check in self.checks]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"checks: the name {name!r} is used more than once")


def _above(left: float | None, right: float | None) -> bool:
    return left is not None and right is not None and left > right
