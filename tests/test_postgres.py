"""The test server itself: real, empty for each test, and gone when its owner dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

import tests.postgres
from tests.postgres import SERVER_VARIABLE, PostgresServer, running


def test_server_answers_through_driver_and_sqlalchemy(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT current_setting('server_version_num')::int, pg_encoding_to_char(6)").fetchone()
    assert row is not None
    assert row[0] >= 150000
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.dialect.driver == "psycopg"
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_an_empty_database(database_url: str, turn: int) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == [], turn
        connection.exec_driver_sql("CREATE TABLE leftover (id INTEGER)")
    engine.dispose()


SCHEMA = "CREATE SCHEMA other CREATE TABLE t (a integer)"


@pytest.mark.parametrize(
    ("left", "again"), [(SCHEMA, True), ("SELECT lo_create(0)", False), ("DROP SCHEMA public", True)]
)
def test_a_database_is_used_again_when_it_can_be_emptied(
    postgres_server: PostgresServer, left: str, *, again: bool
) -> None:
    with postgres_server.database() as url, psycopg.connect(url) as connection:
        connection.execute(left)
        connection.commit()
        connection.execute("SELECT 1")  # and is still there at the end
        with postgres_server.database() as other:
            assert other != url
    with postgres_server.database() as next_url, psycopg.connect(next_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname IN ('public', 'other')").fetchone()
        assert found == (1,)
        connection.execute("CREATE TABLE t (a integer)")
        assert (next_url == url) == again


def test_a_server_that_lives_on_keeps_no_database(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, postgres_server.url)
    monkeypatch.setattr(tests.postgres, "_wheel_binaries", lambda: None)
    with running() as server:
        with server.database() as url:
            name = sa.make_url(url).database
        assert server.empty == [name]
    with psycopg.connect(postgres_server.url) as admin:
        assert not admin.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()


OWNER = """
from tests.postgres import running
with running() as server:
    print(server.url, flush=True)
    input()
"""


def test_server_dies_with_a_killed_owner() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": "."},
    ) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        folder = Path(url.partition("host=")[2])
        pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while (_alive(pid) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)
    assert not folder.exists()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
