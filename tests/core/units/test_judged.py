"""What validators see of children, and how they keep a unit out for one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from tests.core.engine.test_records_kept_out import Given, update
from tests.core.plugins.sample import module
from tests.core.plugins.test_examples import PAGE, code_of
from tests.core.units.test_references import CREATING
from tests.core.units.world import TABLES, Hearings, hearing, unit_tables, witness
from validate_updates import Context, Counts, KeepOut, Moment, RunResult, Severity, Verdict
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.secret import SecretUrl

Record = dict[str, Any]
Check = Callable[[Context], Any]


def judged(
    hearings: Hearings, records: list[Record], check: Check, moment: Moment = Moment.RECORDS, **tables: Any
) -> RunResult:
    return ran(hearings, records, Given(((moment, check),)), **tables)


def ran(hearings: Hearings, records: list[Record], plugin: object, *, shadow: bool = False, **tables: Any) -> RunResult:
    said: dict[str, Mapping[str, Any]] = {name: {**TABLES[name], **tables.get(name, {})} for name in TABLES}
    job = Job(
        source=records,
        target=SecretUrl(hearings.url),
        table="hearings",
        tables=unit_tables(said),
        plugins=("given:shadow",) if shadow else (),
    )
    result = execute(job, extra={"given": plugin})
    assert result.counts.add_up
    return result


def links(*codes: str) -> list[Record]:
    return [{"system_code": code, "is_primary": True} for code in codes]


def test_the_page_keeps_a_unit_out_for_its_children(hearings: Hearings) -> None:
    _, _, of_children = PAGE.partition("**Children.**")
    hearings.execute("INSERT INTO committees (system_code) VALUES ('c')")
    records = [
        hearing("1", hearing_committees=links("a", "b", "c")),
        hearing("2", hearing_committees=links("a")),
        hearing("3"),
        hearing("4", hearing_committees=links("b", "c"), appearances=[witness("Ann", "Oxfam")]),
    ]

    result = ran(hearings, records, module(code_of(of_children)))

    assert (result.verdict, result.counts) == (
        Verdict.COMMITTED_WITH_QUARANTINE,
        Counts(read=4, inserted=2, quarantined=2),
    )
    assert [row[0] for row in hearings.has("hearings")] == ["2", "3"]
    assert [json.loads(entry.kept.record) for entry in hearings.entries()] == [records[0], records[3]]
    assert [(one.key, one.code, one.column, one.message) for one in result.kept_out] == [
        (
            "event_id=1",
            "two_primary",
            "is_primary",
            "hearing_committees (system_code=b): a second committee is the primary one",
        ),
        (
            "event_id=4",
            "two_primary",
            "is_primary",
            "hearing_committees (system_code=c): a second committee is the primary one",
        ),
    ]
    (finding,) = result.findings
    assert (finding.table, finding.observed, finding.severity) == ("hearing_committees", 2, Severity.WARNING)


def test_in_shadow_units_are_counted_and_none_is_kept_out(hearings: Hearings) -> None:
    _, _, of_children = PAGE.partition("**Children.**")
    hearings.execute("INSERT INTO committees (system_code) VALUES ('c')")

    result = ran(
        hearings, [hearing("1", hearing_committees=links("a", "b", "c"))], module(code_of(of_children)), shadow=True
    )

    assert (result.verdict, result.counts.inserted) == (Verdict.COMMITTED, 1)
    assert [(one.table, one.observed) for one in result.shadow] == [("hearing_committees", 1)]


def test_the_context_has_all_tables_with_what_is_planned_for_them(hearings: Hearings) -> None:
    replacing: Record = {**CREATING, "hearing_committees": {"children": "replace"}}
    first = [hearing("1", hearing_committees=links("a")), hearing("2", hearing_committees=links("a", "b"))]
    judged(hearings, first, lambda _: [])
    seen: Record = {}

    def look(context: Context) -> list[KeepOut]:
        units = sa.select(context.planned.c.pos, context.planned.c.action).order_by(context.planned.c.pos)
        seen["tables"], seen["units"] = list(context.tables), [tuple(row) for row in context.db.rows(units)]
        for name in context.tables:
            one = context.of(name)
            assert one.counts == context.counts
            planned = sa.select(one.planned.c.pos, one.planned.c.action).order_by(one.planned.c.pos)
            owners = sa.select(one.staged.c.vu_unit).order_by(one.staged.c.vu_row)
            seen[name] = [tuple(row) for row in context.db.rows(planned)], list(context.db.rows(owners))
            seen[f"pending {name}"] = set(one.pending)
            seen[f"links {name}"] = {(link.columns, link.table, link.theirs) for link in one.links}
        position = context.of("appearances").carries("position")
        assert position is not None
        staged = context.of("appearances").staged
        seen["carries"] = list(context.db.rows(sa.select(staged.c.vu_row).where(position)))
        with pytest.raises(LookupError, match="'committees' is no table of the task"):
            context.of("committees")
        return []

    records = [
        hearing("1", hearing_committees=[]),
        hearing("2", hearing_committees=links("b"), appearances=[witness("X"), witness("Y", position="p")]),
        hearing("3", hearing_committees=links("a")),
    ]
    judged(hearings, records, look, Moment.PLAN, **replacing)

    assert seen["tables"] == ["hearings", "hearing_committees", "appearances", "documents"]
    assert seen["units"] == [(1, "U"), (2, "U"), (3, "I")]
    assert seen["hearings"] == ([(3, "I")], [(1,), (2,), (3,)])
    assert seen["hearing_committees"] == ([(1, "D"), (2, "D"), (3, "I")], [(2,), (3,)])
    assert seen["appearances"] == ([(2, "I"), (2, "I")], [(2,), (2,)])
    assert seen["documents"] == ([], [])
    assert len(seen["carries"]) == 1
    assert [seen[f"pending {name}"] for name in TABLES] == [
        {"main_id"},
        {"hearing_id", "committee_id"},
        {"hearing_id", "witness_id"},
        {"appearance_id"},
    ]
    to_hearings = (("hearing_id",), "hearings", ("hearing_id",))
    assert [seen[f"links {name}"] for name in TABLES] == [
        {(("main_id",), "committees", ("committee_id",))},
        {to_hearings, (("committee_id",), "committees", ("committee_id",))},
        {to_hearings, (("witness_id",), "witnesses", ("witness_id",))},
        {(("appearance_id",), "appearances", ("appearance_id",))},
    ]


def test_a_column_that_records_fill_themselves_is_no_link(hearings: Hearings) -> None:
    hearings.execute("INSERT INTO committees (committee_id, system_code) VALUES (7, 'c')")
    seen: list[set[str]] = []

    def look(context: Context) -> list[KeepOut]:
        seen.append({column for link in context.of("hearing_committees").links for column in link.columns})
        return []

    judged(hearings, [hearing("1", hearing_committees=[*links("c"), {"committee_id": 7}])], look)

    assert seen == [{"hearing_id"}]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (KeepOut(row=77, table="documents", code="c", message="m"), "kept out a record that is not staged"),
        (KeepOut(row=1, table="committees", code="c", message="m"), "'committees', which is no table of the task"),
        (KeepOut(row=1, table=1, code="c", message="m"), "whose table is a value of type int"),  # type: ignore[arg-type]
    ],
)
def test_rubbish_rejects_the_update(hearings: Hearings, answer: KeepOut, said: str) -> None:
    result = judged(hearings, [hearing("1", hearing_committees=links("a"))], lambda _: [answer])

    assert result.verdict is Verdict.REJECTED
    assert said in result.reason
    assert hearings.has("hearings") == []


def test_records_of_one_table_have_that_table(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    records: list[Record] = [{"id": 1, "name": "bad"}, {"id": 2, "name": "good"}]

    def bad(context: Context) -> Iterator[KeepOut]:
        assert list(context.tables) == ["t"]
        staged = context.of("t").staged
        for (row,) in context.db.each(sa.select(staged.c.vu_row).where(staged.c.name == "bad")):
            yield KeepOut(row=row, table="t", code="bad", message="it is bad")

    result = update(target, records, bad)
    strange = update(target, records, lambda _: [KeepOut(row=1, table="u", code="bad", message="it is bad")])

    assert [(one.key, one.message) for one in result.kept_out] == [("id=1", "it is bad")]
    assert target.rows("SELECT id FROM t") == [(2,)]
    assert "kept out a record of 'u', which is no table of the task" in strange.reason
