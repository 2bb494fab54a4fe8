"""Anomalies: nothing before their begin is touched, and they are as large as they say."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from validate_updates.testing import (
    FAR,
    INSIDE,
    SHAPES,
    START,
    Anomaly,
    History,
    Kind,
    anomalies,
    faulty_histories,
    history,
    suite,
)
from validate_updates.testing.faults import GRADES
from validate_updates.testing.noise import Noise

SUITE = [(clean, [*anomalies(clean, seed=5, sites=2)]) for clean in suite(seed=5)]
ALL = [(clean, anomaly) for clean, made in SUITE for anomaly in made]


def of(kind: Kind, shape: str) -> list[tuple[History, Anomaly]]:
    return [(clean, one) for clean, one in ALL if one.kind is kind and clean.name == shape]


def only(kind: Kind, shape: str) -> tuple[list[float], list[float], Anomaly]:
    """The values before and after the first of its kind, and it."""
    clean, anomaly = of(kind, shape)[0]
    return clean.values(anomaly.metric), anomaly.history.values(anomaly.metric), anomaly


@pytest.mark.parametrize("kind", Kind)
def test_the_suite_has_every_kind_far_outside(kind: Kind) -> None:
    assert any(anomaly.far for _, anomaly in ALL if anomaly.kind is kind)


@given(st.sampled_from(SHAPES), st.integers(0, 2**32))
def test_a_seed_makes_the_same_anomalies(shape: str, seed: int) -> None:
    clean = history(shape, seed=seed, runs=75)
    kinds = [Kind.SPIKE, Kind.DECLINE]
    assert [*anomalies(clean, seed=seed, kinds=kinds)] == [*anomalies(clean, seed=seed, kinds=kinds)]


@given(st.sampled_from(SHAPES), st.integers(0, 2**32))
def test_what_came_before_is_untouched_and_the_begin_is_not(shape: str, seed: int) -> None:
    clean = history(shape, seed=seed, runs=80)
    for anomaly in anomalies(
        clean, seed=seed, kinds=[Kind.DROP, Kind.TRUNCATED, Kind.STUCK, Kind.ERRORS, Kind.WEEKDAY]
    ):
        changed = [
            run
            for run, pair in enumerate(zip(clean.updates, anomaly.history.updates, strict=True))
            if pair[0] != pair[1]
        ]
        assert changed
        assert min(changed) >= anomaly.begin >= START
        assert anomaly.begin + anomaly.within <= len(clean.updates)


def test_only_its_metric_is_touched() -> None:
    for clean, anomaly in ALL:
        for metric in clean.roles:
            assert (clean.values(metric) == anomaly.history.values(metric)) is (metric != anomaly.metric)


def test_those_made_to_a_size_have_it() -> None:
    made = {Kind.SPIKE, Kind.DROP, Kind.LEVEL_SHIFT, Kind.ERRORS}
    sizes = [anomaly.size for _, anomaly in ALL if anomaly.kind in made]
    assert all(any(math.isclose(size, grade, rel_tol=0.151) for grade in GRADES) for size in sizes)
    assert {grade for grade in GRADES for size in sizes if math.isclose(size, grade, rel_tol=0.02)} == {*GRADES}


def test_a_larger_grade_is_a_larger_size() -> None:
    clean = history("weekly", seed=8)
    spikes = [*anomalies(clean, seed=8, kinds=[Kind.SPIKE])]
    assert [one.size for one in spikes] == sorted(one.size for one in spikes)
    assert [one.inside for one in spikes] == [size <= INSIDE for size in GRADES]
    assert [one.far for one in spikes] == [size >= FAR for size in GRADES]


@given(st.sampled_from(["weekly", "bursty", "several a day"]), st.integers(0, 2**32))
@example("weekly", 1441555)  # whose first run is the farthest
def test_a_size_of_one_is_as_far_as_the_history_goes(shape: str, seed: int) -> None:
    """What is beyond all others goes farther than 1, and then farther than nothing: the others get smaller sizes.

    The first run has none before it, and is no part of the noise.
    """
    noise = Noise(history(shape, seed=seed, runs=150), "records")
    sizes = sorted((noise.size(noise.values, place, (0, 1)) for place in range(1, len(noise))), reverse=True)
    assert sizes[0] >= 1 >= sizes[1]
    assert sizes[-1] <= -1 <= sizes[-2]


@pytest.mark.parametrize(("more", "size"), [(1, 0.2), (4, 0.9), (9, 2.0)])
def test_a_count_that_is_always_the_same_is_flat_up_to_one_per_cent(more: int, size: float) -> None:
    noise = Noise(history("near-constant", seed=5), "records")
    noise.values[60] += more
    assert noise.size(noise.values, 60, (0, 1)) == pytest.approx(size, abs=0.1)


@pytest.mark.parametrize(
    ("kind", "shape"), [(Kind.SPIKE, "bursty"), (Kind.DROP, "weekly"), (Kind.ZERO, "weekly"), (Kind.DOUBLED, "weekly")]
)
def test_point_faults_touch_one_run(kind: Kind, shape: str) -> None:
    before, after, anomaly = only(kind, shape)
    assert [run for run, value in enumerate(before) if after[run] != value] == [anomaly.begin]
    assert anomaly.within == 1
    assert (after[anomaly.begin] > before[anomaly.begin]) is (kind in {Kind.SPIKE, Kind.DOUBLED})


def test_zero_doubled_and_truncated_are_what_they_say() -> None:
    _, after, zero = only(Kind.ZERO, "weekly")
    assert after[zero.begin] == 0
    before, after, doubled = only(Kind.DOUBLED, "weekly")
    assert after[doubled.begin] == 2 * before[doubled.begin]
    before, after, cut = only(Kind.TRUNCATED, "weekly")
    assert [after[cut.begin + run] for run in range(3)] == [round(before[cut.begin + run] * 0.5) for run in range(3)]
    assert after[cut.begin + 3 :] == before[cut.begin + 3 :]


def test_a_level_shift_lasts() -> None:
    before, after, shift = only(Kind.LEVEL_SHIFT, "weekly")
    factors = [new / old for old, new in zip(before[shift.begin :], after[shift.begin :], strict=True) if old > 50]
    assert max(factors) - min(factors) < 0.05


def test_a_share_declines_over_four_weeks() -> None:
    clean, decline = next(one for one in of(Kind.DECLINE, "weekly") if one[1].form == "to 70% in 28 runs")
    before, after = clean.values(decline.metric), decline.history.values(decline.metric)
    parts = [new / old for old, new in zip(before[decline.begin :], after[decline.begin :], strict=True)]
    assert parts[:28] == sorted(parts[:28], reverse=True)
    assert {round(part, 9) for part in parts[27:]} == {0.7}


@pytest.mark.parametrize("metric", ["records", "coverage"])
def test_declines_of_counts_and_shares_are_made_to_a_size(metric: str) -> None:
    graded = [one for _, one in of(Kind.DECLINE, "weekly") if one.metric == metric and not one.form.startswith("to ")]
    for grade in GRADES:
        assert any(math.isclose(one.size, grade, rel_tol=0.151) for one in graded)
    for one in graded:
        lower = one.history.values(one.metric)[one.begin + 28 : one.begin + 35]
        assert sum(lower) < sum(history("weekly", seed=5).values(one.metric)[one.begin + 28 : one.begin + 35])


def test_a_stuck_feed_repeats_the_last_number() -> None:
    _, after, stuck = only(Kind.STUCK, "weekly")
    assert len({*after[stuck.begin - 1 : stuck.begin + 10]}) == 1


def test_a_trend_is_reversed() -> None:
    _, after, fall = only(Kind.TREND_REVERSAL, "trending")
    fallen = after[fall.begin - 1 : fall.begin + 7]
    assert fallen[-1] < fallen[0]


def test_a_constant_varies() -> None:
    before, after, varied = only(Kind.CONSTANT, "near-constant")
    assert {*before[varied.begin - 30 : varied.begin]} == {before[varied.begin]} != {after[varied.begin]}


def test_errors_rise() -> None:
    before, after, rise = only(Kind.ERRORS, "weekly")
    assert all(new > old for old, new in zip(before[rise.begin :], after[rise.begin :], strict=True))


def test_another_weekday_has_a_volume_of_its_own() -> None:
    before, after, violation = only(Kind.WEEKDAY, "weekly")
    weekday = violation.history.updates[violation.begin].moment.weekday()
    same = [before[run] for run, update in enumerate(violation.history.updates) if update.moment.weekday() == weekday]
    assert not min(same) <= after[violation.begin] <= max(same)


def test_no_anomaly_lies_in_a_recess() -> None:
    for clean, anomaly in ALL:
        quiet = {run for spell in clean.quiet for run in spell}
        assert quiet.isdisjoint(range(anomaly.begin, anomaly.begin + anomaly.within))


def test_a_history_that_is_too_short_has_none() -> None:
    assert [*anomalies(history("weekly", runs=START))] == []


@given(faulty_histories(kinds=[Kind.SPIKE, Kind.DROP], shapes=["weekly", "bursty"], runs=90, least=FAR))
def test_strategies_give_what_is_asked(anomaly: Anomaly) -> None:
    assert anomaly.far
    assert anomaly.kind in {Kind.SPIKE, Kind.DROP}
    assert anomaly.history.name in {"weekly", "bursty"}
