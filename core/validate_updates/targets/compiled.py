"""Statements about the journal are compiled once a process, not once a run.

SQLAlchemy keeps compiled statements with the engine. Most of a run's are about tables of its own, which no other run
will ask for again: to keep these would only hold on to what they name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.util import LRUCache

from validate_updates.journal.tables import is_of_a_journal

if TYPE_CHECKING:
    from sqlalchemy.engine import Compiled


class CompiledStatements(LRUCache[Any, "Compiled"]):
    """To be given to an engine as ``compiled_cache``."""

    def __init__(self) -> None:
        super().__init__(500)  # as SQLAlchemy's own
        self._lasting: set[Any] = set()

    def forget_the_last_run(self) -> None:
        """Keep what is about the journal alone."""
        for key in [key for key in self if key not in self._lasting]:
            compiled = self.pop(key, None)
            if compiled is not None and _lasts(compiled):
                self[key] = compiled
                self._lasting.add(key)


def _lasts(compiled: Compiled) -> bool:
    statement = compiled.statement
    if statement is None or isinstance(statement, sa.TextClause):
        return statement is not None
    named = (part for part in visitors.iterate(statement) if isinstance(part, sa.TableClause))
    return all(isinstance(table, sa.Table) and is_of_a_journal(table) for table in named)
