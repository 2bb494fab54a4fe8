"""A table, and updates of it that go well or wrong as the test wants, on a clock of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.core.engine.target import Target
from tests.plugins.saying import Saying
from validate_updates import (
    Finding,
    RunResult,
    Severity,
    run,
)

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
WARNING = Finding(code="odd", severity=Severity.WARNING, message="the numbers are odd", metric="records.read")
CRITICAL = Finding(code="wrong", severity=Severity.CRITICAL, message="this is wrong")
DECISION = Finding(code="promoted", severity=Severity.INFO, message="the canary is promoted")


@dataclass
class World:
    """A target database; each update of it is an hour after the last one, unless told otherwise."""

    url: str
    settings: dict[str, Any] = field(default_factory=dict)
    now: datetime = START
    target: Target = field(init=False)

    def __post_init__(self) -> None:
        self.target = Target(self.url)
        self.target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")

    def update(
        self,
        *findings: Finding,
        decisions: tuple[Finding, ...] = (),
        after: timedelta = timedelta(hours=1),
        task: str = "daily",
        source: Any = ({"id": 1, "name": "one"},),
        plugins: Iterable[str] = (),
        **more: Any,
    ) -> RunResult:
        self.now += after
        return run(
            source,
            target=self.url,
            table=more.pop("table", "t"),
            task=task,
            plugins=("notify", *plugins),
            settings={"notify": self.settings, **more.pop("others", {})},
            extra={"given": Saying(findings, decisions)},
            as_of=self.now,
            **more,
        )

    def told(self) -> list[tuple[str, str]]:
        """What the journal says of messages: (code, message)."""
        rows = self.target.rows("SELECT code, message FROM update_findings WHERE plugin = 'notify' ORDER BY run_id")
        return [(code, message) for code, message in rows]

    def everything(self) -> str:
        """All that is in the database."""
        return "".join(str(self.target.rows(f"SELECT * FROM {name}")) for name in self.target.all_tables())


def hook(shape: str = "generic", **more: Any) -> Mapping[str, Any]:
    """Settings of a webhook."""
    return {"url": "env:HOOK", "shape": shape, **more}
