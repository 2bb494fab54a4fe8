"""The tables of a task that brings meetings, as its settings name them: ``[tasks.<name>.tables.<table>]``."""

from __future__ import annotations

from typing import Any, Final

TABLES: Final[dict[str, dict[str, Any]]] = {
    "hearings": {"key": "event_id"},
    "hearing_committees": {
        "parent": "hearings",
        "children": "replace",
        "references": {"committee_id": {"to": "committees.system_code", "missing": "create"}},
    },
    "witness_appearances": {
        "parent": "hearings",
        "children": "replace",
        "references": {"witness_id": {"to": "witnesses.full_name,organization", "missing": "create"}},
    },
    "witness_documents": {
        "parent": "witness_appearances",
        "children": "replace",
        "key": ["appearance_id", "document_url"],
    },
}
"""Committees and witnesses are made when a meeting names new ones; what is there of them is left as it is."""
