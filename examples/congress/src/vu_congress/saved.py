"""The source ``congress:saved``: answers of the API that were saved to files, a folder a day, each day once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from validate_updates import PlacedRecord, SourceContext, SourceError, UnreadableRecord
from vu_congress.fetching import read_meeting
from vu_congress.settings import Congress


def read_saved(settings: Congress, context: SourceContext) -> Iterator[PlacedRecord | UnreadableRecord]:
    """The days after the last one that was read, up to the day of the run."""
    for day, file in _days(Path(settings.saved)):
        if (context.watermark or "") < day <= f"{context.as_of:%Y-%m-%d}":
            yield from _read(file, day)
            context.advance(day)


def _days(folder: Path) -> list[tuple[str, Path]]:
    found = sorted((file.parent.name, file) for file in folder.glob("*/meetings.jsonl") if _is_day(file.parent.name))
    if not found:
        raise SourceError(f"there is no DAY/meetings.jsonl in {folder}", hint="set [plugins.congress] saved")
    return found


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _read(file: Path, day: str) -> Iterator[PlacedRecord | UnreadableRecord]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            place = f"{day}, line {number}"
            try:
                yield read_meeting(msgspec.json.decode(line), place)
            except msgspec.DecodeError as error:
                raw = line.decode("utf-8", "replace")
                yield UnreadableRecord(code="bad_json", message=str(error), place=place, raw=raw)
