"""Names in statements: of our own columns in the stage, which a target may not have, and how any name is quoted."""

from __future__ import annotations

from typing import Final

ROW: Final = "vu_row"
"""Primary key of the stage, in the order of staging."""
SEQ: Final = "vu_seq"
"""The record's number in the source."""
SHAPE: Final = "vu_shape"
"""Number of the record's shape."""
UNIT: Final = "vu_unit"
"""Where records carry children: the number of the record that a row came with."""
TABLES: Final = ("vu_stage", "vu_plan", "vu_doomed", "vu_trap", "vu_before", "vu_swept", "vu_kept_out", "vu_kept")
"""Temporary tables of a run. On PostgreSQL they hide others of such a name while they last, so none can be a target."""


def qualified(schema: str | None, name: str) -> str:
    """A table as it stands in a statement."""
    return f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)


def quoted(name: str) -> str:
    """``name`` as an identifier, for statements that go to the driver as they are. Both databases quote alike."""
    return '"' + name.replace('"', '""') + '"'
