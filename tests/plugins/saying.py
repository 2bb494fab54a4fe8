"""A plugin that says what it is told to, and whose source has nothing yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from validate_updates import (
    Finding,
    Moment,
    Observer,
    Occasion,
    RecordSource,
    SourceContext,
    TryLater,
    Validator,
    hookimpl,
)


def _later(_: SourceContext) -> Iterable[Mapping[str, Any]]:
    raise TryLater("the quota is used up", hint="come again")


@dataclass(frozen=True, slots=True)
class Saying:
    """Its check finds what it is given, and its observer concludes what it is given."""

    findings: tuple[Finding, ...] = ()
    decisions: tuple[Finding, ...] = ()

    @hookimpl
    def vu_validators(self) -> Iterable[Validator]:
        yield Validator(name="check", moment=Moment.RESULT, check=lambda _: self.findings, summary="a check")

    @hookimpl
    def vu_sources(self) -> Iterable[RecordSource]:
        yield RecordSource(name="later", read=_later, summary="has nothing yet")

    @hookimpl
    def vu_observers(self) -> Iterable[Observer]:
        if self.decisions:
            yield Observer(
                name="judge", occasion=Occasion.RECORDED, observe=lambda _: self.decisions, summary="concludes"
            )
