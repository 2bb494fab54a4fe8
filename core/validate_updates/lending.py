"""The checks of a plugin that is not selected, for another one to ask as a part of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validate_updates.context import Context
    from validate_updates.declarations import Metric, Validator
    from validate_updates.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What a plugin declares, under its own settings. See :meth:`~validate_updates.declarations.SettingsOf.lend`."""

    plugin: str
    validators: tuple[Validator, ...]
    metrics: tuple[Metric, ...]
    _numbers: dict[str, float] = field(default_factory=dict)

    def ask(self, context: Context) -> Iterator[Finding]:
        """The findings of its validators of the context's moment, who see its own metrics too, measured first.

        A lent check tells, and keeps no records out.
        """
        from validate_updates.findings import Finding
        from validate_updates.judging import measured

        for metric in self.metrics:
            if metric.moment is context.moment:
                self._numbers.update(measured(metric, context))
        context = replace(context, metrics={**context.metrics, **self._numbers})
        for validator in self.validators:
            if validator.moment is context.moment:
                yield from (one for one in validator.check(context) if isinstance(one, Finding))
