"""The check of this plugin: one for all rules, since they are one pass over the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from validate_updates import Context, Finding, KeepOut, Moment, Validator
from validate_updates_rules.settings import Constraints, RulesSettings

_SECONDS = 600.0
"""For all rules together; a rule may look into other tables."""


def validators(settings: RulesSettings) -> Iterator[Validator]:
    """Nothing where there is nothing to check."""
    if settings.rules or settings.target_constraints is not Constraints.OFF:
        yield Validator(
            name="records",
            moment=Moment.RECORDS,
            check=partial(_check, settings),
            summary="the records, by the rules of the settings and the constraints of the table",
            time_limit=_SECONDS,
        )


def _check(settings: RulesSettings, context: Context) -> Iterable[Finding | KeepOut]:
    from validate_updates_rules.judging import judge  # with SQLAlchemy, which a run has loaded by now

    return judge(settings, context)
