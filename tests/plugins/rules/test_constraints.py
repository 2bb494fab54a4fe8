"""What the table's own constraints forbid is found before the database has to refuse it, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.rules.world import Record, Ruled
from validate_updates import Counts, ExitCode, Severity, Verdict
from validate_updates.job import DeletePolicy, Deletes

TEAMS = "CREATE TABLE teams (house text, number integer, PRIMARY KEY (house, number))"
PEOPLE = """CREATE TABLE t (
    id integer PRIMARY KEY, email text UNIQUE, name text NOT NULL, rank text NOT NULL DEFAULT 'new',
    boss integer REFERENCES t (id), house text, number integer,
    FOREIGN KEY (house, number) REFERENCES teams (house, number), UNIQUE (house, rank)
)"""
ROWS = "INSERT INTO t (id, email, name) VALUES (1, 'a', 'one'), (2, 'b', 'two'), (3, NULL, 'three')"


def person(number_: int, /, **cells: Any) -> Record:
    return {"id": number_, "name": f"n{number_}", **cells}


@pytest.fixture
def people(target: Ruled) -> Ruled:
    target.execute(TEAMS, "INSERT INTO teams VALUES ('House', 1)", PEOPLE, ROWS)
    return target


@pytest.mark.parametrize(
    ("records", "kept_out"),
    [
        ([person(4), person(5, name=None)], {"5": ("rule_required", "name", "not null")}),
        ([{"id": 1, "rank": "old"}, {"id": 4, "rank": "x"}], {"4": ("rule_required", "name", "not null")}),
        ([person(4), person(5, rank=None), {"id": 6, "name": "n"}], {"5": ("rule_required", "rank", "not null")}),
        ([person(4, email="a"), person(5, email="c")], {"4": ("rule_unique", "email", "unique (email)")}),
        ([person(4, email="c"), person(5, email="c")], {"5": ("rule_unique", "email", "unique (email)")}),
        ([person(4, email=None), person(5, email=None)], {}),
        ([person(1, email="c"), person(4, email="a")], {}),
        ([person(1, email="b"), person(2)], {"1": ("rule_unique", "email", "unique (email)")}),
        ([person(1, email="b"), person(2, email="b")], {"1": ("rule_unique", "email", "unique (email)")}),
        ([person(1, email="c", name=None), person(4, email="a")], {
            "1": ("rule_required", "name", "not null"),
            "4": ("rule_unique", "email", "unique (email)"),
        }),
        ([person(4, boss=1), person(5, boss=9)], {"5": ("rule_exists", "boss", "foreign key (boss)")}),
        ([person(4, boss=5), person(5, boss=4), person(6, boss=6)], {}),
        ([person(4, boss=5), person(5, boss=6), person(6, name=None)], {
            "6": ("rule_required", "name", "not null"),
            "5": ("rule_exists", "boss", "foreign key (boss)"),
            "4": ("rule_exists", "boss", "foreign key (boss)"),
        }),
        ([person(4, house="House", number=1), person(5, house="House", number=2, rank="x"), person(6, house="Moon")], {
            "5": ("rule_exists", "house", "foreign key (house, number)"),
        }),
        ([person(4, house="House", rank="x"), person(5, house="House", rank="x"), person(6, house="House", rank="y")], {
            "5": ("rule_unique", "house", "unique (house, rank)"),
        }),
    ],
)  # fmt: skip
def test_of_records_that_the_database_would_refuse_only_these_are_kept_out(
    people: Ruled, records: list[Record], kept_out: dict[str, tuple[str, str, str]]
) -> None:
    result = people.apply(records)

    assert people.reasons() == kept_out
    assert result.verdict is (Verdict.COMMITTED_WITH_QUARANTINE if kept_out else Verdict.COMMITTED)
    assert result.counts.quarantined == len(kept_out)


def test_without_the_plugin_the_update_is_rejected_as_before(people: Ruled) -> None:
    before = people.dump()

    result = people.apply([person(4), person(5, name=None)], constraints="off")

    assert (result.verdict, result.judged) == (Verdict.REJECTED, ())
    assert people.dump() == before
    assert people.update([person(4), person(5, name=None)]).exit_code == ExitCode.REJECTED


def test_as_warnings_they_are_told_and_the_database_decides(people: Ruled) -> None:
    result = people.apply([person(4), person(5, name=None)], constraints="warning")

    assert result.verdict is Verdict.REJECTED
    warning = next(one for one in result.findings if one.severity is Severity.WARNING)
    assert warning.message == ("1 record breaks the constraint not null: id=5: name is missing (constraint not null)")


def test_a_row_that_goes_is_in_nobodys_way(people: Ruled) -> None:
    deletes = DeletePolicy(mode=Deletes.MISSING, most_percent=100)

    result = people.apply(
        [person(1, name="one"), person(2), person(4, email="b"), person(5, email="b")], deletes=deletes
    )

    assert people.reasons() == {
        "4": ("rule_unique", "email", "unique (email)"),
        "5": ("rule_unique", "email", "unique (email)"),
    }
    assert (result.counts.deleted, people.ids()) == (1, [1, 2])

    again = people.apply([person(1), person(4, email="b")], deletes=deletes)

    assert again.counts == Counts(read=2, inserted=1, updated=1, deleted=1)


@pytest.mark.parametrize("kind", ["lengths", "enums"])
def test_lengths_and_enums_are_judged_when_a_record_is_read(target: Ruled, kind: str) -> None:
    if kind == "enums" and target.is_sqlite:
        target.execute("CREATE TABLE t (id integer PRIMARY KEY, word varchar(3))")
    elif kind == "enums":
        target.execute("CREATE TYPE word AS ENUM ('a', 'b')", "CREATE TABLE t (id integer PRIMARY KEY, word word)")
    else:
        target.execute("CREATE TABLE t (id integer PRIMARY KEY, word varchar(3))")

    result = target.apply([{"id": 1, "word": "a"}, {"id": 2, "word": "abcd"}])

    assert result.counts == Counts(read=2, inserted=1, quarantined=1)


# Under each strategy


BATCH: dict[str, Any] = {"batch": {"size": 2}}


@pytest.mark.parametrize("plugins", [("rules",), ("rules", "batch")])
def test_the_rest_stands_whatever_the_strategy(people: Ruled, plugins: tuple[str, ...]) -> None:
    records = [person(number, name=None if number % 10 == 5 else "n") for number in range(1, 31)]

    result = people.apply(records, plugins=plugins, settings=BATCH if "batch" in plugins else None)

    assert (result.verdict, result.exit_code) == (Verdict.COMMITTED_WITH_QUARANTINE, ExitCode.PARTIAL)
    assert result.counts == Counts(read=30, inserted=24, updated=3, quarantined=3)
    assert people.ids() == [number for number in range(1, 31) if number % 10 != 5]
    if "batch" in plugins:
        assert result.metrics["batches.planned"] == 14, "batches are full: who is kept out has no place in them"
        assert result.metrics["batches.isolated"] == 0, "and none was tried in vain"


def test_of_what_only_the_database_knows_the_batch_takes_care(people: Ruled) -> None:
    people.execute("CREATE TABLE teams2 (id integer)")
    swap = [person(1, email="b"), person(2, email="a"), person(4, name=None)]

    result = people.apply(swap, plugins=("rules", "batch"), settings={"batch": {"max_quarantined": 9}})

    assert result.counts.quarantined == 3
    assert people.reasons()["4"] == ("rule_required", "name", "not null")


@pytest.mark.parametrize("bad", [6, 7, 20])
def test_the_failure_budget_counts_what_rules_keep_out(people: Ruled, bad: int) -> None:
    records = [person(number, name=None if number < 100 + bad else "n") for number in range(100, 120)]
    before = people.dump()

    result = people.apply(records, plugins=("rules", "batch"), settings={"batch": {"max_quarantined": "30 %"}})

    if bad == 6:
        assert (result.verdict, result.counts.quarantined) == (Verdict.COMMITTED_WITH_QUARANTINE, 6)
    else:
        assert (result.verdict, result.counts.quarantined) == (Verdict.REJECTED, bad)
        assert "too many for the rest to stand" in result.reason
        assert people.dump() == before


def test_progressive_groups_go_on_without_them(people: Ruled) -> None:
    records = [person(number, name=None if number % 7 == 0 else "n") for number in range(100, 140)]
    settings = {"batch": {"size": 3, "publish": "progressive", "commit_batches": 2}}

    result = people.apply(records, plugins=("rules", "batch"), settings=settings)

    assert result.counts == Counts(read=40, inserted=35, quarantined=5)


def test_the_error_rate_counts_what_rules_keep_out(people: Ruled) -> None:
    records = [person(number, name=None if number < 103 else "n") for number in range(100, 120)]

    result = people.apply(records, plugins=("rules", "static_thresholds"))

    assert result.verdict is Verdict.REJECTED
    assert "error_rate_high" in {finding.code for finding in result.findings}


def test_a_mended_record_is_replayed_under_the_same_rules(people: Ruled) -> None:
    people.apply([person(4, name=None), person(5)])
    (entry,) = people.entries()

    again = people.replayed(entry.number, plugins=("rules",))
    assert again.counts.quarantined == 1
    newest = people.entries()[-1]

    mended = people.replayed(newest.number, source=[person(4)], plugins=("rules",))

    assert mended.counts.inserted == 1
    assert people.entry_states() == ["superseded", "replayed"]


def test_a_bad_record_takes_its_whole_unit_out_and_a_reference_that_is_yet_to_be_made_is_not_missed(
    target: Ruled,
) -> None:
    target.execute(
        "CREATE TABLE committees (id integer PRIMARY KEY, code text NOT NULL UNIQUE)"
        if target.is_sqlite
        else "CREATE TABLE committees (id serial PRIMARY KEY, code text NOT NULL UNIQUE)",
        "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, main integer NOT NULL REFERENCES committees (id))",
        "CREATE TABLE notes (t_id integer REFERENCES t (id), n integer, PRIMARY KEY (t_id, n))",
    )
    tables: dict[str, Any] = {
        "t": {"key": "id", "references": {"main": {"to": "committees.code", "missing": "create"}}},
        "notes": {"parent": "t"},
    }
    records: list[Record] = [
        {"id": 1, "name": "one", "code": "new", "notes": [{"n": 1}]},
        {"id": 2, "name": None, "code": "new", "notes": [{"n": 1}]},
    ]

    result = target.apply(records, {"column": "name", "min_length": 2}, tables=tables)

    assert target.reasons() == {"2": ("rule_required", "name", "not null")}
    assert result.counts.quarantined == 1
    assert target.rows("SELECT t.id, code, n FROM t JOIN committees c ON c.id = main JOIN notes ON t_id = t.id") == [
        (1, "new", 1)
    ]
