"""``docs/monitoring.md`` names every setting, criterion, state and metric that there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from tests.plugins.monitoring.world import World
from validate_updates_monitoring.criteria import State
from validate_updates_monitoring.health import EXIT_STATUS
from validate_updates_monitoring.settings import Monitoring
from validate_updates_monitoring.textfile import exposition

PAGE = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text()


def test_every_setting_stands_there_with_its_default() -> None:
    told: dict[str, Any] = {}
    for place, part in re.findall(r"(?s)`\[plugins\.monitoring\.?(\w*)\]`:\n(.+?)(?=\n`\[|$)", PAGE):
        rows = re.findall(r"(?m)^\| `(\w+)` \| `([^`]+)` \|", part)
        table = {name: tomllib.loads(f"x = {text}")["x"] for name, text in rows}
        told.update({place: table} if place else table)

    assert told == msgspec.json.decode(msgspec.json.encode(Monitoring()))


def test_every_criterion_stands_there_with_what_it_wants(sqlite: World) -> None:
    sqlite.update()
    part = PAGE.partition("\n## The criteria\n")[2].partition("\n## ")[0]

    told = re.findall(r"(?m)^\| `([\w ]+)` \| ([^|]+) \|", part)

    assert told == [(one.name, one.target) for one in sqlite.report().criteria]
    assert {*State} <= {*re.findall(r"`([\w ]+)`", part)}


def test_every_health_stands_there_with_its_exit_status() -> None:
    part = PAGE.partition("\n## Health\n")[2]

    assert re.findall(r"(?m)^\| `(\w+)` \|[^|]+\| (\d) \|", part) == [
        (health.value, str(status)) for health, status in EXIT_STATUS.items()
    ]


def test_every_metric_stands_there(sqlite: World) -> None:
    sqlite.update()
    written = re.findall(r"(?m)^# TYPE (\w+) gauge", exposition([sqlite.report()]))

    assert re.findall(r"(?m)^\| `(validate_updates_\w+)` \|", PAGE) == written
