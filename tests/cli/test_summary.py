"""The summary, letter by letter: 80 columns, no colours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.cli.results import ADDED_HIGH, COMMITTED, DRY_RUN, FAILED, QUARANTINED, REJECTED
from validate_updates.findings import Finding, Severity
from validate_updates.result import Counts, KeptOut, RunResult, Section
from validate_updates_cli.render.look import Look
from validate_updates_cli.render.summary import answer_page, one_line, summary

if TYPE_CHECKING:
    from rich.text import Text

EVERY_RESULT = [COMMITTED, REJECTED, QUARANTINED, FAILED, DRY_RUN]


def text(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def page(result: RunResult, *, verbose: bool = False, look: Look | None = None) -> str:
    return text(summary(result, look or Look(), verbose=verbose))


def test_committed() -> None:
    assert (
        page(COMMITTED)
        == """\
✔ COMMITTED  hearings
  3 checks passed.

  500 read = 20 inserted + 40 updated + 440 unchanged
  rows of hearings: 8,120 → 8,140

Judged by
  historical         1 check   0.01 s  passed
  static_thresholds  2 checks  0.02 s  passed

Seasons
  month    hearings
  January  12
  May      140

Run
  id        20240102T030405-a1b2, started 2024-01-02 03:04:05 UTC, took 0.42 s
  source    updates/2024-01-02.jsonl
  target    sqlite:///hearings.db, table hearings, key event_id
  strategy  all_or_nothing

Next
  validate-updates runs show 20240102T030405-a1b2"""
    )


def test_rejected() -> None:
    assert (
        page(REJECTED)
        == """\
✖ REJECTED  hearings
  static_thresholds.rows_added found 1 critical problem.

  1,300 read = 60 unchanged + 1,240 rolled back
  rows of hearings: 8,120, as before

Judged by
  historical         1 check   0.01 s  passed
  static_thresholds  3 checks  0.03 s  1 critical, 1 warning, 1 not checked

Findings
  ✖ critical  rows_added_high  static_thresholds.rows_added
    1,240 records are new, more than an update may add.
    table hearings, metric rows.added: observed 1,240, expected at most 1000
    compared with r1, r2, r3 and 2 more
    for example event_id=1; event_id=2
    → raise plugins.static_thresholds.added_most if this is normal
  ! warning  stale  static_thresholds.last_run
    The last run was 3 days ago.

Run
  id        20240102T030405-a1b2, started 2024-01-02 03:04:05 UTC, took 0.42 s
  source    updates/2024-01-02.jsonl
  target    sqlite:///hearings.db, table hearings, key event_id
  strategy  all_or_nothing

Next
  validate-updates plan hearings
  validate-updates runs show 20240102T030405-a1b2"""
    )


def test_committed_with_quarantine() -> None:
    assert (
        page(QUARANTINED)
        == """\
! COMMITTED WITH QUARANTINE  hearings
  460 records stand; 12 are in quarantine.

  500 read = 20 inserted + 40 updated + 428 unchanged + 12 quarantined
  rows of hearings: 8,120 → 8,140

Judged by
  historical         1 check   0.01 s  passed
  static_thresholds  2 checks  0.02 s  passed

Quarantined: 12 records
  day.jsonl:17  not_null
    event_id=337: title may not be empty
  day.jsonl:18  bad_json
    the line ends inside a string
  and 10 more: validate-updates quarantine list --run 20240102T030405-a1b2

Run
  id        20240102T030405-a1b2, started 2024-01-02 03:04:05 UTC, took 0.42 s
  source    updates/2024-01-02.jsonl
  target    sqlite:///hearings.db, table hearings, key event_id
  strategy  all_or_nothing

Next
  validate-updates runs show 20240102T030405-a1b2"""
    )


def test_failed() -> None:
    assert (
        page(FAILED)
        == """\
✖ FAILED  hearings
  day.jsonl.gz ends in the middle of a compressed block; nothing was written.

  120 read = 120 rolled back
  rows of hearings: 8,120, as before

Judged by
  no check: nothing was judged

Run
  id          20240102T030405-a1b2, started 2024-01-02 03:04:05 UTC, took 0.42 s
  source      updates/2024-01-02.jsonl
  target      sqlite:///hearings.db, table hearings, key event_id
  strategy    all_or_nothing
  found dead  20240101T030405-dead"""
    )


def test_a_dry_run_shows_the_cells_and_points_to_no_stored_run() -> None:
    shown = page(replace(DRY_RUN, kept_out=QUARANTINED.kept_out, counts=QUARANTINED.counts, next_steps=()))

    assert shown.startswith("✔ WOULD BE COMMITTED  hearings  dry run: nothing was written\n")
    assert (
        """\
  and 10 more

Changes: 2 of 60
  ~ update  event_id=7
      title  Old title → New title
  + insert  event_id=501
      title  Budget
      notes  null
"""
        in shown
    )
    assert "runs show" not in shown


def test_verbose_adds_every_check_the_cells_timings_and_metrics() -> None:
    shown = page(COMMITTED, verbose=True)

    assert (
        """\
  static_thresholds
    rows_added    plan  passed  0.01 s  looks at rows_added
    rows_changed  plan  passed  0.01 s  looks at rows_changed
"""
        in shown
    )
    assert "Old title → New title" in shown
    assert (
        """\
  plugins   historical (validate-updates 0.1.0), static_thresholds
            (validate-updates 0.1.0)
  timings   stage 0.20 s, plan 0.10 s, apply 0.12 s
  metrics   rows.added 20, rows.share 0.0408163
"""
        in shown
    )


def test_verbose_shows_records_as_they_came() -> None:
    assert """\
  day.jsonl:17  not_null
    event_id=337: title may not be empty
    column title
    {"event_id": 337, "title": null}
  day.jsonl:18  bad_json
    the line ends inside a string
  and 10 more""" in page(QUARANTINED, verbose=True)


def test_ascii_alone_where_the_reader_has_no_more() -> None:
    for result in (*EVERY_RESULT, replace(COMMITTED, reason="größer als… 日本")):
        assert page(result, verbose=True, look=Look(ascii=True)).isascii()
    assert page(COMMITTED, look=Look(ascii=True)).startswith("+ COMMITTED  hearings\n")
    assert page(REJECTED, look=Look(ascii=True)).startswith("x REJECTED  hearings\n")


@pytest.mark.parametrize("result", EVERY_RESULT)
@pytest.mark.parametrize("width", [80, 60])
def test_no_line_is_wider_than_the_page(result: RunResult, width: int) -> None:
    long = replace(ADDED_HIGH, message="many words " * 60, samples=("k" * 300,) * 3, hint="a hint " * 40)
    wide = replace(result, findings=(long,), reason="why " * 90, source="folder/" * 40, next_steps=())

    for line in summary(wide, Look(width=width), verbose=True):
        assert line.cell_len <= width
        assert line.plain == line.plain.rstrip()


def test_counts_too_many_for_a_line_stand_in_a_column() -> None:
    counts = Counts(
        read=1_600_000,
        inserted=200_000,
        updated=400_000,
        unchanged=900_000,
        duplicates=90_000,
        quarantined=9_990,
        rolled_back=10,
    )

    assert """\
     1,600,000  read
  =    200,000  inserted
  +    400,000  updated
  +    900,000  unchanged
  +     90,000  replaced by a later record of the same key
  +      9,990  quarantined
  +         10  rolled back
""" in page(replace(COMMITTED, counts=counts))


def test_counts_that_do_not_add_up_are_told() -> None:
    assert "These do not add up: 440 of 500 are accounted for." in page(
        replace(COMMITTED, counts=Counts(read=500, unchanged=440))
    )


def test_deletes_are_told_apart_from_the_records() -> None:
    assert "3 rows deleted that the source no longer has" in page(
        replace(COMMITTED, counts=Counts(read=1, unchanged=1, deleted=3))
    )


def test_what_there_is_much_of_is_bounded() -> None:
    many = replace(
        QUARANTINED,
        findings=tuple(replace(ADDED_HIGH, code=f"code_{number}") for number in range(50)),
        kept_out=tuple(KeptOut(code="bad", message="m", file="f", line=line) for line in range(1, 20)),
        sections=(Section(title="Long", rows=tuple((str(row),) for row in range(500))),),
    )

    shown = page(many)

    assert shown.count("✖ critical") == 20
    assert "  and 30 more: validate-updates runs show" in shown
    assert "  f:10  bad" in shown
    assert "  f:11  bad" not in shown
    assert "  and 9 more: validate-updates quarantine list --run" in shown
    assert "  and 480 rows more" in shown


@pytest.mark.parametrize("width", [40, 80])
def test_of_a_table_prose_is_cut_and_what_may_have_to_be_typed_is_not(width: int) -> None:
    code, run_id, prose = "columns.missing.hearing_date_only", "20240501-061000-4f2a9c", "far more than expected " * 4
    rows = (("code", "run", "said", "next"), (code, run_id, prose, "acknowledge it " * 4))

    page = [line.plain for line in answer_page(Section(title="Alerts", rows=rows), Look(width=width))]

    assert [line.split()[:2] for line in page if code in line] == [[code, run_id]]
    assert any("  far mor…  " in line for line in page)


def test_the_whole_page_of_a_stored_run_keeps_nothing_back() -> None:
    many = replace(COMMITTED, findings=tuple(replace(ADDED_HIGH, code=f"code_{number}") for number in range(50)))

    shown = text(summary(many, Look(), whole=True))

    assert shown.count("✖ critical") == 50
    assert "more: validate-updates runs show" not in shown


def test_the_worst_finding_comes_first_and_notes_are_short() -> None:
    note = Finding(code="not_checked", severity=Severity.INFO, message="no earlier update", plugin="p", validator="v")
    warning = Finding(code="odd", severity=Severity.WARNING, message="that is odd", hint="look")

    assert """\
Findings
  ✖ critical  rows_added_high  static_thresholds.rows_added
""" in page(replace(REJECTED, findings=(note, warning, ADDED_HIGH)))
    assert """\
Findings
  ! warning  odd
    that is odd
    → look
  · no earlier update  p.v

Run
""" in page(replace(COMMITTED, findings=(note, warning), sections=()))


def test_a_check_that_could_not_run_is_no_check_that_passed() -> None:
    judged = tuple(replace(check, outcome="failed") for check in COMMITTED.judged)

    assert "historical         1 check   0.01 s  1 failed\n" in page(replace(COMMITTED, judged=judged))


def test_quiet_is_one_line() -> None:
    assert one_line(REJECTED, Look()).plain == (
        "✖ REJECTED hearings: 1,300 read = 60 unchanged + 1,240 rolled back (run 20240102T030405-a1b2)"
    )
