"""References by natural keys: looked up in the database and in the update itself, required or made, told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.undo.taking_back import taken_back
from tests.core.units.world import Hearings, hearing, witness
from validate_updates import Counts, UsageError, Verdict

CREATING = {
    "appearances": {"references": {"witness_id": {"to": "witnesses.full_name,organization", "missing": "create"}}}
}
FIRST = {
    "appearances": {"references": {"witness_id": {"to": "witnesses.full_name,organization", "ambiguous": "first"}}}
}
FEED: dict[str, dict[str, Any]] = {
    "committees": {"key": "system_code", "references": {"parent_id": "committees.system_code"}}
}


def committee(code: str, parent: str | None = None, **cells: Any) -> dict[str, Any]:
    return {"system_code": code, "parent_id": parent and {"system_code": parent}, **cells}


def test_a_unit_that_means_a_row_which_is_not_there_is_kept_out_and_no_other(hearings: Hearings) -> None:
    lost = hearing("1", hearing_committees=[{"system_code": "a"}, {"system_code": "zz"}])
    good = hearing("2", hearing_committees=[{"system_code": "a"}])

    result = hearings.bring(lost, good)

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert result.counts == Counts(read=2, inserted=1, quarantined=1)
    assert hearings.has("hearing_committees") == [("2", "a", True)]
    [entry] = hearings.entries()
    assert (entry.kept.code, entry.kept.key, entry.kept.line) == ("reference_not_found", "event_id=1", 1)
    assert entry.kept.message == "hearing_committees.committee_id: there is no row in committees with system_code=zz"
    assert json.loads(entry.kept.record) == lost
    assert [(one.code, one.observed, one.samples) for one in result.findings] == [
        ("reference_not_found", 1, ("system_code=zz",))
    ]


def test_a_row_that_is_not_there_is_made_once_of_what_the_records_say(hearings: Hearings) -> None:
    cara = witness("Cara", "Nasa", title="Dr", position="pilot")

    result = hearings.bring(
        hearing("1", appearances=[cara, witness("Ann", "Oxfam")]),
        hearing("2", appearances=[witness("Cara", "Nasa", title="Dr")]),
        tables=CREATING,
    )

    assert result.counts == Counts(read=2, inserted=2)
    assert result.metrics["tables.witnesses.created"] == 1
    assert ("Cara", "Nasa", "Dr") in hearings.has("witnesses")
    assert len(hearings.has("witnesses")) == 3
    assert [row[:2] for row in hearings.has("appearances")] == [("1", "Ann"), ("1", "Cara"), ("2", "Cara")]


def test_a_made_row_goes_with_a_roll_back(hearings: Hearings) -> None:
    before = hearings.dump()
    hearings.bring(hearing("1", appearances=[witness("Cara", "Nasa")]), tables=CREATING)

    assert taken_back(hearings).conflicts == 0
    assert hearings.dump() == before


def test_a_column_with_a_default_that_is_not_said_gets_its_default(hearings: Hearings) -> None:
    creating = {
        "hearing_committees": {"references": {"committee_id": {"to": "committees.system_code", "missing": "create"}}}
    }
    said = [
        {"committee_id": {"system_code": "c", "name": "Commerce", "seats": 3}},
        {"committee_id": {"system_code": "d", "seats": 4}},
    ]

    assert hearings.bring(hearing("1", hearing_committees=said), tables=creating).verdict is Verdict.COMMITTED

    made = [row for row in hearings.has("committees") if row[0] in "cd"]
    assert made == [("c", "Commerce", 3, None), ("d", "unnamed", 4, None)]


def test_a_key_that_several_rows_have_keeps_the_unit_out_unless_the_first_will_do(hearings: Hearings) -> None:
    hearings.execute("INSERT INTO witnesses (full_name, organization, title) VALUES ('Ann', 'Oxfam', 'the other')")
    unit = hearing("1", appearances=[witness("Ann", "Oxfam")])

    refused = hearings.bring(unit)

    assert refused.counts == Counts(read=1, quarantined=1)
    assert [(one.code, one.severity.value) for one in refused.findings] == [("reference_ambiguous", "warning")]
    [entry] = hearings.entries()
    assert entry.kept.message == (
        "appearances.witness_id: there are 2 rows in witnesses with full_name=Ann, organization=Oxfam"
    )

    first = hearings.bring(unit, tables=FIRST)

    assert first.counts == Counts(read=1, inserted=1)
    assert hearings.rows("SELECT witness_id FROM appearances") == [(1,)]
    assert [(one.code, one.severity.value, one.samples) for one in first.findings] == [
        ("reference_ambiguous", "info", ("full_name=Ann, organization=Oxfam",))
    ]


def test_a_part_of_a_key_that_is_null_matches_null_alone(hearings: Hearings) -> None:
    hearings.bring(hearing("1", appearances=[witness("Bob")]), hearing("2", appearances=[witness("Bob", "Nasa")]))

    assert hearings.has("appearances") == [("1", "Bob", None, None)]


def test_a_reference_may_be_null_or_the_columns_own_value(hearings: Hearings) -> None:
    hearings.bring(
        hearing("1", main_id=None),
        hearing("2", main_id=2),
        hearing("3", main_id={"system_code": None}),
        hearing("4", main_id={"system_code": "a"}),
    )

    assert [row[2] for row in hearings.has("hearings")] == [None, "b", None, "a"]


def test_parents_and_their_children_come_in_one_feed_in_any_order(database_url: str) -> None:
    target = Hearings.made(database_url)
    feed = [committee("x2", "x1", name="n"), committee("x1", "x0", name="n"), committee("x0", "a", name="n")]

    result = target.update(feed, table="committees", tables=FEED)

    assert result.verdict is Verdict.COMMITTED, result.reason
    parents = {row[0]: row[3] for row in target.has("committees")}
    assert parents == {"a": None, "b": None, "x0": "a", "x1": "x0", "x2": "x1"}
    assert target.update(feed, table="committees", tables=FEED).counts == Counts(read=3, unchanged=3)
    before = target.dump()
    target.update([committee("x2", "y"), committee("y", "x0")], table="committees", tables=FEED)
    assert {row[0]: row[3] for row in target.has("committees")}["x2"] == "y"
    assert taken_back(target).conflicts == 0
    assert target.dump() == before


def test_who_needs_a_unit_that_is_kept_out_is_kept_out_too(database_url: str) -> None:
    target = Hearings.made(database_url)

    result = target.update(
        [committee("x1", "x0"), committee("x0", "nowhere"), committee("z", "a")], table="committees", tables=FEED
    )

    assert result.counts == Counts(read=3, inserted=1, quarantined=2)
    assert [row[0] for row in target.has("committees")] == ["a", "b", "z"]


def test_what_only_a_unit_that_is_kept_out_brings_is_made_where_it_may_be(database_url: str) -> None:
    target = Hearings.made(database_url)
    creating = {
        **FEED["committees"],
        "references": {"parent_id": {"to": "committees.system_code", "missing": "create"}},
    }
    target.execute("CREATE UNIQUE INDEX of_seats ON committees (seats)")
    feed = [
        committee("x1", seats=9),
        committee("x2", "x1", seats=1),
        committee("x3", "x2", seats=9),
        committee("x4", "x3", seats=2),
    ]
    target.execute("UPDATE committees SET seats = 9 WHERE system_code = 'a'")

    result = target.update(
        feed,
        table="committees",
        tables={"committees": creating},
        plugins=("batch",),
        settings={"batch": {"max_quarantined": "100%", "max_failed_batches": "100%"}},
    )

    assert [one.key for one in result.kept_out] == ["system_code=x1", "system_code=x3"]
    assert {row[0]: row[3] for row in target.has("committees")} == {
        "a": None,
        "b": None,
        "x1": None,
        "x2": "x1",
        "x3": None,
        "x4": "x3",
    }
    assert taken_back(target).conflicts == 0
    assert [row[0] for row in target.has("committees")] == ["a", "b"]


def test_tables_that_refer_to_each_other_in_a_circle(database_url: str) -> None:
    target = Hearings(database_url)
    number = "integer PRIMARY KEY" if target.is_sqlite else "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    target.execute(
        f"CREATE TABLE departments (id {number}, name text NOT NULL UNIQUE, head_id integer)",
        f"CREATE TABLE people (id {number}, department_id integer NOT NULL REFERENCES departments (id),"
        " email text NOT NULL UNIQUE)",
    )
    if not target.is_sqlite:
        target.execute("ALTER TABLE departments ADD FOREIGN KEY (head_id) REFERENCES people (id)")
    tables = {
        "departments": {"key": "name", "references": {"head_id": "people.email"}},
        "people": {"parent": "departments", "key": "email"},
    }
    research = {"name": "research", "head_id": {"email": "b@x"}, "people": [{"email": "a@x"}, {"email": "b@x"}]}

    result = target.update([research], table="departments", tables=tables)

    assert result.verdict is Verdict.COMMITTED, result.reason
    heads = "SELECT name, email FROM departments d LEFT JOIN people p ON p.id = d.head_id"
    assert target.rows(heads) == [("research", "b@x")]
    before = target.dump()
    moved = {"name": "research", "head_id": {"email": "c@x"}, "people": [{"email": "c@x"}]}
    assert target.update([moved], table="departments", tables=tables).counts == Counts(read=1, updated=1)
    assert target.rows(heads) == [("research", "c@x")]
    assert taken_back(target).conflicts == 0
    assert target.dump() == before


def test_a_circle_that_nothing_opens_is_refused(database_url: str) -> None:
    target = Hearings(database_url)
    target.execute(
        "CREATE TABLE a (id integer PRIMARY KEY, code text NOT NULL UNIQUE, b_id integer NOT NULL)",
        "CREATE TABLE b (id integer PRIMARY KEY, code text NOT NULL UNIQUE, a_id integer NOT NULL REFERENCES a (id))",
    )
    tables = {"a": {"key": "code", "references": {"b_id": "b.code"}}, "b": {"parent": "a", "key": "code"}}
    with pytest.raises(UsageError) as refused:
        target.update([], table="a", tables=tables)
    assert refused.value.message == "the tables a, b refer to each other in a circle, so none can be written first"


@pytest.mark.parametrize(
    ("child", "said"),
    [
        ({"committee_id": {"name": "x"}}, "hearing_committees[0].committee_id.name: is not in the key"),
        ({"committee_id": {}}, "hearing_committees[0].committee_id: the key is not in the record"),
        ({"committee_id": {"system_code": None}}, "hearing_committees[0].committee_id: the key is null"),
        ({"system_code": 7.5}, "hearing_committees[0].system_code: expected text"),
        ({"system_code": "a", "hearing_id": 1}, "hearing_committees[0].hearing_id: comes from the parent"),
        ({"system_code": "a", "colour": 1}, "hearing_committees[0]: column 'colour' is not in the table"),
        ({"is_primary": True}, "hearing_committees[0].committee_id: the key is not in the record"),
        ("a", "hearing_committees[0]: expected a record, got text 'a'"),
        (None, "hearing_committees[0]: expected a record, got null"),
        (["a"], "hearing_committees[0]: expected a record, got list"),
    ],
)
def test_a_bad_child_keeps_its_whole_unit_out_with_the_reason(hearings: Hearings, child: object, said: str) -> None:
    bad = hearing("1", hearing_committees=[child])

    result = hearings.bring(bad, hearing("2"))

    assert result.counts == Counts(read=2, inserted=1, quarantined=1)
    [entry] = hearings.entries()
    assert entry.kept.message.startswith(said)
    assert json.loads(entry.kept.record) == bad


@pytest.mark.parametrize("listed", [None, {}, "a"])
def test_children_are_a_list(hearings: Hearings, listed: object) -> None:
    assert hearings.bring(hearing("1", hearing_committees=listed)).counts.quarantined == 1
    assert hearings.entries()[0].kept.message == "hearing_committees: expected a list of records"


def test_of_records_that_bring_one_row_the_last_is_meant(database_url: str) -> None:
    target = Hearings.made(database_url)
    feed = [committee("x", "y"), committee("y", "a", name="first"), committee("y", "b", name="last")]

    result = target.update(feed, table="committees", tables=FEED)

    assert result.counts == Counts(read=3, inserted=2, duplicates=1)
    rows = {row[0]: row for row in target.has("committees")}
    assert rows["x"][3] == "y"
    assert rows["y"] == ("y", "last", None, "b")


def test_a_row_that_two_units_bring_is_there_while_one_of_them_stands(hearings: Hearings) -> None:
    papers: dict[str, dict[str, Any]] = {
        "documents": {"parent": "appearances", "key": "url"},
        "hearings": {"references": {"main_id": "committees.system_code", "paper_id": "documents.url"}},
    }
    hearings.execute("ALTER TABLE hearings ADD COLUMN paper_id integer REFERENCES documents (document_id)")
    same = [witness("Ann", "Oxfam", documents=[{"url": "x"}])]
    lost = hearing("3", main_id={"system_code": "nowhere"}, appearances=same)

    result = hearings.bring(hearing("1", paper_id={"url": "x"}), hearing("2", appearances=same), lost, tables=papers)

    assert result.counts == Counts(read=3, inserted=2, quarantined=1)
    assert hearings.has("documents") == [("2", "Ann", "x")]


def test_a_column_of_a_child_that_the_database_computes_is_told_as_such(database_url: str) -> None:
    target = Hearings(database_url)
    target.execute(
        "CREATE TABLE a (id integer PRIMARY KEY, code text NOT NULL UNIQUE)",
        "CREATE TABLE b (a_id integer NOT NULL REFERENCES a (id), code text NOT NULL UNIQUE,"
        " long integer GENERATED ALWAYS AS (length(code)) STORED)",
    )
    tables = {"a": {"key": "code"}, "b": {"parent": "a", "key": "code"}}

    result = target.update([{"id": 1, "code": "x", "b": [{"code": "y", "long": 1}]}], table="a", tables=tables)

    assert [entry.message for entry in result.kept_out] == ["b[0]: column 'long' is computed by the database"]
    assert "1 record with 'long', which the database computes in b" in [one.message for one in result.findings]
