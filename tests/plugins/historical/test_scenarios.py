from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.plugins.historical.feeds import START, alerts, at_the_end, coverage, days, errors, names, steady, weekly
from validate_updates_historical import repeats
from validate_updates_historical.baseline import learn
from validate_updates_historical.judgement import Phase
from validate_updates_historical.rule import judge
from validate_updates_historical.series import Period, Series
from validate_updates_historical.settings import Historical


@pytest.mark.parametrize("seed", range(5))
def test_a_doubled_import(seed: int) -> None:
    values = steady(120, seed=seed)
    (alert,) = at_the_end([*values[:-1], 2 * values[-1]]).alerts

    assert alert.metric == "rows"
    assert alert.low < 100 < alert.high < alert.value
    assert 90 < alert.expected < 110
    assert alert.runs == 119
    assert alert.signals[0].name == "point"


@pytest.mark.parametrize("seed", range(5))
def test_a_truncated_feed(seed: int) -> None:
    values = weekly(120, seed=seed)
    assert at_the_end([*values[:-1], values[-1] // 3]).decides


@pytest.mark.parametrize("seed", range(5))
def test_mondays_volume_on_a_sunday(seed: int) -> None:
    values = weekly(147, seed=seed)  # ends on a Sunday
    assert not at_the_end(values).alerts
    assert at_the_end([*values[:-1], values[-7]]).decides
    assert at_the_end([*values[:-7], values[-8]]).decides  # and the reverse: a Sunday's on a Monday


def test_identical_counts_for_ten_days() -> None:
    values = [*steady(90), *[103.0] * 10]
    found = alerts(values, start=91)

    assert len(found) == 1
    assert found[0] <= 94
    assert "stuck" in names(at_the_end(values[: found[0] + 1]))


@pytest.mark.parametrize("seed", range(10))
def test_coverage_that_sinks_over_four_weeks_is_found_within_a_week_of_harm(seed: int) -> None:
    """From 95 to 80 % in 28 days; harm starts where it leaves what it ever was, below 92 %."""
    values = coverage(180, seed=seed)
    for day in range(28):
        values.append(values[day] - 0.15 * (day + 1) / 28)
    harm = next(day for day in range(180, 208) if values[day] < 0.92)

    found = alerts(values[: harm + 8], start=180)
    assert found
    assert found[0] <= harm + 7


@pytest.mark.parametrize("records", [400, 397.3])
@pytest.mark.parametrize("seed", range(8))
def test_rare_errors_four_times_as_many_are_found_within_a_week(seed: int, records: float) -> None:
    """One in a run, by chance, and then four: the sum of a week says so. Also of no whole number of records."""
    values = [value * 400 / records for value in errors(150, seed=seed)]
    for day in range(143, 150):
        values[day] += 3 / records

    assert not alerts(values[:143], start=136)
    assert alerts(values, start=143)


def test_a_single_large_error_count_is_no_rise() -> None:
    values = errors(150, seed=3)
    values[140] = 9 / 400

    assert not {day for day in alerts(values, start=141) if "sum" in names(at_the_end(values[: day + 1]))}


def test_a_recess_is_explained_by_two_like_ones() -> None:
    values = steady(200)
    for start in (80, 115, 150, 185):
        values[start : start + 7] = [value // 10 for value in values[start : start + 7]]

    assert alerts(values[:87], start=80)
    assert not alerts(values[:157], start=150)
    assert not alerts(values[:192], start=185)


def test_a_recess_is_explained_by_the_calendar() -> None:
    values = steady(120)
    values[100:107] = [value // 10 for value in values[100:107]]
    recess = Period("recess", START + timedelta(100), START + timedelta(120))

    assert at_the_end(values[:101]).decides
    judged = at_the_end(values[:101], periods=(recess,))
    assert judged.phase is Phase.LEARNING
    assert str(judged) == "learning, 0 of 30 runs"


def test_periods_hold_for_all_metrics_however_they_are_handed_over() -> None:
    recess = Period("recess", START + timedelta(40), START + timedelta(49))
    history = {name: Series(days(80), steady(80)) for name in ("read", "inserted")}

    known = learn(history, START + timedelta(80), periods=iter([recess]))

    assert known.runs == {"read": 70, "inserted": 70}


def test_the_run_after_a_recess_is_compared_with_those_before_it() -> None:
    values = steady(120)
    values[100:119] = [value // 10 for value in values[100:119]]
    recess = Period("recess", START + timedelta(100), START + timedelta(118))

    assert not at_the_end(values, periods=(recess,)).alerts
    assert at_the_end([*values[:-1], 9.0], periods=(recess,)).decides


def test_the_return_after_a_bulk_day_is_no_news() -> None:
    values = steady(100)
    values[80] = 2000.0
    assert alerts(values[:90], start=80) == [80]


def test_a_constant_that_begins_to_vary() -> None:
    assert names(at_the_end([50.0] * 60 + [45.0])) >= {"constant"}
    assert not at_the_end([50.0] * 61).alerts


@pytest.mark.parametrize("after", [870.0, 0.0])
def test_a_constant_that_doubles_or_falls_to_nothing_is_news_among_other_metrics(after: float) -> None:
    """A number that was always the same tells no unit: 870 is not one more of them."""
    times = days(101)
    history = {"rows": Series(times[:-1], [435.0] * 100), "other": Series(times[:-1], steady(100, seed=2))}
    history["third"] = Series(times[:-1], steady(100, seed=3))
    update = {"rows": after, "other": 100.0, "third": 100.0}

    assert [alert.metric for alert in judge(history, update, at=times[-1]).alerts] == ["rows"]


def test_equal_small_counts_after_large_ones_are_no_stuck_feed() -> None:
    """In a quiet week 12 records may well come three times; 120 in a busy one may not."""
    quiet, busy = (repeats.learn(np.array([steady(120) + [value] * 2]), np.ones(1))[0] for value in (12.0, 120.0))

    assert [round(said.strength, 1) for said in quiet.of(12.0)] == [2.2]
    assert [said.strength > 3 for said in busy.of(120.0)] == [True]


def test_a_first_run_of_zeros_that_is_too_long() -> None:
    values = steady(100)
    assert at_the_end([*values, 0.0]).alerts[0].signals[0].name == "point"
    assert "silence" not in names(at_the_end([*values, 0.0]))
    assert "silence" in names(at_the_end([*values, 0.0, 0.0, 0.0]))


def test_growth_that_falls_back() -> None:
    values = [10_000.0 + 40 * day + noise % 7 for day, noise in enumerate(steady(120))]
    fallen = [*values, *(values[-1] - 80 * (day + 1) for day in range(7))]
    assert alerts(fallen, start=120)
    assert not alerts(values, start=100)


@pytest.mark.parametrize("seed", range(5))
def test_a_total_that_loses_a_row_a_day(seed: int) -> None:
    """One row is below the floor and no news; that it goes on is, whatever was excused before."""
    added = np.random.default_rng(seed).binomial(1, 0.4, 200)
    grown = [float(total) for total in 6000 + np.cumsum(added)]
    fallen = [*grown, *(grown[-1] - day for day in range(1, 8))]
    assert alerts(fallen, start=200)


@pytest.mark.parametrize("part", [0.94, 1.06])
def test_a_difference_below_the_floor_in_per_cent_is_no_news_for_a_run_nor_when_it_lasts(part: float) -> None:
    floor = Historical(floor_percent=10.0)
    usual = steady(160, level=10_000)
    odd, lasting = ([*usual[:150], *(value * by for value in usual[150:])] for by in (part, part**4))

    assert alerts(odd, start=150)
    assert not alerts(odd, start=150, settings=floor)
    assert alerts(lasting, start=150, settings=floor)


@pytest.mark.parametrize("seed", range(3))
def test_a_quiet_week_every_four_is_not_the_measure_of_the_next(seed: int) -> None:
    values = steady(200, seed=seed)
    for start in (95, 123, 151, 179):
        values[start : start + 7] = [value // 10 for value in values[start : start + 7]]
    assert not alerts(values[:187], start=179)


def test_what_lasts_is_said_once_and_again_when_it_is_much_worse() -> None:
    values = steady(120)
    values += [value * 0.6 for value in steady(3, seed=1)]
    worse = [*values, *(value * 0.1 for value in steady(1, seed=2))]
    assert alerts(values, start=120) == [120]
    assert alerts(worse, start=121) == [123]


def test_a_run_as_low_as_the_one_before_is_not_said_again() -> None:
    again = 0
    for seed in range(30):
        past = steady(90, level=300, seed=seed)
        low = next(value for value in np.arange(300.0, 0.0, -2.0) if "point" in names(at_the_end([*past, value])))
        again += "point" in names(at_the_end([*past, low, low - 3]))

    assert again == 0  # with the tails that the first has shaped, the second is the odder one now and then


def test_an_alert_hides_what_is_about_as_rare_and_not_what_is_a_hundred_times_rarer() -> None:
    values = [*steady(120), 165.0]

    assert at_the_end(values).alerts
    assert not at_the_end([*values, 185.0]).alerts
    assert at_the_end([*values, 225.0]).alerts


@pytest.mark.parametrize("seed", range(5))
def test_a_total_that_jumps_now_and_then_is_judged_by_the_size_of_its_jumps(seed: int) -> None:
    """One run of seven adds a lump, one of fifty takes one away: relative to the level, the one is like the other."""
    rng = np.random.default_rng(seed)
    kind, lump = rng.random(300), rng.lognormal(8, 0.7, 300).round()
    change = np.where(kind < 0.15, lump, np.where(kind < 0.17, -lump, rng.poisson(30, 300)))
    values = [float(value) for value in 1_000_000 + np.cumsum(change)]

    assert "step" not in names(at_the_end([*values, values[-1] - 3_000]))
    assert "step" in names(at_the_end([*values, values[-1] - 300_000]))


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_run_a_while_ago_does_not_hide_a_slow_decline(seed: int) -> None:
    """Down to 70 % in four weeks, which no run shows by itself, right after a day without any."""
    values = steady(160, seed=seed)
    values[120] = 0.0
    values[121:] = [round(value * max(0.7, 1 - 0.3 * day / 28)) for day, value in enumerate(values[121:])]

    found = alerts(values, start=120)

    assert found[0] == 120
    assert any(128 <= day < 156 for day in found)


@pytest.mark.parametrize("feed", [steady, weekly, coverage])
def test_quiet_feeds_stay_quiet(feed: object) -> None:
    """Ten feeds of each kind, 60 runs each: as many alerts as the rate allows, and chance."""
    assert callable(feed)
    found = sum(len(alerts(feed(120, seed=seed), start=90)) for seed in range(10))
    assert found <= 9  # 300 runs at one per cent, three deviations above
