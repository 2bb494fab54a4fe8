"""What a record can do wrong, one kind after the other: it is kept out with a reason that says so, the others land."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.plugins.batch.world import ANY_NUMBER, PEOPLE, Batched, Record, people, person, rows
from validate_updates import Verdict
from validate_updates.job import DeletePolicy, Deletes

TAKEN = ("INSERT INTO t VALUES (900, 'taken@example.org', 'n', 30, NULL)",)
BAD = 13
"""The record that breaks a rule, of 30 in batches of 10."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break a rule of the table."""

    cells: Record
    said: str
    column: str | None = None
    left_out: str = ""


FAULTS = {
    "null": Fault({"name": None}, "name must not be null", "name"),
    "left out": Fault({}, "name must not be null", "name", left_out="name"),
    "check": Fault({"age": 17}, "grown_up"),
    "unique": Fault({"email": "taken@example.org"}, "must be unique"),
    "unique in its own batch": Fault({"email": "11@example.org"}, "must be unique"),
    "unique in an earlier batch": Fault({"email": "2@example.org"}, "must be unique"),
    "foreign key": Fault({"boss": 4711}, "foreign key"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_it_is_kept_out_with_the_reason(target: Batched, fault: Fault) -> None:
    target.execute(PEOPLE, *TAKEN)
    records = people(30)
    bad = records[BAD - 1] | fault.cells
    records[BAD - 1] = {name: cell for name, cell in bad.items() if name != fault.left_out}

    result = target.apply(records, size=10)

    good = [record for record in records if record["id"] != BAD]
    assert target.people() == rows([*good, person(900, email="taken@example.org", name="n", age=30)])
    (entry,) = target.entries()
    assert (entry.kept.code, entry.kept.key, entry.kept.line, entry.kept.batch) == (
        "record_refused",
        f"id={BAD}",
        13,
        2,
    )
    assert fault.said in entry.kept.message
    if fault.column:
        assert entry.kept.column == fault.column
    assert target.kept_out_records() == [records[BAD - 1]]
    assert [one.kept_out for one in result.troubled_batches] == [1]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_bad_change_leaves_the_row_as_it_was(target: Batched, fault: Fault) -> None:
    target.execute(PEOPLE, *TAKEN)
    before = people(30)
    target.insert("t", map(tuple, (record.values() for record in before)))
    records = [record | {"name": "new"} for record in before]
    records[BAD - 1] |= fault.cells
    if fault.left_out:
        records[BAD - 1] = {"id": BAD, "age": 17}  # a column left out is left alone; another rule then

    target.apply(records, size=10)

    good = [before[BAD - 1], *(record for record in records if record["id"] != BAD)]
    assert target.people() == rows([*good, person(900, email="taken@example.org", name="n", age=30)])
    assert target.kept_out_keys() == [f"id={BAD}"]


# Other records decide: a second try


@pytest.mark.parametrize("size", [1, 4, 50])
@pytest.mark.parametrize("publish", ["audited", "progressive"])
def test_a_value_that_a_later_record_frees(target: Batched, size: int, publish: str) -> None:
    """3 wants what 17 has, 17 what 9 has, and 9 something new: whatever the order, all of them land."""
    target.execute(PEOPLE)
    target.insert("t", [tuple(person(n).values()) for n in (3, 9, 17)])
    records = people(20)
    for number, email in ((3, "17@example.org"), (17, "9@example.org"), (9, "new@example.org")):
        records[number - 1]["email"] = email

    result = target.apply(records, size=size, publish=publish, commit_batches=1)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert target.people() == rows(records)
    assert target.entries() == []
    assert result.troubled_batches == ()


def test_a_long_chain_of_records_that_wait_for_each_other(target: Batched) -> None:
    """Each moves up by one, so that each waits for the next, in key order and against it."""
    for chain in (range(1, 60), range(60, 1, -1)):
        target.execute("DROP TABLE IF EXISTS t", PEOPLE)
        numbers = list(chain)
        target.insert("t", [tuple(person(n).values()) for n in numbers])
        wants = [*(f"{n}@example.org" for n in numbers[1:]), "end@example.org"]
        records = [person(n, email=email) for n, email in zip(numbers, wants, strict=True)]

        result = target.apply(records, size=7)

        assert result.verdict is Verdict.COMMITTED, result.reason
        assert target.people() == rows(records)


def test_a_value_that_a_deleted_row_frees(target: Batched) -> None:
    target.execute(PEOPLE, *TAKEN)

    result = target.apply(
        [person(n, email="taken@example.org") if n == 3 else person(n) for n in range(1, 21)],
        size=5,
        options={"deletes": DeletePolicy(mode=Deletes.MISSING, most_percent=100)},
    )

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert (result.counts.inserted, result.counts.deleted) == (20, 1)
    assert (3, "taken@example.org", "n3", 40, None) in target.people()


@pytest.mark.parametrize("size", [1, 4, 50])
@pytest.mark.parametrize("publish", ["audited", "progressive"])
def test_a_parent_that_comes_later(target: Batched, size: int, publish: str) -> None:
    """Everybody's boss has the next number, so that in key order no boss is there in time."""
    target.execute(PEOPLE)
    records = [person(n, boss=n + 1 if n < 20 else None) for n in range(1, 21)]

    result = target.apply(records, size=size, publish=publish, commit_batches=1)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert target.people() == rows(records)
    assert result.metrics["batches.succeeded"] == result.metrics["batches.planned"]


def test_a_parent_that_is_kept_out_takes_its_children_with_it(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(20, minors=[15])
    records[2] |= {"boss": 15}
    records[9] |= {"boss": 3}

    target.apply(records, size=5)

    assert target.people() == rows(record for record in records if record["id"] not in (3, 10, 15))
    reasons = {entry.kept.key: entry.kept.message for entry in target.entries()}
    assert reasons.keys() == {"id=3", "id=10", "id=15"}
    assert "foreign key" in str(reasons["id=3"])
    assert "grown_up" in str(reasons["id=15"])


def test_of_two_records_that_want_one_value_one_lands(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(20)
    records[4]["email"] = records[16]["email"] = "both@example.org"

    target.apply(records, size=5)

    assert target.kept_out_keys() == ["id=17"]
    assert target.people() == rows(record for record in records if record["id"] != 17)


@pytest.mark.parametrize("size", [50, 5])
def test_new_records_that_refer_to_each_other_land_together(target: Batched, size: int) -> None:
    """No order helps where each needs the other: they are written as one."""
    target.execute(PEOPLE)
    records = people(10)
    records[1] |= {"boss": 9}
    records[8] |= {"boss": 2}

    target.apply(records, size=size, commit_batches=1)  # on PostgreSQL a group may be one statement

    assert target.people() == rows(records)
    assert target.kept_out_keys() == []


# Triggers, and what only PostgreSQL has


@pytest.mark.parametrize("how", ["ABORT", "FAIL"])
def test_a_trigger_that_refuses_a_record(sqlite: Batched, how: str) -> None:
    sqlite.execute(
        PEOPLE, f"CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = {BAD} BEGIN SELECT RAISE({how}, 'no'); END"
    )
    records = people(30)

    sqlite.apply(records, size=10)

    assert sqlite.people() == rows(record for record in records if record["id"] != BAD)
    (entry,) = sqlite.entries()
    assert (entry.kept.key, entry.kept.message) == (f"id={BAD}", "a trigger refused it")


def test_a_trigger_that_ends_the_transaction_ends_the_update(sqlite: Batched) -> None:
    """Then there is no checkpoint to return to: nothing may be written any more, and nothing is."""
    sqlite.execute(
        PEOPLE, f"CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = {BAD} BEGIN SELECT RAISE(ROLLBACK, 'no'); END"
    )

    result = sqlite.apply(people(30), size=10)

    assert result.verdict is Verdict.FAILED
    assert "a trigger refused it" in result.reason
    assert sqlite.people() == []
    assert sqlite.entries() == []


def test_a_trigger_that_drops_a_record_without_a_word(target: Batched) -> None:
    target.execute(PEOPLE)
    if target.is_sqlite:
        target.execute(f"CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = {BAD} BEGIN SELECT RAISE(IGNORE); END")
    else:
        target.execute(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            f"CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW WHEN (new.id = {BAD}) EXECUTE FUNCTION no()",
        )
    records = people(30)

    target.apply(records, size=10)

    assert target.people() == rows(record for record in records if record["id"] != BAD)
    (entry,) = target.entries()
    assert (entry.kept.code, entry.kept.key) == ("rows_not_landed", f"id={BAD}")


def test_a_trigger_that_drops_a_change_without_a_word(target: Batched) -> None:
    target.execute(PEOPLE)
    target.insert("t", map(tuple, (record.values() for record in people(30))))
    if target.is_sqlite:
        target.execute(f"CREATE TRIGGER no BEFORE UPDATE ON t WHEN new.id = {BAD} BEGIN SELECT RAISE(IGNORE); END")
    else:
        target.execute(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            f"CREATE TRIGGER no BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = {BAD}) EXECUTE FUNCTION no()",
        )

    result = target.apply([record | {"name": "new"} for record in people(30)], size=10)

    assert (result.counts.updated, target.kept_out_keys()) == (29, [f"id={BAD}"])


def test_rules_that_only_postgresql_has(postgres: Batched) -> None:
    postgres.execute(
        "CREATE DOMAIN code AS text CONSTRAINT three_letters CHECK (value ~ '^[A-Z]{3}$')",
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        """CREATE TABLE t (
            id integer PRIMARY KEY, code code, mood mood, first integer, last integer,
            CONSTRAINT apart EXCLUDE USING gist (int4range(first, last) WITH &&)
        )""",
    )
    records: list[dict[str, Any]] = [
        {"id": n, "code": "ABC", "mood": "good", "first": n * 10, "last": n * 10 + 5} for n in range(1, 31)
    ]
    records[4] |= {"code": "abc"}
    records[14] |= {"first": 200, "last": 205}
    records[24] |= {"mood": "ugly"}  # told before the database is asked: a value that its column cannot hold

    postgres.apply(records, size=10)

    reasons = {entry.kept.key: (entry.kept.code, entry.kept.constraint) for entry in postgres.entries()}
    assert reasons == {
        "id=25": ("not_allowed", ""),
        "id=5": ("record_refused", "three_letters"),
        "id=20": ("record_refused", "apart"),
    }
    assert postgres.rows("SELECT count(*) FROM t") == [(27,)]


def test_records_that_could_not_be_staged_are_listed_beside_those_that_could_not_be_written(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(30, minors=[7])
    records[2] |= {"age": "many"}

    result = target.apply(records, size=10)

    assert target.kept_out_keys() == ["id=3", "id=7"]
    assert [entry.kept.batch for entry in target.entries()] == [None, 1]
    assert (result.counts.inserted, result.counts.quarantined) == (28, 2)


# What is kept of a record


def test_the_record_in_quarantine_means_the_same_record_again(target: Batched) -> None:
    """Cells of every kind. The table then lets go of its rule, and a replay brings in what was kept out."""
    target.execute(
        f"""CREATE TABLE t (
            id {"integer" if target.is_sqlite else "bigint"} PRIMARY KEY, flag boolean, amount decimal(12,4),
            ratio double precision, day date, clock time, moment timestamp, doc json, note text, "Ünder score" text
        )""",
        "CREATE UNIQUE INDEX one_note ON t (note)",
    )
    cells = {
        "flag": False,
        "amount": "12345678.9012",
        "ratio": 0.1,
        "day": "2024-02-29",
        "clock": "23:59:59",
        "moment": "2024-02-29 12:30:00.000001",
        "doc": {"b": [1, None, "é"], "a": {}},
        "note": 'quote " and \\ and \u2028',
        "Ünder score": "",
    }
    records = [{"id": 1, "note": cells["note"]}, {"id": 2**53 + 1, **cells}, {"id": 3, "note": cells["note"]}]
    target.apply(records, **ANY_NUMBER)
    entries = target.entries()
    assert [set(json.loads(entry.kept.record)) for entry in entries] == [{"id", "note"}, {"id", *cells}]
    target.execute("DROP INDEX one_note")

    replayed = target.replayed(*(entry.number for entry in entries))

    assert replayed.verdict is Verdict.COMMITTED, replayed.reason
    assert target.entry_states() == ["replayed", "replayed"]
    landed = target.rows("SELECT * FROM t ORDER BY id")
    target.execute("DELETE FROM t")
    target.update(records)
    assert target.rows("SELECT * FROM t ORDER BY id") == landed
