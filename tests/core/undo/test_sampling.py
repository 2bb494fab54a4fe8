"""Some of the rows that a run changed, read back from the undo log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.core.engine.target import Target
from tests.core.undo.taking_back import DELETING
from validate_updates.desk import SettingsDesk
from validate_updates.result import CellChange, Change
from validate_updates.settings import load_settings


@pytest.fixture
def changes(target: Target, tmp_path: Path) -> Any:
    """What the journal has of the changes of a run."""
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, title text, amount real)")
    file = tmp_path / "validate-updates.toml"
    file.write_text(f'target = "{target.url}"\n[tasks.t]\nsource = "t.jsonl"\n[tasks.t.tables.t]\n')

    def read(run_id: str, each: int = 5) -> Any:
        with SettingsDesk(load_settings(file), "acme").journal("t") as journal:
            return journal.changes(run_id, each)

    return read


def test_each_kind_of_change_with_its_cells(target: Target, changes: Any) -> None:
    target.insert("t", [(1, "old", 1.5), (2, "gone", None), (3, "same", 3.0)])
    records = [
        {"id": 1, "title": None, "amount": 1.5},
        {"id": 3, "title": "same", "amount": 3},
        {"id": 4, "title": "new"},
    ]
    run = target.update(records, task="t", deletes=DELETING)

    assert set(changes(run.run_id)) == {
        Change(action="update", key="id=1", table="t", cells=(CellChange(column="title", old="old", new=None),)),
        Change(action="insert", key="id=4", table="t", cells=(CellChange(column="title", old=None, new="new"),)),
        Change(action="delete", key="id=2", table="t", cells=(CellChange(column="title", old="gone", new=None),)),
    }


def test_a_few_of_each_and_none_without_a_log(target: Target, changes: Any) -> None:
    target.insert("t", [(number, "old", 0) for number in range(50)])
    run = target.update([{"id": number, "title": "new"} for number in range(100)], task="t")

    assert sorted(one.action for one in changes(run.run_id, 3)) == ["insert"] * 3 + ["update"] * 3
    target.execute("DELETE FROM update_undo")
    assert changes(run.run_id) == ()
