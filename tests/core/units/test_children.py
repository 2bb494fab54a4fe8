"""Parents and children are written, changed and compared together; what is counted are units."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from tests.core.undo.taking_back import DELETING, taken_back
from tests.core.units.world import Hearings, hearing, witness
from validate_updates import Counts, UsageError, Verdict

ONE = hearing(
    "1",
    hearing_committees=[{"system_code": "a"}, {"committee_id": {"system_code": "b"}, "is_primary": False}],
    appearances=[witness("Ann", "Oxfam", position="head", documents=[{"url": "x"}, {"url": "y"}]), witness("Bob")],
)
TWO = hearing("2", main_id={"system_code": "b"}, hearing_committees=[{"system_code": "a"}])


def test_a_unit_is_written_over_all_tables_and_the_same_again_does_nothing(hearings: Hearings) -> None:
    result = hearings.bring(ONE, TWO)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert result.counts == Counts(read=2, inserted=2)
    assert hearings.has("hearings") == [("1", "Hearing", None), ("2", "Hearing", "b")]
    assert hearings.has("hearing_committees") == [("1", "a", True), ("1", "b", False), ("2", "a", True)]
    assert hearings.has("appearances") == [("1", "Ann", "Oxfam", "head"), ("1", "Bob", None, None)]
    assert hearings.has("documents") == [("1", "Ann", "x"), ("1", "Ann", "y")]
    rows = {name: number for name, number in result.metrics.items() if name.startswith("tables.") and number}
    assert rows == {
        "tables.hearings.inserted": 2,
        "tables.hearing_committees.inserted": 3,
        "tables.appearances.inserted": 2,
        "tables.documents.inserted": 2,
    }

    again = hearings.bring(ONE, TWO)

    assert again.verdict is Verdict.COMMITTED
    assert again.counts == Counts(read=2, unchanged=2)


def test_a_unit_is_changed_where_only_a_grandchild_differs(hearings: Hearings) -> None:
    hearings.bring(ONE, TWO)

    more = witness("Ann", "Oxfam", documents=[{"url": "z"}])
    result = hearings.bring(hearing("1", appearances=[more]), TWO)

    assert result.counts == Counts(read=2, updated=1, unchanged=1)
    assert hearings.has("documents") == [("1", "Ann", "x"), ("1", "Ann", "y"), ("1", "Ann", "z")]
    assert [(change.action, change.table) for change in result.changes] == [("insert", "documents")]


def test_a_dry_run_writes_nothing_and_counts_the_same(hearings: Hearings) -> None:
    before = hearings.dump()

    result = hearings.bring(ONE, TWO, dry_run=True)

    assert result.verdict is Verdict.COMMITTED
    assert result.counts == Counts(read=2, inserted=2)
    assert hearings.dump() == before


def test_a_roll_back_takes_all_tables_back(hearings: Hearings) -> None:
    hearings.bring(TWO)
    before = hearings.dump()
    hearings.bring(ONE, hearing("2", "New", hearing_committees=[{"system_code": "a", "is_primary": False}]))

    result = taken_back(hearings)

    assert result.conflicts == 0
    assert hearings.dump() == before


def test_a_list_that_is_left_out_is_left_alone(hearings: Hearings) -> None:
    hearings.bring(ONE)
    before = hearings.contents()

    replacing = {name: {"children": "replace"} for name in ("hearing_committees", "appearances", "documents")}
    result = hearings.bring(hearing("1"), tables=replacing)

    assert result.counts == Counts(read=1, unchanged=1)
    assert hearings.contents() == before


def test_children_that_are_no_longer_listed_go_with_what_is_below_them(hearings: Hearings) -> None:
    hearings.bring(ONE, TWO)
    replacing = {name: {"children": "replace"} for name in ("hearing_committees", "appearances", "documents")}
    now = hearing("1", hearing_committees=[{"system_code": "b"}], appearances=[witness("Bob")])

    result = hearings.bring(now, TWO, tables=replacing)

    assert result.counts == Counts(read=2, updated=1, unchanged=1)
    assert hearings.has("hearing_committees") == [("1", "b", False), ("2", "a", True)]
    assert hearings.has("appearances") == [("1", "Bob", None, None)]
    assert hearings.has("documents") == []
    assert result.metrics["tables.documents.deleted"] == 2

    assert hearings.bring(now, TWO, tables=replacing).counts == Counts(read=2, unchanged=2)


def test_replaced_children_come_back_with_a_roll_back(hearings: Hearings) -> None:
    hearings.bring(ONE, TWO)
    before = hearings.dump()
    replacing = {name: {"children": "replace"} for name in ("hearing_committees", "appearances", "documents")}
    hearings.bring(hearing("1", hearing_committees=[], appearances=[]), TWO, tables=replacing)
    assert hearings.has("appearances") == []

    assert taken_back(hearings).conflicts == 0
    assert hearings.dump() == before


def test_a_row_that_took_over_a_number_goes_and_the_one_before_comes_back(hearings: Hearings) -> None:
    """SQLite gives the highest number again when its row has gone."""
    replacing = {"documents": {"children": "replace"}}
    hearings.bring(ONE)
    before = hearings.dump()
    hearings.bring(hearing("1", appearances=[witness("Ann", "Oxfam", documents=[{"url": "z"}])]), tables=replacing)
    assert hearings.has("documents") == [("1", "Ann", "z")]

    result = taken_back(hearings)

    assert (result.conflicts, result.altered) == (0, 0)
    assert hearings.dump() == before


def test_a_number_taken_over_by_a_row_with_children_comes_back_with_its_own(hearings: Hearings) -> None:
    replacing = {name: {"children": "replace"} for name in ("appearances", "documents")}
    hearings.bring(hearing("1", appearances=[witness("Ann", "Oxfam", documents=[{"url": "x"}, {"url": "y"}])]))
    before = hearings.dump()
    hearings.bring(hearing("1", appearances=[witness("Bob", documents=[{"url": "y"}])]), tables=replacing)
    assert hearings.has("documents") == [("1", "Bob", "y")]

    result = taken_back(hearings)

    assert (result.conflicts, result.altered) == (0, 0)
    assert hearings.dump() == before


def test_of_two_children_alike_the_later_counts(hearings: Hearings) -> None:
    twice = [{"system_code": "a"}, {"committee_id": {"system_code": "a"}, "is_primary": False}]

    result = hearings.bring(hearing("1", hearing_committees=twice))

    assert hearings.has("hearing_committees") == [("1", "a", False)]
    assert [(finding.code, finding.table, finding.observed) for finding in result.findings] == [
        ("duplicate_child", "hearing_committees", 1)
    ]


def test_of_two_records_alike_the_later_counts_with_all_its_children(hearings: Hearings) -> None:
    result = hearings.bring(ONE, hearing("1", "Later", hearing_committees=[{"system_code": "b"}]))

    assert result.counts == Counts(read=2, inserted=1, duplicates=1)
    assert hearings.has("hearings") == [("1", "Later", None)]
    assert hearings.has("hearing_committees") == [("1", "b", True)]
    assert hearings.has("appearances") == []


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"witnesses": {"parent": "hearings"}}, "table witnesses has no foreign key to its parent hearings"),
        ({"documents": {"parent": "papers"}}, "table documents: its parent papers is no table of the task"),
        ({"documents": {"key": "nothing"}}, "table documents has no column 'nothing' for the key"),
        (
            {"appearances": {"references": {"witness_id": "witnesses.nothing"}}},
            "table witnesses has no column 'nothing' for the reference appearances.witness_id",
        ),
        ({"appearances": {"references": {"witness_id": "witnesses"}}}, "tables.appearances.references.witness_id"),
        ({"appearances": {"children": "keep"}}, "tables.appearances.children='keep' is unknown"),
    ],
)
def test_what_does_not_fit_the_database_is_refused(
    hearings: Hearings, tables: dict[str, dict[str, object]], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        hearings.bring(ONE, tables=tables)
    assert refused.value.message.startswith(said)


def test_of_two_rows_of_one_key_the_later_counts_whatever_record_it_came_with(hearings: Hearings) -> None:
    papers = {"documents": {"parent": "appearances", "key": "url"}}
    twice = [
        hearing(number, appearances=[witness("Ann", "Oxfam", documents=[{"url": "x"}, {"url": number}])])
        for number in ("1", "2")
    ]

    result = hearings.bring(*twice, tables=papers)

    assert result.counts == Counts(read=2, inserted=2)
    assert hearings.has("documents") == [("1", "Ann", "1"), ("2", "Ann", "2"), ("2", "Ann", "x")]
    assert [(finding.code, finding.observed) for finding in result.findings] == [("duplicate_child", 1)]
    assert hearings.bring(*twice, tables=papers).counts == Counts(read=2, unchanged=2)


def test_a_key_may_hold_a_reference(hearings: Hearings) -> None:
    number = "integer PRIMARY KEY" if hearings.is_sqlite else "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    hearings.execute(
        f"CREATE TABLE seats (id {number}, committee_id integer NOT NULL REFERENCES committees (committee_id),"
        " place integer NOT NULL, name text, UNIQUE (committee_id, place))"
    )
    tables = {"seats": {"references": {"committee_id": {"to": "committees.system_code", "missing": "create"}}}}
    seats = [
        {"system_code": code, "place": place, "name": name}
        for code, place, name in [("a", 1, "x"), ("a", 1, "y"), ("new", 1, "z"), ("new", 1, "w"), ("new", 2, "v")]
    ]

    result = hearings.update(seats, table="seats", tables=tables)

    assert result.counts == Counts(read=5, inserted=3, duplicates=2)
    query = "SELECT system_code, place, seats.name FROM seats JOIN committees USING (committee_id)"
    assert sorted(hearings.rows(query)) == [("a", 1, "y"), ("new", 1, "w"), ("new", 2, "v")]
    assert hearings.update(seats, table="seats", tables=tables).counts == Counts(read=5, unchanged=3, duplicates=2)


def test_rows_of_the_source_that_are_missing_are_not_deleted(hearings: Hearings) -> None:
    with pytest.raises(UsageError) as refused:
        hearings.bring(ONE, deletes=DELETING)
    assert refused.value.message == 'deletes = "missing" is for records of one table'


def test_a_row_that_waited_for_its_parent_is_changed_and_not_written_twice(target: Target) -> None:
    target.execute("CREATE TABLE orders (code text PRIMARY KEY)")
    refers = "FOREIGN KEY (code) REFERENCES orders (code)"
    lines = "CREATE TABLE lines (code text NOT NULL, place integer NOT NULL, note text, PRIMARY KEY (code, place)"
    waiting = "INSERT INTO lines VALUES ('a', 1, 'old'), ('a', 2, 'same')"
    if target.is_sqlite:
        target.execute(f"{lines}, {refers})", "PRAGMA foreign_keys = OFF", waiting)
    else:
        target.execute(f"{lines})", waiting, f"ALTER TABLE lines ADD {refers} NOT VALID")

    record = {"code": "a", "lines": [{"place": at, "note": note} for at, note in ((1, "new"), (2, "same"), (3, "new"))]}
    result = target.update([record], table="orders", key="code", tables={"lines": {"parent": "orders"}})

    assert result.counts == Counts(read=1, inserted=1), result.reason
    assert (result.metrics["tables.lines.inserted"], result.metrics["tables.lines.updated"]) == (1, 1)
    assert target.rows("SELECT * FROM lines ORDER BY place") == [("a", 1, "new"), ("a", 2, "same"), ("a", 3, "new")]


def test_a_key_that_is_said_in_two_ways_is_one(target: Target) -> None:
    number = "integer PRIMARY KEY" if target.is_sqlite else "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    target.execute(
        f"CREATE TABLE tags (id {number}, name text NOT NULL UNIQUE)",
        "CREATE TABLE posts (id integer PRIMARY KEY)",
        "CREATE TABLE tagged (post integer NOT NULL REFERENCES posts(id), tag integer NOT NULL REFERENCES tags(id),"
        " weight integer, PRIMARY KEY (post, tag))",
        "INSERT INTO tags (id, name) VALUES (1, 'red')",
    )
    tables = {"tagged": {"parent": "posts", "references": {"tag": "tags.name"}}}
    records = [{"id": 1, "tagged": [{"name": "red", "weight": 1}, {"tag": 1, "weight": 2}]}]

    first, again = (target.update(records, table="posts", key="id", tables=tables) for _ in range(2))

    assert target.rows("SELECT * FROM tagged") == [(1, 1, 2)]
    assert (first.counts.inserted, again.counts.unchanged) == (1, 1)
    assert [(one.code, one.observed) for one in first.findings] == [("duplicate_child", 1)]


def test_keys_of_children_and_natural_keys_are_compared_under_their_collation(sqlite: Target) -> None:
    sqlite.execute(
        "CREATE TABLE tags (id integer PRIMARY KEY, name text NOT NULL UNIQUE COLLATE NOCASE)",
        "CREATE TABLE posts (id integer PRIMARY KEY, tag integer REFERENCES tags(id))",
        "CREATE TABLE notes (post integer REFERENCES posts(id), name text COLLATE NOCASE, text text,"
        " PRIMARY KEY (post, name))",
        "INSERT INTO tags (name) VALUES ('RED')",
    )
    tables = {
        "posts": {"references": {"tag": {"to": "tags.name", "missing": "create"}}},
        "notes": {"parent": "posts"},
    }
    records = [
        {"id": 1, "tag": {"name": "red"}},
        {"id": 2, "tag": {"name": "blue"}, "notes": [{"name": "a", "text": "1"}, {"name": "A", "text": "2"}]},
        {"id": 3, "tag": {"name": "Blue"}},
    ]

    first, again = (sqlite.update(records, table="posts", key="id", tables=tables) for _ in range(2))

    assert (first.counts.inserted, again.counts.unchanged) == (3, 3), first.reason
    assert [name.lower() for (name,) in sqlite.rows("SELECT name FROM tags ORDER BY id")] == ["red", "blue"]
    assert sqlite.rows("SELECT tag FROM posts ORDER BY id") == [(1,), (2,), (2,)]
    assert sqlite.rows("SELECT name, text FROM notes") == [("A", "2")]
    assert taken_back(sqlite, first.run_id).conflicts == 0
