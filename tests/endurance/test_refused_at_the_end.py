"""What only the commit finds: the update is taken back, and what it kept out is told all the same."""

from __future__ import annotations

import pytest

from tests.core.engine.target import Target
from validate_updates import Verdict

TABLES = (
    "CREATE TABLE p (id integer PRIMARY KEY)",
    "CREATE TABLE t (id integer PRIMARY KEY, p integer)",
    "CREATE TABLE noted (p integer REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO p VALUES (1)",
)
SQLITE = ("CREATE TRIGGER note AFTER INSERT ON t BEGIN INSERT INTO noted VALUES (new.p); END",)
FUNCTION = """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO noted VALUES (new.p); RETURN NULL; END $$"""
POSTGRESQL = (FUNCTION, "CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()")
"""What a trigger writes to another table is nobody's record."""


@pytest.mark.parametrize("publish", ["audited", "progressive"])
def test_what_was_kept_out_is_in_quarantine_though_the_commit_was_refused(target: Target, publish: str) -> None:
    target.execute(*TABLES, *(SQLITE if target.is_sqlite else POSTGRESQL))
    records = [{"id": number, "p": 1} for number in range(1, 120)] + [{"id": 200, "p": "none"}, {"id": 300, "p": 2}]
    settings = {"batch": {"publish": publish, "commit_batches": 1}}

    result = target.update(records, plugins=("batch",), settings=settings)

    assert result.verdict is Verdict.REJECTED
    assert target.rows("SELECT * FROM t") == []
    assert (result.counts.quarantined, result.counts.rolled_back) == (1, 120)
    assert target.rows("SELECT record_key FROM update_quarantine") == [("id=200",)]
    assert target.story().run.counts == result.counts
