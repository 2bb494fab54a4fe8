"""Published in groups, and then the verdict is against it: what others have seen is taken back by the undo log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.plugins.batch.test_checks import Plugin
from tests.plugins.batch.world import PEOPLE, Batched, between_groups, people, person, row, rows
from validate_updates import Context, Finding, Moment, Severity, Validator, Verdict, hookimpl
from validate_updates.job import DeletePolicy, Deletes
from validate_updates.journal.rows import BatchState, RunState

Damage = Callable[[list[dict[str, object]]], None]
IN_GROUPS = {"publish": "progressive", "size": 5, "commit_batches": 2}


def at_the_end(_context: Context) -> Iterator[Finding]:
    yield Finding(code="no", severity=Severity.CRITICAL, message="this may not stand")


class AtTheEnd(Plugin):
    @hookimpl
    def vu_validators(self) -> Iterator[Validator]:
        yield Validator(name="check", moment=Moment.RESULT, check=self.check, summary="a check at the end")


def minors_late(records: list[dict[str, object]]) -> None:
    for record in records[45:]:
        record["age"] = 17


CASES = {
    "reject": ({"on_failure": "reject"}, minors_late, {}),
    "budget": ({"max_quarantined": 3}, minors_late, {}),
    "check of a batch": (
        {"on_failure": "reject"},
        lambda _records: None,
        {"extra": {"given": Plugin(lambda context: at_the_end(context) if context.batch.number == 9 else [])}},  # type: ignore[union-attr]
    ),
    "check at the end": ({}, lambda _records: None, {"extra": {"given": AtTheEnd(at_the_end)}}),
    "warnings reject": ({}, lambda records: records.append(dict(records[0])), {"fail_on": "warning"}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_table_is_as_before(target: Batched, case: tuple[dict[str, object], Damage, dict[str, object]]) -> None:
    settings, damage, options = case
    target.execute(PEOPLE)
    target.insert("t", [row(person(n, name="old", age=50)) for n in [*range(3, 30, 2), 77, 78]])
    before = target.dump()
    records = people(60)
    damage(records)

    deletes = DeletePolicy(mode=Deletes.MISSING, most_percent=100)
    result = target.apply(records, options={"deletes": deletes, **options}, **IN_GROUPS, **settings)

    assert result.verdict is Verdict.REJECTED, result.reason
    assert result.publish == "progressive", "it is about what was published"
    assert target.dump() == before
    assert (result.counts.inserted, result.counts.updated, result.counts.deleted) == (0, 0, 0)
    assert result.rows_after == result.rows_before == 16
    story = target.story()
    assert story.run.state is RunState.REJECTED
    assert {batch.state for batch in story.batches} <= {BatchState.UNDONE, BatchState.FAILED}

    again = target.apply(people(60), options={"deletes": deletes}, **IN_GROUPS)

    assert again.verdict is Verdict.COMMITTED
    assert (again.counts.inserted, again.counts.updated, again.counts.deleted) == (46, 14, 2)


def test_what_somebody_changed_since_is_left_to_them_and_told(target: Batched) -> None:
    target.execute(PEOPLE)
    records = people(60)
    minors_late(records)

    with between_groups(target, "UPDATE t SET name = 'theirs' WHERE id = 4") as watch:
        result = target.apply(records, max_quarantined=3, options={"progress": watch}, **IN_GROUPS)

    assert result.verdict is Verdict.REJECTED
    assert target.people() == rows([person(4, name="theirs")])
    assert "too_many_quarantined" in [finding.code for finding in result.findings]
    assert len(result.findings) == 2, "and one about the row"
