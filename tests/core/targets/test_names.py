"""Tables of any name are found, written, and told apart from everything else."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target, quoted
from validate_updates import UsageError, Verdict

NAMES = [
    *("order", "T able", 'quo"te', "semi;colon", "it's", "Ünïcode", "per%cent"),
    *("a.b", "?", ":name", "x" * 60, "--", "\t"),
]
OURS = ["vu_stage", "vu_plan", "vu_doomed", "vu_trap"]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_a_table_of_any_name_is_updated(target: Target, name: str) -> None:
    target.execute(
        "CREATE TABLE other (id integer PRIMARY KEY, name text)",
        "INSERT INTO other VALUES (1, 'untouched')",
        f"CREATE TABLE {quoted(name)} (id integer PRIMARY KEY, name text NOT NULL)",
        f"INSERT INTO {quoted(name)} VALUES (1, 'old'), (3, 'gone')",
    )
    target.watch(name)
    records = [{"id": 1, "name": "new"}, {"id": 2, "name": "more"}]

    result = target.update(records, table=name)

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert sorted(target.rows(f"SELECT * FROM {quoted(name)}")) == [(1, "new"), (2, "more"), (3, "gone")]
    assert target.written() == ["INSERT", "UPDATE"]
    assert target.update(records, table=name).counts.unchanged == 2
    assert target.written() == []
    assert target.rows("SELECT * FROM other") == [(1, "untouched")]

    refused = target.update([{"id": 1, "name": None}], table=name)

    assert refused.verdict is Verdict.REJECTED
    assert [finding.table for finding in refused.findings] == [name]


def test_a_name_in_another_case_is_another_name(target: Target) -> None:
    target.execute("CREATE TABLE hearings (id integer PRIMARY KEY)")

    with pytest.raises(UsageError) as refused:
        target.update([{"id": 1}], table="Hearings")

    assert "did you mean hearings?" in refused.value.message


def test_a_view_is_no_table(target: Target) -> None:
    target.execute("CREATE TABLE hidden (id integer PRIMARY KEY)", "CREATE VIEW t AS SELECT * FROM hidden")

    with pytest.raises(UsageError) as refused:
        target.update([{"id": 1}])

    assert refused.value.hint == "tables: hidden"


@pytest.mark.parametrize("name", ["vu_row", "VU_SEQ", "vu_shape"])
def test_the_few_names_that_are_ours_are_refused(target: Target, name: str) -> None:
    target.execute(f"CREATE TABLE t (id integer PRIMARY KEY, {quoted(name)} text)")

    with pytest.raises(UsageError) as refused:
        target.update([{"id": 1, name: "x"}])

    assert name in refused.value.message


def test_tables_called_like_our_temporary_ones_are_not_touched(target: Target) -> None:
    names = [*OURS, "changed", "checked"]
    target.execute(*(f"CREATE TABLE {name} (id integer PRIMARY KEY, name text)" for name in names))
    target.execute(*(f"INSERT INTO {name} VALUES (1, 'mine')" for name in names))
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    before = target.dump()

    result = target.update([{"id": 1, "name": "x"}])

    assert result.verdict is Verdict.COMMITTED, result.reason
    assert target.dump() == before | {"t": ["(1, 'x')"]}


@pytest.mark.parametrize("name", OURS)
def test_a_table_called_like_our_temporary_ones_cannot_be_updated(target: Target, name: str) -> None:
    target.execute(f"CREATE TABLE {name} (id integer PRIMARY KEY, name text)", f"INSERT INTO {name} VALUES (1, 'old')")

    with pytest.raises(UsageError) as refused:
        target.update([{"id": 1, "name": "new"}], table=name)

    assert name in refused.value.message
    assert target.rows(f"SELECT * FROM {name}") == [(1, "old")]


def test_a_column_the_table_does_not_have_is_an_outcome_of_its_record(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    records = [{"id": 1, "name": "x", "Name": "y"}, {"id": 2, "name; DROP TABLE t": 1}, {"id": 3, "name": "z"}]

    result = target.update(records)

    assert (result.counts.inserted, result.counts.quarantined) == (1, 2)
    assert {entry.code for entry in result.kept_out} == {"unknown_column"}
    assert sorted(finding.column or "" for finding in result.findings) == ["Name", "name; DROP TABLE t"]

    ignoring = target.update(records, unknown_columns="ignore")

    assert (ignoring.verdict, ignoring.counts.inserted, ignoring.counts.unchanged) == (Verdict.COMMITTED, 2, 1)
    assert sorted(target.rows("SELECT id FROM t")) == [(1,), (2,), (3,)]


def test_a_wide_table_with_records_of_many_shapes(target: Target) -> None:
    names = [f"c{number}" for number in range(300)]
    target.execute(f"CREATE TABLE t (id integer PRIMARY KEY, {', '.join(f'{name} integer' for name in names)})")
    target.watch()
    records = [{"id": number, **dict.fromkeys(names[number : number + 50], number)} for number in range(200)]

    result = target.update(records)

    assert result.counts.inserted == 200
    assert target.rows("SELECT c10, c59, c60 FROM t WHERE id = 10") == [(10, 10, None)]
    target.written()
    assert target.update(records).counts.unchanged == 200
    assert target.written() == []
