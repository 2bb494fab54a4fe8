"""A task over some weeks, with what goes right and wrong in them; and its reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.core.engine.target import Target
from validate_updates import Finding, Moment, RunResult, Section, Severity, Validator, hookimpl
from validate_updates.reporting import Told, Window, reports, told
from validate_updates.settings import load_settings

NOON = datetime(2024, 5, 31, 12, tzinfo=UTC)
SETTINGS = """
target = "{url}"

[tasks.daily]
source = "day.jsonl"
plugins = []

[tasks.daily.tables.t]
"""


class Loud:
    """A plugin with a check that warns of a record whose title is loud, and one that has nothing to say."""

    @hookimpl
    def vu_validators(self) -> Iterable[Validator]:
        def loud(context: Any) -> Iterable[Finding]:
            found = context.db.rows(context.staged.select().where(context.staged.c.title == "LOUD"))
            if found:
                yield Finding(code="loud", severity=Severity.WARNING, message="it is loud")

        yield Validator(name="loud", moment=Moment.PLAN, check=loud, summary="loud titles")
        yield Validator(name="mute", moment=Moment.PLAN, check=lambda _: [], summary="nothing")


@dataclass(frozen=True)
class World:
    """The table ``t`` of a database, and settings for a task over it."""

    target: Target
    folder: Path

    def made(self) -> World:
        self.target.execute(
            "CREATE TABLE t (id integer PRIMARY KEY, title varchar(200), amount integer CHECK (amount > 0))"
        )
        (self.folder / "validate-updates.toml").write_text(SETTINGS.format(url=self.target.url))
        return self

    def update(self, *records: Mapping[str, Any], days: float = 0.0, hours: float = 0.0, **options: Any) -> RunResult:
        """An update so long before noon of the last day."""
        at = NOON - timedelta(days=days, hours=hours)
        return self.target.judged(list(records), Loud(), task="daily", as_of=at, **options)

    def label(self, run: RunResult, label: str) -> None:
        """What a person says of a run."""
        self.target.execute(f"UPDATE update_logs SET label = '{label}' WHERE run_id = '{run.run_id}'")

    def report(self, name: str, **window: Any) -> Told:
        found = reports(load_settings(self.folder / "validate-updates.toml"))
        return told(found, name, "daily", Window(**{"until": NOON, **window}))


def record(number: int, title: str = "a", amount: int = 1) -> dict[str, Any]:
    return {"id": number, "title": title, "amount": amount}


def section(given: Told, title: str) -> Section:
    (found,) = (one for one in given.sections if one.title == title)
    return found


def rows(given: Told, title: str) -> dict[str, tuple[str, ...]]:
    """The rows of a section by their first cell."""
    return {row[0]: row[1:] for row in section(given, title).rows}
