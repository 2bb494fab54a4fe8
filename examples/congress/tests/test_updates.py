"""Whole updates from the API: complete in spite of faults, in bounds, and never with the key where it can be read."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from validate_updates import SettingsError, Severity, Verdict
from validate_updates.manager import load_one
from validate_updates.settings import load_settings
from vu_congress import plugin
from vu_congress.demo.server import Faults
from vu_congress.demo.world import all_of, feed, save
from vu_congress.mapping import record_of
from vu_congress.settings import Congress

Rows = Callable[[str], list[tuple[Any, ...]]]
FAULTS = Faults(too_many=13, retry_after="0", server_error=11, truncated=7, dropped=17, slow=29, slow_seconds=30)
COLUMNS = (
    "event_id, congress, chamber, title, hearing_type, status, hearing_date, hearing_date_only, hearing_time,"
    " location, url, update_date"
)


LINKS = (
    "SELECT event_id, system_code FROM hearing_committees JOIN hearings USING (hearing_id)"
    " JOIN committees USING (committee_id)"
)
APPEARANCES = (
    "SELECT event_id, full_name, organization FROM witness_appearances JOIN hearings USING (hearing_id)"
    " JOIN witnesses USING (witness_id)"
)


def links(meetings: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((one["eventId"], committee["systemCode"]) for one in meetings for committee in one["committees"])


def appearances(meetings: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    found = {
        (one["eventId"], witness["name"], witness["organization"]) for one in meetings for witness in one["witnesses"]
    }
    return sorted(found, key=repr)


def expected(meetings: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows that they come to."""
    names = COLUMNS.replace(",", "").split()
    records = [record_of({"committeeMeeting": one}) for one in meetings]
    return sorted(tuple(record[name] for name in names) for record in records)


def test_everything_arrives_in_spite_of_faults(
    serve: Any, update: Any, rows: Rows, meetings: list[dict[str, Any]]
) -> None:
    server = serve(meetings, FAULTS)

    first = update(server.url, timeout=0.5)
    again = update(server.url, timeout=0.5)

    assert (first.verdict, first.counts.inserted) == (Verdict.COMMITTED, len(meetings))
    assert rows(f"SELECT {COLUMNS} FROM hearings ORDER BY event_id") == expected(meetings)
    assert sorted(rows(LINKS)) == links(meetings)
    assert sorted(rows(APPEARANCES), key=repr) == appearances(meetings)
    statuses = {one.status for one in server.world.asked}
    assert statuses == {200, 429, 500, 0}, "the faults were met"
    assert first.metrics["congress.tries_again"] > 10
    assert first.metrics["congress.listed"] == len(meetings)
    assert first.metrics["congress.requests"] > len(meetings)
    assert (again.counts.inserted, again.counts.updated) == (0, 0)


def test_one_day_after_the_other_each_run_asks_for_what_is_new(
    serve: Any, update: Any, rows: Rows, meetings: list[dict[str, Any]], now: datetime
) -> None:
    by_day = feed(now.date())
    known: list[dict[str, Any]] = []
    requests: list[float] = []
    for day, changed in by_day.items():
        known += changed
        server = serve(known)
        result = update(server.url, as_of=datetime.fromisoformat(f"{day}T23:59:00Z"), overlap_hours=1)
        assert result.verdict is Verdict.COMMITTED
        requests.append(result.metrics["congress.requests"])

    assert rows(f"SELECT {COLUMNS} FROM hearings ORDER BY event_id") == expected(meetings)
    assert requests == [1 + len(changed) for changed in by_day.values()], "a page, and each meeting that changed"


def test_what_the_api_cannot_give_is_told_and_asked_for_again(
    serve: Any, update: Any, rows: Rows, meetings: list[dict[str, Any]], now: datetime
) -> None:
    first, second, third = (str(one["eventId"]) for one in meetings[:3])
    faults = Faults(broken_entries=frozenset([first]), broken_meetings=frozenset([second]), missing=frozenset([third]))

    result = update(serve(meetings, faults).url, attempts=2)
    kept_out = {one.key: (one.code, one.file) for one in result.kept_out}
    later = update(serve(meetings).url, as_of=now + timedelta(days=30), overlap_hours=0)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert kept_out == {
        None: ("server_error", "congress:meetings, entry 0 of the list"),
        f"event_id={second}": ("server_error", f"congress:meetings, {place(meetings[1])}"),
        f"event_id={third}": ("not_found", f"congress:meetings, {place(meetings[2])}"),
    }
    assert (later.counts.read, later.counts.inserted) == (1, 1), "nothing else had changed since"
    [(state,)] = rows(f"SELECT state FROM update_quarantine WHERE record_key = 'event_id={second}'")
    assert state == "superseded"


def place(meeting: dict[str, Any]) -> str:
    return f"meeting {meeting['eventId']} ({meeting['chamber'].lower()}, 119th Congress)"


def test_a_list_that_does_not_stand_still_is_read_again_by_the_next_run(
    serve: Any, update: Any, rows: Rows, meetings: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vu_congress.listing.PASSES", 1)
    moving = frozenset([str(meetings[0]["eventId"])])

    result = update(serve(meetings, Faults(moving=moving)).url, page_size=9)
    assert rows("SELECT * FROM update_watermarks") == []
    again = update(serve(meetings).url, page_size=9)

    assert ("congress_not_all", Severity.WARNING) in {(one.code, one.severity) for one in result.findings}
    assert result.counts.inserted + again.counts.inserted == len(meetings)
    assert rows("SELECT count(*) FROM update_watermarks") == [(1,)]


def test_a_quota_that_is_used_up_ends_the_run_and_the_next_one_does_all_of_it(
    serve: Any, update: Any, rows: Rows, meetings: list[dict[str, Any]]
) -> None:
    later = update(serve(meetings, limit=60).url, reserve=25)

    assert (later.verdict, later.exit_code, later.try_later) == (Verdict.FAILED, 75, True)
    assert later.reason == "the quota of the API is used up for now"
    assert (rows("SELECT * FROM hearings"), rows("SELECT * FROM update_watermarks")) == ([], [])

    assert update(serve(meetings).url).counts.inserted == len(meetings)


def test_an_api_that_is_down_fails_the_run(serve: Any, update: Any, meetings: list[dict[str, Any]]) -> None:
    result = update(serve(meetings, Faults(server_error=1)).url, attempts=1)

    assert (result.verdict, result.exit_code) == (Verdict.FAILED, 3)
    assert "12 requests in a row failed" in result.reason


def test_without_a_key_nothing_is_asked(
    serve: Any, update: Any, meetings: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONGRESS_API_KEY")
    server = serve(meetings)

    with pytest.raises(SettingsError, match="CONGRESS_API_KEY holds no key"):
        update(server.url)

    assert server.world.asked == []


def test_a_meeting_that_makes_no_sense_costs_itself(
    serve: Any, update: Any, rows: Rows, meetings: list[dict[str, Any]]
) -> None:
    odd = {**meetings[0], "date": "tomorrow"}

    result = update(serve([odd, *meetings[1:]]).url)

    [kept_out] = result.kept_out
    assert (kept_out.code, kept_out.key) == ("bad_meeting", f"event_id={odd['eventId']}")
    assert json.loads(kept_out.record)["committeeMeeting"]["date"] == "tomorrow"
    assert rows("SELECT count(*) FROM hearings") == [(len(meetings) - 1,)]


@pytest.mark.parametrize(
    ("faults", "secret"),
    [(FAULTS, "a-key-that-nobody-may-see"), (None, "no-key-of-this-server"), (Faults(dropped=1), "a-key-nobody-saw")],
    ids=["good", "refused", "down"],
)
def test_the_key_is_in_no_log_no_result_and_no_table(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, faults: Faults | None, secret: str
) -> None:
    serve, update, database = (request.getfixturevalue(name) for name in ("serve", "update", "database"))
    log, terminal = request.getfixturevalue("caplog"), request.getfixturevalue("capfd")
    log.set_level(logging.DEBUG)
    server = serve(request.getfixturevalue("meetings"), faults)
    monkeypatch.setenv("CONGRESS_API_KEY", secret)

    try:
        said = repr(update(server.url, timeout=0.5))
    except SettingsError as error:
        said = f"{error!r} {error.message} {error.hint}"

    assert server.world.asked
    assert "congress" in said.lower()
    printed = terminal.readouterr()
    assert secret not in said + log.text + printed.out + printed.err
    files = [file for file in database.parent.iterdir() if file.is_file()]
    assert [file.name for file in files if secret.encode() in file.read_bytes()] == []
    assert all(secret not in one.path + str(one.query) for one in server.world.asked)


# Saved answers


def test_saved_days_come_once_each_and_up_to_the_day_of_the_run(
    update: Any, rows: Rows, tmp_path: Path, meetings: list[dict[str, Any]], now: datetime
) -> None:
    by_day = feed(now.date())
    save(by_day, tmp_path / "updates")
    days = [*by_day]

    def run(day: str) -> int:
        as_of = datetime.fromisoformat(f"{day}T12:00:00Z")
        result = update(source="congress:saved", saved=str(tmp_path / "updates"), as_of=as_of)
        assert result.verdict is Verdict.COMMITTED
        return int(result.counts.read)

    read = [run(day) for day in (days[0], days[0], days[2], days[-1])]

    sizes = [len(one) for one in by_day.values()]
    assert read == [sizes[0], 0, sum(sizes[1:3]), sum(sizes[3:])]
    assert rows(f"SELECT {COLUMNS} FROM hearings ORDER BY event_id") == expected(meetings)
    assert len([*all_of(by_day)]) == sum(sizes)


def test_a_saved_line_that_is_no_json_costs_itself(update: Any, tmp_path: Path, now: datetime) -> None:
    by_day = feed(now.date(), days=1)
    save(by_day, tmp_path / "updates")
    [file] = tmp_path.glob("updates/*/meetings.jsonl")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0][:50], *lines[1:]]))

    result = update(source="congress:saved", saved=str(tmp_path / "updates"))

    [kept_out] = result.kept_out
    assert (kept_out.code, kept_out.file) == ("bad_json", f"congress:saved, {now.date()}, line 1")
    assert result.counts.inserted == len(lines) - 1


@pytest.mark.parametrize("written", ['saved = "updates"', ""])
def test_the_folder_is_beside_the_settings(tmp_path: Path, written: str) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    file = tmp_path / "validate-updates.toml"
    file.write_text(f"[plugins.congress]\nreserve = 1\n{written}\n")
    settings = load_settings(file, env={}, cwd=elsewhere)

    loaded = load_one("congress", settings.plugin_tables, origins=settings.origins, extra={"congress": plugin})

    assert loaded.settings[Congress].saved == str(tmp_path / "updates")


def test_a_folder_without_days(update: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "meetings.jsonl").touch()

    result = update(source="congress:saved", saved=str(tmp_path))

    assert (result.exit_code, "no DAY/meetings.jsonl" in result.reason) == (3, True)
