"""Old backups go; never the newest, never those of unfinished runs, and never because a clock was set."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.core.backups.conftest import Saved, days
from validate_updates.backups import BackupPolicy, Retired, find, retire
from validate_updates.backups.retention import delete_old, unfinished_backups
from validate_updates.backups.store import Store
from validate_updates.errors import UsageError
from validate_updates.journal.schema import find as find_journal
from validate_updates.targets import open_database

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def made(saved: Saved, *ages: float) -> list[str]:
    """Backups of these ages in days, made in this order, without any retention."""
    from validate_updates.backups import before_update
    from validate_updates.journal.run_id import new_run_id

    database = open_database(saved.url)
    times = [NOW - days(age) for age in ages]
    return [
        before_update(saved.policy, database, tables=['"t"'], run_id=new_run_id(time), now=time).name for time in times
    ]


def retired(saved: Saved, now: datetime = NOW, *, keep: tuple[str, ...] = (), older_than: int = 7) -> Retired:
    return delete_old(Store(saved.policy, saved.url), older_than, now=now, unfinished=keep)


def test_the_old_go_and_the_newest_three_stay(sqlite: Saved) -> None:
    names = made(sqlite, 30, 20, 8, 7.5, 6.9, 1, 0)
    assert retired(sqlite) == Retired(deleted=tuple(names[:4]))
    assert sqlite.names() == names[:3:-1]
    assert {path.name.partition(".")[0] for path in sqlite.folder.iterdir()} == {*names[4:]}


def test_the_newest_three_stay_however_old(sqlite: Saved) -> None:
    names = made(sqlite, 400, 300, 200, 0.5)
    assert retired(sqlite).deleted == (names[0],)


def test_on_postgresql_the_newest_of_each_table_stay(postgres: Saved) -> None:
    from validate_updates.backups import before_update
    from validate_updates.journal.run_id import new_run_id

    postgres.target.execute("CREATE TABLE u (id int PRIMARY KEY)")
    database = open_database(postgres.url)

    def made_of(table: str, age: float) -> str:
        time = NOW - days(age)
        run_id = new_run_id(time)
        return before_update(postgres.policy, database, tables=[table], run_id=run_id, now=time).name

    rare = [made_of("u", age) for age in (40, 30, 20, 10)]
    daily = [made_of("t", age) for age in (9, 3, 2, 1, 0)]

    assert retired(postgres).deleted == (rare[0], daily[0])
    assert find(postgres.policy, postgres.url, "last", table="u").name == rare[-1]
    assert find(postgres.policy, postgres.url, "last").name == daily[-1]
    with pytest.raises(UsageError, match="no backup of v yet"):
        find(postgres.policy, postgres.url, "last", table="v")


def test_a_week_is_a_week(sqlite: Saved) -> None:
    names = made(sqlite, 7.001, 6.999, 0, 0, 0)
    assert retired(sqlite).deleted == (names[0],)


def test_without_days_the_newest_three_are_left(sqlite: Saved) -> None:
    names = made(sqlite, 0.4, 0.3, 0.2, 0.1)
    assert retired(sqlite, older_than=0).deleted == (names[0],)


def test_those_of_unfinished_runs_stay(sqlite: Saved) -> None:
    names = made(sqlite, 30, 20, 0, 0, 0)
    assert retired(sqlite, keep=(names[0],)).deleted == (names[1],)


@pytest.mark.parametrize("jump", [2, 400, -2, -400])
def test_a_clock_that_is_off_deletes_nothing(sqlite: Saved, jump: float) -> None:
    names = made(sqlite, 30, 20, 10, 9, 8, 0)
    done = retired(sqlite, NOW + days(jump))
    assert done.deleted == ()
    assert f"{abs(jump)} days off" in done.notes[0]
    assert sqlite.names() == names[::-1]


def test_a_clock_that_ran_ahead_for_a_while_leaves_what_it_made(sqlite: Saved) -> None:
    """Order is by the counter: the ones from the future are not the newest for ever."""
    names = made(sqlite, 30, -400, -399, 3, 2, 1, 0)
    assert sqlite.names() == names[::-1]

    done = retired(sqlite)

    assert done.deleted == (names[0],)
    assert done.notes == tuple(f"the backup {name} is from the future; it was left alone" for name in names[1:3])


def test_a_clock_set_back_does_not_make_the_newest_old(sqlite: Saved) -> None:
    """The last three were made after the clock had gone back by a year."""
    names = made(sqlite, 0, 0, 0, 365, 365, 365)
    done = retired(sqlite, NOW - days(365))
    assert done.deleted == ()
    assert sqlite.names() == names[::-1]


def test_a_name_from_the_future_is_left_alone(sqlite: Saved) -> None:
    from validate_updates.backups import before_update

    name = "29990101-000000-abcdef"
    database = open_database(sqlite.url)
    before_update(sqlite.policy, database, tables=[], run_id=name, now=NOW - days(30))
    no_date = "20269999-000000-abcdef"
    before_update(sqlite.policy, database, tables=[], run_id=no_date, now=NOW - days(30))
    made(sqlite, 0, 0, 0)

    done = retired(sqlite)

    assert done.deleted == ()
    assert [note.split()[2] for note in done.notes] == [name, no_date]


def test_what_is_not_ours_is_never_touched(sqlite: Saved, tmp_path: Path) -> None:
    names = made(sqlite, 30, 20, 0, 0, 0)
    folder = sqlite.folder
    other = Saved(f"sqlite:///{tmp_path / 'other.db'}", sqlite.policy)
    theirs = made(other, 50)
    (folder / "notes.txt").write_text("mine")
    (folder / "20200101-000000-abcdef.db.part").write_text("left")
    (folder / "20200101-000000-abcdef.json").write_text("{}")
    (folder / "20200101-000000-abcdef.db").write_text("cut short")
    (folder / "20200101-000000-aaaaaa.json").symlink_to(folder / f"{names[0]}.json")
    shutil.copy(folder / f"{names[0]}.json", folder / "20200101-000000-bbbbbb.json")
    (folder / f"{names[1]}.db").rename(tmp_path / "moved")
    (folder / f"{names[1]}.db").symlink_to(tmp_path / "moved")
    before = {path.name for path in folder.iterdir()}

    done = retired(sqlite)

    assert done.deleted == (names[0],), "the one with a link for a file is none of ours any more"
    assert {path.name for path in folder.iterdir()} == before - {f"{names[0]}.db", f"{names[0]}.json"}
    assert other.names() == theirs
    assert (tmp_path / "moved").exists()
    told = {one.name: one.reason for one in sqlite.listing().others}
    assert told["notes.txt"] == "not ours"
    assert "did not come to its end" in told["20200101-000000-abcdef.db.part"]
    assert "damaged" in told["20200101-000000-abcdef.json"]
    assert told["20200101-000000-abcdef.db"] == "of the backup 20200101-000000-abcdef, which cannot be used"


def test_after_a_run_the_journal_says_which_are_unfinished(saved: Saved) -> None:
    saved.target.update([{"id": 1, "name": "x", "amount": 0}])
    dead = saved.target.update([{"id": 1, "name": "y", "amount": 0}]).run_id
    saved.target.execute(f"UPDATE update_logs SET state = 'interrupted' WHERE run_id = '{dead}'")
    assert unfinished(saved) == {dead}

    under_way = saved.target.update([{"id": 1, "name": "z", "amount": 0}]).run_id
    assert unfinished(saved) == frozenset(), "a later run of the table stood"
    saved.target.execute(f"UPDATE update_logs SET state = 'running' WHERE run_id = '{under_way}'")
    assert unfinished(saved) == {dead, under_way}


def test_a_lost_connection_is_no_reason_to_delete_or_to_fail(postgres: Saved) -> None:
    names = made(postgres, 30, 30, 30, 30, 0)
    database = open_database(postgres.url)
    with database.connect() as connection, connection.begin():
        journal = find_journal(connection, "update_")
        connection.exec_driver_sql("SELECT 1")
        done = retire(postgres.policy, database, connection, journal, now=NOW)
    assert done.deleted == ()
    assert "InvalidRequestError" in done.notes[0]
    assert postgres.names() == names[::-1]


def unfinished(saved: Saved) -> frozenset[str]:
    database = open_database(saved.url)
    with database.connect() as connection, connection.begin():
        journal = find_journal(connection, "update_")
        assert journal is not None
        return unfinished_backups(connection, journal)


def test_retention_is_asked_for_after_a_run(sqlite: Saved) -> None:
    names = made(sqlite, 30, 20, 10, 0, 0)
    database = open_database(sqlite.url)
    with database.connect() as connection:
        done = retire(sqlite.policy, database, connection, None, now=NOW)
        again = retire(sqlite.policy, database, connection, None, now=NOW)
        nowhere = BackupPolicy(folder=sqlite.target.path)
        failed = retire(nowhere, database, connection, None, now=NOW)
    assert done.deleted == tuple(names[:2])
    assert again == Retired()
    assert failed.deleted == ()
    assert "cannot be read" in failed.notes[0]


def test_a_backup_by_hand_lets_the_old_go(sqlite: Saved) -> None:
    now = datetime.now(UTC)
    names = [sqlite.create(now=now - days(age)).name for age in (30, 30, 30, 30, 0)]
    assert sqlite.names() == names[:1:-1]
