"""A feed that grows: its runs may take longer, and no plugin is at fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Growth:
    """How many times the records of earlier runs later ones read, at least 1: so many times as long may they take."""

    times: float

    @property
    def words(self) -> str:
        """To stand behind the seconds of the earlier runs; empty where there are no more records."""
        return f" x {self.times:.2f}, as there are more records" if self.times > 1 else ""


def grown(now: Sequence[int], before: Sequence[int]) -> Growth:
    """Compare the records that runs read, by the medians; there are some of each."""
    return Growth(max(1.0, median(now) / max(median(before), 1)))
