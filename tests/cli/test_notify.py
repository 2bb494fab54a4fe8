"""``validate-updates notify test``, and a run from the terminal that tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.plugins.notify.servers import web_server

SECRET = "s3cr3t-in-the-path"
SETTINGS = """
[plugins.notify.webhook.ops]
url = "env:HOOK"
[plugins.notify.log.all]
path = "notices.log"
[plugins.notify.ping.cron]
url = "env:PING"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "validate-updates.toml"
    path.write_text(SETTINGS)
    return path


@pytest.mark.usefixtures("settings")
def test_every_channel_is_tried(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with web_server() as web:
        monkeypatch.setenv("HOOK", web.url(f"/{SECRET}"))
        monkeypatch.setenv("PING", web.url("/ping"))
        said = command("notify", "test")

    assert said.code == 0
    assert [line.split() for line in said.out.splitlines() if "told" in line][-3:] == [
        ["log.all", "told"],
        ["webhook.ops", "told"],
        ["ping.cron", "told"],
    ]
    assert sorted(request.path for request in web.requests) == ["/ping/log", f"/{SECRET}"]
    assert (tmp_path / "notices.log").read_text() == "validate-updates: a test\n"
    assert SECRET not in said.out + said.err


@pytest.mark.usefixtures("settings")
def test_a_channel_that_cannot_be_told_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server() as web:
        web.status = 403
        monkeypatch.setenv("HOOK", web.url(f"/{SECRET}"))
        said = command("notify", "test", "--debug")

    assert said.code == 3
    assert "webhook.ops answered 403; ping.cron needs the environment variable PING, which is not set" in said.err
    assert "told: 1 of 3 channels" in said.err
    assert SECRET not in said.out + said.err


def test_without_channels_there_is_nobody_to_tell(command: Command) -> None:
    said = command("notify", "test")

    assert said.code == 2
    assert "there is nobody to tell" in said.err


@pytest.mark.usefixtures("settings")
def test_a_rejected_run_says_whom_it_told(
    command: Command, monkeypatch: pytest.MonkeyPatch, hearings: Path, records: Callable[..., Path]
) -> None:
    rejected = records({"event_id": 9, "title": None}, {"event_id": "x"})
    words = ("run", str(rejected), "--target", f"sqlite:///{hearings}", "--table", "hearings", "--fail-on", "warning")

    with web_server() as web:
        monkeypatch.setenv("HOOK", web.url(f"/{SECRET}"))
        monkeypatch.setenv("PING", web.url("/ping"))
        said = command(*words, "--plugins", "notify,static_thresholds")

    assert said.code == 1
    assert "webhook.ops was told" in said.out
    assert [request.path.partition("?")[0] for request in web.requests if "ping" in request.path] == [
        "/ping/start",
        "/ping/1",
    ]
    assert SECRET not in said.out + said.err
