"""What is PostgreSQL's own: its types, its schemas and rights, its locks, and what can go wrong with a server."""

from __future__ import annotations

import contextlib
import select
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from tests.core.engine.target import Target
from tests.core.engine.test_validators import Given
from validate_updates import (
    Context,
    ExitCode,
    LockHeld,
    Moment,
    StateUncertain,
    TargetError,
    UpdateError,
    UsageError,
    Verdict,
)
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.secret import SecretUrl
from validate_updates.targets import postgresql as postgresql_module

TABLE = ("CREATE TABLE t (id integer PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'old')")
RECORDS = [{"id": 1, "name": "new"}, {"id": 2, "name": "added"}]
TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy')",
    "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
    "CREATE DOMAIN filled AS text NOT NULL",
    "CREATE TYPE pair AS (a integer, b text)",
)


# Types


@pytest.mark.parametrize(
    ("declared", "raw", "stored"),
    [
        ("smallint", 32767, "32767"),
        ("integer", "-7", "-7"),
        ("bigint", 2**63 - 1, "9223372036854775807"),
        ("real", 0.1, "0.1"),
        ("double precision", 0.1, "0.1"),
        ("numeric", "1.50", "1.50"),
        ("numeric(30,20)", "0.12345678901234567890", "0.12345678901234567890"),
        ("numeric(8,2)", 7, "7.00"),
        ("varchar(3)", "äöü", "äöü"),
        ("char(3)", "ab", "ab"),
        ("text", "\\N\t\n\r\\.", "\\N\t\n\r\\."),
        ("boolean", 1, "true"),
        ("date", "2024-02-29", "2024-02-29"),
        ("time", "12:30", "12:30:00"),
        ("timestamp", "2024-02-29T12:30:00.5Z", "2024-02-29 12:30:00.5"),
        ("timestamptz", "2024-02-29T12:30:00+02:00", "2024-02-29 10:30:00+00"),
        ("bytea", b"\0\xff", "\\x00ff"),
        ("uuid", "0000000000000000000000000000000A", "00000000-0000-0000-0000-00000000000a"),
        ("json", {"b": 1, "a": [None]}, '{"b":1,"a":[null]}'),
        ("jsonb", {"b": 1, "a": [None]}, '{"a": [null], "b": 1}'),
        ("mood", "it's ok", "it's ok"),
        ("positive", 7, "7"),
        ("filled", "", ""),
        ("text[]", '{a,"b c"}', '{a,"b c"}'),
        ("json[]", '{"{\\"a\\": 1}"}', '{"{\\"a\\": 1}"}'),
        ("inet", "10.0.0.1", "10.0.0.1/32"),
        ("interval", "1 day", "1 day"),
        ("int4range", "[1,5)", "[1,5)"),
        ("pair", '(1,"x y")', '(1,"x y")'),
        ("point", "(1,2)", "(1,2)"),
        ("bit(3)", "101", "101"),
    ],
)
def test_a_type_takes_what_it_gives_back(postgres: Target, declared: str, raw: Any, stored: str) -> None:
    postgres.execute(*TYPES, "SET timezone = 'UTC'", f"CREATE TABLE t (id integer PRIMARY KEY, v {declared})")
    postgres.watch()

    result = postgres.update([{"id": 1, "v": raw}, {"id": 2, "v": raw}])

    assert result.verdict is Verdict.COMMITTED, result.kept_out
    with postgres.connect() as connection:
        connection.execute("SET timezone = 'UTC'")
        assert connection.execute("SELECT DISTINCT trim(v::text) FROM t").fetchall() == [(stored.strip(),)]
    postgres.written()
    assert postgres.update([{"id": 1, "v": raw}, {"id": 2, "v": raw}]).counts.unchanged == 2
    assert postgres.written() == []


@pytest.mark.parametrize(
    ("declared", "raw", "code"),
    [
        ("smallint", 32768, "out_of_range"),
        ("integer", 2**31, "out_of_range"),
        ("integer", 1.7, "wrong_type"),
        ("real", 1e300, "bad_value"),
        ("numeric(8,2)", 0.001, "loses_digits"),
        ("varchar(3)", "four", "too_long"),
        ("char(3)", "four", "bad_value"),
        ("mood", "angry", "not_allowed"),
        ("uuid", "nonsense", "wrong_type"),
        ("text[]", ["a"], "wrong_type"),
        ("text[]", "{unfinished", "bad_value"),
        ("inet", "10.0.0.256", "bad_value"),
        ("jsonb", float("nan"), "bad_json"),
        ("text", "a\0b", "nul_character"),
        ("bytea", "text", "wrong_type"),
    ],
)
def test_a_bad_value_is_kept_out_alone(postgres: Target, declared: str, raw: Any, code: str) -> None:
    postgres.execute(*TYPES, f"CREATE TABLE t (id integer PRIMARY KEY, v {declared})")
    records = [{"id": number, "v": None} for number in range(20)]
    records[13]["v"] = raw

    result = postgres.update(records)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE, result.reason
    assert [(entry.code, entry.key, entry.column) for entry in result.kept_out] == [(code, "id=13", "v")]
    assert result.kept_out[0].message.startswith("v: ")
    assert len(postgres.rows("SELECT * FROM t")) == 19


def test_a_column_that_may_not_be_null_can_be_left_out_of_an_update(postgres: Target) -> None:
    """The stage is typed like the target, but what a record leaves out is null there."""
    postgres.execute(
        *TYPES,
        "CREATE TABLE t (id integer PRIMARY KEY, v filled, w text)",
        "INSERT INTO t VALUES (1, 'a', 'b'), (2, 'c', 'd')",
    )

    result = postgres.update([{"id": 1, "w": "new"}, {"id": 2, "v": "more", "w": "d"}])

    assert result.verdict is Verdict.COMMITTED, (result.reason, result.kept_out)
    assert sorted(postgres.rows("SELECT * FROM t")) == [(1, "a", "new"), (2, "more", "d")]


def test_the_rule_of_a_domain_is_a_rule_of_the_table(postgres: Target) -> None:
    postgres.execute(*TYPES, "CREATE TABLE t (id integer PRIMARY KEY, v positive)")

    result = postgres.update([{"id": number, "v": number - 3} for number in range(20)])

    assert result.verdict is Verdict.REJECTED
    assert [finding.key for finding in result.findings] == ["id=0", "id=1", "id=2", "id=3"]
    assert "the check positive_check failed" in result.reason


def test_what_the_database_makes_is_left_to_it(postgres: Target) -> None:
    postgres.execute(
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE,"
        " size integer GENERATED ALWAYS AS (length(code)) STORED, made timestamptz NOT NULL DEFAULT now())"
    )

    result = postgres.update([{"code": "abc"}, {"code": "d", "size": 9}, {"code": "e", "id": 7}])

    assert postgres.rows("SELECT id, code, size FROM t") == [(1, "abc", 3)]
    assert {entry.code for entry in result.kept_out} == {"unknown_column"}


def test_updates_use_up_no_numbers(postgres: Target) -> None:
    """As an upsert would, for every row that is already there."""
    postgres.execute("CREATE TABLE t (id serial PRIMARY KEY, code text UNIQUE, name text)")
    for name in ("one", "two", "three"):
        postgres.update([{"code": "a", "name": name}, {"code": "b", "name": name}])

    postgres.update([{"code": "c", "name": "x"}])

    assert postgres.rows("SELECT id FROM t WHERE code = 'c'") == [(3,)]


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE UNLOGGED TABLE t (id integer PRIMARY KEY, name text)",),
        (
            "CREATE TABLE t (id integer PRIMARY KEY, name text) PARTITION BY RANGE (id)",
            "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (2)",
            "CREATE TABLE high PARTITION OF t FOR VALUES FROM (2) TO (9)",
        ),
    ],
    ids=["unlogged", "partitioned"],
)
def test_other_kinds_of_tables(postgres: Target, statements: tuple[str, ...]) -> None:
    postgres.execute(*statements)

    first, again = postgres.update(RECORDS), postgres.update(RECORDS)

    assert (first.counts.inserted, again.counts.unchanged) == (2, 2)


# Schemas and rights


def in_schema(target: Target, schema: str) -> Any:
    return execute(Job(source=RECORDS, target=SecretUrl(target.url), table="t", schema=schema))


def test_a_table_in_another_schema(postgres: Target) -> None:
    postgres.execute(
        *TABLE, 'CREATE SCHEMA "My Schema"', 'CREATE TABLE "My Schema".t (id integer PRIMARY KEY, name text)'
    )

    result = in_schema(postgres, "My Schema")

    assert result.counts.inserted == 2
    assert postgres.rows('SELECT * FROM "My Schema".t') == [(1, "new"), (2, "added")]
    assert postgres.rows("SELECT * FROM t") == [(1, "old")]
    assert postgres.all_tables() == ["t"], "the journal is where the table is"


def test_a_type_of_another_schema(postgres: Target) -> None:
    postgres.execute(
        "CREATE SCHEMA other",
        "CREATE TYPE other.\"Mood\" AS ENUM ('a', 'b')",
        'CREATE TABLE t (id integer PRIMARY KEY, v other."Mood")',
    )

    result = postgres.update([{"id": 1, "v": "a"}, {"id": 2, "v": "c"}])

    assert (result.counts.inserted, result.counts.quarantined) == (1, 1)


def test_a_schema_that_is_not_there_is_an_error_of_use(postgres: Target) -> None:
    with pytest.raises(UsageError):
        in_schema(postgres, "nowhere")


@pytest.fixture
def reader(postgres: Target) -> Iterator[str]:
    """The name of somebody who may read the table and nothing else."""
    name = postgres.url.rpartition("/")[2].partition("?")[0] + "_reader"
    postgres.execute(*TABLE, f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON t TO {name}")
    yield name
    postgres.execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def signed_in(postgres: Target, name: str) -> Target:
    return Target(make_url(postgres.url).set(username=name).render_as_string())


def test_without_the_right_to_write(postgres: Target, reader: str) -> None:
    with pytest.raises(UpdateError) as refused:
        signed_in(postgres, reader).update(RECORDS)

    assert refused.value.exit_code == ExitCode.FAILED
    assert "permission denied" in refused.value.message
    assert postgres.dump() == {"t": ["(1, 'old')"]}


def test_without_the_right_to_write_but_with_a_journal(postgres: Target, reader: str) -> None:
    postgres.update([])
    journal = ", ".join(name for name in postgres.all_tables() if name != "t")
    postgres.execute(f"GRANT ALL ON {journal} TO {reader}", f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {reader}")

    result = signed_in(postgres, reader).update(RECORDS)

    assert (result.verdict, "permission denied" in result.reason) == (Verdict.FAILED, True)
    assert postgres.dump() == {"t": ["(1, 'old')"]}
    assert postgres.states() == ["committed", "failed"]


# Locks


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_module, "_LOCK_TIMEOUT", "200ms")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["ROW EXCLUSIVE", "ACCESS EXCLUSIVE"])
def test_another_program_holds_the_table(postgres: Target, mode: str) -> None:
    postgres.execute(*TABLE)

    with psycopg.connect(postgres.url) as other:
        other.execute(f"LOCK TABLE t IN {mode} MODE")
        try:
            result = postgres.update(RECORDS)
        except LockHeld as held:
            said = held.message
        else:
            assert result.verdict is Verdict.FAILED
            said = result.reason

    assert "another program holds a lock on the table" in said
    assert postgres.dump() == {"t": ["(1, 'old')"]}
    assert postgres.update(RECORDS).verdict is Verdict.COMMITTED


def test_what_others_write_while_the_source_is_read_is_seen(postgres: Target) -> None:
    postgres.execute(*TABLE)

    def records() -> Iterator[dict[str, Any]]:
        yield from RECORDS
        postgres.execute("INSERT INTO t VALUES (2, 'theirs')")

    result = postgres.update(records())

    assert (result.counts.inserted, result.counts.updated) == (0, 2)
    assert sorted(postgres.rows("SELECT * FROM t")) == [(1, "new"), (2, "added")]


# Trouble with the server


def end_sessions(target: Target) -> None:
    ours = "application_name LIKE 'validate-updates%'"
    target.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(UpdateError) as refused:
        Target("postgresql://somebody:hunter2@127.0.0.1:1/nowhere").update(RECORDS)

    assert refused.value.exit_code == ExitCode.FAILED
    assert "cannot be reached" in refused.value.message
    assert "hunter2" not in f"{refused.value.message} {refused.value.hint}"


def test_the_session_ends_while_the_lock_is_taken(postgres: Target) -> None:
    postgres.execute(*TABLE)

    def end(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "set_config('application_name'" in statement:
            end_sessions(postgres)
            postgres.settle()

    sa.event.listen(sa.Engine, "before_cursor_execute", end)
    try:
        with pytest.raises(TargetError, match="the target database: the server ended the session"):
            postgres.update(RECORDS)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", end)


@pytest.mark.parametrize("records", [1, 5000])
def test_the_session_ends_while_the_source_is_read(postgres: Target, records: int) -> None:
    postgres.execute(*TABLE)

    def source() -> Iterator[dict[str, Any]]:
        for number in range(records):
            if number == records // 2:
                end_sessions(postgres)
            yield {"id": number, "name": "x"}

    result = postgres.update(source())

    assert result.verdict is Verdict.FAILED, result.reason
    assert result.counts.add_up
    check_recovery(postgres)


@pytest.mark.parametrize("moment", Moment)
def test_the_session_ends_in_the_middle(postgres: Target, moment: Moment) -> None:
    postgres.execute(*TABLE)

    def check(_: Context) -> Any:
        end_sessions(postgres)
        return []

    result = postgres.judged(RECORDS, Given(check, moment))

    assert result.verdict is Verdict.FAILED, result.reason
    check_recovery(postgres)


def check_recovery(postgres: Target) -> None:
    """Nothing landed, the journal says so, by the run itself or by the next, and the next does the work."""
    assert postgres.dump() == {"t": ["(1, 'old')"]}
    alone = postgres.states() == ["failed"]
    result = postgres.update(RECORDS)
    assert result.verdict is Verdict.COMMITTED
    assert len(result.recovered) == (0 if alone else 1)
    assert postgres.states() == ["failed" if alone else "interrupted", "committed"]


class CuttingProxy:
    """Stands between a client and the server. Once armed, it cuts the line at the next COMMIT: before the server gets
    it, or before the client gets the answer.
    """

    def __init__(self, server: str, folder: Path, *, delivers: bool) -> None:
        self._server = server
        self._delivers = delivers
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / ".s.PGSQL.5432"))
        self._door.listen()
        self.armed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the door is closed: no more clients
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        ends = {client: server, server: client}
        while True:
            for one in select.select(list(ends), [], [])[0]:
                data = one.recv(65536)
                cut = one is client and self.armed.is_set() and b"COMMIT\0" in data
                if not data or cut:
                    if cut and self._delivers:
                        server.sendall(data)
                        server.recv(65536)
                    client.close()
                    server.close()
                    return
                ends[one].sendall(data)

    def close(self) -> None:
        self._door.close()


@pytest.mark.parametrize("delivers", [False, True], ids=["commit lost", "answer lost"])
def test_the_line_is_cut_at_the_commit(postgres: Target, *, delivers: bool) -> None:
    """It stood or it did not; we say that we cannot tell, and the journal can."""
    postgres.execute(*TABLE)
    parsed = make_url(postgres.url)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the path of a socket must be short
        proxy = CuttingProxy(f"{parsed.query['host']}/.s.PGSQL.5432", Path(folder), delivers=delivers)
        distant = Target(parsed.set(query={"host": folder}).render_as_string())

        def arm(_: Context) -> Any:
            proxy.armed.set()
            return []

        with pytest.raises(StateUncertain) as uncertain:
            distant.judged(RECORDS, Given(arm))
        proxy.close()

    assert uncertain.value.exit_code == ExitCode.UNCERTAIN
    run_id = postgres.story().run.run_id
    assert f"runs show {run_id}" in uncertain.value.hint
    assert sorted(postgres.rows("SELECT * FROM t")) == ([(1, "new"), (2, "added")] if delivers else [(1, "old")])
    assert postgres.states() == ["committed" if delivers else "running"]
    assert postgres.update(RECORDS).recovered == (() if delivers else (run_id,))
    assert len(postgres.rows("SELECT * FROM t")) == 2
