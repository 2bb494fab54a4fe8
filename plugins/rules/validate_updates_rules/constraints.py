"""What the table's own constraints say, as checks: the same conditions that the database would refuse a record for.

Types, lengths and enums are judged when a record is read; what is left are NOT NULL, UNIQUE and foreign keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from validate_updates import Context, Severity
from validate_updates_rules.checks import Check
from validate_updates_rules.compiling import points_nowhere
from validate_updates_rules.outcome import Outcome, Plain
from validate_updates_rules.settings import Constraints


def whole_columns(context: Context) -> frozenset[str]:
    """Columns that are compared across rows or together: where a record leaves one out, the row's own value counts."""
    together = [columns for columns, _, _ in _foreign_keys(context) if len(columns) > 1]
    return frozenset(
        name for columns in (*together, *_unique_sets(context)) if _is_said(columns, context) for name in columns
    )


def checks_of(outcome: Outcome, constraints: Constraints) -> Iterator[Check]:
    """The constraints of the target that records of this update can break."""
    severity = Severity(constraints)
    context = outcome.context
    for column in context.target.columns:
        if column.nullable or column.generated or column.name in {*context.target.key, *context.pending}:
            continue
        if _is_said((column.name,), context) or not column.has_default:
            yield _not_null(outcome, column.name, severity, has_default=column.has_default)
    for names in _unique_sets(context):
        if _is_said(names, context):
            yield _unique(outcome, names, severity)
    for columns, table, theirs in _foreign_keys(context):
        if _is_said(columns, context) and not _is_linked(columns, table, theirs, context):
            yield _foreign_key(outcome, columns, context.db.table(table), theirs, severity)


def _is_said(columns: tuple[str, ...], context: Context) -> bool:
    """Whether any record brings any of these columns; else no row comes to break what they must hold."""
    return any(name in context.staged.c for name in columns)


def _is_linked(columns: tuple[str, ...], table: str, theirs: Sequence[str], context: Context) -> bool:
    """Whether the values are those of a row of that table, and nothing else."""
    pairs = set(zip(columns, theirs, strict=True))
    return any(
        link.table == table and pairs.issubset(zip(link.columns, link.theirs, strict=True)) for link in context.links
    )


def _not_null(outcome: Outcome, name: str, severity: Severity, *, has_default: bool) -> Check:
    broken: sa.ColumnElement[bool] = outcome.value(name).is_(None)
    left_out = outcome.left_out(name)
    if left_out is not None:
        # An update that leaves the column out leaves it alone; a new row takes the default, where there is one.
        there = sa.not_(left_out) if has_default else sa.or_(outcome.new, sa.not_(left_out))
        broken = sa.and_(broken, there)
    return Check(
        rule="not null",
        code="rule_required",
        severity=severity,
        columns=(name,),
        broken=broken,
        what="is missing",
        of_table=True,
    )


def _unique_sets(context: Context) -> Iterator[tuple[str, ...]]:
    """All but the key, by which the records are told apart anyway."""
    return (names for names in context.target.unique if set(names) != set(context.target.key))


def _unique(outcome: Outcome, names: tuple[str, ...], severity: Severity) -> Check:
    clash = sa.union_all(_later_of_two(outcome, names), _taken_by_others(outcome, names)).subquery()
    broken: sa.ColumnElement[bool] = outcome.row.in_(sa.select(clash.c[0]))
    concerns = outcome.concerns(names)
    return Check(
        rule=f"unique ({', '.join(names)})",
        code="rule_unique",
        severity=severity,
        columns=names,
        broken=broken if concerns is None else sa.and_(concerns, broken),
        what="is taken by another row",
        of_table=True,
    )


def _given(rows: sa.FromClause, names: tuple[str, ...]) -> Iterator[sa.ColumnElement[bool]]:
    return (rows.c[name].is_not(None) for name in names)


def _equal(one: sa.FromClause, other: sa.FromClause, names: tuple[str, ...]) -> sa.ColumnElement[bool]:
    return sa.and_(*(sa.type_coerce(one.c[name], Plain()) == other.c[name] for name in names))


def _later_of_two(outcome: Outcome, names: tuple[str, ...]) -> sa.Select[Any]:
    """Of records that would make rows of the same values, all but one: whose row has them now, or the first written."""
    record, rows = outcome.record.alias(), outcome.context.target.sql.alias()
    own = _equal(rows, record, names)
    place = sa.case((own, -1), else_=record.c[outcome.position.name]).label("place")
    cells = [record.c[name] for name in names]
    of_row = _equal(rows, record, outcome.context.target.key)
    placed = sa.select(record.c["vu_row"], place, *cells).outerjoin(rows, of_row).where(*_given(record, names)).cte()
    cells = [placed.c[name] for name in names]
    several = sa.select(*cells, sa.func.min(placed.c.place).label("first")).group_by(*cells)
    together = several.having(sa.func.count() > 1).subquery()
    query = sa.select(placed.c["vu_row"]).join(together, _equal(placed, together, names))
    return query.where(placed.c.place > together.c["first"])


def _taken_by_others(outcome: Outcome, names: tuple[str, ...]) -> sa.Select[Any]:
    """Records whose values another row of the table has, and keeps: none of the update makes it give them up."""
    context, key = outcome.context, outcome.context.target.key
    one, rows = outcome.record.alias(), context.target.sql.alias()
    staged, planned = context.staged.alias(), context.planned.alias()
    same_row = sa.func.coalesce(_equal(rows, one, key), sa.false())  # a new child may lack its parent's key
    query = (
        sa.select(one.c["vu_row"])
        .join(rows, sa.and_(_equal(rows, one, names), sa.not_(same_row)))
        .outerjoin(staged, sa.and_(*(staged.c[name] == sa.type_coerce(rows.c[name], Plain()) for name in key)))
        .outerjoin(planned, sa.and_(planned.c.row == staged.c["vu_row"], planned.c.action != "D"))
    )
    # A row that the update changes too may change in these values; where it does not, they clash as rows of records.
    stays: sa.ColumnElement[bool] = planned.c.row.is_(None)
    if context.counts.deleted or (outcome.unit and _rows_go(context)):
        stays = sa.and_(stays, staged.c["vu_row"].is_not(None))  # those that no record is about go
    return query.where(stays)


def _rows_go(context: Context) -> bool:
    """Whether children are deleted that their parents no longer list."""
    deletes = sa.select(sa.literal(1)).where(context.planned.c.action == "D").limit(1)
    return context.db.scalar(deletes) is not None


def _foreign_keys(context: Context) -> Iterator[tuple[tuple[str, ...], str, list[str]]]:
    """Columns, the table that they refer to, and its columns. What is not of this schema is left to the database."""
    tables = set(context.db.tables())
    for constraint in context.target.sql.foreign_key_constraints:
        columns = tuple(str(column.name) for column in constraint.columns)
        theirs = [element.target_fullname.rpartition(".") for element in constraint.elements]
        table = theirs[0][0].removeprefix(f"{context.target.schema}." if context.target.schema else "")
        if table in tables:
            yield columns, table, [name for _, _, name in theirs]


def _foreign_key(
    outcome: Outcome, columns: tuple[str, ...], other: sa.Table, theirs: list[str], severity: Severity
) -> Check:
    broken, concerns = points_nowhere(outcome, columns, other, theirs), outcome.concerns(columns)
    return Check(
        rule=f"foreign key ({', '.join(columns)})",
        code="rule_exists",
        severity=severity,
        columns=columns,
        broken=broken if concerns is None else sa.and_(concerns, broken),
        what=f"is not in {other.name}.{', '.join(theirs)}",
        of_table=True,
    )
