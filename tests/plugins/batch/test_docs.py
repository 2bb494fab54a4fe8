"""``docs/batches.md`` names every setting with its default, every metric, and findings that there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from tests.plugins.batch.world import PEOPLE, Batched, people
from validate_updates_batch.settings import BatchSettings, OnFailure, Publishing

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "batches.md").read_text()


def test_every_setting_stands_there_with_its_default() -> None:
    told = re.findall(r"(?m)^\| `(\w+)` \| `([^`]+)` \|", PAGE)

    assert {name: tomllib.loads(f"x = {text}")["x"] for name, text in told} == msgspec.to_builtins(BatchSettings())


def test_every_choice_is_explained() -> None:
    told = {*re.findall(r"(?m)^\| `(\w+)` \| [^`]", PAGE)} - {*BatchSettings.__struct_fields__}

    assert told == {*OnFailure, *Publishing}


def test_every_metric_stands_there(sqlite: Batched) -> None:
    sqlite.execute(PEOPLE)
    result = sqlite.apply(people(3))

    told = set(re.findall(r"(?m)^\| `(batches\.\w+)` \|", PAGE))

    assert told == {name for name in result.metrics if name.startswith("batches.")}


@pytest.mark.parametrize("snippet", re.findall(r"(?s)```toml\n(.*?)```", PAGE))
def test_the_settings_on_the_page_are_valid(snippet: str) -> None:
    msgspec.convert(tomllib.loads(snippet)["plugins"]["batch"], BatchSettings)


def test_findings_that_the_page_names_are_in_the_code() -> None:
    code = "".join(path.read_text() for folder in ("core", "plugins") for path in (ROOT / folder).rglob("*.py"))
    named = {word for word in re.findall(r"`([a-z]+_[a-z_]+)`", PAGE) if word not in BatchSettings.__struct_fields__}
    tables = {"update_batches", "static_thresholds"}

    assert {word for word in named - tables if f'"{word}"' not in code} == set()
