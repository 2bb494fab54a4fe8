"""Names of our own columns in the stage. A target may not have columns of these names."""

from __future__ import annotations

from typing import Final

ROW: Final = "vu_row"
"""Primary key of the stage, in the order of staging."""
SEQ: Final = "vu_seq"
"""The record's number in the source."""
SHAPE: Final = "vu_shape"
"""Number of the record's shape."""
