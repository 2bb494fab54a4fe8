"""``docs/testing.md``: its examples run, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from validate_updates.testing import FAR, LEAST_RUNS, RUNS, SHAPES, START, Kind, check_detector, suite

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()
EXAMPLES = re.findall(r"(?s)```python\n(.*?)```", PAGE)


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_holds(code: str) -> None:
    made: dict[str, Any] = {}
    exec(code, made)
    tests = [function for name, function in made.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


def test_the_detector_of_the_page_is_told_what_it_misses() -> None:
    made: dict[str, Any] = {}
    exec(EXAMPLES[0], made)
    with pytest.raises(AssertionError, match=r"drop: 0 of \d+ far outside found"):
        check_detector(made["detect"], suite(runs=80)[:1])


def test_every_shape_and_kind_is_explained() -> None:
    assert [shape for shape in SHAPES if f"| `{shape}` |" not in PAGE] == []
    named = {name for row in re.findall(r"(?m)^\| ([a-z ,]+) \|", PAGE) for name in row.split(", ")}
    assert {*Kind} - named == set()


def test_its_numbers_are_those_of_the_code() -> None:
    assert f"size {FAR} and more" in PAGE
    assert f"after the first {START}" in PAGE
    assert f"{RUNS} unless said; {LEAST_RUNS} is the least" in PAGE
