"""What was to be expected of each run of a metric, told from the good ones before it."""

from __future__ import annotations

import pytest

from validate_updates.testing import history
from validate_updates_historical.foretelling import foretold
from validate_updates_historical.series import Series

CLEAN = history("weekly", seed=3, runs=60)
TIMES = [update.moment for update in CLEAN.updates]
VALUES = CLEAN.values("records")


def test_what_was_foretold_of_a_run_rests_on_those_before_it() -> None:
    found = foretold(Series(TIMES, VALUES))
    changed = foretold(Series(TIMES, [*VALUES[:-1], 9e6]))
    assert [point.value for point in found] == VALUES
    assert [point.range for point in found] == [point.range for point in changed]
    assert [point.range for point in found[:8]] == [None] * 8
    assert found[-1].alert == ""
    assert changed[-1].alert != ""


def test_ranges_hold_most_good_runs() -> None:
    held = [
        point.range.low <= point.value <= point.range.high for point in foretold(Series(TIMES, VALUES)) if point.range
    ]
    assert sum(held) > 0.8 * len(held)


@pytest.mark.parametrize("label", ["incident", "rejected"])
def test_bad_runs_are_shown_and_teach_nothing(label: str) -> None:
    spoilt = [*VALUES[:50], 90_000.0, *VALUES[51:]]
    labelled = foretold(Series(TIMES, spoilt), labels={TIMES[50]: label})
    without = Series(TIMES[:50] + TIMES[51:], VALUES[:50] + VALUES[51:])
    assert [point.range for point in labelled[51:]] == [point.range for point in foretold(without)[50:]]
    assert labelled[50].label == label


def test_only_the_last_runs_are_shown() -> None:
    assert [point.time for point in foretold(Series(TIMES, VALUES), last=5)] == TIMES[-5:]
