"""The commands for records that were kept out, on real database files."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Command, Said, rows_of
from validate_updates import intake
from validate_updates.journal.texts import MESSAGE_BYTES, RECORD_BYTES

Records = Callable[..., Path]
PAGE = (Path(__file__).parents[2] / "docs" / "quarantine.md").read_text()
HOSTILE = "\x1b[31mred\u202e\u2028::error::x ##[group]"
WRONG = {"event_id": 4, "title": "Health", "room": 7.5}
MENDED = {"event_id": 4, "title": "Health", "room": "D"}
UNKNOWN = {"event_id": 5, "titel": "Trade"}


@pytest.fixture
def flags(hearings: Path) -> list[str]:
    return ["--target", f"sqlite:///{hearings}"]


@pytest.fixture
def update(command: Command, flags: list[str]) -> Callable[..., Said]:
    """Run an update of the table ``hearings`` without plugins."""

    def run(*words: str) -> Said:
        return command("run", *words, *flags, "--table", "hearings", "--plugins", "", "--format", "json")

    return run


@pytest.fixture
def settings(tmp_path: Path, hearings: Path) -> Path:
    """A task ``daily``, which deletes what its source no longer has."""
    path = tmp_path / "validate-updates.toml"
    path.write_text(
        f"""
        target = "sqlite:///{hearings}"
        default_plugins = []
        [tasks.daily]
        source = "day.jsonl"
        deletes = "missing"
        [tasks.daily.tables.hearings]
        key = "event_id"
        """
    )
    return path


def states(hearings: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(hearings)) as database:
        return database.execute("SELECT entry_no, state FROM update_quarantine ORDER BY entry_no").fetchall()


# list and show


def test_list_shows_each_record_with_place_and_reason(
    command: Command, update: Callable[..., Said], records: Records, flags: list[str]
) -> None:
    run = update(str(records(WRONG, UNKNOWN))).json["run_id"]
    said = command("quarantine", "list", *flags)

    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "Quarantine: 2 records\n"
        f"    1  wrong_type  day.jsonl:1  run {run}\n"
        "       event_id=4: room: expected text, got number '7.5'\n"
        f"    2  unknown_column  day.jsonl:2  run {run}\n"
        "       event_id=5: column 'titel' is not in the table hearings\n"
        "\n"
        "Next\n"
        f"  validate-updates quarantine export mend.jsonl {shlex.join(flags)}\n"
        f"  validate-updates quarantine replay {shlex.join(flags)}\n"
    )


def test_list_chooses(command: Command, update: Callable[..., Said], records: Records, flags: list[str]) -> None:
    update(str(records(WRONG, UNKNOWN)))
    last = update(str(records({"event_id": 6}, {"titel": "x"}, name="next.jsonl"))).json["run_id"]

    def chosen(*words: str) -> list[int]:
        return [
            one["number"] for one in command("quarantine", "list", *words, *flags, "--format", "json").json["entries"]
        ]

    assert chosen() == [3, 1, 2]
    assert chosen("--limit", "1") == [3]
    assert chosen("--run", "last") == chosen("--run", last) == [3]
    assert chosen("--code", "wrong_type") == [1]
    assert chosen("--table", "hearings", "--task", "hearings") == [3, 1, 2]
    assert chosen("--table", "other") == chosen("--task", "other") == []
    assert "and 2 more: --limit 3\n" in command("quarantine", "list", "--limit", "1", *flags).out
    assert command("quarantine", "list", "--task", "othr", *flags).out == "Nothing in quarantine is as asked for.\n"


def test_where_there_is_nothing(command: Command, flags: list[str]) -> None:
    assert command("quarantine", "list", *flags).out == "Nothing is in quarantine.\n"
    for words in (["show", "1"], ["export", "x.jsonl"], ["replay"], ["discard", "1"]):
        said = command("quarantine", *words, *flags)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("error: no run has been written down in this database yet")


def test_list_says_what_is_only_in_the_source(
    command: Command,
    update: Callable[..., Said],
    records: Records,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "ENTRIES", 2)
    run = update(str(records(*({**WRONG, "event_id": number} for number in range(5))))).json["run_id"]

    assert command("quarantine", "list", *flags, "--format", "json").json["not_stored"] == {run: 3}
    assert f"run {run} kept out 3 records more than the quarantine takes from a run: only in" in " ".join(
        command("quarantine", "list", *flags).out.split()
    )


def test_show_tells_everything(command: Command, update: Callable[..., Said], tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "day.jsonl").write_text('{"event_id":4,"title":null,"room":7.5}\n{"event_id": 5, "ti\n')
    update("day.jsonl")
    by_line = {
        one["kept"]["line"]: one for one in command("quarantine", "list", *flags, "--format", "json").json["entries"]
    }

    readable = command("quarantine", "show", str(by_line[1]["number"]), *flags).out
    assert "\n  column  room\n" in readable
    assert "\nRecord\n  event_id  4\n  title     null\n  room      7.5\n" in readable
    broken = command("quarantine", "show", str(by_line[2]["number"]), *flags).out
    assert '\nText, as it came\n  {"event_id": 5, "ti\n  not a record: not JSON: ' in broken
    exact = command("quarantine", "show", str(by_line[2]["number"]), *flags, "--format", "json").json
    assert exact == {"schema_version": 1, **by_line[2]}
    assert exact["kept"]["record"] == '{"event_id": 5, "ti'


def test_show_tells_members_as_the_record_has_them(
    command: Command, update: Callable[..., Said], records: Records, flags: list[str]
) -> None:
    ann = {"name": "Ann", "sworn": True, "paid": None, "hours": 7.5}
    children = [ann, *({"name": f"No {number}"} for number in range(2, 26))]
    update(str(records({"event_id": 4, "title": children, "room": {"floor": 3}, "chamber": ["House"]})))

    said = command("quarantine", "show", "1", *flags).out

    assert '\n  title     {"name":"Ann","sworn":true,"paid":null,"hours":7.5}\n            {"name":"No 2"}\n' in said
    assert (
        '\n            {"name":"No 20"}\n            and 5 more\n  room      {"floor":3}\n  chamber   ["House"]\n'
        in said
    )


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (["a", {"b": None}], 'list \'["a",{"b":null}]\''),
        ({"floor": 3}, "object '{\"floor\":3}'"),
        (True, "boolean 'true'"),
    ],
)
def test_a_wrong_value_is_told_as_the_record_has_it(
    value: object, got: str, update: Callable[..., Said], records: Records
) -> None:
    said = update(str(records({"event_id": 4, "title": value}))).json

    assert [kept["message"] for kept in said["kept_out"]] == [f"title: expected text, got {got}"]


@pytest.mark.parametrize("word", ["7", "-1", "x", "1.5", "9" * 30, "\x1b[31m"])
def test_an_entry_that_is_not_there(
    word: str, command: Command, update: Callable[..., Said], records: Records, flags: list[str]
) -> None:
    update(str(records(WRONG)))
    for verb in ("show", "replay", "discard"):
        said = command("quarantine", verb, *flags, "--", word)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("error: ")
        assert "\x1b" not in said.err


def test_what_is_in_a_record_reaches_no_terminal(
    command: Command,
    update: Callable[..., Said],
    records: Records,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = records({"event_id": 4, "title": HOSTILE, "room": 1.5}, {"event_id": 5, HOSTILE: 1})
    with path.open("a") as file:
        file.write(f"::add-mask::{HOSTILE}\n")
    update(str(path))
    for words in (
        ["list"],
        ["show", "1"],
        ["show", "2"],
        ["show", "3"],
        ["export", "-"],
        ["replay", "--plugins", ""],
        ["list", "--all"],
    ):
        for form in ("text", "json"):
            said = command("quarantine", *words, *flags, "--format", form)
            shown = (said.out + said.err).replace("\n", "").replace("✔", "").replace("→", "").replace("✖", "")
            assert shown.isprintable(), words
            assert "##[" not in shown
            assert not re.search(r"(?m)^\s*::", said.out + said.err)


# export, mend, replay


def test_from_export_to_replay(
    command: Command, update: Callable[..., Said], tmp_path: Path, hearings: Path, flags: list[str]
) -> None:
    (tmp_path / "day.jsonl").write_text(
        '{"event_id": 3, "title": "Oceans\n'
        + json.dumps(WRONG)
        + "\n"
        + json.dumps({**UNKNOWN, "event_id": 2**60})
        + "\n"
    )
    update("day.jsonl")
    said = command("quarantine", "export", "mend.jsonl", *flags)
    assert (said.code, said.err) == (0, "")
    assert "3 records in mend.jsonl, the reasons in mend.jsonl.reasons.txt\n" in said.out

    mend = tmp_path / "mend.jsonl"
    text = mend.read_text()
    assert text.count("\n") == 3
    mend.write_text(text.replace('"Oceans', '"Oceans"}').replace("7.5", '"D"').replace("titel", "title"))
    [replay] = re.findall("validate-updates (quarantine replay .*)", said.out)
    planned = command(*shlex.split(replay), "--plugins", "", "--dry-run")
    assert planned.out.startswith("✔ WOULD BE COMMITTED  hearings")
    assert f"Next\n  validate-updates {replay.removesuffix(shlex.join(flags))}" in planned.out
    done = command(*shlex.split(replay), "--plugins", "")

    assert done.code == 0, done.out + done.err
    assert rows_of(hearings)[2:] == [(3, "Oceans", None), (4, "Health", "D"), (2**60, "Trade", None)]
    assert {state for _, state in states(hearings)} == {"replayed"}
    assert command("quarantine", "list", *flags).out == "Nothing is in quarantine.\n"


def test_mended_in_part(
    command: Command, update: Callable[..., Said], records: Records, hearings: Path, flags: list[str]
) -> None:
    update(str(records(WRONG, UNKNOWN)))
    mended = records(MENDED, UNKNOWN, name="mend.jsonl")
    said = command("quarantine", "replay", "--from", str(mended), *flags, "--plugins", "")

    assert said.code == 5
    assert states(hearings) == [(1, "replayed"), (2, "superseded"), (3, "open")]
    assert re.search(r"\nNext\n  validate-updates quarantine list --run \S+ --target", said.out)


def test_a_plain_run_of_the_mended_records_does_as_well(
    update: Callable[..., Said], records: Records, hearings: Path
) -> None:
    update(str(records(WRONG, UNKNOWN)))
    update(str(records(MENDED, name="mend.jsonl")))

    assert states(hearings) == [(1, "superseded"), (2, "open")]


def test_an_export_replaces_nothing(
    command: Command, update: Callable[..., Said], records: Records, tmp_path: Path, flags: list[str]
) -> None:
    update(str(records(WRONG)))
    (tmp_path / "mend.jsonl").write_text("mended by hand\n")
    said = command("quarantine", "export", "mend.jsonl", *flags)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: mend.jsonl is there already, perhaps with records that were mended\n")
    assert (tmp_path / "mend.jsonl").read_text() == "mended by hand\n"
    (tmp_path / "reader").hardlink_to(tmp_path / "mend.jsonl")
    assert command("quarantine", "export", "mend.jsonl", "--force", *flags).code == 0
    assert (tmp_path / "reader").read_text() == "mended by hand\n", "it was replaced, not written over"
    assert json.loads((tmp_path / "mend.jsonl").read_text()) == WRONG
    assert command("quarantine", "export", "other.jsonl", *flags).code == 0
    assert {Path(name).stat().st_mode & 0o777 for name in ("other.jsonl", "other.jsonl.reasons.txt")} == {0o600}
    nowhere = command("quarantine", "export", "no/such/folder.jsonl", *flags)
    assert (nowhere.code, nowhere.err.splitlines()[0]) == (
        2,
        "error: no/such/folder.jsonl cannot be written: No such file or directory",
    )


def test_an_export_to_stdout_is_records_and_nothing_else(
    command: Command, update: Callable[..., Said], records: Records, flags: list[str]
) -> None:
    title = {**WRONG, "title": "Ämter\x85"}
    update(str(records(title, UNKNOWN)))
    said = command("quarantine", "export", "-", *flags)

    assert said.err == ""
    assert said.out.isascii()
    assert [json.loads(line) for line in said.out.splitlines()] == [title, UNKNOWN]


def test_an_export_is_of_one_table(
    command: Command, update: Callable[..., Said], records: Records, hearings: Path, flags: list[str]
) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("CREATE TABLE rooms (name TEXT PRIMARY KEY, seats INTEGER)")
    update(str(records(WRONG)))
    other = records({"name": "A", "seats": "many"}, name="rooms.jsonl")
    command("run", str(other), *flags, "--table", "rooms", "--plugins", "")

    said = command("quarantine", "export", "mend.jsonl", *flags)
    assert (said.code, said.err) == (
        2,
        "error: the entries are of 2 tables: hearings, rooms\n  name one with --table\n",
    )
    assert not Path("mend.jsonl").exists()
    assert command("quarantine", "export", "mend.jsonl", "--table", "rooms", *flags).code == 0
    refused = command("quarantine", "replay", *flags, "--plugins", "")
    assert refused.err.endswith(
        "task hearings, table hearings; task rooms, table rooms\n  name one with --task and --table\n"
    )
    assert command("quarantine", "replay", "--table", "rooms", *flags, "--plugins", "").code == 5


# replay


def test_records_are_replayed_as_they_came(
    command: Command, update: Callable[..., Said], records: Records, hearings: Path, flags: list[str]
) -> None:
    update(str(records(WRONG, UNKNOWN)))
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("ALTER TABLE hearings ADD COLUMN titel TEXT DEFAULT 'none'")
        database.execute("UPDATE hearings SET title = 'x' WHERE false")
        database.commit()
    said = command("quarantine", "replay", "--code", "unknown_column", *flags, "--plugins", "", "--format", "json")
    assert (said.json["counts"]["quarantined"], said.json["counts"]["rolled_back"]) == (0, 1)  # the title is missing
    assert states(hearings) == [(1, "open"), (2, "open")]

    again = command("quarantine", "replay", "2", *flags, "--plugins", "", "--unknown-columns", "ignore")
    assert again.code == 1
    assert re.search(
        r"validate-updates quarantine replay --dry-run 2 --target \S+ --plugins '' --unknown-columns ignore", again.out
    )


def test_what_is_no_record_is_not_replayed(
    command: Command, update: Callable[..., Said], tmp_path: Path, hearings: Path, flags: list[str]
) -> None:
    (tmp_path / "day.jsonl").write_text('{"event_id": 3, "ti\n' + json.dumps(WRONG) + "\n")
    update("day.jsonl")
    broken, readable = sorted(number for number, _ in states(hearings))
    named = command("quarantine", "replay", str(broken), *flags)
    assert named.code == 2
    assert named.err.startswith(f"error: not a record as it came, so it cannot be tried again: entry {broken}\n")

    said = command("quarantine", "replay", *flags, "--plugins", "")
    assert f"left out, not being records as they came: entry {broken}; mend them first" in said.err
    assert states(hearings) == [(broken, "open"), (readable, "superseded"), (readable + 1, "open")]


def test_a_replay_has_the_tasks_settings_and_deletes_nothing(
    command: Command, records: Records, settings: Path, hearings: Path
) -> None:
    assert settings.exists()
    records({"event_id": 1, "title": "Budget"}, WRONG)
    assert command("run", "daily").code == 5
    mended = records(MENDED, name="mend.jsonl")
    said = command("quarantine", "replay", "--task", "daily", "--from", str(mended), "--format", "json")

    assert (said.code, said.json["task"], said.json["counts"]["deleted"]) == (0, "daily", 0)
    assert [row[0] for row in rows_of(hearings)] == [1, 2, 4]
    assert states(hearings) == [(1, "replayed")]
    assert command("quarantine", "replay", "--deletes", "missing").code == 2
    assert command("quarantine", "replay", "--source", "x.jsonl").code == 2


def test_the_key_of_the_first_run_is_the_replays_too(
    command: Command, records: Records, hearings: Path, flags: list[str]
) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT UNIQUE, seats INTEGER)")
    path = records({"id": 7, "name": "A", "seats": "many"}, name="rooms.jsonl")
    command("run", str(path), *flags, "--table", "rooms", "--key", "name", "--plugins", "")
    mended = records({"id": 7, "name": "A", "seats": 9}, name="mend.jsonl")
    said = command("quarantine", "replay", "--from", str(mended), *flags, "--plugins", "", "--format", "json")

    assert said.json["key"] == ["name"]
    assert states(hearings) == [(1, "replayed")]


def test_bad_records_do_not_keep_the_good_ones_of_a_replay_out(
    command: Command, update: Callable[..., Said], records: Records, hearings: Path, flags: list[str]
) -> None:
    update(str(records(WRONG, UNKNOWN)))
    mended = records(MENDED, UNKNOWN, name="mend.jsonl")
    said = command("quarantine", "replay", "--from", str(mended), *flags, "--plugins", "static_thresholds")

    assert said.code == 5, said.out
    assert "error_rate_high is not asked about a replay" in said.out
    assert states(hearings) == [(1, "replayed"), (2, "superseded"), (3, "open")]


def test_in_a_schema_of_postgresql(command: Command, records: Records, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute("CREATE SCHEMA sales")
        database.execute("CREATE TABLE sales.rooms (name text PRIMARY KEY, seats integer)")
        where = ["--target", postgres_url, "--schema", "sales"]
        bad = records({"name": "A", "seats": "many"}, name="rooms.jsonl")
        said = command("run", str(bad), *where, "--table", "rooms", "--plugins", "")
        [(words, schema)] = re.findall(r"validate-updates (quarantine list --run \S+) --target \S+ (.*)", said.out)
        shown = command(*words.split(), "--target", postgres_url, *schema.split())  # the URL is shown without its query
        assert shown.out.startswith("Quarantine: 1 record\n")
        listed = command("quarantine", "list", "--table", "rooms", *where, "--format", "json").json["entries"]
        assert [one["table"] for one in listed] == ["sales.rooms"]

        mended = records({"name": "A", "seats": 9}, name="mend.jsonl")
        assert command("quarantine", "replay", "--from", str(mended), *where, "--plugins", "").code == 0
        assert database.execute("SELECT * FROM sales.rooms").fetchall() == [("A", 9)]
        assert database.execute("SELECT state FROM sales.update_quarantine").fetchall() == [("replayed",)]


# discard


def test_discard(
    command: Command, update: Callable[..., Said], records: Records, hearings: Path, flags: list[str]
) -> None:
    update(str(records(WRONG, UNKNOWN, {**UNKNOWN, "event_id": 6})))
    said = command("quarantine", "discard", "1", *flags, "--reason", "a test \x1b[31m")
    assert said.out == "1 record discarded; the journal keeps them: validate-updates quarantine list --all\n"
    shown = command("quarantine", "show", "1", *flags).out
    assert "UTC, discarded: a test \\x1b[31m\n" in shown

    assert command("quarantine", "discard", "--run", "last", "--code", "unknown_column", *flags).code == 0
    assert {state for _, state in states(hearings)} == {"discarded"}
    again = command("quarantine", "discard", "1", *flags)
    assert (again.code, again.err.splitlines()[0]) == (2, "error: entry 1 is closed: it was discarded")


def test_discard_wants_to_know_exactly(
    command: Command, update: Callable[..., Said], records: Records, hearings: Path, flags: list[str]
) -> None:
    update(str(records(WRONG)))
    for words in ([], ["1", "--run", "last"]):
        said = command("quarantine", "discard", *words, *flags)

        assert said.code == 2
        assert said.err.startswith("error: which entries? give their numbers, or else ")
    assert states(hearings) == [(1, "open")]


# the page for people

COMMANDS = re.findall(r"(?m)^validate-updates (.*)$", "".join(re.findall(r"(?s)```console\n(.*?)```", PAGE)))


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_works(
    line: str, command: Command, settings: Path, records: Records, hearings: Path
) -> None:
    settings.write_text(settings.read_text().replace('deletes = "missing"', ""))
    with records(WRONG, UNKNOWN).open("a") as file:
        file.write('{"event_id": 3, "title": "Hea\n')
    assert command("run", "daily").code == 5
    words = shlex.split(line)
    if "--from" in words:
        assert command("quarantine", "export", words[words.index("--from") + 1]).code == 0
    said = command(*words)

    assert said.code in {0, 5}, said
    assert said.out
    assert len(states(hearings)) >= 3


def test_the_page_has_commands_for_every_step() -> None:
    assert {line.split()[1] for line in COMMANDS} == {"list", "show", "export", "replay", "discard"}


def test_the_page_has_the_bounds_that_hold() -> None:
    numbers = (
        f"{intake.ENTRIES:,}",
        f"{intake.ENTRY_BYTES >> 20} MB",
        f"{RECORD_BYTES >> 10} KiB",
        f"{MESSAGE_BYTES:,} bytes",
    )

    assert [number for number in numbers if number not in PAGE] == []
