"""``docs/gates.md`` names every setting and every criterion that there is."""

from __future__ import annotations

import re
import shlex
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.plugins.gates.conftest import Gate
from tests.plugins.gates.evidence import junit, load
from tests.plugins.monitoring.world import DAY
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


def test_its_commands_do_what_they_say(lite: Gate) -> None:
    blocks = re.findall(r"(?s)```sh\n(.*?)```", PAGE)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert [line[:4] for line in lines] == [
        ["validate-updates", "gate", "check", "testing"],
        ["validate-updates", "gate", "template", "review"],
        ["validate-updates", "gate", "template", "planning"],
    ]
    lite.file("results.xml", junit(""))
    lite.file("load.json", load())
    lite.world.now = datetime.now(UTC) - 2 * DAY
    lite.world.update(records=500, plugins=("batch",))

    for line in lines:
        said = lite.command(*line[1:])
        assert said.code == 0, (line, said.out, said.err)
        _, equals, page = line[-1].partition("=")
        assert equals
        assert (lite.world.folder / page).read_text().startswith(f"### gate {line[3]} of daily")
