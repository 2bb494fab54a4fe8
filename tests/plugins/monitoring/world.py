"""A task whose runs go as the test wants, on a clock of its own, and the desk of a command that looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.core.engine.target import Target
from tests.plugins.saying import Saying
from validate_updates import (
    Finding,
    RunResult,
    Severity,
    run,
)
from validate_updates.desk import SettingsDesk
from validate_updates.settings import load_settings
from validate_updates_monitoring.criteria import Criterion, criteria
from validate_updates_monitoring.figures import figures
from validate_updates_monitoring.health import Report, judged
from validate_updates_monitoring.settings import Monitoring

START = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ALERT = Finding(code="odd", severity=Severity.WARNING, message="the numbers are odd")
WRONG = Finding(code="wrong", severity=Severity.CRITICAL, message="this is wrong")


@dataclass
class World:
    """A target database and a settings file; each update is a day after the last one, unless told otherwise."""

    url: str
    folder: Path
    now: datetime = START
    next_id: int = 1
    target: Target = field(init=False)

    def __post_init__(self) -> None:
        self.target = Target(self.url)
        self.target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text CHECK (name <> 'refused'))")
        (self.folder / "validate-updates.toml").write_text(
            f'target = "{self.url}"\n[tasks.daily]\nsource = "x"\n[tasks.daily.tables.t]\n'
        )

    @property
    def config(self) -> Path:
        return self.folder / "validate-updates.toml"

    def update(
        self,
        *findings: Finding,
        after: timedelta = DAY,
        records: int = 4,
        bad: int = 0,
        refused: int = 0,
        plugins: Iterable[str] = (),
        **more: Any,
    ) -> RunResult:
        """One run of new records: the last cannot be read, those before them the database refuses."""
        self.now += after
        names = ["x"] * (records - bad - refused) + ["refused"] * refused
        rows: list[Mapping[str, Any]] = [{"id": self.next_id + n, "name": name} for n, name in enumerate(names)]
        rows += [{"id": f"bad {number}", "name": "x"} for number in range(bad)]
        self.next_id += records
        source = more.pop("source", rows)
        options: dict[str, Any] = {"table": "t", "task": "daily", "as_of": self.now, **more}
        return run(source, target=self.url, plugins=tuple(plugins), extra={"given": Saying(findings)}, **options)

    def failed(self) -> RunResult:
        return self.update(source=self.folder / "nowhere.jsonl")

    def report(self, *, days: float = 7, after: timedelta = timedelta(hours=1), **settings: Any) -> Report:
        """What the command would show so long after the last run."""
        wanted = Monitoring(**settings)
        desk = SettingsDesk(load_settings(self.config), "monitoring")
        with desk.journal("daily") as journal:
            found = figures(journal, "daily", now=self.now + after, days=days, watched=wanted.watched)
        return judged(found, criteria(found, wanted), wanted)

    def criterion(self, name: str, **options: Any) -> Criterion:
        (found,) = (one for one in self.report(**options).criteria if one.name == name)
        return found
