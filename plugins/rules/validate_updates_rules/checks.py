"""One thing that must hold, as SQL: what rules and constraints are compiled to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from validate_updates import Severity

if TYPE_CHECKING:
    import sqlalchemy as sa

_SHOWN: Final = 60
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition that a record breaks, and how to say so."""

    rule: str
    """Its name."""
    code: str
    """``rule_`` and the kind of check."""
    severity: Severity
    columns: tuple[str, ...]
    """Columns whose values a message shows; none where it is about the record."""
    broken: sa.ColumnElement[bool]
    """NULL passes, as in a CHECK of a table."""
    what: str
    """The rest of the sentence that begins with the column and its value."""
    own_words: str = ""
    """The owner's, in place of ours."""
    of_table: bool = False
    """A constraint of the table."""
    in_sql: bool = False
    """The owner wrote the condition."""

    @property
    def called(self) -> str:
        """As messages name it."""
        return f"{'constraint' if self.of_table else 'rule'} {self.rule}"

    @property
    def column(self) -> str | None:
        """The column that is to blame, where it is one."""
        return self.columns[0] if self.columns else None

    def message(self, values: Sequence[str | None]) -> str:
        """One sentence about a record with these values in :attr:`columns`."""
        shown = [
            f"{name} {_quoted(value)}" for name, value in zip(self.columns, values, strict=True) if value is not None
        ]
        subject = ", ".join(shown) or ", ".join(self.columns) or "the record"
        said = f"{self.own_words.rstrip('. ')}: {subject}" if self.own_words else f"{subject} {self.what}"
        return f"{said} ({self.called})"


def _quoted(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[: _SHOWN - 1]}…")
