"""Asking the validators and measuring the metrics, each under guard, inside the transaction that they judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from validate_updates.answers import Rubbish
from validate_updates.declarations import Moment
from validate_updates.errors import TargetError
from validate_updates.findings import Finding, Severity
from validate_updates.guard import guarded, run_validator
from validate_updates.journal.history import seen_by
from validate_updates.modes import Mode
from validate_updates.targets.base import TransactionEnded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from validate_updates.context import Context
    from validate_updates.declarations import Metric, Validator
    from validate_updates.findings import KeepOut
    from validate_updates.manager import Owned, Plugins
    from validate_updates.reading import GuardedReader
    from validate_updates.result import Judged
    from validate_updates.targets.base import Database

METRIC_SECONDS = 60.0
"""Time limit of one metric."""

_MAX_METRICS = 2000
"""Named numbers that one metric may come to."""


class ShadowEndedTransaction(TargetError):
    """A plugin in shadow did what it cannot be kept from; the update is to be begun again without it."""

    def __init__(self, plugin: str, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.plugin = plugin


class Judges:
    """The validators and metrics of the selected plugins, and all they said."""

    def __init__(
        self,
        plugins: Plugins,
        database: Database,
        connection: sa.Connection,
        new_reader: Callable[[], GuardedReader],
    ) -> None:
        self._validators = list(plugins.validators)
        self._metrics = sorted(plugins.metrics, key=lambda owned: owned.shadow)
        self._database = database
        self._connection = connection
        self.new_reader = new_reader
        self.findings: list[Finding] = []
        self.shadow: list[Finding] = []
        """What plugins in shadow said."""
        self.judged: list[Judged] = []
        self.metrics: dict[str, float] = {}
        """Without those of plugins in shadow, so that nobody decides by them."""
        self.shadow_metrics: dict[str, float] = {}

    @property
    def all_metrics(self) -> dict[str, float]:
        """All there are, under their names; a plugin in shadow takes no other's name."""
        return {**self.shadow_metrics, **self.metrics}

    def measure(self, moment: Moment, context: Context) -> None:
        """Measure the metrics of a moment; one that cannot be measured is a warning."""
        for owned in self._metrics:
            if owned.item.moment != moment:
                continue
            reader = self.new_reader()
            measure = partial(measured, owned.item, self._seen_by(owned, context, reader))
            with self._guarded(f"metric {owned.item.name}", owned):
                outcome = guarded(measure, limit=METRIC_SECONDS, interrupt=self._interrupt)
                reader.close()
            if outcome.problem is None and outcome.value is not None:
                (self.shadow_metrics if owned.shadow else self.metrics).update(outcome.value)
            else:
                what = outcome.problem.message if outcome.problem else "ended without an answer"
                unmeasured = _unmeasured(owned.plugin, owned.item.name, moment, what)
                (self.shadow if owned.shadow else self.findings).append(unmeasured)

    def ask(self, moment: Moment, context: Context) -> Sequence[Finding]:
        """Ask the validators of a moment; what those in shadow say is kept apart, and is none of the answer.

        Raises ``TargetError`` where one of them ended our transaction.
        """
        found: list[Finding] = []
        for owned in self.validators(moment):
            judged, findings = self.ask_one(owned, context)
            self.note(judged)
            found += findings
        for owned in self.validators(moment, Mode.SHADOW):
            judged, findings = self.ask_one(owned, context)
            self.note(judged)
            self.keep_in_shadow(findings)
        decides = moment is not Moment.BATCH  # what a critical finding about a batch means, the strategy decides
        self.keep(one for one in found if decides or one.severity is not Severity.CRITICAL)
        return found

    def validators(self, moment: Moment, mode: Mode = Mode.ENFORCE) -> Sequence[Owned[Validator]]:
        """Those of a moment, in the order in which they are asked."""
        return [owned for owned in self._validators if owned.item.moment == moment and owned.mode is mode]

    def ask_one(
        self, owned: Owned[Validator], context: Context, keep_out: Callable[[KeepOut], None] | None = None
    ) -> tuple[Judged, Sequence[Finding]]:
        """Ask one validator; keeps nothing of what it says. Raises ``TargetError`` where it ended our transaction."""
        reader = self.new_reader()
        with self._guarded(f"validator {owned.plugin}.{owned.item.name}", owned):
            seen = self._seen_by(owned, context, reader)
            answer = run_validator(owned, seen, interrupt=self._interrupt, keep_out=keep_out)
            reader.close()
        return answer

    def _seen_by(self, owned: Owned[Any], context: Context, reader: GuardedReader) -> Context:
        metrics = {**self.shadow_metrics, **context.metrics} if owned.shadow else context.metrics
        return replace(context, db=reader, metrics=metrics, history=seen_by(owned.plugin, context.history))

    def keep(self, findings: Iterable[Finding]) -> None:
        """Keep findings for the result, each once: the parts of a failed batch are judged again."""
        known = set(self.findings)
        self.findings += [finding for finding in findings if finding not in known]

    def keep_in_shadow(self, findings: Iterable[Finding]) -> None:
        """Keep what a plugin in shadow said, each once."""
        known = set(self.shadow)
        self.shadow += [finding for finding in findings if finding not in known]

    def leave_out(self, plugin: str) -> None:
        """Ask a plugin nothing any more."""
        self._validators = [owned for owned in self._validators if owned.plugin != plugin]
        self._metrics = [owned for owned in self._metrics if owned.plugin != plugin]

    def note(self, judged: Judged) -> None:
        """One line a validator, also where it judged a thousand batches."""
        for at, earlier in enumerate(self.judged):
            if (earlier.plugin, earlier.validator, earlier.moment) == (judged.plugin, judged.validator, judged.moment):
                self.judged[at] = earlier.and_then(judged)
                return
        self.judged.append(judged)

    @contextmanager
    def _guarded(self, who: str, owned: Owned[Any]) -> Iterator[None]:
        try:
            with self._database.read_only(self._connection):
                yield
        except TransactionEnded as error:
            message = f"the {who} ended the update's transaction; nothing was kept"
            hint = "plugin code may only read: run without the plugin, and tell its author"
            if owned.shadow:
                raise ShadowEndedTransaction(owned.plugin, message, hint=hint) from error
            raise TargetError(message, hint=hint) from error

    def _interrupt(self) -> None:
        self._database.interrupt(self._connection)


def measured(metric: Metric, context: Context) -> dict[str, float]:
    """The numbers of a metric by name, those that are finite. Runs under guard, since a mapping may be plugin code."""
    value = metric.measure(context)
    if value is None:
        return {}
    items = list(islice(value.items(), _MAX_METRICS + 1)) if isinstance(value, Mapping) else [("", value)]
    if len(items) > _MAX_METRICS:
        raise Rubbish(f"returned more than {_MAX_METRICS} numbers")
    numbers: dict[str, float] = {}
    for part, number in items:
        if not _is_number(number):
            raise Rubbish(f"returned {type(number).__name__} where a number was due")
        if isfinite(number):
            numbers[f"{metric.name}.{part}" if part else metric.name] = float(number)
    return numbers


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
