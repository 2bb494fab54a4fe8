"""``docs/notify.md`` names every setting with its default, every event, and what a webhook gets."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.plugins.notify.servers import Web
from tests.plugins.notify.world import CRITICAL, World, hook
from validate_updates.manager import load
from validate_updates_notify.settings import ALL, Apprise, Email, Event, LogFile, Notify, Ping, Webhook

PAGE = (Path(__file__).parents[3] / "docs" / "notify.md").read_text()
SETTINGS = PAGE.partition("\n## Settings\n")[2].partition("\n## ")[0]
KINDS: dict[str, Any] = {"webhook": Webhook, "email": Email, "log": LogFile, "ping": Ping, "apprise": Apprise}


def rows(part: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^\| `(\w+)` \|([^|]*)\|", part))


def default(text: str) -> Any:
    text = text.strip()
    if text in {"", "all"}:
        return text
    return tomllib.loads(f"x = {text.strip('`')}")["x"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_a_channel_stands_there_with_its_default(kind: str) -> None:
    part = SETTINGS.partition(f"\n`{kind}`: ")[2].partition("\n`")[0]
    told = {name: default(text) for name, text in rows(part).items()}

    expected = {}
    for field in msgspec.structs.fields(KINDS[kind]):
        value = "" if field.required or field.default is None else field.default
        expected[field.name] = "all" if value in {ALL, ()} else value
    assert told == expected


def test_every_setting_of_the_plugin_stands_there() -> None:
    told = rows(SETTINGS.partition("\nA channel is")[0])

    assert {name: default(text) for name, text in told.items()} == {
        name: getattr(Notify(), name) for name in ("repeat_after", "quiet_minutes")
    }
    assert {*Notify.__struct_fields__} == {*told, *KINDS}


def test_every_event_is_explained() -> None:
    assert [*rows(PAGE.partition("\nTrouble has")[0])] == [*Event]


def test_the_example_is_sound() -> None:
    tree = tomllib.loads(re.findall(r"(?s)```toml\n(.*?)```", PAGE)[0])

    settings = load(("notify",), tree["plugins"]).settings[Notify]

    assert ([*settings.webhook], [*settings.ping]) == (["ops"], ["cron"])


def test_what_a_webhook_gets_has_the_fields_of_the_page(sqlite: World, web: Web) -> None:
    sqlite.settings = {"webhook": {"ops": hook()}}
    sqlite.update(CRITICAL)
    (shown,) = (json.loads(text) for text in re.findall(r"(?s)```json\n(.*?)```", PAGE))

    sent = web.requests[0].json

    assert [*sent] == [*shown]
    assert [*sent["messages"][0]] == [*shown["messages"][0]]
