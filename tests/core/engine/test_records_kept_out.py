"""Validators of the moment ``records``: what they keep out is in quarantine, and the rest is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from tests.core.quarantine.world import World
from validate_updates import (
    Context,
    Counts,
    ExitCode,
    Finding,
    KeepOut,
    Moment,
    RunResult,
    SettingsError,
    Severity,
    Validator,
    Verdict,
    hookimpl,
)
from validate_updates.job import DeletePolicy, Deletes

TABLE = (
    "CREATE TABLE t (id integer PRIMARY KEY, name text, boss integer REFERENCES t (id))",
    "INSERT INTO t VALUES (1, 'one', NULL), (2, 'two', NULL), (9, 'nine', NULL)",
)
Check = Callable[[Context], Any]


@dataclass(frozen=True, eq=False)
class Given:
    """A plugin with a validator for each check."""

    checks: tuple[tuple[Moment, Check], ...]

    @hookimpl
    def vu_validators(self) -> Iterator[Validator]:
        for number, (moment, check) in enumerate(self.checks):
            yield Validator(name=f"check{number}", moment=moment, check=check, summary="a check", time_limit=30)


@pytest.fixture
def target(database_url: str) -> World:
    made = World(database_url)
    made.execute(*TABLE)
    return made


def update(target: Target, records: list[dict[str, Any]], *checks: Check, **options: Any) -> RunResult:
    result = target.judged(records, Given(tuple((Moment.RECORDS, check) for check in checks)), **options)
    assert result.counts.add_up
    return result


def person(number: int, name: str = "new", boss: int | None = None) -> dict[str, Any]:
    return {"id": number, "name": name, "boss": boss}


def bad_names(context: Context) -> Iterator[KeepOut]:
    staged = context.staged
    for row, name in context.db.each(sa.select(staged.c.vu_row, staged.c.name).where(staged.c.name.like("bad%"))):
        yield KeepOut(row=row, code="bad_name", message=f"the name {name!r} will not do", column="name", rule="names")


def unplanned_bosses(context: Context) -> Iterator[KeepOut]:
    """New records whose boss is neither in the table nor to be added."""
    staged, planned, boss, other = context.staged, context.planned, context.target.sql.alias(), context.staged.alias()
    added = sa.select(other.c.id).join(planned, planned.c.row == other.c.vu_row)
    orphans = (
        sa.select(staged.c.vu_row)
        .join(planned, planned.c.row == staged.c.vu_row)
        .where(staged.c.boss.notin_(sa.select(boss.c.id)), staged.c.boss.notin_(added))
    )
    for (row,) in context.db.rows(orphans):
        yield KeepOut(row=row, code="no_boss", message="the boss does not exist", column="boss")


def test_the_bad_ones_are_in_quarantine_and_the_rest_stands(target: World) -> None:
    records = [person(1), person(2, "bad"), person(3, "bad too"), person(4)]

    result = update(target, records, bad_names)

    assert (result.verdict, result.exit_code) == (Verdict.COMMITTED_WITH_QUARANTINE, ExitCode.PARTIAL)
    assert result.counts == Counts(read=4, inserted=1, updated=1, quarantined=2)
    assert sorted(target.rows("SELECT id, name FROM t")) == [(1, "new"), (2, "two"), (4, "new"), (9, "nine")]
    entries = target.entries()
    assert [(entry.kept.code, entry.kept.key, entry.kept.column, entry.kept.constraint) for entry in entries] == [
        ("bad_name", "id=2", "name", "names"),
        ("bad_name", "id=3", "name", "names"),
    ]
    assert [json.loads(entry.kept.record) for entry in entries] == records[1:3]
    assert [entry.kept.line for entry in entries] == [2, 3]
    assert entries[0].kept.message == "the name 'bad' will not do"
    assert {change.key for change in result.changes} == {"id=1", "id=4"}
    (judged,) = result.judged
    assert (judged.outcome, judged.findings) == ("found", 2)


def test_one_finding_sums_up_each_reason(target: World) -> None:
    result = update(target, [person(number, f"bad{number}") for number in range(20, 30)], bad_names)

    (finding,) = result.findings
    assert (finding.code, finding.severity, finding.observed) == ("bad_name", Severity.WARNING, 10)
    assert (finding.plugin, finding.validator, finding.moment) == ("given", "check0", "records")
    assert (finding.table, finding.column, finding.expected) == ("t", "name", "names")
    assert finding.message == "10 records kept out: id=20: the name 'bad20' will not do"
    assert len(finding.samples) == 5
    assert result.reason == "nothing to write: every record is kept out"


def test_who_fails_on_warnings_gets_nothing_written(target: World) -> None:
    before = target.dump()

    result = update(target, [person(4), person(5, "bad")], bad_names, fail_on=Severity.WARNING)

    assert (result.verdict, result.counts.rolled_back, result.counts.quarantined) == (Verdict.REJECTED, 1, 1)
    assert target.dump() == before


def test_the_plan_is_judged_without_them(target: World) -> None:
    seen: list[tuple[Counts, float, list[tuple[int, str]]]] = []

    def look(context: Context) -> list[Finding]:
        plan = context.db.rows(sa.select(context.planned.c.pos, context.planned.c.action).order_by("pos"))
        seen.append((context.counts, context.metrics["records.quarantined"], [tuple(row) for row in plan]))
        return []

    records = [person(1), person(2, "bad"), person(3), person(4, "bad"), person(9, "nine")]
    target.judged(records, Given(((Moment.RECORDS, bad_names), (Moment.PLAN, look))))

    assert seen == [(Counts(read=5, inserted=1, updated=1, unchanged=1, quarantined=2), 2.0, [(1, "U"), (2, "I")])]


def test_a_record_that_changes_nothing_may_be_kept_out_too(target: World) -> None:
    target.execute("INSERT INTO t VALUES (5, 'bad', NULL)")

    result = update(target, [person(5, "bad"), person(1, "one")], bad_names)

    assert result.counts == Counts(read=2, unchanged=1, quarantined=1)


def test_asked_again_while_one_record_needs_another(target: World) -> None:
    records = [person(3, "bad"), person(4, boss=3), person(5, boss=4), person(6, boss=1)]

    result = update(target, records, bad_names, unplanned_bosses)

    assert result.counts == Counts(read=4, inserted=1, quarantined=3)
    assert [entry.kept.code for entry in target.entries()] == ["bad_name", "no_boss", "no_boss"]
    assert [(one.code, one.observed) for one in result.findings] == [("bad_name", 1), ("no_boss", 2)]
    assert [one.findings for one in result.judged] == [1, 1]


def test_what_one_keeps_out_the_next_does_not_find_in_the_plan(target: World) -> None:
    seen: list[tuple[int, int]] = []

    def look(context: Context) -> list[Finding]:
        planned = context.db.scalar(sa.select(sa.func.count()).select_from(context.planned))
        seen.append((planned, context.counts.quarantined))
        return []

    update(target, [person(3, "bad"), person(4)], bad_names, look)

    assert seen == [(1, 1), (1, 1)]


def test_rows_that_are_missing_in_the_source_go_and_those_kept_out_stay(target: World) -> None:
    deletes = DeletePolicy(mode=Deletes.MISSING, most_percent=100)

    result = update(target, [person(1, "bad"), person(2)], bad_names, deletes=deletes)

    assert result.counts == Counts(read=2, updated=1, quarantined=1, deleted=1)
    assert sorted(target.rows("SELECT id, name FROM t")) == [(1, "one"), (2, "new")]


def test_a_newer_record_that_lands_closes_the_entry_and_one_kept_out_stands_for_it(target: World) -> None:
    update(target, [person(3, "bad")], bad_names)
    update(target, [person(3, "bad again")], bad_names)
    assert target.entry_states() == ["superseded", "open"]

    update(target, [person(3, "good")], bad_names)

    assert target.entry_states() == ["superseded", "superseded"]


def test_many_are_kept_out_and_counted_and_the_first_are_entered(
    target: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("records_kept_out", "intake"):
        monkeypatch.setattr(f"validate_updates.{module}.ENTRIES", 700)
    records = [person(number, "bad" if number % 2 else "good") for number in range(100, 3100)]

    result = update(target, records, bad_names)

    assert result.counts == Counts(read=3000, inserted=1500, quarantined=1500)
    assert [finding.observed for finding in result.findings if finding.code == "bad_name"] == [1500]
    assert [finding.observed for finding in result.findings if finding.code == "quarantine_full"] == [1500]
    assert [entry.kept.key for entry in target.entries()] == [f"id={number}" for number in range(101, 1501, 2)]
    assert target.rows("SELECT count(*) FROM t WHERE name = 'good'") == [(1500,)]


def test_a_dry_run_tells_the_same_and_keeps_nothing(target: World) -> None:
    before = target.dump()

    result = update(target, [person(3, "bad"), person(4)], bad_names, dry_run=True)

    assert result.counts == Counts(read=2, inserted=1, quarantined=1)
    assert [one.key for one in result.kept_out] == ["id=3"]
    assert target.dump() == before


# Answers that will not do


@pytest.mark.parametrize("moment", [Moment.PLAN, Moment.BATCH, Moment.RESULT])
def test_at_another_moment_it_is_too_late(target: World, moment: Moment) -> None:
    late = Given(((moment, lambda _: [KeepOut(row=1, code="late", message="m")]),))

    result = target.judged([person(3)], late)

    assert result.verdict is Verdict.REJECTED
    (finding,) = result.findings
    assert finding.code == "validator_failed"
    assert "records are kept out at the moment records alone" in finding.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (KeepOut(row=77, code="c", message="m"), "kept out a record that is not staged"),
        (KeepOut(row="1", code="c", message="m"), "gave a KeepOut whose row is a value of type str"),  # type: ignore[arg-type]
        (KeepOut(row=1, code="c", message=None), "gave a KeepOut whose message is None"),  # type: ignore[arg-type]
    ],
)
def test_rubbish_rejects_the_update(target: World, answer: KeepOut, said: str) -> None:
    before = target.dump()

    result = update(target, [person(3)], lambda _: [answer])

    assert result.verdict is Verdict.REJECTED
    assert said in result.reason
    assert [one.outcome for one in result.judged] == ["failed"]
    assert target.dump() == before


def test_a_critical_finding_decides_as_ever(target: World) -> None:
    no = Finding(code="no", severity=Severity.CRITICAL, message="this may not stand")

    result = update(target, [person(3), person(4, "bad")], lambda context: [*bad_names(context), no])

    assert (result.verdict, result.reason) == (Verdict.REJECTED, "this may not stand")
    assert (result.counts.rolled_back, result.counts.quarantined) == (1, 1)


@pytest.mark.parametrize("moment", Moment)
def test_settings_that_make_no_sense_for_the_target_are_an_error_of_settings(target: World, moment: Moment) -> None:
    def check(_: Context) -> list[Finding]:
        raise SettingsError("rules.colour: t has no column 'colour'", hint="columns: id, name, boss")

    before = target.dump()

    with pytest.raises(SettingsError, match=r"rules\.colour") as caught:
        target.judged([person(3)], Given(((moment, check),)))

    assert caught.value.exit_code == ExitCode.USAGE
    assert target.dump() == before
    assert target.states() == ["failed"]


# What a check of records may ask


def test_whether_a_record_has_a_column(target: World) -> None:
    seen: list[Any] = []

    def look(context: Context) -> list[Finding]:
        carried = context.carries("name")
        assert carried is not None
        assert context.carries("id") is None
        query = sa.select(context.staged.c.id, sa.case((carried, 1), else_=0)).order_by(context.staged.c.id)
        seen.extend(tuple(row) for row in context.db.each(query))
        return []

    update(target, [{"id": 3, "name": None}, {"id": 4, "boss": 1}], look)

    assert seen == [(3, 1), (4, 0)]


def test_texts_that_fit_a_pattern_as_a_whole(target: World) -> None:
    seen: list[Any] = []

    def look(context: Context) -> list[Finding]:
        fits = context.db.matches(context.staged.c.name, "[a-z]+é?")
        seen.extend(row[0] for row in context.db.each(sa.select(context.staged.c.id).where(fits).order_by("id")))
        return []

    update(target, [person(3, "abc"), person(4, "abcé"), person(5, "Abc"), person(6, "abc "), {"id": 7}], look)

    assert seen == [3, 4]


@pytest.mark.parametrize("pattern", ["[a-z][a-z]", "[a-z]{2}|x"])
def test_a_text_is_not_over_at_a_nul(tmp_path: Path, pattern: str) -> None:
    world = Target(f"sqlite:///{tmp_path / 'target.db'}")
    world.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    world.execute("INSERT INTO t VALUES (1, 'ab'), (2, 'ab' || char(0)), (3, 'ab' || char(0) || 'c'), (4, NULL)")
    seen: list[Any] = []

    def look(context: Context) -> list[Finding]:
        rows = context.db.table("t")
        fits = context.db.matches(rows.c.name, pattern)
        seen.extend(tuple(row) for row in context.db.each(sa.select(rows.c.id, fits).order_by("id")))
        return []

    update(world, [{"id": 9}], look)

    assert seen == [(1, True), (2, False), (3, False), (4, None)]
