"""Updates that tell people: when, what, how often; and that no outcome depends on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.notify.conftest import SECRET
from tests.plugins.notify.servers import Mail, Web
from tests.plugins.notify.world import CRITICAL, DECISION, WARNING, World, hook
from validate_updates import Severity, UsageError, Verdict
from validate_updates_notify import delivering
from validate_updates_notify.delivering import Limits

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def messages(web: Web) -> list[list[tuple[str, str, str]]]:
    """What each request told: (event, state, check)."""
    return [
        [(one["event"], one["state"], one["check"]) for one in request.json["messages"]] for request in web.requests
    ]


# What is told


def test_nothing_is_told_of_an_update_that_goes_well(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}

    result = world.update()

    assert (result.verdict, web.requests, result.findings) == (Verdict.COMMITTED, [], ())


def test_a_rejected_update_and_its_recovery(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}

    rejected = world.update(CRITICAL)
    world.update(CRITICAL)
    world.update()
    world.update()

    assert messages(web) == [
        [("rejected", "new", "outcome"), ("alert", "new", "given.wrong")],
        [("recovered", "resolved", "outcome"), ("recovered", "resolved", "given.wrong")],
    ]
    first = web.requests[0]
    assert (first.method, first.headers["Content-Type"]) == ("POST", "application/json")
    assert first.json["title"] == "daily: rejected, alert"
    assert first.json["text"].splitlines() == [
        "daily: rejected, alert",
        "✖ daily rejected: this is wrong",
        f"  validate-updates runs show {rejected.run_id}",
    ]
    assert world.told() == [
        ("told", "webhook.ops was told: 2 messages together"),
        ("told", "webhook.ops was told: 2 messages together"),
    ]


def test_records_kept_out_and_a_warning(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}

    result = world.update(WARNING, source=[{"id": 1, "name": "one"}, {"id": "x", "name": "two"}], plugins=("batch",))

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    told = messages(web)[0]
    assert ("partial", "new", "outcome") in told
    assert ("alert", "new", "given.odd.records.read") in told


def test_a_source_that_is_not_there(world: World, web: Web, tmp_path: Path) -> None:
    world.settings = {"webhook": {"ops": hook()}}

    result = world.update(source=tmp_path / "nowhere.jsonl")

    assert result.verdict is Verdict.FAILED
    assert ("failed", "new", "outcome") in messages(web)[0]


def test_a_run_that_is_for_later_is_no_trouble(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}
    world.update(WARNING)

    later = world.update(source="given:later")
    world.update()

    assert later.exit_code == 75
    check = "given.odd.records.read"
    assert messages(web) == [[("alert", "new", check)], [("recovered", "resolved", check)]]


def test_a_run_that_breaks_off_is_told_by_its_error(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}

    with pytest.raises(UsageError) as caught:
        world.update(table="no_such_table")

    (request,) = web.requests
    (told,) = request.json["messages"]
    assert (told["event"], told["text"]) == ("failed", caught.value.message)


def test_a_decision_is_told(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}

    world.update(decisions=(DECISION,))
    world.update(decisions=(DECISION,))

    assert messages(web) == [[("decision", "new", "given.promoted")]]


def test_a_process_found_dead_is_told(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}
    dead = world.update()
    world.target.execute(f"UPDATE update_logs SET state = 'running' WHERE run_id = '{dead.run_id}'")

    world.update()

    assert [one for told in messages(web) for one in told] == [("failed", "new", f"process.{dead.run_id}")]


def test_only_what_a_channel_wants_of_the_tasks_that_it_wants(world: World, web: Web) -> None:
    world.settings = {
        "quiet_minutes": 0,
        "webhook": {"ops": hook(events=["rejected"]), "other": hook(tasks=["weekly"])},
    }

    world.update(CRITICAL)
    world.update(WARNING, task="weekly")

    assert messages(web) == [[("rejected", "new", "outcome")], [("alert", "new", "given.odd.records.read")]]


# How often


def test_trouble_that_goes_on_is_told_again_after_a_day(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}

    world.update(WARNING)
    world.update(WARNING)
    world.update(WARNING, after=DAY)

    check = "given.odd.records.read"
    assert messages(web) == [[("alert", "new", check)], [("alert", "ongoing", check)]]
    assert "daily alert (still) since 2026-11-23 07:00 UTC" in web.requests[1].json["text"]


def test_what_comes_within_the_hour_is_told_together_later_for_all_tasks(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}
    minutes = timedelta(minutes=10)

    world.update(CRITICAL, task="a")
    world.update(CRITICAL, task="b", after=minutes)
    world.update(WARNING, task="c", after=minutes)
    assert len(web.requests) == 1
    world.update(task="d", after=HOUR)

    assert [len(told) for told in messages(web)] == [2, 3]
    digest = web.requests[1].json
    assert digest["title"] == "b, c: 3 messages"
    assert [one["task"] for one in digest["messages"]] == ["b", "b", "c"]
    assert "2026-11-23 07:10 UTC  b rejected: this is wrong" in digest["text"]
    world.update(task="d", after=HOUR)
    assert len(web.requests) == 2


def test_a_channel_that_could_not_be_told_is_told_by_the_next_run(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}}
    web.status = 503

    rejected = world.update(CRITICAL)
    web.status = 200
    world.update(CRITICAL)

    assert (rejected.verdict, len(web.requests)) == (Verdict.REJECTED, 4)  # three tries, and the next run's
    assert messages(web)[3] == messages(web)[0]
    assert world.told() == [
        ("not_told", "webhook.ops answered 503 (3 tries)"),
        ("told", "webhook.ops was told: 2 messages together"),
    ]


# Channels


def test_slack_and_discord_get_their_shapes_and_no_text_is_markup(sqlite: World, web: Web) -> None:
    nasty = replace(
        CRITICAL, message="<!channel> @everyone & \x1b[31m <https://x.example|y>\n forged ```[a](https://x.example)"
    )
    sqlite.settings = {"webhook": {"a": hook("slack"), "b": hook("discord")}}

    sqlite.update(nasty)

    shapes = sorted((request.json for request in web.requests), key=lambda one: "text" in one)
    discord, slack = shapes
    assert list(slack) == ["text", "mrkdwn"]
    assert slack["mrkdwn"] is False
    assert "&lt;!channel&gt; @everyone &amp; \\x1b[31m &lt;https://x.example|y&gt;\\x0a forged" in slack["text"]
    assert "<" not in slack["text"]
    assert list(discord) == ["content", "allowed_mentions"]
    assert discord["allowed_mentions"] == {"parse": []}
    assert "\\x1b[31m" in discord["content"]
    assert discord["content"].startswith("```\n")
    assert discord["content"].endswith("\n```")
    assert discord["content"].count("`") == 6


def test_messages_are_bounded(sqlite: World, web: Web) -> None:
    many = [replace(WARNING, code=f"odd_{number}" * 30, message='"' * 3000) for number in range(190)]
    sqlite.settings = {"webhook": {"a": hook("discord"), "b": hook()}}

    result = sqlite.update(*many)

    assert all(len(request.body) < 40_000 for request in web.requests)
    (discord,) = (request.json for request in web.requests if "content" in request.json)
    assert len(discord["content"]) <= 2000
    assert discord["content"].splitlines()[-3:] == [
        "… and 47 more",
        f"  validate-updates runs show {result.run_id}",
        "```",
    ]
    assert "observer_failed" not in {one.code for one in result.findings}
    sqlite.update(*many)
    assert len(web.requests) == 2  # what is kept of them fits: they are no news


def test_mail(sqlite: World, mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "letmein")
    letter = {"server": "localhost", "port": mail.port, "security": "off", "sender": "vu@example.org"}
    login = {"user": "vu", "password": "env:MAIL_PASSWORD"}
    sqlite.settings = {"email": {"team": {**letter, **login, "to": ["a@example.org", "b@example.org"]}}}

    sqlite.update(replace(CRITICAL, message="wrong\nBcc: evil@example.org"))

    (sent,) = mail.letters
    assert sent["Subject"] == "[validate-updates] daily: rejected, alert"
    assert (sent["From"], sent["To"], sent["Bcc"]) == ("vu@example.org", "a@example.org, b@example.org", None)
    assert "✖ daily rejected: wrong\\x0aBcc: evil@example.org" in sent.get_content()
    assert mail.recipients == ["TO:<a@example.org>", "TO:<b@example.org>"]
    assert mail.logins == ["\0vu\0letmein"]


def test_a_file(sqlite: World, tmp_path: Path) -> None:
    path = tmp_path / "notices.log"
    sqlite.settings = {"log": {"all": {"path": str(path)}}}

    sqlite.update(WARNING)
    sqlite.update(after=timedelta(minutes=1))

    assert path.read_text().splitlines() == [
        "2026-11-23T07:00:00Z daily alert new given.odd.records.read: the numbers are odd",
        "2026-11-23T07:01:00Z daily recovered resolved given.odd.records.read: no longer found",
    ]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own, on import
def test_apprise(sqlite: World, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACES", f"json://127.0.0.1:{web.port}/{SECRET}")
    sqlite.settings = {"apprise": {"all": {"url": "env:PLACES"}}}

    sqlite.update(CRITICAL)
    web.status = 404
    later = sqlite.update(WARNING)

    assert web.requests[0].json["title"] == "daily: rejected, alert"
    assert "✖ daily rejected: this is wrong" in web.requests[0].json["message"]
    assert "apprise.all was not told by apprise (3 tries)" in [one.message for one in later.findings]


# Pings


def test_pings_at_the_beginning_and_the_end(world: World, web: Web) -> None:
    world.settings = {"ping": {"cron": {"url": "env:HOOK", "tasks": ["daily"]}}}

    well, wrong = world.update(), world.update(CRITICAL)
    world.update(task="weekly")

    paths = [request.path.partition("?") for request in web.requests]
    assert [path for path, _, _ in paths] == [f"/{SECRET}/{end}" for end in ("start", "0", "start", "1")]
    assert (paths[0][2], paths[2][2]) == (paths[1][2], paths[3][2])
    assert paths[0][2] != paths[2][2]
    assert [request.body for request in web.requests][::2] == [b"", b""]
    assert web.requests[1].body.decode().splitlines()[0] == "daily: committed"
    assert f"run {well.run_id}" in web.requests[1].body.decode()
    assert "this is wrong" in web.requests[3].body.decode()
    assert wrong.verdict is Verdict.REJECTED


def test_a_run_that_breaks_off_pings_its_exit_status(world: World, web: Web) -> None:
    world.settings = {"ping": {"cron": {"url": "env:HOOK"}}}

    with pytest.raises(UsageError):
        world.update(table="no_such_table")

    assert [request.path.partition("?")[0] for request in web.requests] == [f"/{SECRET}/2"]


# What goes wrong


def dead(_: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/s3cr3t-in-the-path")


def slow(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "LIMITS", Limits(seconds=0.1, tries=2, pause=0.0))

    def stuck() -> None:
        threading.Event().wait(1.0)

    web.before = stuck


def redirecting(web: Web, _: pytest.MonkeyPatch) -> None:
    web.status, web.headers = 302, {"Location": web.url("/elsewhere")}


def refusing(web: Web, _: pytest.MonkeyPatch) -> None:
    web.status = 404


def unset(_: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK")


def no_web(_: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "file:///etc/s3cr3t-in-the-path")


def garbled(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f"{web.url()}/s3cr3t-in-the-path\r\nX-Evil: yes")


def link_local(_: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://169.254.169.254/s3cr3t-in-the-path")


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (dead, ("refused the connection (3 tries)", 0)),
        (slow, ("did not answer within 0.1 s (2 tries)", 2)),
        (redirecting, ("answered with a redirect (302), which is not followed", 1)),
        (refusing, ("answered 404", 1)),
        (unset, ("needs the environment variable HOOK, which is not set", 0)),
        (no_web, ("has an address that is none: http:// or https://, and a host", 0)),
        (garbled, ("has an address that is none: http:// or https://, and a host", 0)),
        (link_local, ("has a link-local address, which is refused: allow_link_local = true, if it is meant", 0)),
    ],
)
def test_what_cannot_be_told_is_journaled_and_changes_nothing(
    world: World,
    web: Web,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Web, pytest.MonkeyPatch], None],
    expected: tuple[str, int],
) -> None:
    world.settings = {"webhook": {"ops": hook()}}
    trouble(web, monkeypatch)

    result = world.update(WARNING, fail_on="critical")

    assert (result.verdict, result.exit_code) == (Verdict.COMMITTED, 0)
    assert world.told() == [("not_told", f"webhook.ops {expected[0]}")]
    assert len(web.requests) == expected[1]
    (finding,) = (one for one in result.findings if one.code == "not_told")
    assert finding.severity is Severity.WARNING
    assert SECRET not in world.everything() + repr(result)
    assert world.target.rows("SELECT id FROM t") == [(1,)]


def test_the_secret_never_shows(world: World, web: Web, mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", SECRET)
    letter = {"server": "localhost", "port": mail.port, "security": "off", "sender": "vu@example.org"}
    login = {"user": "vu", "password": "env:MAIL_PASSWORD"}
    world.settings = {
        "webhook": {"ops": hook(), "slack": hook("slack")},
        "email": {"team": {**letter, **login, "to": ["a@example.org"]}},
        "ping": {"cron": {"url": "env:HOOK"}},
    }

    results: list[Any] = []
    for status, code in [(200, "235 welcome"), (500, f"535 {SECRET} is wrong")]:
        web.status = status
        mail.refused = {} if status == 200 else {"DATA": code}
        results.append(world.update(CRITICAL, after=DAY))

    assert SECRET in str(mail.logins) + str(web.requests)
    everything = world.everything() + repr(results) + json.dumps([request.body.decode() for request in web.requests])
    assert SECRET not in everything + str([one.as_string() for one in mail.letters])
    assert {"not_told", "told"} == {code for code, _ in world.told()}


def test_a_dry_run_tells_nobody(world: World, web: Web) -> None:
    world.settings = {"webhook": {"ops": hook()}, "ping": {"cron": {"url": "env:HOOK"}}}

    world.update(CRITICAL, dry_run=True)

    assert web.requests == []
