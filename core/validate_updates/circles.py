"""Records that need each other in a circle: each wants what another one brings, so that only together they can land.

One brings a row that others refer to, or gives up a unique value.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.targets.plan import INSERT, UPDATE

if TYPE_CHECKING:
    from validate_updates.context import BatchInfo
    from validate_updates.targets.plan import Plan

_AT_ONCE = 200
"""Ranges asked for by one statement."""
_Cells = tuple[Any, ...]
_Rule = tuple[Sequence[str], Sequence[str], bool]
"""Columns that want, columns that bring, and whether what these bring is what they had."""


def circles(plan: Plan, connection: sa.Connection, parts: Sequence[BatchInfo]) -> list[list[BatchInfo]]:
    """Those of ``parts``, which do not overlap, that are in a circle, circle by circle; what a circle needs first."""
    parts = sorted(parts, key=lambda part: part.first)
    rules = _rules(plan, connection)
    wants: list[tuple[int, tuple[int, _Cells]]] = []
    brings: dict[tuple[int, _Cells], int] = {}
    for position, new, old in _rows(plan, connection, parts, rules) if rules else ():
        part = bisect_right(parts, position, key=lambda part: part.first) - 1
        for number, (wanted, brought, given_up) in enumerate(rules):
            wants.append((part, (number, tuple(new[name] for name in wanted))))
            before, after = (tuple(row[name] for name in brought) for row in (old, new))
            if before != after:
                brings[number, before if given_up else after] = part
    needs: dict[int, set[int]] = {}
    for waiting, awaited in plan.needs():
        one, other = _part_at(parts, waiting), _part_at(parts, awaited)
        if one is not None and other is not None and one != other:
            needs.setdefault(one, set()).add(other)
    for part, wanted_cells in wants:
        bringer = brings.get(wanted_cells)
        if bringer is not None and bringer != part and None not in wanted_cells[1]:
            needs.setdefault(part, set()).add(bringer)
    return [[parts[part] for part in sorted(circle)] for circle in _connected(needs)]


def _part_at(parts: Sequence[BatchInfo], position: int) -> int | None:
    """Which of ``parts``, in order, holds a position."""
    place = bisect_right(parts, position, key=lambda part: part.first) - 1
    return place if place >= 0 and position <= parts[place].last else None


def _rules(plan: Plan, connection: sa.Connection) -> list[_Rule]:
    """What one record may need of another."""
    target = plan.target
    known = {name.lower(): name for name in target.names}
    rules: list[_Rule] = []
    for key in sa.inspect(connection).get_foreign_keys(target.name, schema=target.schema):
        if key["referred_table"].lower() == target.name.lower() and key["referred_schema"] == target.schema:
            wanted, brought = key["constrained_columns"], key["referred_columns"]
            rules.append(([known[name.lower()] for name in wanted], [known[name.lower()] for name in brought], False))
    return [*rules, *((names, names, True) for names in target.unique if set(names) != set(plan.key))]


def _rows(
    plan: Plan, connection: sa.Connection, parts: Sequence[BatchInfo], rules: Sequence[_Rule]
) -> Iterator[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """Position, cells as they are to be and as they are, of the records that are to be written."""
    rows = plan.rows
    names = sorted({name for wanted, brought, _ in rules for name in (*wanted, *brought)})
    found = plan.records.outerjoin(rows, plan.same_key(plan.cells))
    new, old = (
        [plan.cell(name) if name in plan.key else plan.becomes(name) for name in names],
        [rows.c[name] for name in names],
    )
    labelled = [cell.label(f"c{number}") for number, cell in enumerate([*new, *old])]
    query = sa.select(plan.table.c.pos, *labelled).select_from(found)
    query = query.where(plan.table.c.action.in_((INSERT, UPDATE)))
    for start in range(0, len(parts), _AT_ONCE):
        within = (plan.table.c.pos.between(part.first, part.last) for part in parts[start : start + _AT_ONCE])
        for position, *cells in connection.execute(query.where(sa.or_(*within))):
            comparable = [repr(cell) if isinstance(cell, dict | list) else cell for cell in cells]
            yield (
                position,
                dict(zip(names, comparable[: len(names)], strict=True)),
                dict(zip(names, comparable[len(names) :], strict=True)),
            )


def _connected(needs: Mapping[int, Iterable[int]]) -> Iterator[list[int]]:
    """Strongly connected components of more than one node, in Tarjan's order: what a component needs comes first."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    open_nodes: set[int] = set()
    for root in needs:
        walk = [(root, iter(needs[root]))] if root not in index else []
        while walk:
            node, rest = walk[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                path.append(node)
                open_nodes.add(node)
            for other in rest:
                if other not in index:
                    walk.append((other, iter(needs.get(other, ()))))
                    break
                if other in open_nodes:
                    low[node] = min(low[node], low[other])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == index[node]:
                    start = path.index(node)
                    component, path[start:] = path[start:], []
                    open_nodes.difference_update(component)
                    if len(component) > 1:
                        yield component
