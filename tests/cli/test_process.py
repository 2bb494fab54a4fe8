"""What only a process of its own shows: signals, terminals, broken connections; and the commands on PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.cli.conftest import Command, rows_of

EXECUTABLE = Path(sys.executable).with_name("validate-updates")
BEFORE = [(1, "Budget", "A"), (2, "Energy", "B")]


def words(database: Path) -> list[str]:
    return [str(EXECUTABLE), "run", "-", "--target", f"sqlite:///{database}", "--table", "hearings", "--plugins", ""]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_run_with_nothing_written(signum: signal.Signals, hearings: Path) -> None:
    with subprocess.Popen(
        [*words(hearings), "--source-format", "jsonl", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        lock = hearings.with_name("hearings.db.vu.lock")
        while not (lock.exists() and lock.read_text()):  # the run has begun, and waits for records
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signum)
        process.stdin.write('{"event_id": 9, "title": "Too late"}\n')
        process.stdin.close()
        result = json.loads(process.stdout.read())
        assert process.stderr.read() == ""

    assert process.returncode == 128 + signum
    assert (result["verdict"], result["signum"], result["exit_code"]) == ("interrupted", signum, 128 + signum)
    assert rows_of(hearings) == BEFORE


def through_a_terminal(command: list[str], **variables: str) -> tuple[str, str]:
    """(stdout, stderr) of ``command`` whose stderr is a terminal and whose stdout is not."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # how Linux tells that nobody has the other end any more
            while chunk := os.read(ours, 4096):
                seen += chunk
        os.close(ours)
        assert process.stdout is not None
        return process.stdout.read().decode(), seen.decode()


def test_progress_is_drawn_for_somebody_at_a_terminal_and_for_nobody_else(
    hearings: Path, records: Callable[..., Path]
) -> None:
    source = str(records({"event_id": 3, "title": "Oceans"}))
    command = [str(EXECUTABLE), "plan", source, "--target", f"sqlite:///{hearings}", "--table", "hearings"]

    out, err = through_a_terminal(command)
    assert "\x1b[" in err
    assert out.startswith("✔ WOULD BE COMMITTED")
    assert "\x1b" not in out
    for quiet in (["-q"], ["--quiet"]):
        assert through_a_terminal([*command, *quiet])[1] == ""
    assert through_a_terminal(command, TERM="dumb")[1] == ""


def test_a_log_gets_no_progress_though_colours_are_forced(hearings: Path, records: Callable[..., Path]) -> None:
    source = str(records({"event_id": 3, "title": "Oceans"}))
    command = [str(EXECUTABLE), "plan", source, "--target", f"sqlite:///{hearings}", "--table", "hearings"]
    environment = {**os.environ, "FORCE_COLOR": "1"}

    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)

    assert done.stderr == ""
    assert done.stdout.startswith("\x1b[1;32m✔ WOULD BE COMMITTED\x1b[0m")


def test_a_reader_that_goes_away_changes_nothing_of_the_run(hearings: Path, records: Callable[..., Path]) -> None:
    source = str(records({"event_id": 3, "title": "Oceans"}, {"event_id": 4, "titel": "x"}))
    read, write = os.pipe()
    os.close(read)

    command = [*words(hearings)[:2], source, *words(hearings)[3:]]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)

    assert (done.returncode, done.stderr) == (5, b"")
    assert len(rows_of(hearings)) == 3


@pytest.mark.parametrize(("form", "never"), [("text", set()), ("json", {"rich"})])
def test_a_run_loads_only_what_it_needs(
    form: str, never: set[str], hearings: Path, records: Callable[..., Path]
) -> None:
    source = str(records({"event_id": 3, "title": "Oceans"}))
    line = ["run", source, "--target", f"sqlite:///{hearings}", "--table", "hearings", "--format", form]
    code = f"from validate_updates_cli.main import main; main({line}); import sys; print(*sys.modules, file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stderr.split())
    assert "sqlalchemy" in loaded
    assert loaded & {"pydantic", "alembic", "scipy", "numpy", "psycopg", "arro3", *never} == set()


def test_the_commands_on_postgresql(command: Command, postgres_url: str, records: Callable[..., Path]) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE hearings (event_id int PRIMARY KEY, title text NOT NULL)")
    engine.dispose()
    source = str(records({"event_id": 3, "title": "Oceans"}))
    where = ["--target", postgres_url]

    assert command("doctor", *where).code == 0
    assert command("init", *where, "--table", "hearings").code == 0
    assert command("run", source, *where, "--table", "hearings", "--plugins", "").code == 0
    assert command("runs", "list", *where).out.count("committed") == 1
    assert command("runs", "show", "last", *where).out.startswith("✔ COMMITTED  hearings\n")
    assert command("db", "status", *where).code == 0
