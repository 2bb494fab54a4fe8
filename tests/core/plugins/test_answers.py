"""What validators answer: signed, counted, bounded, and rubbish told from findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import Context, Finding, Moment, Severity, Validator
from validate_updates.answers import MOST_FINDINGS, Answer
from validate_updates.guard import run_validator
from validate_updates.manager import Owned
from validate_updates.result import Judged


def finding(**changes: Any) -> Finding:
    return Finding(**{"code": "c", "severity": Severity.WARNING, "message": "m", **changes})


def ask(
    check: Callable[[Any], Any], moment: Moment = Moment.PLAN, batch: int | None = None, limit: float = 60.0
) -> tuple[Judged, tuple[Finding, ...]]:
    validator = Validator(name="v", moment=moment, check=check, summary="a check", time_limit=limit)
    owned = Owned(plugin="acme", item=validator, distribution="acme-checks 1.2")
    context = SimpleNamespace(batch=SimpleNamespace(number=batch) if batch else None)
    return run_validator(owned, cast("Context", context))


def failure(check: Callable[[Any], Any], **options: Any) -> Finding:
    judged, findings = ask(check, **options)
    (failed,) = findings
    assert (judged.outcome, judged.findings) == ("failed", 1)
    assert (failed.code, failed.severity) == ("validator_failed", Severity.CRITICAL)
    assert (failed.plugin, failed.validator) == ("acme", "v")
    assert failed.message.startswith("validator acme.v of acme-checks 1.2 ")
    assert failed.hint.endswith(", or run without the plugin")
    assert failed.message.isprintable()
    return failed


def test_no_findings_is_passed() -> None:
    judged, findings = ask(lambda _: [])

    assert findings == ()
    assert judged == Judged(
        plugin="acme", validator="v", moment="plan", summary="a check", outcome="passed", seconds=judged.seconds
    )


@pytest.mark.parametrize("moment", Moment)
def test_findings_are_signed(moment: Moment) -> None:
    judged, findings = ask(lambda _: [finding(plugin="somebody else")], moment)

    assert findings == (finding(plugin="acme", validator="v", moment=str(moment)),)
    assert (judged.outcome, judged.findings, judged.moment) == ("found", 1, str(moment))


def test_a_generator_is_read_under_the_guard() -> None:
    def check(_: Context) -> Iterator[Finding]:
        yield finding()
        raise KeyError("x")

    assert "raised KeyError: 'x' (test_answers.py:" in failure(check).message


def test_a_generator_without_end_is_stopped() -> None:
    def check(_: Context) -> Iterator[Finding]:
        while True:
            yield finding()

    assert "did not end within 0.05 s and was stopped" in failure(check, limit=0.05).message


def test_a_generator_that_prints_has_failed() -> None:
    def check(_: Context) -> Iterator[Finding]:
        yield finding()
        print("done")  # noqa: T201  # as careless plugin code does

    assert failure(check).message.endswith("printed to standard output: done")


def test_a_failure_in_a_batch_names_the_batch() -> None:
    assert failure(lambda _: None, moment=Moment.BATCH, batch=7).batch == 7


async def coroutine(_: Context) -> list[Finding]:
    return []


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (lambda _: None, "returned None; return findings, or an empty list"),
        (lambda _: True, "returned a value of type bool; return findings, or an empty list"),
        (lambda _: finding(), "returned a value of type Finding; return findings, or an empty list"),
        (coroutine, "returned a value of type coroutine; return findings, or an empty list"),
        (lambda _: "bad", "gave a value of type str where a Finding belongs"),
        (lambda _: [None], "gave None where a Finding belongs"),
        (lambda _: [finding(), Severity.INFO], "gave a value of type Severity where a Finding belongs"),
        (lambda _: [finding(code=3)], "whose code is a value of type int, not text"),
        (lambda _: [finding(severity="critical")], "whose severity is a value of type str, not a Severity"),
        (lambda _: [finding(message=None)], "whose message is None, not text"),
        (lambda _: [finding(hint=b"")], "whose hint is a value of type bytes, not text"),
        (lambda _: [finding(key=("a", 1))], "whose key is a value of type tuple, not text"),
        (lambda _: [finding(batch="1")], "whose batch is a value of type str, not a number"),
        (lambda _: [finding(observed=[1])], "whose observed is a value of type list, not text, a number or None"),
        (lambda _: [finding(runs=["r"])], "whose runs is a value of type list, not a tuple of text"),
        (lambda _: [finding(samples=("a", 1))], "whose samples holds something else than text"),
        (None, "raised TypeError: 'NoneType' object is not callable"),
    ],
)
def test_anything_but_findings_is_one_critical_finding(check: Callable[[Any], Any], said: str) -> None:
    assert said in failure(check).message


severities = st.lists(st.sampled_from(Severity), max_size=3 * MOST_FINDINGS)


@given(severities)
def test_all_are_counted_and_the_worst_are_kept_in_order(given_severities: list[Severity]) -> None:
    told = [finding(severity=severity, message=str(place)) for place, severity in enumerate(given_severities)]

    answer = Answer(told)
    kept = [one for one in answer.findings() if one.code == "c"]
    rest = [one for one in answer.findings() if one.code != "c"]

    left_out = [one for one in told if one not in kept]
    assert answer.count == len(told)
    assert kept == [one for one in told if one in kept]
    assert len(kept) == min(len(told), MOST_FINDINGS)
    assert max((one.severity.rank for one in left_out), default=0) <= min(
        (one.severity.rank for one in kept), default=2
    )
    assert [(one.code, one.severity, one.observed) for one in rest] == (
        [("more_findings", Severity.INFO, len(left_out))] if left_out else []
    )


def test_the_critical_one_after_many_others_is_kept() -> None:
    def check(_: Context) -> Iterable[Finding]:
        yield from (finding(severity=Severity.INFO) for _ in range(1000))
        yield finding(severity=Severity.CRITICAL)

    judged, findings = ask(check)

    assert judged.findings == 1001
    assert [one.severity for one in findings[-2:]] == [Severity.CRITICAL, Severity.INFO]
    assert findings[-1].message == "801 more findings of this validator are not kept"
    assert len(findings) == MOST_FINDINGS + 1
    assert {one.plugin for one in findings} == {"acme"}
