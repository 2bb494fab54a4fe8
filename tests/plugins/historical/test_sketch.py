"""The latest values with the expected range drawn in."""

from __future__ import annotations

import math
from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

from validate_updates_historical.sketch import BAND, LATEST, VALUE, sketch

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def test_a_spike_stands_above_the_range() -> None:
    drawn = sketch([190, 210, 230, 200, 210, 400], 180, 232, said=("400", "180 to 232"))

    assert "\n".join(drawn) == dedent(
        """\
             ●  400



        ░░•░░░  180 to 232 expected
        ••░••░"""
    )


def test_a_drop_stands_below_it() -> None:
    drawn = sketch([400, 410, 20], 380, 420, said=("20", "380 to 420"))

    assert drawn[0] == "••░  380 to 420 expected"
    assert drawn[-1] == "  ●  20"


def test_a_value_within_the_range() -> None:
    assert sketch([5, 5, 5], 5, 5, said=("5", "5")) == ("••●  5, 5 expected",)


def test_what_cannot_be_drawn() -> None:
    assert sketch([], 0, 1, said=("", "")) == ()
    assert sketch([1.0, math.inf], 0, 1, said=("", "")) == ()


@given(values=st.lists(NUMBERS, min_size=1, max_size=30), ends=st.tuples(NUMBERS, NUMBERS))
def test_each_run_is_one_mark_in_its_column(values: list[float], ends: tuple[float, float]) -> None:
    drawn = [line.ljust(len(values)) for line in sketch(values, min(ends), max(ends), said=("", ""))]

    columns = list(zip(*(line[: len(values)] for line in drawn), strict=True))
    assert [sum(cell in VALUE + LATEST for cell in column) for column in columns] == [1] * len(values)
    assert sum(LATEST in line for line in drawn) == 1
    assert columns[-1].count(LATEST) == 1
    assert any(BAND in line or LATEST in line or VALUE in line for line in drawn)
    assert len(drawn) <= 6
