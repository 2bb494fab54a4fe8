from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.journal.made import texts, values, wild_texts
from validate_updates.journal.run_id import new_run_id
from validate_updates.journal.texts import (
    ITEMS,
    base_name,
    json_texts,
    json_value,
    stored,
    stored_number,
    stored_or_none,
    without_folders,
)

if TYPE_CHECKING:
    from validate_updates.findings import Value


@given(texts)
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert stored(text) == text


@given(wild_texts, st.integers(10, 300))
@example("\0" * 200, 100)
@example("🜚" * 100, 103)
def test_any_text_can_be_stored_and_is_bounded(text: str, limit: int) -> None:
    kept = stored(text, limit)
    assert len(kept.encode()) <= limit
    assert "\0" not in kept
    if len(text) * 4 <= limit:
        assert len(kept) == len(text)
    assert stored(kept, limit) == kept


def test_cut_text_says_so() -> None:
    assert stored("x" * 201) == "x" * 197 + "…"
    assert stored("x" * 200) == "x" * 200
    assert stored("é" * 100 + "x").endswith("é…")


def test_surrogates_and_nul_are_replaced_one_by_one() -> None:
    assert stored("a\0b\ud800c\U0001f71a") == "a\ufffdb\ufffdc\U0001f71a"


def test_nothing_stays_nothing() -> None:
    assert stored_or_none(None) is None
    assert stored_or_none("") == ""


@given(values)
@example(2**64)
@example(1.0)
@example("1")
def test_a_value_keeps_its_type(value: Value) -> None:
    text = json_value(value)
    back = None if text is None else json.loads(text)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(float("nan"), '"nan"'), (float("-inf"), '"-inf"'), (2**99_999, '"an integer of 100000 bits"')],
    ids=["not a number", "infinity", "huge"],
)
def test_a_value_without_a_number_in_json_is_text(value: Value, text: str) -> None:
    assert json_value(value) == text


def test_lists_are_bounded() -> None:
    assert json.loads(json_texts(str(number) for number in range(10**6))) == [str(number) for number in range(ITEMS)]


@pytest.mark.parametrize("number", [None, 0, 2**63 - 1, -(2**63) + 1])
def test_numbers_that_fit(number: int | None) -> None:
    assert stored_number(number) == number


@pytest.mark.parametrize("number", [2**63, -(2**70)])
def test_numbers_that_do_not_fit_are_left_out(number: int) -> None:
    assert stored_number(number) is None


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("records.jsonl", "records.jsonl"),
        ("/srv/ann/in/records.jsonl", "records.jsonl"),
        ("/srv/ann/a.jsonl, ../b.csv", "a.jsonl, b.csv"),
        ("/srv/ann/in/", "in"),
        ("-", "-"),
        ("<python>", "<python>"),
        ("", ""),
        ("https://example.org/a/b?c=d", "https://example.org/a/b?c=d"),
    ],
)
def test_sources_lose_their_folders(source: str, short: str) -> None:
    assert base_name(source) == short


@pytest.mark.parametrize(
    ("source", "text", "short"),
    [
        ("a.jsonl", "cannot read a.jsonl", "cannot read a.jsonl"),
        ("/srv/ann/a.jsonl", "cannot read /srv/ann/a.jsonl: gone", "cannot read a.jsonl: gone"),
        ("/srv/ann/in/", "/srv/ann/in/a.jsonl, line 3: not JSON", "in/a.jsonl, line 3: not JSON"),
        ("/srv/ann/a, /srv/bob/b", "/srv/bob/b is empty", "b is empty"),
        ("/", "a/b", "a/b"),
    ],
)
def test_sentences_lose_the_folders_of_the_source(source: str, text: str, short: str) -> None:
    assert without_folders(text, source) == short


def test_run_ids_tell_the_time_in_utc() -> None:
    east = datetime(2026, 11, 22, 10, 30, 15, tzinfo=timezone(timedelta(hours=2)))
    assert re.fullmatch(r"20261122-083015-[0-9a-f]{6}", new_run_id(east))


@given(st.datetimes(datetime(1000, 1, 1)), st.datetimes(datetime(1000, 1, 1)))  # noqa: DTZ001  # the zone comes next
def test_run_ids_sort_by_time_and_differ(one: datetime, other: datetime) -> None:
    first, second = sorted((one.replace(microsecond=0, tzinfo=UTC), other.replace(microsecond=0, tzinfo=UTC)))
    ids = new_run_id(first), new_run_id(second)
    assert ids[0] != ids[1]
    if first != second:
        assert ids[0] < ids[1]
