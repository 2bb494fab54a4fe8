"""Statements about the journal are compiled once a process, not once a run.

SQLAlchemy keeps compiled statements with the engine. Most of a run's are about tables of its own, which no other run
will ask for again: to keep these would only hold on to what they name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.util import LRUCache

from validate_updates.journal.tables import is_of_a_journal

if TYPE_CHECKING:
    from sqlalchemy.engine import Compiled


_OPTION: Final = "compiled_cache"


class _Statements(LRUCache[Any, "Compiled"]):
    """Those of one engine."""

    def __init__(self) -> None:
        super().__init__(500)  # as SQLAlchemy's own
        self._lasting: set[Any] = set()

    def forget_the_last_run(self) -> None:
        for key in set(self) - self._lasting:
            if not _lasts(self[key]):
                self.pop(key, None)  # another run may be doing the same
        self._lasting = set(self)


def kept_statements() -> dict[str, Any]:
    """The execution options of an engine that serves all runs of a process."""
    return {_OPTION: _Statements()}


def forget_the_last_run(engine: sa.Engine) -> None:
    """Keep, of the statements of such an engine, those about the journal alone."""
    statements: _Statements = engine.get_execution_options()[_OPTION]
    statements.forget_the_last_run()


def _lasts(compiled: Compiled) -> bool:
    statement = compiled.statement
    if statement is None:
        return False
    named = (part for part in visitors.iterate(statement) if isinstance(part, sa.TableClause))
    return all(isinstance(table, sa.Table) and is_of_a_journal(table) for table in named)
