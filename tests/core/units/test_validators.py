"""Validators see every table of records with children, and keep a record out for a child of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.test_records_kept_out import Given
from tests.core.units.world import TABLES, Hearings, hearing, unit_tables, witness
from validate_updates import Context, Counts, Finding, KeepOut, Moment, Severity
from validate_updates.engine import execute
from validate_updates.job import Job
from validate_updates.secret import SecretUrl

UNITS = [hearing(number, appearances=[witness("Ann", "Oxfam", position=number)]) for number in ("1", "2", "3")]


def judged(hearings: Hearings, moment: Moment, check: Any) -> Any:
    job = Job(
        source=UNITS,
        target=SecretUrl(hearings.url),
        table="hearings",
        key=("event_id",),
        tables=unit_tables(TABLES),
    )
    return execute(job, extra={"given": Given(((moment, check),))})


def the_second(context: Context) -> Iterator[KeepOut]:
    staged = context.tables["appearances"].staged
    for unit in context.db.rows(sa.select(staged.c.vu_unit).where(staged.c.position == "2")):
        yield KeepOut(row=unit[0], code="bad_position", message="not the second", column="position")


def test_a_validator_keeps_a_record_out_for_a_child(hearings: Hearings) -> None:
    result = judged(hearings, Moment.RECORDS, the_second)

    assert result.counts == Counts(read=3, inserted=2, quarantined=1)
    assert [row[0] for row in hearings.has("appearances")] == ["1", "3"]
    [entry] = hearings.entries()
    assert (entry.kept.code, entry.kept.key) == ("bad_position", "event_id=2")


@pytest.mark.parametrize("moment", [Moment.PLAN, Moment.RESULT])
def test_a_validator_sees_what_is_planned_in_each_table(hearings: Hearings, moment: Moment) -> None:
    def look(context: Context) -> Iterator[Finding]:
        for name, table in context.tables.items():
            number = context.db.scalar(sa.select(sa.func.count()).select_from(table.planned))
            yield Finding(code="seen", severity=Severity.INFO, message=name, observed=number)

    result = judged(hearings, moment, look)

    seen = {finding.message: finding.observed for finding in result.findings if finding.code == "seen"}
    assert seen == {"hearings": 3, "hearing_committees": 0, "appearances": 3, "documents": 0}
