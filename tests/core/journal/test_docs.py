from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from validate_updates.journal.rows import BatchState, EntryState, RunKind, RunState, SwitchMode
from validate_updates.journal.schema import prepare
from validate_updates.journal.tables import tables
from validate_updates.modes import Mode

TEXT = (Path(__file__).parents[3] / "docs" / "journal.md").read_text()
OURS = tables("update_")
TABLES = (*OURS.contents, OURS.version)
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in TEXT.split("\n## "))}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_described_in_order(table: sa.Table) -> None:
    described = re.findall(r"^\| `(\w+)` \|", SECTIONS[table.name].partition("\nStates")[0], re.MULTILINE)
    assert described == table.c.keys()


@pytest.mark.parametrize(
    ("section", "column", "states"),
    [
        ("update_logs", "kind", RunKind),
        ("update_batches", "state", BatchState),
        ("update_findings", "mode", Mode),
        ("update_quarantine", "state", EntryState),
        ("update_switches", "mode", SwitchMode),
    ],
)
def test_every_state_is_named(section: str, column: str, states: type[StrEnum]) -> None:
    [line] = re.findall(rf"^\| `{column}` \|.*$", SECTIONS[section], re.MULTILINE)
    assert re.findall(r"`(\w+)`", line)[1:] == [state.value for state in states]


def test_every_state_of_a_run_is_described() -> None:
    described = re.findall(r"^\| `([\w ]+)` \|", SECTIONS["update_logs"].partition("\nStates")[2], re.MULTILINE)
    assert described == [state.value for state in RunState]


def test_the_filter_keeps_the_journal_out_of_other_peoples_migrations(engine: sa.Engine) -> None:
    [snippet] = re.findall(r"```python\n(TABLES.*?)```", TEXT, re.DOTALL)
    made: dict[str, Any] = {}
    exec(snippet, made)
    theirs = sa.MetaData()
    sa.Table("hearings", theirs, sa.Column("event_id", sa.Integer, primary_key=True))
    with engine.begin() as conn:
        theirs.create_all(conn)
        prepare(conn, "update_")
        assert compare_metadata(MigrationContext.configure(conn), theirs) != []
        filtered = MigrationContext.configure(conn, opts={"include_name": made["include_name"]})
        assert compare_metadata(filtered, theirs) == []
        conn.exec_driver_sql("DROP TABLE hearings")
        assert compare_metadata(filtered, theirs) != []
