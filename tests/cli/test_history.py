"""``history`` and ``runs ack``, on real database files."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Command
from validate_updates.text import BARS
from validate_updates_cli.render.history import sparkline
from validate_updates_cli.render.look import Look

Write = Callable[..., str]
PAGE = (Path(__file__).parents[2] / "docs" / "history.md").read_text()
ROWS = [("2025-01-14", 3, "ok"), ("2025-01-15", 4, "ok"), ("2025-01-16", 5, "failed")]
HOSTILE = "\x1b[31mred\u202e::error::x ##[group]"


@pytest.fixture
def log(tmp_path: Path) -> Write:
    """Write a log, and give its name."""

    def write(rows: Sequence[Sequence[Any]] = ROWS, header: Sequence[str] = ("day", "checked", "status")) -> str:
        path = tmp_path / "log.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return str(path)

    return write


@pytest.fixture
def history(command: Command, hearings: Path) -> Command:
    """Run ``history`` on the database for the task ``hearings``."""
    where = ("--target", f"sqlite:///{hearings}", "--task", "hearings")
    return lambda *words: command("history", *words, *where)


@pytest.fixture
def update(command: Command, hearings: Path, records: Callable[..., Path]) -> Callable[[], str]:
    """Run an update of the task ``hearings``; its run id."""
    ids = iter(range(10, 100))

    def run() -> str:
        file = records({"event_id": next(ids), "title": "Trade", "room": "C"})
        flags = ("--target", f"sqlite:///{hearings}", "--table", "hearings", "--plugins", "", "--format", "json")
        said = command("run", str(file), *flags)
        assert said.code == 0
        return str(said.json["run_id"])

    return run


def journal(hearings: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(hearings)) as database:
        return database.execute(query).fetchall()


# import


def test_a_dry_run_shows_the_mapping_and_writes_nothing(history: Command, log: Write, hearings: Path) -> None:
    said = history("import", log(), "--dry-run")

    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "3 rows of log.csv = 3 new runs\n"
        "dry run: nothing was written\n"
        "\n"
        "Columns, by their names\n"
        "  started_at  →  day\n"
        "  state       →  status\n"
        "  read        →  checked\n"
        "\n"
        "Runs that would be written\n"
        "  2025-01-14 12:00 to 2025-01-16 12:00 UTC\n"
        "  2 committed, 1 failed\n"
        "  metric        runs  last  median  lowest  highest  newest runs\n"
        "  records.read     3     5       4       3        5  ▁▅█\n"
        "\n"
        "  2025-01-14 12:00:00  committed  records.read 3\n"
        "  2025-01-15 12:00:00  committed  records.read 4\n"
        "  2025-01-16 12:00:00  failed     records.read 5\n"
    )
    assert journal(hearings, "SELECT name FROM sqlite_master WHERE name LIKE 'update_%'") == []


def test_an_import_and_the_same_again(history: Command, log: Write, command: Command, hearings: Path) -> None:
    first = history("import", log())
    again = history("import", log(), "--format", "json")

    assert first.code == again.code == 0
    step = first.out.splitlines()[-1]
    assert step == f"  validate-updates history show --task hearings --target sqlite:///{hearings}"
    shown = command(*step.split()[1:])
    assert "3 runs, 2025-01-14 to 2025-01-16" in shown.out
    assert "2 that updates are compared with, 3 imported" in shown.out
    assert (again.json["written"], again.json["left_out"]) == (0, {"there already": 3})


def test_a_mapping_that_is_given(history: Command, log: Write, hearings: Path) -> None:
    file = log([("2025-01-14 06:00", 3, 0.5)], ("run at", "n", "share"))
    said = history(
        "import", file, "--map", "started_at=run at", "--map", "inserted=n,metric.share.empty=share",
        "--timezone", "America/New_York", "--format", "json",
    )  # fmt: skip

    assert said.json["mapping"] == {"started_at": "run at", "inserted": "n", "metric.share.empty": "share"}
    assert (said.json["guessed"], said.json["unused"]) == (False, [])
    assert said.json["first"] == "2025-01-14T11:00:00Z"
    assert journal(hearings, "SELECT name, value FROM update_metrics ORDER BY 1") == [
        ("records.inserted", 3.0),
        ("share.empty", 0.5),
    ]


def test_bad_rows_are_named_and_nothing_is_written(history: Command, log: Write, hearings: Path) -> None:
    file = log([*ROWS, ("soon", 1, "ok"), ("2025-01-17", "many", "ok"), ("then", 1, "ok")])
    said = history("import", file)

    assert said.code == 1
    assert "6 rows of log.csv = 3 new runs + 3 that cannot be imported\n" in said.out
    assert "nothing was written" in said.out
    assert "  line 5: day: 'soon' is not a time: write" in said.out
    assert "  line 6: checked: 'many' is not a number\n" in said.out
    assert journal(hearings, "SELECT name FROM sqlite_master WHERE name LIKE 'update_%'") == []

    skipped = history("import", file, "--skip-bad", "--format", "json")
    assert (skipped.code, skipped.json["written"]) == (0, 3)
    assert [row["number"] for row in skipped.json["bad"]] == [5, 6, 7]


def test_many_rows_with_one_reason_are_one_line(history: Command, log: Write) -> None:
    said = history("import", log([("2025-01-14", 1, "ok"), *[("2025-01-15", "x", "ok")] * 9]))

    assert "  line 3, 4, 5, 6, 7 and 4 more: checked: 'x' is not a number\n" in said.out


def test_a_log_in_a_table(history: Command, hearings: Path) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("CREATE TABLE runs_of_old (started_at TEXT, added INTEGER)")
        database.execute("INSERT INTO runs_of_old VALUES ('2025-01-14', 3), ('x', 4)")
        database.commit()
    said = history("import", "--from-table", "runs_of_old", "--skip-bad")

    assert said.code == 0
    assert "2 rows of runs_of_old = 1 new run + 1 that cannot be imported\n" in said.out
    assert "  row 2: started_at: 'x' is not a time" in said.out
    assert history("import", "--from-table", "update_logs").err.startswith("error: update_logs is the journal itself")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "which log? a file, or --from-table NAME"),
        (["log.csv", "--from-table", "hearings"], "which log?"),
        (["gone.csv"], "gone.csv cannot be opened"),
        (["log.csv", "--map", "x"], "is not FIELD=COLUMN"),
        (["log.csv", "--map", "started_at=dya"], "did you mean 'day'?"),
        (["log.csv", "--timezone", "Mars"], "--timezone 'Mars' is not known"),
        (["log.csv", "--timezone", "../etc/passwd"], "is not known"),
        (["log.csv", "--timezone", "Europe"], "is not known"),
    ],
)
def test_what_cannot_be_imported(history: Command, log: Write, words: list[str], reason: str) -> None:
    log()
    said = history("import", *words)

    assert said.code in {2, 3}
    assert said.out == ""
    assert reason in said.err


@pytest.mark.parametrize(
    ("written", "why"),
    [(b"", ""), (b"started_at,added\n", ""), (b"started_at,added\n2025-01-14,caf\xe9\n", "line 2: not UTF-8")],
)
def test_a_log_without_a_run_is_said_to_be_that(history: Command, tmp_path: Path, written: bytes, why: str) -> None:
    (tmp_path / "old.csv").write_bytes(written)

    said = history("import", "old.csv")

    assert said.code == 3
    first, *hint = said.err.splitlines()
    assert first == "error: old.csv holds no run that can be read"
    assert why in "".join(hint)


def test_a_task_that_nobody_knows(command: Command, log: Write, hearings: Path) -> None:
    where = ("--target", f"sqlite:///{hearings}")
    misspelt = command("history", "import", log(), *where, "--task", "hearing")
    none = command("history", "import", log(), *where)

    assert (misspelt.code, none.code) == (2, 2)
    assert "there is no task 'hearing'" in misspelt.err
    assert "the history of which task?" in none.err


def test_the_only_task_of_the_settings(command: Command, log: Write, hearings: Path, tmp_path: Path) -> None:
    settings = f'target = "sqlite:///{hearings}"\n[tasks.daily]\nsource = "x"\n[tasks.daily.tables.hearings]\n'
    (tmp_path / "validate-updates.toml").write_text(settings)

    assert command("history", "import", log()).code == 0
    assert journal(hearings, "SELECT DISTINCT task, table_name FROM update_logs") == [("daily", "hearings")]


def test_hostile_logs_are_shown_as_harmless_text(history: Command, log: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    file = log([(HOSTILE, HOSTILE, HOSTILE)], ("day", "checked", HOSTILE))
    said = history("import", file, "--map", f"started_at=day,read=checked,metric.a::b=checked,metric.c={HOSTILE}")

    assert said.code == 1
    assert "\\x1b[31mred\\u202e" in said.out
    assert not re.search("\x1b|\u202e|::|##\\[", said.out)


# backfill, show, forget


def test_backfill(history: Command, hearings: Path) -> None:
    with closing(sqlite3.connect(hearings)) as database:
        database.execute("ALTER TABLE hearings ADD COLUMN created_at TEXT")
        database.execute("UPDATE hearings SET created_at = '2025-01-14 06:00:00' WHERE event_id = 1")
        database.commit()
    dry = history("backfill", "--column", "created_at", "--dry-run")
    said = history("backfill", "--column", "created_at", "--group-by", "day", "--since", "2025-01-01")

    assert "1 day in hearings.created_at = 1 new run\ndry run: nothing was written\n" in dry.out
    assert (said.code, said.err) == (0, "")
    assert "1 row without a day, not counted" in said.out
    assert journal(hearings, "SELECT inserted, strategy FROM update_logs") == [(1, "backfill")]
    again = history("backfill", "--column", "created_at", "--format", "json")
    assert (again.json["written"], again.json["left_out"]) == (0, {"with a run already": 1})
    assert again.json["rows_without_day"] == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--column", "created"], "table hearings has no column 'created'"),
        ([], "--column is missing"),
        (["--column", "title", "--group-by", "week"], "--group-by 'week' is not known"),
        (["--column", "title", "--since", "2025"], "--since '2025' is not a day"),
    ],
)
def test_what_cannot_be_backfilled(history: Command, words: list[str], reason: str) -> None:
    said = history("backfill", *words)

    assert (said.code, said.out) == (2, "")
    assert reason in said.err


def test_show_each_value_of_a_metric(history: Command, log: Write, update: Callable[[], str]) -> None:
    history("import", log())
    own = update()
    said = history("show", "--metric", "records.read", "--limit", "2")

    lines = said.out.splitlines()[3:]
    assert lines[0] == "records.read"
    assert re.fullmatch(rf"  \d{{4}}-\d\d-\d\d \d\d:\d\d  1            {own}", lines[1])
    assert re.fullmatch(r"  2025-01-15 12:00  4  imported  20250115-120000-[0-9a-f]{12}", lines[2])
    assert len(lines) == 3


def test_show_without_any_history(history: Command, command: Command, hearings: Path) -> None:
    assert history("show").out == "No history yet.\n"
    said = command("history", "show", "--target", f"sqlite:///{hearings}", "--format", "json")
    assert said.json == {"schema_version": 1, "tasks": [], "metrics": []}


def test_a_sparkline_on_a_terminal_without_unicode(
    history: Command, log: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    history("import", log([(f"2025-01-{day:02}", day) for day in range(1, 10)], ("day", "checked")))
    monkeypatch.setattr("validate_updates_cli.output._is_utf8", lambda _stream: False)

    assert history("show").out.rstrip().endswith("  _.-=++*#@")


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_a_sparkline_of_any_values(values: list[float]) -> None:
    line = sparkline(values, Look())

    assert len(line) == min(len(values), 20)
    assert set(line) <= set(BARS)
    shown = values[-len(line) :]
    flat = min(shown) == max(shown)
    assert line[shown.index(min(shown))] in ({BARS[3]} if flat else {BARS[0], BARS[3]})
    assert line[shown.index(max(shown))] in ({BARS[3]} if flat else {BARS[-1], BARS[3]})


def test_forget(history: Command, log: Write, hearings: Path, update: Callable[[], str]) -> None:
    own = update()
    history("import", log())
    said = history("forget", "--kind", "import")

    assert said.out == "3 runs of the task hearings taken out of the journal (import)\n"
    assert journal(hearings, "SELECT run_id FROM update_logs") == [(own,)]
    assert history("forget", "--kind", "update").err.startswith("error: --kind 'update' is not known")
    assert history("forget").err.startswith("error: --kind is missing")


def test_runs_list_and_show_know_imported_runs(
    history: Command, command: Command, log: Write, hearings: Path, update: Callable[[], str]
) -> None:
    history("import", log())
    own = update()
    where = ("--target", f"sqlite:///{hearings}")
    listed = command("runs", "list", *where, "--format", "json")
    shown = command("runs", "show", "20250116", *where)

    assert [run["run_id"][:15] for run in listed.json["runs"]] == [
        own[:15],
        "20250116-120000",
        "20250115-120000",
        "20250114-120000",
    ]
    assert "committed, imported" in " ".join(command("runs", "list", *where).out.split())
    assert shown.out.startswith("  FAILED  hearings  brought in from elsewhere\n  failed, says log.csv\n  run 20250116")
    assert "records.read  5" in shown.out


# runs ack


def test_a_label_is_written_and_shown(command: Command, hearings: Path, update: Callable[[], str]) -> None:
    run = update()
    where = ("--target", f"sqlite:///{hearings}")
    said = command("runs", "ack", run, "--expected", "--until", "2099-01-01", "--note", HOSTILE, *where)

    note = "\\x1b[31mred\\u202e::error::x ##[group]"
    assert said.out.split() == f"run {run}: expected until 2099-01-01 00:00 UTC: {note}".split()
    assert "committed, expected" in " ".join(command("runs", "list", *where).out.split())
    assert f"Label\n  expected until 2099-01-01 00:00 UTC: {note}\n" in command("runs", "show", run, *where).out
    incident = command("runs", "ack", "last", "--incident", *where, "--format", "json")
    assert (incident.json["run"]["label"], incident.json["run"]["label_until"]) == ("incident", None)
    assert command("runs", "ack", run, "--clear", *where).out == f"run {run}: no label\n"
    assert "Label" not in command("runs", "show", run, *where).out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "what is to be said of the run?"),
        (["--expected", "--incident"], "what is to be said of the run?"),
        (["--expected", "--clear"], "what is to be said of the run?"),
        (["--clear", "--note", "x"], "--clear takes the label away"),
        (["--incident", "--until", "2099-01-01"], "an incident has no end"),
        (["--expected", "--until", "2001-01-01"], "is past"),
        (["--expected", "--until", "soon"], "--until 'soon' is not a time"),
        (["--expected", "--until", "0001-01-01T00:00+14:00"], "is not a time"),
    ],
)
def test_labels_that_make_no_sense(
    command: Command, hearings: Path, update: Callable[[], str], words: list[str], reason: str
) -> None:
    update()
    said = command("runs", "ack", "last", *words, "--target", f"sqlite:///{hearings}")

    assert (said.code, said.out) == (2, "")
    assert reason in said.err
    assert journal(hearings, "SELECT label, note FROM update_logs") == [(None, None)]


def test_a_label_without_a_journal(command: Command, hearings: Path) -> None:
    said = command("runs", "ack", "last", "--incident", "--target", f"sqlite:///{hearings}")

    assert (said.code, said.err) == (2, "error: no run has been written down in this database yet\n")


# PostgreSQL, the page, and the real data


def test_on_postgresql_in_a_schema(command: Command, log: Write, postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA congress")
        connection.execute("CREATE TABLE congress.hearings (id integer PRIMARY KEY, seen timestamptz)")
        connection.execute("INSERT INTO congress.hearings VALUES (1, '2025-02-01 06:00Z'), (2, '2025-02-01 07:00Z')")
    where = ("--target", postgres_url, "--schema", "congress", "--task", "hearings")

    assert command("history", "import", log(), *where).code == 0
    assert command("history", "backfill", "--column", "seen", *where).code == 0
    shown = command("history", "show", *where, "--format", "json").json
    assert [(one["runs"], one["imported"], one["backfilled"]) for one in shown["tasks"]] == [(4, 3, 1)]
    assert command("runs", "ack", "20250115", "--incident", *where).code == 0
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute("SELECT run_no, label, table_name FROM congress.update_logs ORDER BY 1").fetchall()
    assert [row[:2] for row in rows] == [(-4, None), (-3, "incident"), (-2, None), (-1, None)]
    assert {row[2] for row in rows} == {"congress.hearings"}


def test_the_commands_of_the_page_exist(command: Command) -> None:
    lines = re.findall(r"(?m)^validate-updates ([\w ]+?) (?:-|\w+\.csv|last|\d)", PAGE)

    assert {"history import", "history backfill", "history forget", "history show", "runs ack"} == set(lines)
    for line in sorted(set(lines)):
        assert command(*line.split(), "--help").code == 0


REAL = Path(__file__).parents[3] / "shared" / "data" / "hearings" / "update_history.csv"


@pytest.mark.skipif(not REAL.is_file(), reason="the real log is not here")
def test_the_real_log(history: Command) -> None:
    fields = "started_at=date,read=hearings_changed,metric.chamber.house=house"
    said = history("import", str(REAL), "--map", fields, "--format", "json")

    assert (said.code, said.json["written"], said.json["bad"]) == (0, 79, [])
    assert (said.json["first"], said.json["last"]) == ("2025-01-14T12:00:00Z", "2025-06-30T12:00:00Z")
