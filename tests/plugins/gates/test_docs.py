"""``docs/gates.md`` names every setting and every criterion that there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from tests.plugins.gates.conftest import Gate
from validate_updates_gates.settings import Gates

PAGE = (Path(__file__).parents[3] / "docs" / "gates.md").read_text()


def test_every_setting_stands_there_with_its_default() -> None:
    told = re.findall(r"(?m)^\| `(\w+)` \| `([^`]+)` \|", PAGE)

    assert {name: tomllib.loads(f"x = {text}")["x"] for name, text in told} == msgspec.json.decode(
        msgspec.json.encode(Gates())
    )


@pytest.mark.parametrize("name", ["testing", "validation", "trial"])
def test_every_criterion_stands_there(lite: Gate, name: str) -> None:
    lite.world.update()
    chapter = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]

    assert re.findall(r"(?m)^\| `([\w ]+)` \|", chapter) == list(lite.check(name).criteria)
