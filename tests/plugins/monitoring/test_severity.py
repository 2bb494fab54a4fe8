"""From numbers to a severity: the boundaries as the page tells them, and a law: what is worse is never milder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates_monitoring.settings import Monitoring, Severity1, Severity2, Severity3
from validate_updates_monitoring.severity import Level, of_batches, of_false_alarms, of_slowdown

DEFAULTS = Monitoring()
ONE, TWO, THREE = Level


@pytest.mark.parametrize(
    ("failed", "planned", "level"),
    [
        (0, 100, None),
        (3, 100, THREE),
        (5, 100, THREE),
        (6, 100, TWO),
        (12, 100, TWO),
        (20, 100, TWO),
        (7, 35, TWO),
        (21, 100, ONE),
        (30, 100, ONE),
        (100, 100, ONE),
        (1, 3, THREE),
        (1, 1, THREE),
    ],
)
def test_failed_batches(failed: int, planned: int, level: Level | None) -> None:
    assert of_batches(failed, planned, DEFAULTS) is level


@pytest.mark.parametrize(
    ("false", "runs", "level"),
    [
        (0, 20, None),
        (4, 100, None),
        (5, 100, THREE),
        (10, 100, THREE),
        (11, 100, TWO),
        (1, 5, THREE),
        (2, 5, TWO),
        (4, 4, None),
    ],
)
def test_false_alarms(false: int, runs: int, level: Level | None) -> None:
    assert of_false_alarms(false, runs, DEFAULTS) is level


@pytest.mark.parametrize(
    ("now", "before", "level"),
    [
        (10.0, 10.0, None),
        (5.0, 10.0, None),
        (10.9, 10.0, None),
        (11.0, 10.0, THREE),
        (12.0, 10.0, THREE),
        (12.5, 10.0, TWO),
        (0.4, 0.1, None),
        (0.7, 0.1, TWO),
        (1.0, 0.0, TWO),
    ],
)
def test_slowdown(now: float, before: float, level: Level | None) -> None:
    assert of_slowdown(now, before, DEFAULTS) is level


PERCENT = st.floats(0, 100)


@st.composite
def limits(draw: st.DrawFn) -> Monitoring:
    batches = sorted((draw(PERCENT), draw(PERCENT)))
    false, slow = (sorted((draw(PERCENT), draw(PERCENT))) for _ in range(2))
    return Monitoring(
        severity_1=Severity1(batches_failed=batches[1]),
        severity_2=Severity2(batches_failed=batches[0], false_alarms=false[1], slowdown=slow[1]),
        severity_3=Severity3(false_alarms=false[0], slowdown=slow[0]),
        least_runs=draw(st.integers(1, 10)),
        least_seconds=draw(st.floats(0, 2)),
    )


def rank(level: Level | None) -> int:
    """Higher is worse."""
    return 0 if level is None else 4 - level


COUNT = st.integers(0, 60)


@given(settings=limits(), whole=COUNT, part=COUNT, more=COUNT)
def test_more_of_as_many_is_never_milder(settings: Monitoring, whole: int, part: int, more: int) -> None:
    for of in (of_batches, of_false_alarms):
        milder = of(min(part, whole), whole, settings)
        worse = of(min(part + more, whole), whole, settings)
        assert rank(milder) <= rank(worse)


@given(settings=limits(), now=st.floats(0, 100), before=st.floats(0, 100), more=st.floats(0, 100))
def test_slower_is_never_milder(settings: Monitoring, now: float, before: float, more: float) -> None:
    assert rank(of_slowdown(now, before, settings)) <= rank(of_slowdown(now + more, before, settings))
    assert rank(of_slowdown(now, before + more, settings)) <= rank(of_slowdown(now, before, settings))


@pytest.mark.parametrize(
    "wrong",
    [
        {"severity_1": Severity1(batches_failed=1.0)},
        {"severity_2": Severity2(false_alarms=1.0)},
        {"severity_3": Severity3(slowdown=50.0)},
    ],
)
def test_limits_that_contradict_each_other_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="is less than that of severity_"):
        Monitoring(**wrong)  # type: ignore[arg-type]  # each is of its own type
