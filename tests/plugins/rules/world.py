"""A target that is updated under rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.core.quarantine.world import World
from validate_updates import RunResult

Record = dict[str, Any]

HEARINGS = """CREATE TABLE t (
    id integer PRIMARY KEY, title text, chamber text, pages integer, fee numeric(8,2), score double precision,
    open boolean, day date, starts timestamp, ends timestamp, code text, written text
)"""


@dataclass(frozen=True, slots=True)
class Ruled(World):
    """Its table is ``t``, with the key ``id``."""

    def apply(
        self,
        records: Sequence[Record],
        *rules: dict[str, Any],
        plugins: tuple[str, ...] = ("rules",),
        constraints: str = "critical",
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> RunResult:
        """Run an update, and see to it that its counts add up and are what the journal and the quarantine say."""
        ours = {"rules": list(rules), "target_constraints": constraints}
        result = self.update(records, plugins=plugins, settings={"rules": ours, **(settings or {})}, **options)
        assert result.counts.add_up
        if not options.get("dry_run"):
            story = self.story(result.run_id)
            assert story.run.counts == result.counts
            assert story.kept_out_total == result.counts.quarantined
        return result

    def ids(self) -> list[int]:
        return [number for (number,) in self.rows("SELECT id FROM t ORDER BY id")]

    def reasons(self) -> dict[str, tuple[str, str | None, str]]:
        """Of the newest run: key -> code, column and rule of each record in quarantine."""
        run_id = self.story().run.run_id
        kept = [entry.kept for entry in self.entries(run_id=run_id)]
        return {str(one.key).removeprefix("id="): (one.code, one.column, one.constraint) for one in kept}
