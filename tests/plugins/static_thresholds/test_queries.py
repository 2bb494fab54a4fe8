"""What the statements count is what a few lines of Python count, for any records, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.static_thresholds.world import PLANNED, STAGED, World, hearing
from validate_updates_static_thresholds.queries import SAMPLES, column_numbers, missing_in_target, repeated_texts

TEXTS = (
    st.none()
    | st.sampled_from(["", " ", "a", "A", "b" * 30])
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
)
DATES = st.none() | st.dates() | st.dates(date(2023, 7, 6), date(2023, 7, 10))
RECORDS = st.lists(
    st.fixed_dictionaries({"title": TEXTS, "hearing_date": DATES, "seats": st.none() | st.integers(0, 9)})
)
one_world = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
FIRST, END = date(2023, 7, 8), date(2027, 7, 9)


def share(records: list[dict[str, Any]], is_missing: Callable[[dict[str, Any]], bool]) -> float:
    return sum(map(is_missing, records)) * 100 / len(records)


def numbers(world: World) -> dict[str, float]:
    columns = ("title", "hearing_date", "seats")
    dates, texts = ("hearing_date",), ("title",)
    counted = column_numbers(world.context(), columns=columns, dates=dates, texts=texts, first=FIRST, end=END)
    return dict(counted)


@one_world
@given(written=RECORDS, unchanged=RECORDS)
def test_counts_of_the_records_to_be_written(
    world: World, written: list[dict[str, Any]], unchanged: list[dict[str, Any]]
) -> None:
    world.connection.execute(STAGED.delete())
    world.connection.execute(PLANNED.delete())
    world.stage(*(hearing(number, **cells) for number, cells in enumerate(unchanged)), write=False)
    world.stage(*(hearing(number, **cells) for number, cells in enumerate(written)))
    expected: dict[str, float] = {"records": len(written)}
    if written:
        lengths = [len(cells["title"]) for cells in written if cells["title"]]
        days = [cells["hearing_date"] for cells in written if cells["hearing_date"]]
        expected |= {
            "missing.title": share(written, lambda cells: not cells["title"]),
            "missing.hearing_date": share(written, lambda cells: cells["hearing_date"] is None),
            "missing.seats": share(written, lambda cells: cells["seats"] is None),
            "dates_outside.hearing_date": sum(not FIRST <= day < END for day in days),
            "text_length.title": sum(lengths) / len(lengths) if lengths else 0,
        }
    counted = numbers(world)
    assert {name: round(value, 9) for name, value in counted.items()} == {
        name: round(value, 9) for name, value in expected.items()
    }


@one_world
@given(records=RECORDS, most=st.integers(1, 3), looked_at=st.integers(0, 30))
def test_texts_that_repeat(world: World, records: list[dict[str, Any]], most: int, looked_at: int) -> None:
    world.connection.execute(STAGED.delete())
    world.connection.execute(PLANNED.delete())
    start = world.staged
    world.stage(*(hearing(number, **cells) for number, cells in enumerate(records)))
    found = repeated_texts(world.context(), "title", most, looked_at=start + looked_at)
    titles = Counter(cells["title"] for cells in records[:looked_at] if cells["title"] is not None)
    repeated = {text: count for text, count in titles.items() if count > most}
    assert [count for _, count in found] == sorted(repeated.values(), reverse=True)[:SAMPLES]
    assert all(repeated[text] == count for text, count in found)


@one_world
@given(rows=RECORDS)
def test_shares_of_the_target(world: World, rows: list[dict[str, Any]]) -> None:
    world.connection.exec_driver_sql("DELETE FROM hearings")
    world.hold(*(hearing(number, **cells) for number, cells in enumerate(rows)))
    shares = missing_in_target(world.context(), ("title", "seats"))
    expected = {"title": lambda cells: not cells["title"], "seats": lambda cells: cells["seats"] is None}
    assert shares == ({name: share(rows, missing) for name, missing in expected.items()} if rows else {})
