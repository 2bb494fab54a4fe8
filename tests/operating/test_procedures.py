"""Each procedure of ``docs/operating`` does what it says, command by command."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.operating.page import COMMANDS, PAGES, SHOWN, blocks, follow, shell

PROCEDURES = ("configuration", "incidents", "monitoring-plan")


def query(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "hearings.db")) as database:
        return database.execute(statement).fetchall()


def hearings(folder: Path) -> list[tuple[object, ...]]:
    return query(folder, "SELECT * FROM hearings ORDER BY event_id")


def test_each_page_is_followed_by_a_test_and_linked() -> None:
    pages = {page.stem for page in PAGES.glob("*.md")}
    index = (PAGES / "index.md").read_text()

    assert pages == {*PROCEDURES, "deployment", "from-scripts", "index", "taking-back"}
    assert [page for page in pages - {"index"} if f"({page}.md)" not in index] == []


def test_each_block_is_of_a_kind_that_the_tests_look_at() -> None:
    kinds = {block.kind for page in PAGES.glob("*.md") for block in blocks(page.stem)}

    assert kinds == {COMMANDS, SHOWN, "toml", "python", "ini", "yaml", "crontab"}


@pytest.mark.parametrize("page", PROCEDURES)
def test_it_can_be_followed_as_written(world: Path, page: str, command: Command) -> None:
    follow(page, world, command)


def test_what_is_taken_back_is_gone(world: Path, command: Command) -> None:
    before = hearings(world)

    follow("taking-back", world, command)

    assert hearings(world) == before
    kinds = query(world, "SELECT kind FROM update_logs ORDER BY run_no DESC LIMIT 1")
    assert kinds == [("restore",)]


@pytest.fixture
def scripted(demo: Path, tmp_path: Path) -> Path:
    """A job as it was before: a database, two months of a script's log, and no journal."""
    folder = tmp_path / "world"
    (folder / "updates").mkdir(parents=True)
    (folder / "updates" / "today.jsonl").write_bytes((demo / "updates" / "today.jsonl").read_bytes())
    with closing(sqlite3.connect(demo / "hearings.db")) as old, closing(sqlite3.connect(folder / "hearings.db")) as new:
        old.backup(new)
        ours = "SELECT type, name FROM sqlite_master WHERE name GLOB 'update_*' AND type IN ('table', 'view')"
        for kind, name in new.execute(ours).fetchall():
            new.execute(f"DROP {kind} {name}")
        (newest,) = new.execute("SELECT event_id FROM hearings ORDER BY event_id DESC LIMIT 1 OFFSET 25").fetchone()
        new.execute("DELETE FROM hearings WHERE event_id > ?", (newest,))  # today's are not there yet
        new.execute("CREATE TABLE job_log (started, records, added, changed, percent, state)")
        new.executemany(
            "INSERT INTO job_log VALUES (datetime('now', ?), ?, ?, ?, 0, 'success')",
            [(f"-{day} days", 20 + day % 7, 9 + day % 5, 11 + day % 3) for day in range(60, 0, -1)],
        )
        new.commit()
    return folder


def test_a_script_is_moved_over_as_written(scripted: Path, command: Command) -> None:
    follow("from-scripts", scripted, command)

    assert query(scripted, "SELECT sum(inserted) > 0 FROM update_logs WHERE kind = 'update'") == [(1,)]
    imported = query(scripted, "SELECT count(*) FROM update_logs WHERE kind = 'import' AND state = 'committed'")
    assert imported == [(61,)], "the script's last run is in its log, too"
    modes = shell(["validate-updates", "plugins", "list", "--task", "daily", "--format", "json"], scripted)
    assert {one["plugin"]: one["mode"] for one in json.loads(modes.stdout)["plugins"] if one["mode"] != "off"} == {
        "batch": "enforce",
        "historical": "enforce",
        "static_thresholds": "enforce",
    }
