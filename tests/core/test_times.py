"""Windows of time as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from validate_updates import UsageError, as_window


def test_a_window_ends_at_the_moment_that_was_typed() -> None:
    assert as_window(1.5, "2024-05-02T06:00+02:00") == (
        datetime(2024, 4, 30, 16, tzinfo=UTC),
        datetime(2024, 5, 2, 4, tzinfo=UTC),
    )


def test_or_now() -> None:
    before = datetime.now(UTC)

    since, until = as_window(7, "")

    assert before <= until <= datetime.now(UTC)
    assert until - since == timedelta(days=7)


@pytest.mark.parametrize(
    ("days", "as_of", "said"),
    [
        (0, "", "--days is more than 0, and at most 36,500"),
        (36_500.5, "", "--days is more than 0"),
        (float("nan"), "", "--days is more than 0"),
        (float("inf"), "", "--days is more than 0"),
        (1, "soon", "--as-of 'soon' is not a time"),
        (1, "1969-12-31", "--as-of '1969-12-31' is before 1970"),
    ],
)
def test_what_is_no_window(days: float, as_of: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        as_window(days, as_of)

    assert said in refused.value.message


def test_the_longest_window_is_in_the_calendar() -> None:
    assert as_window(36_500, "1970-01-01")[0].year == 1870
