"""Records from Python code, which may do anything."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from validate_updates import Interrupted, SourceError
from validate_updates.sources import Block, Records, Unreadable, open_source


def read(spec: Any) -> list[Any]:
    """Records, and what cannot be read, in order."""
    found: list[Any] = []
    for block in open_source(spec).blocks():
        found += block.records if isinstance(block, Records) else [block]
    return found


def test_all_kinds_of_mappings_and_iterables() -> None:
    made = [{"a": 1}, OrderedDict(a=2), UserDict(a=3), MappingProxyType({"a": 4})]
    expected = [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]
    for spec in (made, tuple(made), iter(made), (one for one in made), {id(one): one for one in made}.values()):
        assert read(spec) == expected


@pytest.mark.parametrize("spec", [[], (), iter(())])
def test_nothing_is_a_source_of_nothing(spec: Any) -> None:
    assert read(spec) == []


def test_a_mapping_that_is_used_again_was_copied() -> None:
    def reuse() -> Iterator[dict[str, int]]:
        record = {}
        for number in range(3):
            record["a"] = number
            yield record

    assert read(reuse()) == [{"a": 0}, {"a": 1}, {"a": 2}]


def test_blocks_are_bounded_and_lazy() -> None:
    taken = []

    def many() -> Iterator[dict[str, int]]:
        for number in range(5000):
            taken.append(number)
            yield {"a": number}

    blocks = open_source(many()).blocks()
    first = next(blocks)
    assert isinstance(first, Records)
    assert len(first.records) <= 1000
    assert len(taken) <= 1001
    assert sum(len(block.records) for block in blocks if isinstance(block, Records)) + len(first.records) == 5000


def test_what_is_no_record_is_unreadable_and_the_others_are_read() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise ValueError("no")

    source = open_source([{"a": 1}, ["x"], {7: 1}, {None: 1}, {"a": 2}, Hostile(), "x" * 100_000, {"a": 3}])
    found: list[Any] = []
    for block in source.blocks():
        found += zip(block.seqs, block.records, strict=True) if isinstance(block, Records) else [block]
    assert [one for one in found if isinstance(one, tuple)] == [(1, {"a": 1}), (5, {"a": 2}), (8, {"a": 3})]
    bad = [one for one in found if isinstance(one, Unreadable)]
    assert [(one.seq, one.code) for one in bad] == [
        (2, "not_a_mapping"),
        (3, "bad_name"),
        (4, "bad_name"),
        (6, "not_a_mapping"),
        (7, "not_a_mapping"),
    ]
    assert bad[0].message == "a record is a mapping, not list"
    assert bad[0].raw == b"['x']"
    assert max(len(one.raw) for one in bad) < 1000
    assert str(source.place(4)) == "<python>, record 4"


def test_an_iterable_that_fails_is_named_after_its_records() -> None:
    def failing() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        yield {"a": 2}
        raise ConnectionError("gone\x1b[2J")

    found: list[Block] = []
    with pytest.raises(SourceError) as failed:
        found.extend(open_source(failing()).blocks())
    assert found == [Records([1, 2], [{"a": 1}, {"a": 2}])]
    assert failed.value.message == "the iterable generator raised ConnectionError after 2 records: gone\\x1b[2J"
    assert isinstance(failed.value.__cause__, ConnectionError)


def test_errors_of_ours_and_interrupts_are_left_alone() -> None:
    for error in (Interrupted(15), KeyboardInterrupt()):

        def stopping(error: BaseException = error) -> Iterator[dict[str, int]]:
            yield {}
            raise error

        with pytest.raises(type(error)):
            read(stopping())
