"""What a person asks afterwards: why, what would have been, and let it in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.historical.wiring.world import NOW, Feed, codes, unusual, usual
from validate_updates_cli.main import main

Ask = Callable[..., Any]


@pytest.fixture
def ask(feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """A command on the database of the feed, in an empty folder: its exit code and its answer as data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert main([*words, "--target", feed.target.url, "--format", "json"]) == code
        out = capsys.readouterr()
        return json.loads(out.out) if out.out else out.err

    return run


def rows(section: Any) -> dict[str, list[str]]:
    return {row[0]: row for row in section["rows"]}


def test_explain_says_why_a_run_passed_and_why_another_did_not(feed: Feed, ask: Ask) -> None:
    feed.past(usual(60))
    passed = feed.update(feed.records(205))
    alerted = feed.update(feed.records(400), at=NOW + timedelta(days=1))

    fine = ask("runs", "explain", passed.run_id)["explanation"]
    odd = ask("runs", "explain", alerted.run_id)["explanation"]

    assert rows(fine)["records.read"][-1] == "as expected"
    assert re.fullmatch(r"1[5-8]\d to 2[1-4]\d", rows(fine)["records.read"][3])
    assert rows(fine)["records.inserted"][-1] == "too few runs to tell"
    assert rows(odd)["records.read"][-1] == "unusual"
    assert any("records.read is 400" in line for line in odd["lines"])
    [said] = [line for line in odd["lines"] if "usual signals speak" in line]
    assert re.search(r"z score \+\d+\.?\d* \(limit 3\.\d+\), robust z \+", said)
    assert not any("usual signals" in line for line in fine["lines"])
    assert any(line.startswith("judging: 61 runs") for line in odd["lines"])


def test_explain_judges_by_the_runs_before_and_by_todays_labels(feed: Feed, ask: Ask) -> None:
    feed.past(usual(60))
    early = feed.update(feed.records(400))
    feed.past(usual(40, 400, seed=3), until=NOW + timedelta(days=41))
    feed.label(early.run_id, "expected")

    found = ask("runs", "explain", early.run_id)["explanation"]

    assert rows(found)["records.read"][-1] == "unusual"
    assert any(line.startswith("judging: 60 runs") for line in found["lines"])


def test_explain_of_what_is_unusual_and_expected(feed: Feed, ask: Ask) -> None:
    feed.past(usual(60))
    first = feed.update(feed.records(400), on_alert="reject")
    feed.label(first.run_id, "expected", until=NOW + timedelta(days=30))
    again = feed.update(feed.records(400), at=NOW + timedelta(days=1), on_alert="reject")

    found = ask("runs", "explain", again.run_id)["explanation"]

    assert codes(again) == ["unusual_but_expected"]
    assert rows(found)["records.read"][-1] == "unusual, and expected"
    assert found["drawing"] == []


def test_a_run_without_metrics_is_not_explained(feed: Feed, ask: Ask, tmp_path: Path) -> None:
    assert feed.target.update(tmp_path / "none.jsonl", plugins=("historical",)).verdict == "failed"

    assert "has no metrics" in ask("runs", "explain", "last", code=2)


def test_backtest_counts_false_alarms_and_incidents(feed: Feed, ask: Ask) -> None:
    days = usual(90)
    days[50] = {"records.read": 900.0}
    days[70] = {"records.read": 10.0}
    feed.past(days)
    listed = ask("runs", "list", "--limit", "100")["runs"]
    spike, drop = (next(one for one in listed if one["counts"]["read"] == read) for read in (900, 10))
    feed.label(spike["run_id"], "incident")

    found = ask("thresholds", "backtest", "--task", "t")["backtest"]

    alerted = {run["run_id"] for run in found["runs"] if run["alerts"]}
    assert {spike["run_id"], drop["run_id"]} <= alerted
    assert len(alerted) <= 4
    assert [run["label"] for run in found["runs"] if run["run_id"] == spike["run_id"]] == ["incident"]
    assert sum(not run["judged"] for run in found["runs"]) == 30
    assert len(ask("thresholds", "backtest", "--task", "t", "--runs", "10")["backtest"]["runs"]) == 10
    earlier = ask("thresholds", "backtest", "--task", "t", "--set", "min_days=17")["backtest"]
    assert sum(not run["judged"] for run in earlier["runs"]) == 17


def test_suggest_takes_the_least_rate_that_finds_the_incidents(feed: Feed, ask: Ask) -> None:
    days = usual(90)
    days[50] = {"records.read": 900.0}
    feed.past(days)
    listed = ask("runs", "list", "--limit", "100")["runs"]
    feed.label(next(one["run_id"] for one in listed if one["counts"]["read"] == 900), "incident")

    found = ask("thresholds", "suggest", "--task", "t")["suggestion"]

    assert found["false_alarm_rate"] == 0.001
    assert "1 of 1 incidents" in found["why"]
    assert len(found["tried"]) == 7


def test_thresholds_now(feed: Feed, ask: Ask) -> None:
    feed.past(usual(60), until=NOW)

    found = ask("thresholds", "show", "--task", "t", "--set", "on_alert=hold")

    assert re.fullmatch(r"1[5-8]\d to 2[1-4]\d", rows(found["expected"])["records.read"][3])
    settings = {one["name"]: one["value"] for one in found["settings"]}
    assert (settings["on_alert"], settings["window"], settings["group_by"]) == ("hold", 365, [])
    assert settings["watch"] == ["records.*", "errors.percent", "columns.missing.*", "groups.*"]
    assert settings["calendar"] == {"periods": {}, "month_ends": 0}


def test_thresholds_now_shows_settings_as_the_file_has_them(feed: Feed, capsys: pytest.CaptureFixture[str]) -> None:
    feed.past(usual(60), until=NOW)

    assert main(["thresholds", "show", "--task", "t", "--target", feed.target.url]) == 0

    page = " ".join(capsys.readouterr().out.split())
    for line in (
        'on_alert = "warn" what an alert does',
        'watch = ["records.*", "errors.percent", "columns.missing.*", "groups.*"] metrics',
        "group_by = [] columns",
        "calendar = {periods = {}, month_ends = 0} recesses",
    ):
        assert line in page


def test_thresholds_leave_out_what_the_plugin_opposed_in_shadow(feed: Feed, ask: Ask) -> None:
    """They are those of the next run, to which that one is no example."""
    feed.past(usual(60))
    opposed = feed.update(feed.records(400), plugins=("historical:shadow",), on_alert="reject")

    found = ask("thresholds", "show", "--task", "t")["expected"]

    assert opposed.verdict == "committed"
    assert any(line.startswith("judging: 60 runs") for line in found["lines"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("thresholds", "show", "--task", "nobody"), "there is no history"),
        (("thresholds", "backtest", "--set", "min_days"), "is no setting"),
        (("thresholds", "backtest", "--set", "min_dyas=3"), "min_dyas"),
        (("thresholds", "backtest", "--set", "min_days=3"), "min_days"),
    ],
)
def test_what_cannot_be_asked(feed: Feed, ask: Ask, words: tuple[str, ...], said: str) -> None:
    feed.past(usual(10))

    assert said in ask(*words, code=2)


# runs accept


@pytest.fixture
def held(feed: Feed, tmp_path: Path) -> str:
    """An update of a task that was held; its id."""
    feed.past(usual(60, seed=5))
    write(feed, tmp_path, 400)
    (tmp_path / "validate-updates.toml").write_text(
        f'target = "{feed.target.url}"\n[tasks.t]\nsource = "today.jsonl"\nplugins = ["historical"]\n'
        '[tasks.t.tables.t]\nkey = "id"\n[plugins.historical]\non_alert = "hold"\n'
    )
    result = feed.target.update(
        tmp_path / "today.jsonl", plugins=("historical",), settings={"historical": {"on_alert": "hold"}}, as_of=NOW
    )
    assert result.verdict == "rejected"
    return result.run_id


def write(feed: Feed, folder: Path, count: int) -> None:
    (folder / "today.jsonl").write_text("".join(json.dumps(one) + "\n" for one in feed.records(count)))


def test_accepting_a_held_update_applies_it(feed: Feed, ask: Ask, held: str) -> None:
    result = ask("runs", "accept", held)

    assert result["verdict"] == "committed"
    assert "unusual_but_expected" in {finding["code"] for finding in result["findings"]}
    assert feed.target.rows("SELECT count(*) FROM t") == [(400,)]
    assert ask("runs", "show", held)["run"]["note"] == "accepted"


def test_what_is_accepted_is_this_update_and_no_other(feed: Feed, ask: Ask, held: str, tmp_path: Path) -> None:
    write(feed, tmp_path, 3000)

    assert ask("runs", "accept", held, code=1)["verdict"] == "rejected"
    assert feed.target.rows("SELECT count(*) FROM t") == [(0,)]


def test_an_acceptance_ends(ask: Ask, held: str) -> None:
    ask("runs", "accept", held)
    label = ask("runs", "show", held)["run"]

    assert label["label"] == "expected"
    assert label["label_until"] is not None


def test_a_source_that_cannot_be_read_again(feed: Feed, ask: Ask, held: str, tmp_path: Path) -> None:
    (tmp_path / "validate-updates.toml").unlink()

    said = ask("runs", "accept", held, code=2)

    assert "cannot be told" in said
    assert f"runs ack {held} --expected" in said
    assert ask("runs", "show", held)["run"]["label"] is None
    (tmp_path / "other.jsonl").write_text("")
    assert "had the source today.jsonl, not other.jsonl" in ask(
        "runs", "accept", held, "--source", "other.jsonl", "--plugins", "historical", code=2
    )
    result = ask("runs", "accept", held, "--source", "today.jsonl", "--plugins", "historical")
    assert result["verdict"] == "committed"
    assert feed.target.rows("SELECT count(*) FROM t") == [(400,)]


def test_a_run_that_was_not_held(feed: Feed, ask: Ask) -> None:
    feed.past(usual(60))
    result = feed.update(feed.records(205))

    assert "not held" in ask("runs", "accept", result.run_id, code=2)
    assert codes(result) == []
    assert unusual(result) == {}


def test_a_terminal_without_drawn_characters(
    feed: Feed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.past(usual(60))
    alerted = feed.update(feed.records(400))
    monkeypatch.setattr("validate_updates_cli.output._is_utf8", lambda _: False)
    monkeypatch.setenv("COLUMNS", "120")

    assert main(["runs", "explain", alerted.run_id, "--target", feed.target.url]) == 0

    page = capsys.readouterr().out
    assert page.isascii()
    assert "\\u" not in page
    assert "@" in page
