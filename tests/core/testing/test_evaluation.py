"""Evaluation: detectors whose worth is known get it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from validate_updates.testing import (
    Detector,
    Evaluation,
    History,
    Kind,
    Tally,
    Update,
    check_detector,
    evaluate,
    history,
    suite,
)

SHORT = [history(shape, seed=4, runs=80) for shape in ("weekly", "trending", "near-constant", "recesses")]


def who_knows_all(histories: Sequence[History]) -> Detector:
    """Alarms for a run that is not as it was in the histories without a fault."""
    clean = {(update.moment, tuple(sorted(update.metrics.items()))) for one in histories for update in one.updates}
    return lambda _, update: (update.moment, tuple(sorted(update.metrics.items()))) not in clean


def always(_history: Sequence[Update], _update: Update) -> bool:
    return True


def never(_history: Sequence[Update], _update: Update) -> bool:
    return False


def shares(found: Evaluation) -> tuple[float | None, float | None]:
    return found.far.share, found.false_alarms.share


def test_one_that_knows_all_finds_all_and_nothing_else() -> None:
    found = evaluate(who_knows_all(SHORT), SHORT)
    assert shares(found) == (1.0, 0.0)
    assert {score.by_chance.hits for score in found.kinds} == {0}
    assert {score.missed for score in found.kinds} == {()}
    assert {score.delay for score in found.kinds if score.kind is not Kind.STUCK} <= {0.0, None}


def test_one_that_always_alarms_finds_all_by_chance() -> None:
    found = evaluate(always, SHORT)
    assert shares(found) == (1.0, 1.0)
    assert all(score.by_chance == score.far for score in found.kinds)
    quiet = {score.name: [(tally.hits, tally.of) for tally in score.quiet] for score in found.histories}
    assert quiet["recesses"] == [(7, 7), (7, 7), (3, 3)]
    assert quiet["weekly"] == []


def test_one_that_never_alarms_finds_nothing() -> None:
    found = evaluate(never, SHORT)
    assert shares(found) == (0.0, 0.0)
    assert {score.delay for score in found.kinds} == {None}
    assert all(len(score.missed) == score.far.of for score in found.kinds)


def test_one_that_sleeps_is_late() -> None:
    """It finds what it looks at; one that looks a run later finds lasting faults a run later."""
    knows = who_knows_all(SHORT)

    def late(past: Sequence[Update], update: Update) -> bool:
        return bool(knows(past, update) and knows(past[:-1], past[-1]))

    by_kind = {score.kind: score for score in evaluate(late, SHORT).kinds}
    assert by_kind[Kind.SPIKE].far.hits == 0
    assert by_kind[Kind.LEVEL_SHIFT].far.share == 1.0
    assert by_kind[Kind.LEVEL_SHIFT].delay == 1.0


def test_it_sees_the_past_and_nothing_later() -> None:
    (clean,) = SHORT[:1]

    def look(past: Sequence[Update], update: Update) -> bool:
        assert [one.moment for one in past] == [one.moment for one in clean.updates[: len(past)]]
        assert update.moment == clean.updates[len(past)].moment
        return False

    evaluate(look, [clean])


def test_runs_outside_of_recesses_are_compared_with_each_other() -> None:
    """As a calendar has it. A recess comes as a surprise: its runs get all that was before."""
    (clean,) = (one for one in SHORT if one.name == "recesses")
    places = {update.moment: place for place, update in enumerate(clean.updates)}
    quiet = {run for spell in clean.quiet for run in spell}
    seen = set()

    def look(past: Sequence[Update], update: Update) -> bool:
        run = places[update.moment]
        before = [places[one.moment] for one in past]
        assert before == [place for place in range(run) if run in quiet or place not in quiet]
        seen.add(run)
        return False

    evaluate(look, [clean])
    assert seen >= quiet - {*range(30)}
    assert seen - quiet


def test_the_counts_of_kinds_and_histories_agree() -> None:
    found = evaluate(who_knows_all(SHORT), SHORT)
    assert sum(score.far.of for score in found.histories) == found.far.of
    assert [score.false_alarms.of for score in found.histories] == [50, 50, 50, 40]


def test_runs_without_anything_to_find_have_no_share() -> None:
    assert Tally().share is None
    assert evaluate(always, []).far.share is None


def test_the_law_holds_for_one_that_knows_all() -> None:
    everything = suite(seed=0)
    found = check_detector(who_knows_all(everything), everything, most_inside=1.0)
    assert found.far.share == 1.0


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        (never, "spike: 0 of "),
        (never, " far outside found, at least 90% must be:\n  spike ("),
        (always, "weekly: 50 of 50 good runs flagged, at most 2.0% may be"),
        (always, "anomalies inside the noise flagged, at most 10% may be"),
    ],
)
def test_the_law_says_what_is_broken(detector: Detector, said: str) -> None:
    with pytest.raises(AssertionError) as broken:
        check_detector(detector, SHORT)
    assert said in str(broken.value)


def test_a_plain_three_sigma_rule_breaks_the_law() -> None:
    """The law tells a usual rule from a good one."""
    from statistics import mean, stdev

    def three_sigma(past: Sequence[Update], update: Update) -> bool:
        for metric, value in update.metrics.items():
            values = [one.metrics[metric] for one in past[-30:]]
            if abs(value - mean(values)) > 3 * stdev(values):
                return True
        return False

    with pytest.raises(AssertionError, match="weekday violation: 0 of"):
        check_detector(three_sigma, SHORT)
