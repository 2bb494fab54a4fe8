"""An undo log of before its entries had numbers of their own is brought along, and takes back what it took down."""

from __future__ import annotations

import sqlalchemy as sa

from tests.core.engine.target import Target
from tests.core.undo.taking_back import taken_back
from validate_updates.journal.schema import upgrade

CELLS = "b0, b1, b2, a0, a1, a2"
SQLITE = f"""
CREATE TABLE old (run_id TEXT NOT NULL, batch_no BIGINT NOT NULL, undo_no BIGINT NOT NULL, table_name TEXT NOT NULL,
    action TEXT NOT NULL, before_image TEXT, after_image TEXT, {CELLS}, PRIMARY KEY (run_id, batch_no, undo_no));
INSERT INTO old SELECT run_id, batch_no, CASE action WHEN 'L' THEN 0 ELSE entry_no % 4096 END, u.table_name, action,
    before_image, after_image, {CELLS} FROM update_undo u JOIN update_logs ON run_no = entry_no / 1099511627776;
"""
POSTGRESQL = """
CREATE TABLE old (run_id TEXT NOT NULL, batch_no BIGINT NOT NULL, undo_no BIGINT NOT NULL, table_name TEXT NOT NULL,
    action TEXT NOT NULL, before_image TEXT, after_image TEXT,
    CONSTRAINT old_pkey PRIMARY KEY (run_id, batch_no, undo_no));
INSERT INTO old SELECT run_id, batch_no, CASE action WHEN 'L' THEN 0 ELSE entry_no % 4096 END, u.table_name, action,
    CASE action WHEN 'L' THEN to_json(before_image)::text ELSE before_image::text END, after_image::text
    FROM update_undo u JOIN update_logs ON run_no = entry_no / 1099511627776;
"""
AS_IT_WAS = """
DROP TABLE update_undo;
DROP TABLE update_switches;
DROP VIEW update_metrics;
ALTER TABLE update_logs DROP COLUMN metrics;
CREATE TABLE update_metrics (run_id TEXT NOT NULL, name TEXT NOT NULL, value DOUBLE PRECISION NOT NULL);
ALTER TABLE old RENAME TO update_undo;
UPDATE update_version SET version_num = '0003';
"""


def test_what_was_taken_down_before_can_be_taken_back_after(target: Target) -> None:
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, name text, note text)")
    target.execute("INSERT INTO t VALUES (1, 'one', NULL), (2, '{\"a,b\",c}', 'it''s')")
    before = target.rows("SELECT * FROM t ORDER BY id")
    first = target.update([{"id": 1, "name": "changed"}, {"id": 3, "name": "new"}]).run_id
    between = target.rows("SELECT * FROM t ORDER BY id")
    second = target.update([{"id": 2, "name": "NULL"}, {"id": 1, "note": '"\\'}]).run_id

    script = (SQLITE if target.url.startswith("sqlite") else POSTGRESQL) + AS_IT_WAS
    for statement in script.split(";\n"):
        if statement.strip():
            target.execute(statement)
    engine = sa.create_engine(target.url.replace("postgresql:", "postgresql+psycopg:"))
    assert upgrade(engine, "update_")[0] == "0004"
    engine.dispose()

    assert taken_back(target, second).restored == 2
    assert target.rows("SELECT * FROM t ORDER BY id") == between
    taken_back(target, first)
    assert target.rows("SELECT * FROM t ORDER BY id") == before
    assert target.rows("SELECT * FROM update_undo") == []
