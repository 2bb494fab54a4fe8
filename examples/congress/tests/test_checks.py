"""What is odd about hearings: each check speaks up, and is silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from validate_updates import Finding, RunResult, Severity, Verdict

Updated = Callable[..., RunResult]


@pytest.fixture
def updated(update: Any) -> Updated:
    """An update of so many good hearings, and one with these cells."""

    def run(others: int = 30, settings: dict[str, Any] | None = None, **cells: Any) -> RunResult:
        good = {
            "congress": 119,
            "chamber": "House",
            "title": "Forests",
            "hearing_type": "Hearing",
            "status": "Scheduled",
            "hearing_date": "2025-06-24",
        }
        records = [{**good, "event_id": str(number)} for number in range(others)]
        result: RunResult = update(source=[*records, {**good, "event_id": "odd", **cells}], **(settings or {}))
        return result

    return run


def told(result: RunResult) -> dict[str, Finding]:
    own = {"chambers", "types", "statuses", "congress_numbers", "far_ahead"}
    return {one.code: one for one in result.findings if one.validator in own}


ODD = [
    ("unknown_chamber", {"chamber": "Hause"}),
    ("unknown_hearing_type", {"hearing_type": "Party"}),
    ("unknown_status", {"status": "Perhaps"}),
    ("congress_number", {"congress": 118}),
    ("congress_number", {"hearing_date": "2027-02-01"}),
    ("hearing_far_ahead", {"congress": 120, "hearing_date": "2027-06-25"}),
]


@pytest.mark.parametrize(("code", "cells"), ODD)
def test_one_odd_hearing_is_a_warning(updated: Updated, code: str, cells: dict[str, Any]) -> None:
    result = updated(**cells)

    [finding] = told(result).values()
    assert (finding.code, finding.severity, finding.observed) == (code, Severity.WARNING, 1)
    assert finding.samples[0].startswith("event_id=odd: ")
    assert result.counts.inserted >= 30


@pytest.mark.parametrize(("code", "cells"), ODD)
def test_many_odd_hearings_refuse_the_update(updated: Updated, code: str, cells: dict[str, Any]) -> None:
    result = updated(settings={"odd_percent": 1.0}, **cells)

    assert (result.verdict, told(result)[code].severity) == (Verdict.REJECTED, Severity.CRITICAL)


@pytest.mark.parametrize(("code", "cells"), ODD)
def test_a_few_hearings_are_too_few_for_a_share(updated: Updated, code: str, cells: dict[str, Any]) -> None:
    result = updated(others=3, settings={"odd_percent": 1.0}, **cells)

    assert told(result)[code].severity is Severity.WARNING


@pytest.mark.parametrize(
    "cells",
    [
        {},
        {"chamber": "NoChamber", "hearing_type": "Markup", "status": "Postponed"},
        {"hearing_date": None},
        {"congress": 118, "hearing_date": "2025-01-02"},
        {"congress": 119, "hearing_date": "2026-12-31"},
        {"congress": 120, "hearing_date": "2027-06-20"},
    ],
)
def test_good_hearings_are_no_news(updated: Updated, cells: dict[str, Any]) -> None:
    assert told(updated(**cells)) == {}


def test_records_of_other_columns_are_none_of_its_business(update: Any) -> None:
    update(
        source=[
            {
                "event_id": "1",
                "congress": 119,
                "chamber": "House",
                "title": "T",
                "hearing_type": "Hearing",
                "status": "Scheduled",
            }
        ]
    )

    assert told(update(source=[{"event_id": "1", "title": "Other"}])) == {}


def test_hearings_without_a_committee_are_told(updated: Updated, update: Any) -> None:
    def told(result: RunResult) -> list[Finding]:
        return [one for one in result.findings if one.code == "without_committees"]

    [finding] = told(updated())
    assert (finding.severity, finding.observed, finding.samples[0]) == (Severity.WARNING, 31, "event_id=0")

    assert told(updated(settings={"without_committees_percent": 100.0})) == []
    linked = [{"event_id": str(number), "hearing_committees": [{"system_code": "hsag00"}]} for number in range(30)]
    assert told(update(source=linked)) == []
