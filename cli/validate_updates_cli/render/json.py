"""The result as one JSON object, documented field by field in ``docs/cli.md``.

It is pure ASCII: values are exact, and none of them can reach a terminal as an escape code or a hidden mark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from validate_updates.result import SCHEMA_VERSION

if TYPE_CHECKING:
    from validate_updates.result import RunResult


def result_json(result: RunResult) -> str:
    """The object on one line, so that a log of results is a file of JSON lines."""
    fields = msgspec.to_builtins(result, enc_hook=_basic)
    head = {"schema_version": fields.pop("schema_version"), "exit_code": int(result.exit_code)}
    return as_json(head | fields | {"opposed_in_shadow": result.opposed_in_shadow})


def as_json(value: Any) -> str:
    """Any plain data or dataclasses as JSON on one line. What is no finite number becomes null."""
    text = json.dumps(_finite(msgspec.to_builtins(value, enc_hook=_basic)), allow_nan=False)
    return text.replace("##[", "#\\u0023[") + "\n"  # "##[" is a command to some CI systems, wherever it stands


def answer_json(data: Mapping[str, Any]) -> str:
    """What a command answers."""
    return as_json({"schema_version": SCHEMA_VERSION, **data})


def _basic(value: Any) -> Any:
    """What msgspec has no rule for: text and numbers of other libraries' types, objects of plugins."""
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
