"""Made-up histories: the same for the same seed, of the shape that their name says."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates.testing import RUNS, SHAPES, History, Role, histories, history, suite

shapes = pytest.mark.parametrize("shape", SHAPES)


def by_weekday(found: History) -> dict[int, float]:
    volumes: dict[int, list[float]] = {}
    for update in found.updates:
        volumes.setdefault(update.moment.weekday(), []).append(update.metrics["records"])
    return {day: mean(values) for day, values in volumes.items()}


@given(st.sampled_from(SHAPES), st.integers(), st.integers(1, 120))
def test_a_seed_makes_one_history(shape: str, seed: int, runs: int) -> None:
    assert history(shape, seed=seed, runs=runs) == history(shape, seed=seed, runs=runs)


@given(st.sampled_from(SHAPES), st.integers(), st.integers(1, 60), st.integers(1, 60))
def test_a_longer_history_begins_like_a_shorter_one(shape: str, seed: int, runs: int, more: int) -> None:
    assert history(shape, seed=seed, runs=runs + more).updates[:runs] == history(shape, seed=seed, runs=runs).updates


@shapes
def test_another_seed_makes_another_history(shape: str) -> None:
    assert history(shape, seed=1).updates != history(shape, seed=2).updates


@given(histories(runs=80))
def test_every_run_has_every_metric_and_numbers_that_can_be(found: History) -> None:
    assert len(found.updates) == 80
    for update in found.updates:
        assert {*update.metrics} == {*found.roles}
        assert all(value >= 0 for value in update.metrics.values())
        assert all(update.metrics[name] <= 1 for name, role in found.roles.items() if role is Role.SHARE)
    assert all(before.moment < after.moment for before, after in pairwise(found.updates))


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="no history has the shape 'wavy'; there are weekly, bursty"):
        history("wavy")


def test_the_suite_has_one_of_each() -> None:
    assert [found.name for found in suite(seed=3)] == [*SHAPES]
    assert suite(seed=3)[0] == history("weekly", seed=3, runs=RUNS)


def test_weekly() -> None:
    days = by_weekday(history("weekly"))
    assert min(days[day] for day in range(5)) > 2 * max(days[5], days[6])


def test_bursty() -> None:
    values = history("bursty").values("records")
    assert max(values) > 4 * median(values)


def test_trending() -> None:
    values = history("trending").values("rows")
    assert all(after > before for before, after in pairwise(values))


def test_intermittent() -> None:
    values = history("intermittent").values("records")
    assert 0.3 < mean(value == 0 for value in values) < 0.8


def test_near_constant() -> None:
    values = history("near-constant").values("records")
    assert mean(value == 435 for value in values) > 0.95


def test_recesses_are_quiet_and_named() -> None:
    found = history("recesses")
    values = found.values("records")
    usual = median(values)
    assert len(found.quiet) == RUNS // 28
    assert all(mean(values[run] for run in spell) < 0.3 * usual for spell in found.quiet)


def test_several_a_day() -> None:
    moments = [update.moment for update in history("several a day", runs=9).updates]
    assert max(after - before for before, after in pairwise(moments)) < timedelta(hours=9)
