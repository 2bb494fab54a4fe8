"""Plugin code inside an update: what it sees, what it decides, and that nothing it does wrong reaches the database."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from tests.core.engine.target import Target
from validate_updates import (
    Application,
    Context,
    ExitCode,
    Finding,
    Metric,
    Moment,
    PluginError,
    RecordRefused,
    RunResult,
    Severity,
    UpdateRefused,
    UpdateStrategy,
    Validator,
    Verdict,
    hookimpl,
)

TABLE = ("CREATE TABLE t (id integer PRIMARY KEY, name text)", "INSERT INTO t VALUES (1, 'old')")
RECORDS: list[dict[str, Any]] = [{"id": 1, "name": "new"}, {"id": 2, "name": "added"}]
CRITICAL = Finding(code="no", severity=Severity.CRITICAL, message="this may not stand", hint="do better")

Check = Callable[[Context], Any]


@dataclass(frozen=True, eq=False)
class Given:
    """A plugin with one validator."""

    check: Check
    moment: Moment = Moment.RESULT
    time_limit: float = 30.0

    @hookimpl
    def vu_validators(self) -> Iterator[Validator]:
        yield Validator(
            name="check", moment=self.moment, check=self.check, summary="a check", time_limit=self.time_limit
        )


def judged(target: Target, check: Check, **options: Any) -> RunResult:
    target.execute(*TABLE)
    return target.judged(RECORDS, Given(check, **options))


def unchanged(target: Target) -> bool:
    return target.rows("SELECT * FROM t") == [(1, "old")]


# What validators decide


@pytest.mark.parametrize("moment", Moment)
def test_a_critical_finding_rolls_everything_back(target: Target, moment: Moment) -> None:
    result = judged(target, lambda _: [CRITICAL], moment=moment)

    assert (result.verdict, result.exit_code) == (Verdict.REJECTED, ExitCode.REJECTED)
    assert result.reason == CRITICAL.message
    assert unchanged(target)
    (finding,) = result.findings
    assert (finding.plugin, finding.validator, finding.moment) == ("given", "check", moment)
    assert result.counts.rolled_back == 2
    story = target.story()
    assert [one.code for one in story.findings] == ["no"]
    assert [one.outcome for one in story.judged] == ["found"]


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.WARNING])
@pytest.mark.parametrize("moment", Moment)
def test_other_findings_are_told_and_decide_nothing(target: Target, moment: Moment, severity: Severity) -> None:
    finding = Finding(code="hm", severity=severity, message="look at this")

    result = judged(target, lambda _: [finding], moment=moment)

    assert result.verdict is Verdict.COMMITTED
    assert [one.code for one in result.findings] == ["hm"]
    assert not unchanged(target)


def test_a_moment_that_is_none_is_refused_before_anything_begins(target: Target) -> None:
    """Were it passed over, the check would never be asked, and nobody would know."""
    target.execute(*TABLE)
    moment: Any = "plan"

    with pytest.raises(PluginError):
        target.judged(RECORDS, Given(lambda _: [CRITICAL], moment))

    assert target.all_tables() == ["t"]


# What validators see


def test_a_result_is_seen_before_anybody_else_sees_it(target: Target) -> None:
    if target.is_sqlite:
        target.execute("PRAGMA journal_mode = wal")  # otherwise readers wait for the writer, and see no old state
    seen: dict[str, Any] = {}

    def look(context: Context) -> Iterable[Finding]:
        table = context.db.table("t")
        seen["inside"] = [tuple(row) for row in context.db.rows(sa.select(table).order_by(table.c.id))]
        seen["outside"] = target.rows("SELECT * FROM t")
        return ()

    result = judged(target, look)

    assert result.verdict is Verdict.COMMITTED
    assert seen == {"inside": [(1, "new"), (2, "added")], "outside": [(1, "old")]}


def test_a_plan_is_seen_before_anything_is_touched(target: Target) -> None:
    seen: dict[str, Any] = {}

    def look(context: Context) -> Iterable[Finding]:
        stage, plan = context.staged, context.planned
        planned = sa.select(plan.c.action, stage.c.id, stage.c.name).join(stage, stage.c.vu_row == plan.c.row)
        seen["plan"] = sorted(tuple(row) for row in context.db.rows(planned))
        seen["table"] = [tuple(row) for row in context.db.rows(sa.select(context.db.table("t")))]
        seen["counts"] = (context.counts.inserted, context.counts.updated)
        seen["columns"] = context.columns
        seen["metrics"] = context.metrics["records.inserted"]
        seen["tables"] = list(context.db.tables())
        return ()

    judged(target, look, moment=Moment.PLAN)

    assert seen == {
        "plan": [("I", 2, "added"), ("U", 1, "new")],
        "table": [(1, "old")],
        "counts": (1, 1),
        "columns": ("id", "name"),
        "metrics": 1.0,
        "tables": ["t"],
    }


def test_metrics_are_measured_and_remembered(target: Target) -> None:
    class Measuring:
        @hookimpl
        def vu_metrics(self) -> Iterator[Metric]:
            def names(context: Context) -> Mapping[str, float]:
                return {
                    "longest": context.db.scalar(sa.select(sa.func.max(sa.func.length(context.db.table("t").c.name))))
                }

            yield Metric(name="names", summary="lengths", measure=names, moment=Moment.RESULT)
            yield Metric(name="broken", summary="raises", measure=lambda _: 1 / 0)

        @hookimpl
        def vu_validators(self) -> Iterator[Validator]:
            yield Validator(name="sees", moment=Moment.RESULT, check=sees, summary="sees the metrics")

    def sees(context: Context) -> Iterator[Finding]:
        yield Finding(code="longest", severity=Severity.INFO, message="", observed=context.metrics["names.longest"])

    target.execute(*TABLE)

    result = target.judged(RECORDS, Measuring())

    assert result.metrics["names.longest"] == 5.0
    assert target.story().metrics["names.longest"] == 5.0
    assert {finding.code: finding.observed for finding in result.findings} == {"metric_failed": None, "longest": 5.0}
    assert result.verdict is Verdict.COMMITTED


def test_access_ends_with_the_call(target: Target) -> None:
    kept: list[Any] = []

    def keep(context: Context) -> Any:
        kept.append(context.db)
        return []

    judged(target, keep)

    with pytest.raises(RuntimeError, match="ended with the validator's call"):
        kept[0].rows(sa.text("SELECT 1"))


# Validators that fail


def raises(_: Context) -> Any:
    raise KeyError("what")


def exits(_: Context) -> Any:
    sys.exit(0)


def prints(_: Context) -> Any:
    sys.stdout.write("hello\n")
    return []


def sleeps(_: Context) -> Any:
    while True:
        time.sleep(0.01)


def queries_for_ever(context: Context) -> Any:
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    context.db.scalar(sa.text(endless))


def breaks_a_statement(context: Context) -> Any:
    context.db.rows(sa.text("SELECT nonsense FROM nowhere"))


FAILING: dict[str, tuple[Check, str]] = {
    "raises": (raises, "raised KeyError"),
    "exits": (exits, "called sys.exit(0)"),
    "prints": (prints, "printed to standard output: hello"),
    "sleeps": (sleeps, "did not end within"),
    "queries for ever": (queries_for_ever, "did not end within"),
    "breaks a statement": (breaks_a_statement, "raised"),
    "rubbish": (lambda _: "rubbish", "gave"),
    "nothing": (lambda _: None, "returned"),
}


@pytest.mark.parametrize(("check", "said"), FAILING.values(), ids=FAILING.keys())
def test_a_check_that_fails_ends_the_update_cleanly(target: Target, check: Check, said: str) -> None:
    result = judged(target, check, time_limit=0.5 if "within" in said else 30.0)

    assert result.verdict is Verdict.REJECTED, result.reason
    (finding,) = [one for one in result.findings if one.severity is Severity.CRITICAL]
    assert finding.code == "validator_failed"
    assert finding.message.startswith("validator given.check")
    assert said in finding.message
    assert unchanged(target)
    assert target.states() == ["rejected"]
    assert target.update(RECORDS).verdict is Verdict.COMMITTED, "the next update finds everything in order"


# Validators that write


def statement(text: str) -> Check:
    def check(context: Context) -> Any:
        context.db.rows(sa.text(text))
        return []

    return check


def swallowing(check: Check) -> Check:
    """The same, by a plugin that does not want to know."""

    def quiet(context: Context) -> Any:
        with suppress(BaseException):
            check(context)
        return []

    return quiet


def by_the_driver(word: str) -> Check:
    def check(context: Context) -> Any:
        connection: Any = context.db._connection  # type: ignore[attr-defined]
        getattr(connection.connection.driver_connection, word)()
        return []

    return check


WRITES = {
    "insert": statement("INSERT INTO t VALUES (66, 'mine')"),
    "update": statement("UPDATE t SET name = 'mine'"),
    "delete": statement("DELETE FROM t"),
    "create": statement("CREATE TABLE mine (x integer)"),
    "drop": statement("DROP TABLE t"),
    "check_sql": lambda context: context.db.check_sql("DELETE FROM t"),
}
ENDINGS = {
    "COMMIT": statement("COMMIT"),
    "ROLLBACK": statement("ROLLBACK"),
    "END": statement("END"),
    "COMMIT and BEGIN": lambda context: (statement("COMMIT")(context), statement("BEGIN")(context)),
    "check_sql": lambda context: context.db.check_sql("COMMIT"),
    "check_sql, more than one": lambda context: context.db.check_sql("SELECT 1) AS x; COMMIT; SELECT * FROM (SELECT 1"),
    "driver.commit": by_the_driver("commit"),
    "driver.rollback": by_the_driver("rollback"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_check_cannot_write(target: Target, write: Check) -> None:
    target.execute(*TABLE)

    refused = target.judged(RECORDS, Given(write))

    assert refused.verdict is Verdict.REJECTED, refused.reason
    assert [one.code for one in refused.findings] == ["validator_failed"]
    assert target.dump() == {"t": ["(1, 'old')"]}

    passed = target.judged(RECORDS, Given(swallowing(write)))

    assert passed.verdict is Verdict.COMMITTED, "it was refused, and did no harm"
    assert target.dump() == {"t": ["(1, 'new')", "(2, 'added')"]}


@pytest.mark.parametrize("quiet", [False, True], ids=["loud", "quiet"])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_a_check_cannot_end_the_transaction(target: Target, ending: Check, *, quiet: bool) -> None:
    """It is refused, or, where the database obeys it, the update fails. Never does anything of a bad update land."""
    target.execute(*TABLE)

    result = target.judged(RECORDS, Given(swallowing(ending) if quiet else ending))

    if result.verdict is Verdict.COMMITTED:
        assert quiet
        assert target.dump() == {"t": ["(1, 'new')", "(2, 'added')"]}
    else:
        assert result.verdict in {Verdict.REJECTED, Verdict.FAILED}
        assert target.dump() == {"t": ["(1, 'old')"]}
        assert "given.check" in result.reason, "it is said whose fault it is"
    assert target.states() == [result.verdict.value]
    assert target.update(RECORDS).verdict is Verdict.COMMITTED


@pytest.mark.parametrize("moment", [Moment.PLAN, Moment.BATCH])
@pytest.mark.parametrize("check", [raises, WRITES["insert"], ENDINGS["COMMIT"]], ids=["raises", "writes", "commits"])
def test_so_it_is_at_every_moment(target: Target, check: Check, moment: Moment) -> None:
    result = judged(target, check, moment=moment)

    assert result.verdict in {Verdict.REJECTED, Verdict.FAILED}
    assert "given.check" in result.reason
    assert unchanged(target)
    assert target.states() == [result.verdict.value]


# Strategies


def test_a_strategy_of_a_plugin_applies_the_plan(target: Target) -> None:
    """Records one by one, each behind its checkpoint."""

    def one_by_one(application: Application) -> None:
        for position in range(1, application.size + 1):
            batch = application.batch(position, position, number=position)
            batch.judge()
            written = batch.write()
            assert written.inserted + written.updated == 1
            application.settle(batch)

    class Strategic:
        @hookimpl
        def vu_strategy(self) -> UpdateStrategy:
            return UpdateStrategy(name="one_by_one", summary="each alone", apply=one_by_one)

    target.execute(*TABLE)

    result = target.judged(RECORDS, Strategic())

    assert (result.verdict, result.strategy) == (Verdict.COMMITTED, "one_by_one")
    assert sorted(target.rows("SELECT * FROM t")) == [(1, "new"), (2, "added")]
    assert target.story().run.strategy == "one_by_one"


def test_a_strategy_that_leaves_records_out_without_saying_so_is_caught(target: Target) -> None:
    def first_only(application: Application) -> None:
        application.batch(1, 1).write()

    class Lazy:
        @hookimpl
        def vu_strategy(self) -> UpdateStrategy:
            return UpdateStrategy(name="lazy", summary="the first alone", apply=first_only)

    target.execute(*TABLE)
    records = [*RECORDS, {"id": 3, "name": "more"}]

    result = target.judged(records, Lazy())

    assert result.verdict is Verdict.REJECTED
    assert unchanged(target)


def test_a_strategy_may_refuse(target: Target) -> None:
    def refusing(application: Application) -> None:
        batch = application.batch()
        try:
            batch.write()
        except RecordRefused as refused:
            raise UpdateRefused(batch.refused() or [refused.finding]) from refused
        raise UpdateRefused([CRITICAL])

    class Refusing:
        @hookimpl
        def vu_strategy(self) -> UpdateStrategy:
            return UpdateStrategy(name="refusing", summary="never", apply=refusing)

    target.execute(*TABLE)

    result = target.judged(RECORDS, Refusing())

    assert result.verdict is Verdict.REJECTED
    assert [finding.code for finding in result.findings] == ["no"]
    assert unchanged(target)
