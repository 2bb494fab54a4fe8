"""How often each check spoke, and how often people said that it was right."""

from __future__ import annotations

from dataclasses import dataclass, replace

from validate_updates import JudgedRun
from validate_updates_reports.figures import Figures, spoke


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One check."""

    check: str
    asked: int = 0
    """Runs in which it was asked."""
    spoke: int = 0
    """Runs about which it had a warning, or worse."""
    right: int = 0
    """Of these the ones that people labelled an incident."""
    false_alarms: int = 0
    """Those that they labelled as expected."""
    unanswered: int = 0
    seconds: float = 0.0

    def and_one(self, run: JudgedRun, *, spoke: bool, seconds: float) -> Tally:
        """With one run more."""
        label = run.run.label if spoke else ""
        return replace(
            self,
            asked=self.asked + 1,
            spoke=self.spoke + spoke,
            right=self.right + (label == "incident"),
            false_alarms=self.false_alarms + (label == "expected"),
            unanswered=self.unanswered + (label is None),
            seconds=self.seconds + seconds,
        )


def tallies(found: Figures) -> list[Tally]:
    """All checks: those that spoke most often first."""
    known: dict[str, Tally] = {}
    for one in found.judged:
        said = set(spoke(one))
        for check in one.judged:
            name = f"{check.plugin}.{check.validator}"
            known[name] = known.get(name, Tally(check=name)).and_one(one, spoke=name in said, seconds=check.seconds)
    return sorted(known.values(), key=lambda one: (-one.spoke, one.check))
