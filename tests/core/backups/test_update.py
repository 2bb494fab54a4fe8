"""An update with ``mode = "before-update"``: no verified backup, no first row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.core.backups.conftest import ROWS, Saved
from validate_updates import ExitCode, RunResult, Verdict
from validate_updates.backups import BackupMode, BackupPolicy

CHANGE = [{"id": 1, "name": "changed", "amount": 1}, {"id": 5000, "name": "new", "amount": 2}]


def update(saved: Saved, records: object = CHANGE, *, policy: BackupPolicy | None = None, **options: Any) -> RunResult:
    policy = replace(policy or saved.policy, mode=BackupMode.BEFORE_UPDATE)
    return saved.target.update(records, backup=policy, **options)


def test_the_backup_of_a_run_has_its_name_and_the_state_before(saved: Saved) -> None:
    result = update(saved)

    assert (result.verdict, result.backup) == (Verdict.COMMITTED, result.run_id)
    assert saved.names() == [result.run_id]
    assert saved.target.story().run.backup == result.run_id
    assert saved.rows() != ROWS
    restored = saved.restore(result.run_id)
    assert saved.rows() == ROWS
    story = saved.target.story(result.run_id).run
    assert story.state == ("interrupted" if saved.target.is_sqlite else "committed")
    assert saved.target.story(restored.run_id).run.parent == result.run_id


@pytest.mark.parametrize("records", [[], [{"id": 1, "name": "name 1", "amount": 10}]], ids=["none", "unchanged"])
def test_where_nothing_would_be_written_nothing_is_copied(saved: Saved, records: object) -> None:
    assert update(saved, records).backup is None
    assert saved.names() == []


def test_a_dry_run_copies_nothing(saved: Saved) -> None:
    assert update(saved, dry_run=True).backup is None
    assert not saved.folder.exists()


def test_without_a_backup_no_row_is_written(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")

    result = update(saved, policy=BackupPolicy(folder=tmp_path / "a file" / "backups"))

    assert (result.verdict, result.exit_code) == (Verdict.FAILED, ExitCode.FAILED)
    assert "no backup" in result.reason
    assert saved.rows() == ROWS


def test_the_backup_of_a_rejected_update_stays(saved: Saved) -> None:
    saved.target.execute("CREATE UNIQUE INDEX one_name ON t (name)")

    result = update(saved, [{"id": 1, "name": "name 2", "amount": 1}])

    assert (result.verdict, result.backup) == (Verdict.REJECTED, result.run_id)
    assert saved.verify(result.run_id).name == result.run_id
    assert saved.rows() == ROWS
