"""The stages of a run: a temporary table for each table of the tree, every row with the number of its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from validate_updates.targets.names import SEQ, SHAPE, UNIT
from validate_updates.targets.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.base import Database
    from validate_updates.units.tree import Member, Tree


class MemberStage(Stage):
    """The temporary table ``vu_stage_N``. Its rows are numbered by ``vu_seq``; those of the root as the records are."""

    def __init__(self, database: Database, connection: sa.Connection, member: Member) -> None:
        self.member = member
        self.lists: dict[int, frozenset[int]] = {}
        """Number of a shape -> the tables of which its records list children."""
        super().__init__(database, connection, member.staged)

    @property
    def _number(self) -> sa.Column[Any]:
        return self.table.c[SEQ]

    @property
    def unit(self) -> sa.Column[Any]:
        """The number of the record that a row came with."""
        return self.table.c[SEQ if self.member.parent is None else UNIT]

    @property
    def keyed(self) -> bool:
        """Whether the stage itself has the whole key: no part of it comes from elsewhere."""
        key = self.member.target.key
        return not any(name in self.member.joined or self.member.pointer(name) for name in key)

    def _create(self, key: Sequence[str]) -> sa.Table:
        member = self.member
        number = sa.Column(SEQ, sa.Integer, primary_key=True) if self._database.is_sqlite else _big(SEQ)
        linked = [] if member.parent is None else [_big(name) for name in dict.fromkeys((UNIT, member.up))]
        cells = [self._column(name) for name in key if self.keyed]
        table = sa.Table(
            f"vu_stage_{member.number}",
            sa.MetaData(),
            number,
            sa.Column(SHAPE, sa.Integer, nullable=False),
            *linked,
            *cells,
            prefixes=["TEMPORARY"],
        )
        self._connection.execute(CreateTable(table))
        return table


class Stages:
    """All of them, parents before their children."""

    def __init__(self, database: Database, connection: sa.Connection, tree: Tree) -> None:
        self._database = database
        self._connection = connection
        self.tree = tree
        self.stages = [MemberStage(database, connection, member) for member in tree.members]

    def __getitem__(self, number: int) -> MemberStage:
        return self.stages[number]

    def settle(self) -> int:
        """Keep the last record of each key of the root's, and of rows that records share; how many records went."""
        root = self.stages[0]
        gone = root.settle_duplicates() if root.keyed else 0
        if gone:
            self.remove_without_root()
        for stage in self.stages:
            names = [name for name in (SEQ, UNIT, stage.member.up) if name in stage.table.c]
            self._database.analyze(self._connection, stage.table, list(dict.fromkeys(names)))
        return gone

    def remove(self, units: Sequence[int]) -> int:
        """Take records out again, with all that came with them; how many there were."""
        gone = 0
        for stage in self.stages:
            for start in range(0, len(units), _TOGETHER):
                some = stage.unit.in_(units[start : start + _TOGETHER])
                rows = self._connection.execute(stage.table.delete().where(some)).rowcount
                gone += rows if stage.member.parent is None else 0
        return gone

    def remove_rows(self, member: Member, rows: Sequence[int]) -> None:
        """Take out rows of one table, with what is below them."""
        stage = self.stages[member.number]
        for start in range(0, len(rows), _TOGETHER):
            some = stage.table.c[SEQ].in_(rows[start : start + _TOGETHER])
            self._connection.execute(stage.table.delete().where(some))
        for child in self.tree.children(member):
            below = self.stages[child.number].table
            orphans = below.c[child.up].not_in(sa.select(stage.table.c[SEQ]))
            gone = list(self._connection.scalars(sa.select(below.c[SEQ]).where(orphans))) if rows else []
            if gone:
                self.remove_rows(child, gone)

    def remove_without_root(self) -> None:
        """Take out what came with records that are no longer there."""
        root, *others = self.stages
        for stage in others:
            there = sa.exists().where(root.table.c[SEQ] == stage.unit)
            self._connection.execute(stage.table.delete().where(~there))


_TOGETHER = 500
"""Numbers in one statement."""


def _big(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger)
