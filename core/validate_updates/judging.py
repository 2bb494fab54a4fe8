"""Asking the validators and measuring the metrics, each under guard, inside the transaction that they judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from validate_updates.declarations import Moment
from validate_updates.errors import TargetError
from validate_updates.findings import Finding, Severity
from validate_updates.guard import guarded, run_validator
from validate_updates.targets.base import TransactionEnded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from validate_updates.context import Context
    from validate_updates.manager import Plugins
    from validate_updates.reading import GuardedReader
    from validate_updates.result import Judged
    from validate_updates.targets.base import Database

METRIC_SECONDS = 60.0
"""Time limit of one metric."""

_MAX_METRICS = 2000
"""Named numbers that one metric may come to."""


class Judges:
    """The validators and metrics of the selected plugins, and all they said."""

    def __init__(
        self,
        plugins: Plugins,
        database: Database,
        connection: sa.Connection,
        new_reader: Callable[[], GuardedReader],
    ) -> None:
        self._plugins = plugins
        self._database = database
        self._connection = connection
        self.new_reader = new_reader
        self.findings: list[Finding] = []
        self.judged: list[Judged] = []
        self.metrics: dict[str, float] = {}

    def measure(self, moment: Moment, context: Context) -> None:
        """Measure the metrics of a moment; one that cannot be measured is a warning."""
        for owned in self._plugins.metrics:
            if owned.item.moment is not moment:
                continue
            metric = owned.item
            measured = partial(metric.measure, replace(context, db=self.new_reader()))
            with self._guarded(f"metric {metric.name}"):
                outcome = guarded(measured, limit=METRIC_SECONDS, interrupt=self._interrupt)
            values = _numbers(metric.name, outcome.value)
            if outcome.problem is not None or values is None:
                what = outcome.problem.message if outcome.problem else "returned something that is not a number"
                self.findings.append(_unmeasured(owned.plugin, metric.name, moment, what))
            else:
                self.metrics.update(values)

    def ask(self, moment: Moment, context: Context) -> Sequence[Finding]:
        """Ask the validators of a moment. Raises ``TargetError`` where one of them ended our transaction."""
        found: list[Finding] = []
        for owned in self._plugins.validators:
            if owned.item.moment is not moment:
                continue
            reader = self.new_reader()
            with self._guarded(f"validator {owned.plugin}.{owned.item.name}"):
                judged, findings = run_validator(owned, replace(context, db=reader), interrupt=self._interrupt)
                reader.close()
            self.judged.append(judged)
            found += findings
        self.findings += found
        return found

    @contextmanager
    def _guarded(self, who: str) -> Iterator[None]:
        try:
            with self._database.read_only(self._connection):
                yield
        except TransactionEnded as error:
            raise TargetError(
                f"the {who} ended the update's transaction; nothing was kept",
                hint="plugin code may only read: run without the plugin, and tell its author",
            ) from error

    def _interrupt(self) -> None:
        self._database.interrupt(self._connection)


def _numbers(name: str, value: object) -> dict[str, float] | None:
    if value is None:
        return {}
    items = value.items() if isinstance(value, Mapping) else [("", value)]
    numbers: dict[str, float] = {}
    for part, number in items:
        if not isinstance(part, str) or isinstance(number, bool) or not isinstance(number, int | float):
            return None
        numbers[f"{name}.{part}" if part else name] = float(number)
    return numbers if len(numbers) <= _MAX_METRICS else None


def _unmeasured(plugin: str, metric: str, moment: Moment, what: str) -> Finding:
    return Finding(
        code="metric_failed",
        severity=Severity.WARNING,
        message=f"the metric {metric} could not be measured: it {what}",
        metric=metric,
        plugin=plugin,
        moment=moment.value,
        hint="mend the plugin; checks that rest on this metric see nothing of this update",
    )
