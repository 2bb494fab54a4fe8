"""The checks: an update's numbers against those of earlier updates, at its plan and again at its result.

At the result only what is new is judged: numbers that are measured there, and those that the strategy has changed.
While the past is too short, the fixed limits of another plugin are asked in place of it, at both moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from validate_updates import Context, Finding, Moment, SettingsOf, Severity, Validator
from validate_updates_historical import telling
from validate_updates_historical.history_of import Foretold, watched_of
from validate_updates_historical.remembering import remembered
from validate_updates_historical.seasons import Seasons, seasons
from validate_updates_historical.settings import Historical

if TYPE_CHECKING:
    from validate_updates import Lent

FALLBACK: Final = "static_thresholds"
"""Whose fixed limits hold while the past is too short."""
_WHOLE_DATABASE: Final = 600.0
"""Seconds for fixed limits, some of which read all of the database."""


def validators(settings: SettingsOf) -> Iterator[Validator]:
    """The checks of one run."""
    limits = settings[Historical]
    looks = Looks(limits, seasons(limits.calendar), settings)
    yield Validator(
        name="unusual", moment=Moment.PLAN, check=looks.at_plan, summary="what is planned, against earlier updates"
    )
    yield Validator(
        name="unusual_result",
        moment=Moment.RESULT,
        check=looks.at_result,
        summary="what is known only when all is written, against earlier updates",
    )
    if FALLBACK not in settings.selected:
        for name, moment in (("fixed_limits", Moment.PLAN), ("fixed_limits_result", Moment.RESULT)):
            yield Validator(
                name=name,
                moment=moment,
                check=looks.at_fixed_limits,
                summary=f"the checks of {FALLBACK}, while the past is too short",
                time_limit=_WHOLE_DATABASE,
            )


@dataclass(slots=True)
class Looks:
    """The looks at one update. Its past is read and learned from once."""

    settings: Historical
    seasons: Seasons
    plugins: SettingsOf
    _foretold: Foretold | None = None
    _judged: dict[str, float] = field(default_factory=dict)
    _lent: list[Lent] = field(default_factory=list)

    def at_plan(self, context: Context) -> Iterator[Finding]:
        """What would happen. Says so where there is too little past to tell."""
        if context.run.kind == "replay":
            yield Finding(
                code="not_checked",
                severity=Severity.INFO,
                message="a replay is not compared with updates: its records are few, and were bad",
            )
            return
        if self._learning(context):
            yield telling.learning_finding(self._past(context), f"the fixed limits of {FALLBACK} judge")
        self._judged = {}
        yield from self._look(context)

    def at_result(self, context: Context) -> Iterator[Finding]:
        """What has happened, where that is not what was judged already."""
        if context.run.kind != "replay":
            yield from self._look(context)

    def at_fixed_limits(self, context: Context) -> Iterator[Finding]:
        """The fixed limits, in place of a past that is too short."""
        if context.run.kind == "replay" or self._learning(context):
            if not self._lent:
                self._lent.append(self.plugins.lend(FALLBACK))
            yield from self._lent[0].ask(context)

    def _past(self, context: Context) -> Foretold:
        if self._foretold is None:
            self._foretold = remembered(context.history, context.run.as_of, self.settings, self.seasons)
        return self._foretold

    def _learning(self, context: Context) -> bool:
        from validate_updates_historical.judgement import Phase

        return self._past(context).phase is not Phase.JUDGING

    def _look(self, context: Context) -> Iterator[Finding]:
        known = self._past(context)
        values = known.past.complete(watched_of(context.metrics, self.settings), context.counts.read)
        new = {name: value for name, value in values.items() if self._judged.get(name) != value}
        self._judged |= new
        run_id = None if context.run.dry_run else context.run.run_id
        alerts = known.judge(new).alerts
        for alert in sorted(alerts, key=lambda one: -one.signals[0].strength):
            yield telling.told(alert, known, run_id=run_id)
