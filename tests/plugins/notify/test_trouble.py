"""New, going on, over: from run to run, without any server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.notify.world import START
from validate_updates_notify.news import State
from validate_updates_notify.settings import Event
from validate_updates_notify.trouble import OUTCOME, Open, Run, Seen, compared

DAY = timedelta(hours=24)


def looked(*wrong: str, once: tuple[tuple[str, Event, str], ...] = (), at: bool = True) -> Seen:
    return Seen(wrong={check: (Event.ALERT, f"{check}!") for check in wrong}, once=once, looked=at)


def story(*runs: tuple[int, Seen], repeat_after: timedelta = DAY) -> list[list[tuple[str, str]]]:
    """What is told after each run, which is some hours after the start: (state, check)."""
    troubles: dict[str, Open] = {}
    told = []
    for hours, seen in runs:
        run = Run(task="daily", run_id=str(hours), at=START + timedelta(hours=hours))
        troubles, news = compared(troubles, seen, run, repeat_after=repeat_after)
        told.append([(one.state.value, one.check) for one in news])
    return told


def test_new_then_silent_then_still_then_over_and_said_once() -> None:
    runs = ((0, looked("a")), (1, looked("a")), (24, looked("a")), (25, looked("a")), (26, looked()), (27, looked()))

    assert story(*runs) == [[("new", "a")], [], [("ongoing", "a")], [], [("resolved", "a")], []]


def test_what_comes_back_is_new() -> None:
    assert story((0, looked("a")), (1, looked()), (2, looked("a"))) == [
        [("new", "a")],
        [("resolved", "a")],
        [("new", "a")],
    ]


def test_each_check_has_a_state_of_its_own() -> None:
    assert story((0, looked("a")), (1, looked("a", "b")), (2, looked("b"))) == [
        [("new", "a")],
        [("new", "b")],
        [("resolved", "a")],
    ]


def test_a_check_that_could_not_look_is_not_over() -> None:
    assert story((0, looked("a")), (1, looked(at=False)), (2, looked("a")), (3, looked())) == [
        [("new", "a")],
        [],
        [],
        [("resolved", "a")],
    ]


def test_trouble_of_another_kind_is_new() -> None:
    def outcome(event: Event) -> Seen:
        return Seen(wrong={OUTCOME: (event, "so")}, once=(), looked=event is Event.PARTIAL)

    told = story((0, outcome(Event.FAILED)), (1, outcome(Event.REJECTED)), (2, outcome(Event.PARTIAL)), (3, looked()))

    assert told == [[("new", OUTCOME)], [("new", OUTCOME)], [("new", OUTCOME)], [("resolved", OUTCOME)]]


def test_a_daily_run_that_starts_a_moment_early_is_a_day_later() -> None:
    run = Run(task="daily", run_id="2", at=START + DAY - timedelta(minutes=2))
    before = {"a": Open(event=Event.ALERT, since=START, told=START)}

    _, news = compared(before, looked("a"), run, repeat_after=DAY)

    assert [one.state for one in news] == [State.ONGOING]


def test_a_decision_is_told_when_it_comes_and_never_over() -> None:
    def decided(code: str, *, at: bool = True) -> Seen:
        return looked(once=((f"canary.{code}", Event.DECISION, "so"),), at=at)

    going_on = [(0, decided("running")), (1, decided("running")), (2, looked(at=False)), (90, decided("running"))]
    told = story(*going_on, (91, decided("promoted")), (92, looked()), (93, decided("running")))

    assert [[check for _, check in one] for one in told] == [
        ["canary.running"],
        [],
        [],
        [],
        ["canary.promoted"],
        [],
        ["canary.running"],
    ]


def test_a_decision_in_other_words_is_another_decision() -> None:
    def decided(*texts: str, at: bool = True) -> Seen:
        return looked(once=tuple(("canary.aborted", Event.DECISION, text) for text in texts), at=at)

    told = story(
        *((0, decided("of batch")), (1, decided("of rules", at=False)), (2, decided("of rules"))),
        *((3, decided("of batch")), (4, decided("of batch", "of rules")), (5, decided("of rules", "of batch"))),
    )

    assert [len(one) for one in told] == [1, 1, 0, 1, 1, 0]


checks = st.sets(st.sampled_from("abc"))


@given(st.lists(st.tuples(st.integers(0, 30), checks, st.booleans()), max_size=30))
def test_for_any_story_states_alternate_and_repeats_are_held_back(steps: list[tuple[int, set[str], bool]]) -> None:
    troubles: dict[str, Open] = {}
    open_now: set[str] = set()
    told_at: dict[str, Any] = {}
    at = START
    for number, (hours, wrong, whole) in enumerate(steps):
        at += timedelta(hours=hours)
        troubles, news = compared(
            troubles, looked(*wrong, at=whole), Run(task="t", run_id=str(number), at=at), repeat_after=DAY
        )
        for one in news:
            if one.state is State.NEW:
                assert one.check not in open_now
                open_now.add(one.check)
            elif one.state is State.ONGOING:
                assert one.check in open_now
                assert at - told_at[one.check] >= DAY * 0.99
            else:
                assert whole
                assert one.check not in wrong
                open_now.remove(one.check)
            told_at[one.check] = at
        assert set(troubles) == open_now
        assert wrong <= open_now
        assert not whole or open_now == wrong
