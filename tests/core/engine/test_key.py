"""How records are told apart: the key that is given, the primary key, or the one unique key that they carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.engine.target import Target, jsonl
from validate_updates import ExitCode, Severity, UsageError, Verdict

SURROGATE = "CREATE TABLE t (id integer PRIMARY KEY, code text NOT NULL UNIQUE, email text UNIQUE, name text)"


def test_the_primary_key_where_the_records_carry_it(target: Target) -> None:
    target.execute(SURROGATE, "INSERT INTO t VALUES (1, 'a', null, 'old')")

    result = target.update([{"id": 1, "code": "b", "name": "new"}])

    assert result.key == ("id",)
    assert target.rows("SELECT * FROM t") == [(1, "b", None, "new")]


def test_a_unique_constraint_beside_a_type_with_a_length_is_one(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, code varchar(12) UNIQUE, name text)")

    result = target.update([{"code": "a", "name": "x"}])

    assert result.key == ("code",)


def test_else_the_only_unique_key_that_they_carry(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, code text NOT NULL UNIQUE, email text UNIQUE, name text)",
        "INSERT INTO t VALUES (1, 'a', null, 'old')",
    )

    result = target.update([{"code": "a", "name": "new"}])

    assert (result.key, result.counts.updated) == (("code",), 1)
    assert target.rows("SELECT * FROM t") == [(1, "a", None, "new")]


def test_a_key_of_several_columns(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (a integer, b text, name text, PRIMARY KEY (b, a))", "INSERT INTO t VALUES (1, 'x', 'old')"
    )

    result = target.update([{"a": 1, "b": "x", "name": "new"}, {"a": 1, "b": "y", "name": "more"}])

    assert set(result.key) == {"a", "b"}
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "x", "new"), (1, "y", "more")]


def test_the_key_that_is_given_wins_and_needs_no_constraint(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer, name text)", "INSERT INTO t VALUES (1, 'old')")

    result = target.update([{"id": 1, "name": "new"}, {"id": 2, "name": "more"}], key="id")

    assert (result.counts.inserted, result.counts.updated) == (1, 1)
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "new"), (2, "more")]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"code": "a", "email": "a@example.org"}, "several unique keys that the records carry: code; email"),
        ({"name": "nobody"}, "none of the unique keys"),
    ],
)
def test_no_key_or_too_many_is_an_error_of_use(target: Target, record: dict[str, str], said: str) -> None:
    target.execute(SURROGATE)

    with pytest.raises(UsageError) as refused:
        target.update([record])

    assert said in refused.value.message
    assert "--key" in refused.value.hint
    assert refused.value.exit_code == ExitCode.USAGE
    assert target.rows("SELECT * FROM t") == []
    assert "running" not in target.states()


def test_a_table_without_keys_needs_one_given(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer, name text)")

    with pytest.raises(UsageError, match="no key"):
        target.update([{"id": 1, "name": "x"}])


def test_a_key_column_that_is_not_there_is_an_error_of_use(target: Target) -> None:
    target.execute(SURROGATE)

    with pytest.raises(UsageError) as refused:
        target.update([{"id": 1}], key=["id", "cod"])

    assert "did you mean code" in refused.value.message
    assert target.all_tables() == ["t"], "nothing was begun"


def test_a_key_that_is_there_twice_refuses_the_update(target: Target) -> None:
    target.execute(
        "CREATE TABLE t (id integer, name text)",
        "INSERT INTO t VALUES (1, 'one'), (1, 'other'), (null, 'x'), (null, 'y')",
    )
    before = target.dump()

    result = target.update([{"id": 1, "name": "new"}, {"id": 2, "name": "more"}], key="id")

    assert (result.verdict, result.exit_code) == (Verdict.REFUSED, ExitCode.REJECTED)
    (finding,) = [one for one in result.findings if one.severity is Severity.CRITICAL]
    assert (finding.code, finding.samples) == ("key_not_unique", ("id=1",))
    assert target.dump() == before
    assert (result.counts.read, result.counts.rolled_back, result.counts.add_up) == (2, 2, True)


def test_rows_without_a_key_are_left_alone(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer UNIQUE, name text)", "INSERT INTO t VALUES (null, 'x'), (null, 'y')")

    result = target.update([{"id": 1, "name": "one"}], key="id")

    assert result.counts.inserted == 1
    assert sorted(map(str, target.rows("SELECT * FROM t"))) == ["(1, 'one')", "(None, 'x')", "(None, 'y')"]


@pytest.mark.parametrize("lines", [True, False])
def test_one_odd_record_at_the_beginning_decides_nothing(target: Target, tmp_path: Path, *, lines: bool) -> None:
    target.execute("CREATE TABLE t (id integer UNIQUE, code text NOT NULL UNIQUE, name text)")
    records = [{"name": "nobody"}, {"code": "a", "name": "first"}, {"code": "b", "name": "second"}]

    result = target.update(jsonl(tmp_path / "records.jsonl", records) if lines else records)

    assert (result.key, result.counts.inserted, result.counts.quarantined) == (("code",), 2, 1)
    assert result.kept_out[0].code == "missing_key"


def test_the_last_of_records_with_one_key_wins_and_the_others_are_counted(target: Target) -> None:
    target.execute(SURROGATE)

    result = target.update([{"id": 1, "code": "a", "name": name} for name in ("first", "second", "last")])

    assert (result.counts.read, result.counts.inserted, result.counts.duplicates) == (3, 1, 2)
    assert target.rows("SELECT * FROM t") == [(1, "a", None, "last")]
    (finding,) = result.findings
    assert (finding.code, finding.observed, finding.samples) == ("duplicate_key", 2, ("id=1",))


def test_records_without_the_key_are_kept_out(target: Target) -> None:
    target.execute(SURROGATE)

    result = target.update([{"id": 1, "code": "a"}, {"id": None, "code": "b"}, {"code": "c"}], key="id")

    assert result.verdict is Verdict.COMMITTED_WITH_QUARANTINE
    assert [entry.code for entry in result.kept_out] == ["null_key", "missing_key"]
    assert target.rows("SELECT code FROM t") == [("a",)]


def test_a_key_of_one_wide_text_is_the_fault_of_its_record(target: Target) -> None:
    target.execute("CREATE TABLE t (code text PRIMARY KEY, name text)")
    wide = "".join(chr(0x4E00 + number) for number in range(5000))

    result = target.update([{"code": wide, "name": "wide"}, {"code": "a", "name": "x"}])

    assert (result.verdict, result.counts.quarantined) == (Verdict.COMMITTED_WITH_QUARANTINE, 1)
    assert target.rows("SELECT * FROM t") == [("a", "x")]


def test_a_key_of_three_wide_texts_is_the_fault_of_its_record(target: Target) -> None:
    target.execute("CREATE TABLE t (a text, b text, c text, PRIMARY KEY (a, b, c))")
    wide = ["".join(chr(0x4E00 + (number * 7919 + part) % 20000) for number in range(880)) for part in range(3)]

    result = target.update([dict(zip("abc", wide, strict=True)), {"a": "a", "b": "b", "c": "c"}])

    assert result.verdict in {Verdict.COMMITTED, Verdict.COMMITTED_WITH_QUARANTINE}, result.reason
    assert ("a", "b", "c") in target.rows("SELECT * FROM t")


@pytest.mark.parametrize(("columns", "longest"), [(1, 900), (2, 450), (3, 300)])
def test_texts_of_a_key_share_what_an_index_takes(sqlite: Target, columns: int, longest: int) -> None:
    names = [f"part{number}" for number in range(columns)]
    sqlite.execute(f"CREATE TABLE t ({', '.join(f'{name} text' for name in names)}, PRIMARY KEY ({', '.join(names)}))")

    result = sqlite.update([dict.fromkeys(names, "x" * longest), dict.fromkeys(names, "y" * (longest + 1))])

    assert (result.counts.inserted, [entry.code for entry in result.kept_out]) == (1, ["key_too_long"])
    page = (Path(__file__).parents[3] / "docs" / "updates.md").read_text()
    assert f" {longest}" in page
